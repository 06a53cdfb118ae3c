//! The days on which a store has backups, by month, for `sets --timeline` and pages. Pure.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Serialize;

use super::sets::{SetRow, SetsReport};
use crate::model::stamp::Stamp;
use crate::model::text::count;

/// What a store has of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayMark {
    /// No backup.
    Nothing,
    /// Backups that cannot be restored.
    Incomplete,
    /// An incremental backup of a set that is deleted soon.
    ExpiringIncremental,
    /// An incremental backup.
    Incremental,
    /// The full backup of a set that is deleted soon.
    ExpiringFull,
    /// A full backup.
    Full,
}

/// A set that a lifecycle rule deletes within so many days is marked.
const SOON: Days = Days::new(31);

impl DayMark {
    fn letter(self) -> char {
        match self {
            DayMark::Nothing => '.',
            DayMark::Incomplete => '!',
            DayMark::ExpiringIncremental => 'x',
            DayMark::Incremental => 'i',
            DayMark::ExpiringFull => 'X',
            DayMark::Full => 'F',
        }
    }
}

/// A month, with a mark for each of its days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineMonth {
    /// As in `2026-11`.
    pub month: String,
    pub days: Vec<DayMark>,
    /// How many backups the month has, because a mark can stand for several.
    pub backups: u64,
    /// How many of them the day with the most backups has.
    pub most_of_a_day: u64,
}

impl TimelineMonth {
    /// `2026-03  !!.F!.                           5 backups, up to 2 a day`
    fn to_text(&self) -> String {
        let days: String = self.days.iter().map(|day| day.letter()).collect();
        let backups = match (self.backups, self.most_of_a_day) {
            (0, _) => String::new(),
            (backups, 1) => count(backups, "backup"),
            (backups, most) => format!("{}, up to {most} a day", count(backups, "backup")),
        };
        let line = format!("{}  {days:<31}  {backups}", self.month);
        format!("{}\n", line.trim_end())
    }
}

/// The months from the oldest backup to today, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Timeline(Vec<TimelineMonth>);

impl Timeline {
    /// `today` is that of the clock of the stamps; its later days are not part of the timeline.
    pub fn new(report: &SetsReport, today: NaiveDate) -> Timeline {
        let mut marks: BTreeMap<NaiveDate, (DayMark, u64)> = BTreeMap::new();
        let mut add = |stamp: Stamp, mark: DayMark| {
            let (day, backups) = marks.entry(stamp.day()).or_insert((mark, 0));
            *day = mark.max(*day);
            *backups += 1;
        };
        for set in &report.sets {
            let if_whole = |whole: bool, mark| if whole { mark } else { DayMark::Incomplete };
            let [full, incremental] = match is_expiring(set, today) {
                true => [DayMark::ExpiringFull, DayMark::ExpiringIncremental],
                false => [DayMark::Full, DayMark::Incremental],
            };
            add(set.full, if_whole(set.complete, full));
            for backup in &set.incrementals {
                let whole = set.complete && backup.complete;
                add(backup.stamp, if_whole(whole, incremental));
            }
        }
        let Some(oldest) = marks.keys().next() else {
            return Timeline::default();
        };
        // A stamp of a wrong clock can be in the future.
        let newest = marks
            .keys()
            .next_back()
            .copied()
            .unwrap_or(today)
            .max(today);
        let mut months = Vec::new();
        let mut first = oldest.with_day(1);
        while let Some(month) = first.filter(|month| *month <= newest) {
            let next = month.checked_add_months(Months::new(1));
            let mark = |day| marks.get(&day).copied().unwrap_or((DayMark::Nothing, 0));
            let days = (0..31).map_while(|n| month.checked_add_days(Days::new(n)));
            let days = days.take_while(|day| day.month() == month.month() && *day <= newest);
            let (days, backups): (Vec<DayMark>, Vec<u64>) = days.map(mark).unzip();
            months.push(TimelineMonth {
                month: month.format("%Y-%m").to_string(),
                days,
                backups: backups.iter().sum(),
                most_of_a_day: backups.iter().copied().max().unwrap_or(0),
            });
            first = next;
        }
        Timeline(months)
    }

    /// The newest months, oldest first.
    pub fn newest(mut self, count: usize) -> Timeline {
        let older = self.0.len().saturating_sub(count);
        Timeline(self.0.split_off(older))
    }

