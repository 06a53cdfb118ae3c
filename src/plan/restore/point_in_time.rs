//! `--at`: a state, as a person types it (SPEC#restore). Pure.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::{
    DateTime, Days, Local, LocalResult, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc,
};
use regex::{Captures, Regex};

use crate::model::stamp::{Stamp, Zone};

/// A point in time. A text that names a span, such as a day, means its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointInTime {
    /// A stamp or the beginning of one, as this program prints it.
    Stamp(String),
    /// A day or a time of this computer's clock: everything before `end`.
    Before {
        text: String,
        end: DateTime<Utc>,
        /// The clock of the stamps.
        zone: Zone,
    },
}

/// The text is not a point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a point in time: write a day such as 2026-11-24, a time such as '2026-11-24 18:30', \
     'yesterday', or a stamp such as 20261124_183000"
)]
pub struct PointInTimeError(String);

/// Where a stamp may be shortened: after the hour, minute, second, and after each digit of the
/// fraction.
const CUTS: [usize; 9] = [11, 13, 15, 17, 18, 19, 20, 21, 22];

/// Year, month, day, hour, minute, second, and `Z` for UTC.
static SPAN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?|(\d{2})(\d{2})?)?";
    let time = r"(?:[ T](\d{1,2})(?::(\d{2})(?::(\d{2}))?)?)?";
    Regex::new(&format!("^{date}{time} ?(Z|UTC)?$")).ok()
});

impl PointInTime {
    /// Whether a backup of this stamp is at or before the point in time.
    pub fn covers(&self, stamp: Stamp) -> bool {
        match self {
            PointInTime::Stamp(text) => {
                stamp.to_string().as_bytes()[..text.len()] <= *text.as_bytes()
            }
            PointInTime::Before { end, zone, .. } => stamp.moment(*zone) < *end,
        }
    }

    /// For stamps of this clock.
    #[must_use]
    pub fn among(self, zone: Zone) -> PointInTime {
        match self {
            PointInTime::Before { text, end, .. } => PointInTime::Before { text, end, zone },
            stamp @ PointInTime::Stamp(_) => stamp,
        }
    }

    /// The end of a day.
    pub fn day(text: &str, day: NaiveDate) -> Option<PointInTime> {
        let end = day.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?;
        Some(PointInTime::before(text, to_utc(end, LocalResult::latest)))
    }

    fn before(text: &str, end: DateTime<Utc>) -> PointInTime {
        PointInTime::Before {
            text: text.to_owned(),
            end,
            zone: Zone::Utc,
        }
    }

    /// A stamp or the beginning of one, with a time of day.
    fn stamp(text: &str) -> Option<PointInTime> {
        let template = "20000101_000000.000000";
        if !text.is_ascii() || !CUTS.contains(&text.len()) {
            return None;
        }
        // When completed, it must be a stamp: 20201399_10 is a typing error.
        let whole = format!("{text}{}", &template[text.len()..]);
        let stamp: Stamp = whole.parse().ok()?;
        let is_same = stamp.to_string().starts_with(text);
        is_same.then(|| PointInTime::Stamp(text.to_owned()))
    }

    /// A year, month, day, hour, minute or second.
    fn span(text: &str) -> Option<PointInTime> {
        let (_, end) = bounds(text)?;
        Some(PointInTime::before(text, end))
    }
}

