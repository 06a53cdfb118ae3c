//! When a task starts: what the options say, else the profile.

use chrono::NaiveTime;

use super::InstallArgs;
use crate::model::job::{Job, Times};
use crate::plan::backup::Mode;

impl InstallArgs {
    /// The times of the profile are about regular runs, its conditions about all.
    pub(super) fn times(&self, job: &Job) -> Times {
        let default = match self.mode {
            Mode::Regular => job.schedule.clone(),
            Mode::IncrementalOnly => Times::default(),
        };
        Times {
            at: match self.at.is_empty() {
                true => default.at,
                false => self.at.clone(),
            },
            every: self.every.unwrap_or(default.every),
            limit: self.time_limit.unwrap_or(default.limit),
            ..job.schedule.clone()
        }
    }
}

/// Reads `02:30`.
pub fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .map_err(|_| "write a time such as 00:30 or 23:05".to_owned())
}
