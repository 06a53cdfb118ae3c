//! `--at`, with the words that depend on today.

use chrono::{Days, Local};

use crate::plan::restore::point_in_time::{PointInTime, PointInTimeError};

/// Reads a point in time: also `today` and `yesterday`.
///
/// # Errors
/// When the text names none.
pub fn when(text: &str) -> Result<PointInTime, PointInTimeError> {
    let today = Local::now().date_naive();
    let day = match text.trim().to_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        _ => None,
    };
    match day.and_then(|day| PointInTime::day(text, day)) {
        Some(end) => Ok(end),
        None => text.parse(),
    }
}
