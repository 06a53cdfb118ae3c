//! Which scheduler, and on which day.

use crate::model::path::Family;
use crate::model::policy::Every;
use chrono::Weekday;
use clap::ValueEnum;

/// What starts programs at their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// Windows Task Scheduler
    TaskScheduler,
    /// systemd: a timer and a service
    Systemd,
    /// cron: a line in the crontab of this account
    Cron,
    /// launchd of macOS
    Launchd,
}

impl Scheduler {
    /// The systems it is for.
    pub fn family(self) -> Family {
        match self {
            Scheduler::TaskScheduler => Family::Windows,
            Scheduler::Systemd | Scheduler::Cron | Scheduler::Launchd => Family::Unix,
        }
    }
}

impl std::fmt::Display for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Scheduler::TaskScheduler => "Task Scheduler",
            Scheduler::Systemd => "systemd",
            Scheduler::Cron => "cron",
            Scheduler::Launchd => "launchd",
        })
    }
}

/// The one day of the week.
pub(super) fn weekday(every: Every) -> Option<Weekday> {
    Some(match every {
        Every::Hour | Every::Day => return None,
        Every::Monday => Weekday::Mon,
        Every::Tuesday => Weekday::Tue,
        Every::Wednesday => Weekday::Wed,
        Every::Thursday => Weekday::Thu,
        Every::Friday => Weekday::Fri,
        Every::Saturday => Weekday::Sat,
        Every::Sunday => Weekday::Sun,
    })
}