/// The first moment of a year, month, day, hour, minute or second, and the first one after it.
pub fn bounds(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let parts = SPAN.as_ref()?.captures(text)?;
    let number = |group: usize| {
        parts
            .get(group)
            .and_then(|m| m.as_str().parse::<u32>().ok())
    };
    let (month, day) = (number(2).or(number(4)), number(3).or(number(5)));
    let (hour, minute, second) = (number(6), number(7), number(8));
    if hour.is_some() && day.is_none() {
        return None;
    }
    let year = i32::try_from(number(1)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, month.unwrap_or(1), day.unwrap_or(1))?;
    let [h, m, s] = [hour, minute, second].map(|part| part.unwrap_or(0));
    let begin = date.and_hms_opt(h, m, s)?;
    let end = match (month, day, hour, minute, second) {
        (.., Some(_)) => begin.checked_add_signed(TimeDelta::seconds(1)),
        (.., Some(_), None) => begin.checked_add_signed(TimeDelta::minutes(1)),
        (_, _, Some(_), ..) => begin.checked_add_signed(TimeDelta::hours(1)),
        (_, Some(_), ..) => begin.checked_add_days(Days::new(1)),
        (Some(_), ..) => begin.checked_add_months(Months::new(1)),
        _ => begin.checked_add_months(Months::new(12)),
    }?;
    Some(match is_utc(&parts) {
        true => (begin.and_utc(), end.and_utc()),
        false => (
            to_utc(begin, LocalResult::earliest),
            to_utc(end, LocalResult::latest),
        ),
    })
}

fn is_utc(parts: &Captures<'_>) -> bool {
    parts.get(9).is_some()
}

/// Which of two moments is meant if the clock shows a time twice.
type Pick = fn(LocalResult<DateTime<Local>>) -> Option<DateTime<Local>>;

/// A local time as UTC.
fn to_utc(local: NaiveDateTime, pick: Pick) -> DateTime<Utc> {
    // Times that a clock change skips are moved, by one hour nearly everywhere.
    let shown = [local, local + TimeDelta::hours(1)];
    let mut shown = shown
        .map(|local| pick(Local.from_local_datetime(&local)))
        .into_iter();
    let found = shown.find_map(|local| local);
    found.map_or_else(|| local.and_utc(), |local| local.with_timezone(&Utc))
}

impl From<Stamp> for PointInTime {
    fn from(stamp: Stamp) -> PointInTime {
        PointInTime::Stamp(stamp.to_string())
    }
}

impl FromStr for PointInTime {
    type Err = PointInTimeError;

    fn from_str(text: &str) -> Result<PointInTime, PointInTimeError> {
        let plain = text.trim();
        PointInTime::stamp(plain)
            .or_else(|| PointInTime::span(plain))
            .ok_or_else(|| PointInTimeError(text.to_owned()))
    }
}

impl fmt::Display for PointInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PointInTime::Stamp(text) => f.write_str(text),
            PointInTime::Before { text, end, .. } => {
                write!(f, "{text} (before {})", end.format("%Y-%m-%d %H:%M:%S UTC"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_means_its_end() {
        let stamp: Stamp = "20201222_112502.225333".parse().unwrap();
        for (at, covered) in [
            ("2020Z", true),
            ("2019Z", false),
            ("202012Z", true),
            ("2020-12Z", true),
            ("2020-11Z", false),
            ("20201222Z", true),
            ("20201221Z", false),
            ("2020-12-22 Z", true),
            ("2020-12-22 11Z", true),
            ("2020-12-22 11:24Z", false),
            ("2020-12-22 11:25 UTC", true),
            ("2020-12-22T11:25:01Z", false),
            ("2020-12-22 11:25:02Z", true),
            ("2020-1-1Z", false),
            ("2021-1-1Z", true),
            ("20201222_11", true),
            ("20201222_1124", false),
            ("20201222_112502", true),
            ("20201222_112502.2", true),
            ("20201222_112502.225333", true),
            ("20201222_112502.225332", false),
        ] {
            assert_eq!(
                at.parse::<PointInTime>().unwrap().covers(stamp),
                covered,
                "{at}"
            );
        }
        for bad in [
            "",
            "20",
            "20201399",
            "2020-13-01",
            "2020-1-32",
            "2020-12 11:00",
            "20201222_1",
            "20201222_25",
            "tomorrow",
            "20201222_112502.",
            "2020é",
        ] {
            assert!(bad.parse::<PointInTime>().is_err(), "{bad}");
        }
    }

    #[test]
    fn utc_is_said() {
        let at: PointInTime = "2026-1-1Z".parse().unwrap();
        assert_eq!(at.to_string(), "2026-1-1Z (before 2026-01-02 00:00:00 UTC)");
    }
}
