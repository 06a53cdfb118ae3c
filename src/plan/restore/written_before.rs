//! `--written-before`: only what a store had received before a moment counts, by the clock of the
//! store (SPEC#restore). Names can be forged by whoever may write; these times cannot. Pure.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::point_in_time::bounds;

/// The moment. A text that names a span, such as a day, means its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrittenBefore(DateTime<Utc>);

/// The text is neither a day nor a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a day or time: write a day such as 2026-11-24, or a time such as '2026-11-24 18:30'"
)]
pub struct WrittenBeforeError(String);

impl WrittenBefore {
    /// As a moment.
    pub fn moment(self) -> DateTime<Utc> {
        self.0
    }

    /// The beginning of a day.
    pub fn day(day: NaiveDate) -> Option<WrittenBefore> {
        bounds(&day.format("%Y-%m-%d").to_string()).map(|(begin, _)| WrittenBefore(begin))
    }
}

impl FromStr for WrittenBefore {
    type Err = WrittenBeforeError;

    fn from_str(text: &str) -> Result<WrittenBefore, WrittenBeforeError> {
        let bounds = bounds(text.trim());
        bounds
            .map(|(begin, _)| WrittenBefore(begin))
            .ok_or_else(|| WrittenBeforeError(text.to_owned()))
    }
}

impl fmt::Display for WrittenBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d %H:%M:%S UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_means_its_beginning() {
        for (text, moment) in [
            ("2026Z", "2026-01-01 00:00:00 UTC"),
            ("2026-11Z", "2026-11-01 00:00:00 UTC"),
            ("20261124Z", "2026-11-24 00:00:00 UTC"),
            ("2026-11-24 18:30 UTC", "2026-11-24 18:30:00 UTC"),
            ("2026-11-24T18:30:07Z", "2026-11-24 18:30:07 UTC"),
        ] {
            let parsed: WrittenBefore = text.parse().unwrap();
            assert_eq!(parsed.to_string(), moment, "{text}");
        }
        for bad in ["", "tomorrow", "2026-13-01", "20261124_18"] {
            assert!(bad.parse::<WrittenBefore>().is_err(), "{bad}");
        }
    }
}
