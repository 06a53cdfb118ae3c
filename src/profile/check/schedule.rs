//! When regular runs start.

use chrono::NaiveTime;

use super::{Checker, Mistake};
use crate::model::job::Times;
use crate::profile::document::{ScheduleSection, TimesOfDay};

impl Checker<'_> {
    pub(super) fn schedule(&mut self, section: &ScheduleSection) -> Times {
        let default = Times::default();
        let at = match &section.at {
            None => default.at,
            Some(TimesOfDay::One(text)) => vec![self.time("/schedule/at", text)],
            Some(TimesOfDay::Several(texts)) => {
                let pointers = (0..).map(|index| format!("/schedule/at/{index}"));
                let times = pointers.zip(texts);
                times.map(|(at, text)| self.time(&at, text)).collect()
            }
        };
        let attached = section.when_attached.as_ref();
        Times {
            at,
            every: section.every,
            limit: self.span(
                "/schedule/time-limit",
                section.time_limit.as_ref(),
                default.limit,
            ),
            on_battery: section.on_battery,
            keep_awake: section.keep_awake,
            when_attached: attached.and_then(|text| self.path("/schedule/when-attached", text)),
        }
    }

    fn time(&mut self, pointer: &str, text: &str) -> NaiveTime {
        NaiveTime::parse_from_str(text, "%H:%M").unwrap_or_else(|_| {
            let message = format!("'{}' is not a time of day", text.escape_debug());
            let mistake = Mistake::value(pointer, message);
            self.report(mistake.hint("write it in quotes: '02:30' or '23:05'"));
            NaiveTime::MIN
        })
    }
}