    /// A line for each month.
    pub fn to_text(&self) -> String {
        if self.0.is_empty() {
            return "no backup of this location\n".to_owned();
        }
        let mut text = "         1   5    10   15   20   25   30\n".to_owned();
        for month in &self.0 {
            text.push_str(&month.to_text());
        }
        text.push_str("F full, i incremental, X and x the same of a set that is deleted soon,\n");
        text.push_str("! not complete, . no backup\n");
        text
    }
}

/// Whether `prune` or a lifecycle rule deletes the set soon.
fn is_expiring(set: &SetRow, today: NaiveDate) -> bool {
    let soon = today.checked_add_days(SOON).unwrap_or(today);
    let by_rule = set.expires.is_some_and(|day| day.date_naive() <= soon);
    by_rule || set.not_kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::restore::sets::IncrementalRow;

    /// Date and whether it is complete; the same of its incremental backups.
    type Planned<'t> = (&'t str, bool, &'t [(&'t str, bool)]);

    fn report(sets: &[Planned<'_>]) -> SetsReport {
        let stamp = |date: &str| Stamp::from_fields(date, "030000.000000").unwrap();
        let row = |(full, complete, incrementals): &Planned<'_>| SetRow {
            full: stamp(full),
            latest: None,
            mounts: Vec::new(),
            volumes: 1,
            bytes: 1,
            complete: *complete,
            why: None,
            expires: None,
            not_kept: None,
            incrementals: incrementals
                .iter()
                .map(|(date, complete)| IncrementalRow {
                    stamp: stamp(date),
                    volumes: 1,
                    bytes: 1,
                    complete: *complete,
                    why: None,
                })
                .collect(),
        };
        SetsReport {
            store: "s".to_owned(),
            location: "l".to_owned(),
            sets: sets.iter().map(row).collect(),
            ignored: 0,
            deprecated: 0,
            expiry_unknown: None,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_day_has_its_mark() {
        let report = report(&[
            ("20260130", true, &[("20260131", true), ("20260131", false)]),
            // Nothing of a set without its full backup can be restored.
            ("20260301", false, &[("20260302", true)]),
            // A second try of the same day.
            ("20260304", false, &[]),
            ("20260304", true, &[("20260305", false)]),
        ]);
        assert_eq!(
            Timeline::new(&report, day("2026-03-06")).to_text(),
            "         1   5    10   15   20   25   30\n\
             2026-01  .............................Fi  3 backups, up to 2 a day\n\
             2026-02  ............................\n\
             2026-03  !!.F!.                           5 backups, up to 2 a day\n\
             F full, i incremental, X and x the same of a set that is deleted soon,\n\
             ! not complete, . no backup\n"
        );
        let newest = Timeline::new(&report, day("2026-03-06"))
            .newest(1)
            .to_text();
        assert!(newest.contains("2026-03") && !newest.contains("2026-02"));
        let future = Timeline::new(&report, day("2025-01-01")).to_text();
        assert!(future.contains("2026-03  !!.F!    "), "{future}");
    }

    #[test]
    fn nothing_has_no_timeline() {
        let text = Timeline::new(&report(&[]), day("2026-03-06")).to_text();
        assert_eq!(text, "no backup of this location\n");
    }

    #[test]
    fn sets_that_are_deleted_soon_are_marked() {
        let mut report = report(&[
            ("20260901", true, &[("20260902", true), ("20260903", false)]),
            ("20261001", true, &[]),
            ("20261101", true, &[]),
        ]);
        let today = NaiveDate::from_ymd_opt(2026, 11, 3).unwrap();
        let expires = |set: &mut SetRow, day: &str| {
            set.expires = Some(format!("{day}T00:00:00Z").parse().unwrap());
        };
        report.sets[0].not_kept = Some("monthly: 1".to_owned());
        expires(&mut report.sets[1], "2026-12-04");
        expires(&mut report.sets[2], "2026-12-05");
        let text = Timeline::new(&report, today).to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("2026-09  Xx!..."), "{text}");
        assert!(lines[2].starts_with("2026-10  X..."), "{text}");
        assert_eq!(
            lines[3],
            "2026-11  F..                              1 backup"
        );
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
    }
}
