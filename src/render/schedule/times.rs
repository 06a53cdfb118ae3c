//! Which scheduler, on which day, and at which times.

use super::Schedule;
use crate::model::path::Family;
use crate::model::policy::Every;
use chrono::{Datelike, NaiveDateTime, NaiveTime, Timelike, Weekday};
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

/// One of the times.
#[derive(serde::Serialize)]
pub(super) struct StartTime {
    hour: u32,
    minute: u32,
    /// For systemd.
    calendar: String,
    /// The first run, local time.
    first: String,
}

impl Schedule {
    /// What the templates know of the times.
    pub(super) fn starts(&self) -> Vec<StartTime> {
        let day = weekday(self.every);
        let one = |at: &NaiveTime| StartTime {
            hour: at.hour(),
            minute: at.minute(),
            calendar: match (self.every, day) {
                (Every::Hour, _) => format!("*-*-* *:{:02}:00", at.minute()),
                (_, None) => format!("*-*-* {}:00", at.format("%H:%M")),
                (_, Some(day)) => format!("{day} *-*-* {}:00", at.format("%H:%M")),
            },
            first: self.first(*at).format("%Y-%m-%dT%H:%M:%S").to_string(),
        };
        self.at.iter().map(one).collect()
    }

    /// The next run at this time after the schedule was made, local time.
    fn first(&self, at: NaiveTime) -> NaiveDateTime {
        let weekday = weekday(self.every).map(|day| day.num_days_from_sunday());
        let hour = (self.every != Every::Hour).then(|| at.hour());
        next(at.minute(), hour, weekday, self.from).unwrap_or(self.from)
    }

    pub(super) fn cron_time(&self, at: NaiveTime) -> String {
        let (minute, hour) = (at.minute(), at.hour());
        match (self.every, weekday(self.every)) {
            (Every::Hour, _) => format!("{minute} * * * *"),
            (_, None) => format!("{minute} {hour} * * *"),
            (_, Some(day)) => format!("{minute} {hour} * * {}", day.num_days_from_sunday()),
        }
    }
}

/// The next time after `after` with this minute, hour and day of the week (0 is Sunday), all local;
/// `None` is any.
pub fn next(
    minute: u32,
    hour: Option<u32>,
    weekday: Option<u32>,
    after: NaiveDateTime,
) -> Option<NaiveDateTime> {
    const WEEK_AND_DAY: i64 = 8 * 24 * 60;
    let start = after.with_second(0)?.with_nanosecond(0)?;
    let fits = |time: &NaiveDateTime| {
        time.minute() == minute
            && hour.is_none_or(|hour| time.hour() == hour)
            && weekday.is_none_or(|day| time.weekday().num_days_from_sunday() == day)
    };
    (1..=WEEK_AND_DAY)
        .map(|n| start + chrono::Duration::minutes(n))
        .find(fits)
}
