//! launchd of macOS: a daemon for root, an agent of the user for others.

use std::path::PathBuf;

use super::{LastResult, ScheduledTask, SchedulerError, SchedulerTool, delete, home, write};
use crate::adapters::state::is_root;
use crate::render::schedule::{Rendered, Scheduler, TaskName};

fn file(name: &TaskName) -> PathBuf {
    let place = if is_root() {
        PathBuf::from("/Library/LaunchDaemons")
    } else {
        home().join("Library/LaunchAgents")
    };
    place.join(format!("{}.plist", name.label()))
}

#[cfg(unix)]
fn domain() -> String {
    if is_root() {
        "system".to_owned()
    } else {
        format!("gui/{}", rustix::process::geteuid().as_raw())
    }
}

#[cfg(not(unix))]
fn domain() -> String {
    "system".to_owned()
}

fn target(name: &TaskName) -> String {
    format!("{}/{}", domain(), name.label())
}

pub fn install(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    files: &[Rendered],
) -> Result<(), SchedulerError> {
    let path = file(name);
    for file in files {
        write(&path, &file.text)?;
    }
    // It may be paused.
    let _ = tool.run("launchctl", &["enable", &target(name)])?;
    // One of the same name would stay as it was loaded. It may not be loaded.
    let _ = tool.run("launchctl", &["bootout", &target(name)])?;
    tool.must(
        "launchctl",
        &["bootstrap", &domain(), &path.display().to_string()],
    )
    .map(drop)
}

pub fn find(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
) -> Result<Option<ScheduledTask>, SchedulerError> {
    let path = file(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    let (code, output) = tool.run("launchctl", &["print", &target(name)])?;
    let value_of = |key: &str| {
        let of = |line: &str| {
            line.trim()
                .strip_prefix(key)?
                .trim()
                .strip_prefix("= ")
                .map(str::to_owned)
        };
        output.lines().find_map(of)
    };
    let last_result = match (value_of("state").as_deref(), value_of("last exit code")) {
        (Some("running"), _) => LastResult::Running,
        (_, None) => LastResult::Unknown,
        (_, Some(code)) if code.starts_with("(never") => LastResult::Never,
        (_, Some(code)) => match code
            .split(':')
            .next()
            .and_then(|number| number.trim().parse().ok())
        {
            Some(number) => LastResult::Exit(number),
            None => LastResult::Ended(code),
        },
    };
    Ok(Some(ScheduledTask {
        scheduler: Scheduler::Launchd,
        task: name.label(),
        mode: name.mode,
        next_run: (code == 0).then(|| times(&text)).flatten(),
        last_run: None,
        last_result,
        problem: (code != 0).then(|| format!("launchd has not loaded '{}'", path.display())),
        has_password: true,
        try_now: Some(format!("launchctl kickstart {}", target(name))),
    }))
}

/// The times in a file that [`install`] wrote: launchd does not say when the next run is.
fn times(plist: &str) -> Option<String> {
    let (_, times) = plist.split_once("<key>StartCalendarInterval</key>")?;
    let (times, _) = times.split_once("</array>")?;
    let times: Vec<String> = times.split("</dict>").filter_map(time).collect();
    Some(times.join(", ")).filter(|times| !times.is_empty())
}

fn time(entry: &str) -> Option<String> {
    let of = |key: &str| -> Option<u32> {
        let (_, rest) = entry.split_once(&format!("<key>{key}</key>"))?;
        rest.split_once("<integer>")?
            .1
            .split_once("</integer>")?
            .0
            .parse()
            .ok()
    };
    const DAYS: [&str; 7] = [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ];
    let minute = of("Minute")?;
    Some(match (of("Weekday"), of("Hour")) {
        (_, None) => format!("minute {minute} of every hour"),
        (None, Some(hour)) => format!("every day at {hour:02}:{minute:02}"),
        (Some(day), Some(hour)) => {
            format!("every {} at {hour:02}:{minute:02}", DAYS.get(day as usize)?)
        }
    })
}

pub fn remove(tool: &SchedulerTool<'_>, name: &TaskName) -> Result<Option<String>, SchedulerError> {
    let path = file(name);
    if !path.is_file() {
        return Ok(None);
    }
    // It may not be loaded.
    let _ = tool.run("launchctl", &["bootout", &target(name)])?;
    delete(&path)?;
    Ok(Some(path.display().to_string()))
}

pub fn pause(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    is_paused: bool,
) -> Result<(), SchedulerError> {
    let (target, path) = (target(name), file(name).display().to_string());
    // It may not be loaded.
    let _ = tool.run("launchctl", &["bootout", &target])?;
    if is_paused {
        // Else it would be loaded at the next start of the computer.
        return tool.must("launchctl", &["disable", &target]).map(drop);
    }
    tool.must("launchctl", &["enable", &target])?;
    tool.must("launchctl", &["bootstrap", &domain(), &path])
        .map(drop)
}
