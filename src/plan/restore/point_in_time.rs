//! `--at`: which state to restore, as a person types it (SPEC#restore). Pure.

use std::fmt;
use std::str::FromStr;

use crate::model::stamp::Stamp;

/// A stamp or the beginning of one. A shorter text means the end of what it names: `20201222` is
/// the end of that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointInTime(String);

/// The text names no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a stamp or the beginning of one, such as 20201222 or 20201222_112502")]
pub struct PointInTimeError(String);

/// Where a stamp may be cut: after year, month, day, hour, minute, second, and after each digit of
/// the fraction.
const CUTS: [usize; 12] = [4, 6, 8, 11, 13, 15, 17, 18, 19, 20, 21, 22];

impl PointInTime {
    /// Whether a backup of this stamp is at or before the point in time.
    pub fn covers(&self, stamp: Stamp) -> bool {
        stamp.to_string().as_bytes()[..self.0.len()] <= *self.0.as_bytes()
    }
}

impl From<Stamp> for PointInTime {
    fn from(stamp: Stamp) -> PointInTime {
        PointInTime(stamp.to_string())
    }
}

impl FromStr for PointInTime {
    type Err = PointInTimeError;

    fn from_str(text: &str) -> Result<PointInTime, PointInTimeError> {
        // Also as `sets` and logs show it: `2020-12-22 11:25:02`.
        let plain: String = text
            .trim()
            .replace([' ', 'T'], "_")
            .chars()
            .filter(|c| !matches!(c, '-' | ':'))
            .collect();
        let template = "20000101_000000.000000";
        if !plain.is_ascii() || !CUTS.contains(&plain.len()) {
            return Err(PointInTimeError(text.to_owned()));
        }
        // Completed, it must be a stamp: 20201399 is a slip of the finger, not the end of the year.
        match format!("{plain}{}", &template[plain.len()..]).parse::<Stamp>() {
            Ok(stamp) if stamp.to_string().starts_with(&plain) => Ok(PointInTime(plain)),
            _ => Err(PointInTimeError(text.to_owned())),
        }
    }
}

impl fmt::Display for PointInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_end_of_what_it_names() {
        let stamp: Stamp = "20201222_112502.225333".parse().unwrap();
        for (at, covered) in [
            ("2020", true),
            ("202012", true),
            ("20201222", true),
            ("20201221", false),
            ("20201222_11", true),
            ("20201222_1124", false),
            ("20201222_112502", true),
            ("20201222_112502.2", true),
            ("20201222_112502.225333", true),
            ("20201222_112502.225332", false),
            ("2020-12-22 11:25:02", true),
            ("2020-12-22T11:25", true),
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
            "20201222_1",
            "20201222_25",
            "yesterday",
            "20201222_112502.",
            "2020é",
        ] {
            assert!(bad.parse::<PointInTime>().is_err(), "{bad}");
        }
    }
}
