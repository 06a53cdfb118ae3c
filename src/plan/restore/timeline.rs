//! The days on which a store has backups, by month, for `sets --timeline` and pages. Pure.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Serialize;

use super::sets::SetsReport;
use crate::model::stamp::Stamp;

/// What a store has of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayMark {
    /// No backup.
    Nothing,
    /// Backups that cannot be restored.
    Incomplete,
    /// An incremental backup.
    Incremental,
    /// A full backup.
    Full,
}

impl DayMark {
    fn letter(self) -> char {
        match self {
            DayMark::Nothing => '.',
            DayMark::Incomplete => '!',
            DayMark::Incremental => 'i',
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
}

/// The months from the oldest backup to today, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Timeline(Vec<TimelineMonth>);

impl Timeline {
    /// `today` is that of the clock of the stamps; its later days are not part of the timeline.
    pub fn new(report: &SetsReport, today: NaiveDate) -> Timeline {
        let mut marks: BTreeMap<NaiveDate, DayMark> = BTreeMap::new();
        let mut add = |stamp: Stamp, mark: DayMark| {
            let day = marks.entry(stamp.day()).or_insert(mark);
            *day = mark.max(*day);
        };
        for set in &report.sets {
            let if_whole = |whole: bool, mark| if whole { mark } else { DayMark::Incomplete };
            add(set.full, if_whole(set.complete, DayMark::Full));
            for backup in &set.incrementals {
                let whole = set.complete && backup.complete;
                add(backup.stamp, if_whole(whole, DayMark::Incremental));
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
            let mark = |day: NaiveDate| marks.get(&day).copied().unwrap_or(DayMark::Nothing);
            let days = (0..31).map_while(|n| month.checked_add_days(Days::new(n)));
            let days = days.take_while(|day| day.month() == month.month() && *day <= newest);
            months.push(TimelineMonth {
                month: month.format("%Y-%m").to_string(),
                days: days.map(mark).collect(),
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
            let days: String = month.days.iter().map(|day| day.letter()).collect();
            text.push_str(&format!("{}  {days}\n", month.month));
        }
        text.push_str("F full, i incremental, ! not complete, . no backup\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::restore::sets::{IncrementalRow, SetRow};

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
             2026-01  .............................Fi\n\
             2026-02  ............................\n\
             2026-03  !!.F!.\n\
             F full, i incremental, ! not complete, . no backup\n"
        );
        let newest = Timeline::new(&report, day("2026-03-06"))
            .newest(1)
            .to_text();
        assert!(newest.contains("2026-03") && !newest.contains("2026-02"));
        let future = Timeline::new(&report, day("2025-01-01")).to_text();
        assert!(future.contains("2026-03  !!.F!\n"), "{future}");
    }

    #[test]
    fn nothing_has_no_timeline() {
        let text = Timeline::new(&report(&[]), day("2026-03-06")).to_text();
        assert_eq!(text, "no backup of this location\n");
    }
}
