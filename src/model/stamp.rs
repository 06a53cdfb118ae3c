//! The stamp: the start time of a backup, which is also its name (SPEC#names).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Local, Months, NaiveDateTime, TimeZone, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The clock of stamps: UTC, or local time as in v1.0 (SPEC#profile `time-zone`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(description = "The clock in which stamps are written.")]
pub enum Zone {
    /// Stamps are in UTC, so they are never ambiguous or repeated.
    #[default]
    Utc,
    /// Stamps are in the computer's local time, to continue a bucket written by v1.0.
    Local,
}

/// A moment to the microsecond, written `YYYYMMDD_HHMMSS.SSSSSS` in the profile's [`Zone`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub struct Stamp(NaiveDateTime);

/// The text is not a stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a stamp of the form YYYYMMDD_HHMMSS.SSSSSS")]
pub struct StampError(pub String);

impl Stamp {
    /// The stamp of a moment.
    pub fn new(moment: DateTime<Utc>, zone: Zone) -> Stamp {
        let naive = match zone {
            Zone::Utc => moment.naive_utc(),
            Zone::Local => moment.with_timezone(&Local).naive_local(),
        };
        // Names carry microseconds; a stamp must equal itself read back.
        Stamp(
            NaiveDateTime::parse_from_str(&naive.format(FORMAT).to_string(), FORMAT)
                .unwrap_or(naive),
        )
    }

    /// Reads the date and time fields of an object name. v1.0 drops the fraction when it is zero.
    pub fn from_fields(date: &str, time: &str) -> Result<Stamp, StampError> {
        let text = format!("{date}_{time}");
        let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
        if !digits(date, 8) || !digits(clock, 6) || fraction.is_empty() || fraction.len() > 6 {
            return Err(StampError(text));
        }
        NaiveDateTime::parse_from_str(&format!("{date}_{clock}.{fraction:0<6}"), FORMAT)
            .map(Stamp)
            .map_err(|_| StampError(text))
    }

    /// `YYYYMMDD`.
    pub fn date(&self) -> String {
        self.0.format("%Y%m%d").to_string()
    }

    /// `HHMMSS.SSSSSS`.
    pub fn time(&self) -> String {
        self.0.format("%H%M%S.%6f").to_string()
    }

    /// `YYYY-MM-DD HH:MM`, for people; it may not be the only backup of that minute.
    pub fn short(&self) -> String {
        self.0.format("%Y-%m-%d %H:%M").to_string()
    }

    /// The next possible stamp.
    pub fn next(&self) -> Stamp {
        Stamp(self.0 + chrono::TimeDelta::microseconds(1))
    }

    /// Whether the stamp is so far after `now` that the clock that made it was wrong. Stamps may
    /// be local times of other zones, which differ by up to 26 hours.
    pub fn is_future(&self, now: Stamp) -> bool {
        self.0 > now.0 + chrono::TimeDelta::hours(26)
    }

    /// The day of the calendar, by the clock of the stamp.
    pub fn day(&self) -> chrono::NaiveDate {
        self.0.date()
    }

    /// The month of the stamp.
    pub fn month(&self) -> Month {
        Month {
            year: self.0.year(),
            month: self.0.month(),
        }
    }

    /// The moment the stamp names. A local time that a clock change repeats means its first pass:
    /// for deciding what changed since then, the earlier moment is the safe one.
    pub fn moment(&self, zone: Zone) -> DateTime<Utc> {
        match zone {
            Zone::Utc => self.0.and_utc(),
            Zone::Local => match Local.from_local_datetime(&self.0).earliest() {
                Some(local) => local.with_timezone(&Utc),
                // Skipped by a clock change: no clock ever showed it, so any interpretation is
                // fine.
                None => self.0.and_utc(),
            },
        }
    }
}

const FORMAT: &str = "%Y%m%d_%H%M%S.%6f";

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format(FORMAT))
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Stamp {
    type Err = StampError;

    fn from_str(text: &str) -> Result<Stamp, StampError> {
        // A person may type the stamp as the subject of an email or `sets` shows it.
        let (date, time) = text
            .split_once(['_', ' '])
            .ok_or_else(|| StampError(text.to_owned()))?;
        Stamp::from_fields(date, time)
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> String {
        stamp.to_string()
    }
}

impl TryFrom<String> for Stamp {
    type Error = StampError;

    fn try_from(text: String) -> Result<Stamp, StampError> {
        text.parse()
    }
}

/// A calendar month: the unit in which full backups are due and stores are searched (SPEC#scope).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// Its year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// This month and the ones before it, newest first, `count` in all (SPEC#scope
    /// `lookback-months`).
    pub fn newest_first(self, count: u32) -> impl Iterator<Item = Month> {
        let first = chrono::NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default();
        (0..count).filter_map(move |back| {
            let day = first.checked_sub_months(Months::new(back))?;
            Some(Month {
                year: day.year(),
                month: day.month(),
            })
        })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_future_begins_where_no_zone_is_any_more() {
        let now: Stamp = "20261124_100000.000000".parse().unwrap();
        for (stamp, is_future) in [
            ("20261124_100000.000000", false),
            ("20261125_120000.000000", false),
            ("20261125_120000.000001", true),
            ("20261101_000000.000000", false),
        ] {
            assert_eq!(
                stamp.parse::<Stamp>().unwrap().is_future(now),
                is_future,
                "{stamp}"
            );
        }
    }

    #[test]
    fn round_trips_and_refuses() {
        let stamp: Stamp = "20201222_112502.225333".parse().unwrap();
        assert_eq!(stamp.to_string(), "20201222_112502.225333");
        assert_eq!(
            (stamp.date(), stamp.time()),
            ("20201222".into(), "112502.225333".into())
        );
        assert_eq!(
            Stamp::from_fields("20201222", "112502").unwrap().time(),
            "112502.000000"
        );
        for bad in [
            "0_0.0",
            "20201322_112502.225333",
            "20201222_112502.2253330",
            "20201222_112502.",
            "20201222",
        ] {
            assert!(bad.parse::<Stamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn months_go_back_over_the_year() {
        let month = "20260201_000000.000000".parse::<Stamp>().unwrap().month();
        let names: Vec<String> = month.newest_first(4).map(|m| m.to_string()).collect();
        assert_eq!(names, ["202602", "202601", "202512", "202511"]);
    }
}
