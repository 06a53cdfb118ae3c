//! A limit of bandwidth: the same all day, or by the time of day (SPEC#upload).

use std::str::FromStr;

use bytesize::ByteSize;
use chrono::NaiveTime;

/// The smallest limit, in bytes per second. Below it, a request would look broken.
pub const SMALLEST: u64 = 64_000;

/// Connections unless the profile says otherwise: they fill a line of 100 Mbit/s with a delay of
/// 100 ms, and take 64 MiB of memory at most.
pub const CONNECTIONS: usize = 4;

/// The most connections: the memory for them stays below 512 MiB.
pub const MOST_CONNECTIONS: u32 = 32;

/// How uploads or downloads use the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfers {
    /// How many requests with content may be under way at a time, 1 at least.
    pub connections: usize,
    pub limit: Bandwidth,
}

impl Default for Transfers {
    fn default() -> Transfers {
        Transfers {
            connections: CONNECTIONS,
            limit: Bandwidth::default(),
        }
    }
}

/// How many bytes per second may be transferred, by the local time of day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// The first one that covers the time decides. If none does, there is no limit.
    windows: Vec<Window>,
}

/// A part of the day and its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Start and end; `None`: the whole day. A window may pass midnight.
    times: Option<(NaiveTime, NaiveTime)>,
    /// Bytes per second.
    rate: u64,
}

impl Bandwidth {
    pub fn new(windows: Vec<Window>) -> Bandwidth {
        Bandwidth { windows }
    }

    /// Bytes per second at this time of day; `None`: no limit.
    pub fn at(&self, time: NaiveTime) -> Option<u64> {
        let window = self.windows.iter().find(|window| window.holds(time));
        window.map(|window| window.rate)
    }

    /// The smallest of its limits, in bytes per second. `None` if it has none.
    pub fn smallest(&self) -> Option<u64> {
        self.windows.iter().map(|window| window.rate).min()
    }
}

impl Window {
    fn holds(&self, time: NaiveTime) -> bool {
        match self.times {
            None => true,
            Some((from, to)) if from <= to => (from..to).contains(&time),
            Some((from, to)) => time >= from || time < to,
        }
    }
}

/// Reads `2MB` or `08:00-18:00 2MB`: bytes per second.
impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Window, String> {
        let (times, rate) = match text.trim().split_once(' ') {
            Some((times, rate)) if times.contains(':') => (Some(times), rate),
            _ => (None, text),
        };
        let times = times.map(times_of_day).transpose()?;
        let rate = ByteSize::from_str(rate.trim())
            .map_err(|_| format!("'{}' is not a size", rate.trim().escape_debug()))?
            .as_u64();
        if rate < SMALLEST {
            return Err(format!("{rate} bytes per second are less than {SMALLEST}"));
        }
        Ok(Window { times, rate })
    }
}

fn times_of_day(text: &str) -> Result<(NaiveTime, NaiveTime), String> {
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    text.split_once('-')
        .and_then(|(from, to)| Some((time(from)?, time(to)?)))
        .filter(|(from, to)| from != to)
        .ok_or_else(|| format!("'{}' is not a time span", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> NaiveTime {
        NaiveTime::parse_from_str(text, "%H:%M:%S").expect("a time")
    }

    fn bandwidth(windows: &[&str]) -> Bandwidth {
        let windows = windows.iter().map(|text| text.parse().expect("a window"));
        Bandwidth::new(windows.collect())
    }

    #[test]
    fn the_first_window_that_holds_the_time_decides() {
        let limit = bandwidth(&["08:00-18:00 2MB", "22:30-06:00 500 kB", "8MiB"]);
        for (at, rate) in [
            ("07:59:59", 8 << 20),
            ("08:00:00", 2_000_000),
            ("17:59:59", 2_000_000),
            ("18:00:00", 8 << 20),
            ("22:30:00", 500_000),
            ("00:00:00", 500_000),
            ("05:59:59", 500_000),
            ("06:00:00", 8 << 20),
        ] {
            assert_eq!(limit.at(time(at)), Some(rate), "{at}");
        }
        assert_eq!(limit.smallest(), Some(500_000));
        assert_eq!(bandwidth(&["08:00-18:00 2MB"]).at(time("19:00:00")), None);
        assert_eq!(Bandwidth::default().at(time("12:00:00")), None);
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "fast",
            "0",
            "1 kB",
            "08:00 2MB",
            "08:00-08:00 2MB",
            "8-18 2MB",
            "25:00-26:00 2MB",
            "08:00-18:00",
            "-2MB",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
