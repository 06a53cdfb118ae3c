//! `--at` and `--written-before`, with the words that depend on today.

use chrono::{Days, Local, NaiveDate};

use crate::plan::restore::point_in_time::{PointInTime, PointInTimeError};
use crate::plan::restore::written_before::{WrittenBefore, WrittenBeforeError};

/// Reads a point in time: also `today` and `yesterday`.
///
/// # Errors
/// When the text names none.
pub fn when(text: &str) -> Result<PointInTime, PointInTimeError> {
    match named_day(text).and_then(|day| PointInTime::day(text, day)) {
        Some(end) => Ok(end),
        None => text.parse(),
    }
}

/// Reads a moment of a store's clock: also `today` and `yesterday`.
///
/// # Errors
/// When the text names none.
pub fn written_before(text: &str) -> Result<WrittenBefore, WrittenBeforeError> {
    match named_day(text).and_then(WrittenBefore::day) {
        Some(begin) => Ok(begin),
        None => text.parse(),
    }
}

fn named_day(text: &str) -> Option<NaiveDate> {
    let today = Local::now().date_naive();
    match text.trim().to_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        _ => None,
    }
}
