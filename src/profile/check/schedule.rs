//! When regular runs start.

use chrono::NaiveTime;

use super::{Checker, Mistake};
use crate::model::job::Times;
use crate::profile::document::ScheduleSection;

impl Checker<'_> {
    pub(super) fn schedule(&mut self, section: &ScheduleSection) -> Times {
        let ScheduleSection {
            at,
            every,
            time_limit,
        } = section;
        let default = Times::default();
        let time = at.as_ref().map(|text| {
            NaiveTime::parse_from_str(text, "%H:%M").unwrap_or_else(|_| {
                let message = format!("'{}' is not a time of day", text.escape_debug());
                let mistake = Mistake::value("/schedule/at", message);
                self.report(mistake.hint("write it in quotes: '02:30' or '23:05'"));
                default.at
            })
        });
        Times {
            at: time.unwrap_or(default.at),
            every: *every,
            limit: self.span("/schedule/time-limit", time_limit.as_ref(), default.limit),
        }
    }
}
