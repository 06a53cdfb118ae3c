//! systemd: units of the system for root, of the user for others.

use std::path::PathBuf;

use super::{
    LastResult, ScheduledTask, SchedulerError, SchedulerTool, delete, user_configuration, value,
    write,
};
use crate::adapters::state::is_root;
use crate::render::schedule::{Rendered, Scheduler, TaskName};

/// The manager that has a unit.
#[derive(Clone, Copy)]
enum Manager {
    System,
    User,
}

impl Manager {
    /// The one that this account installs into.
    fn own() -> Manager {
        if is_root() {
            Manager::System
        } else {
            Manager::User
        }
    }

    fn directory(self) -> PathBuf {
        match self {
            Manager::System => PathBuf::from("/etc/systemd/system"),
            Manager::User => user_configuration().join("systemd/user"),
        }
    }

    fn option(self) -> &'static str {
        match self {
            Manager::System => "--system",
            Manager::User => "--user",
        }
    }
}

pub fn install(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    files: &[Rendered],
) -> Result<(), SchedulerError> {
    let manager = Manager::own();
    for file in files {
        write(&manager.directory().join(&file.file), &file.text)?;
    }
    tool.must("systemctl", &[manager.option(), "daemon-reload"])?;
    let timer = format!("{}.timer", name.unit());
    let service = format!("{}.service", name.unit());
    // It may have been wanted by the mount of a disk.
    tool.must("systemctl", &[manager.option(), "disable", &service])?;
    let is_wanted = |file: &&Rendered| file.text.contains("\nWantedBy=");
    for file in files.iter().filter(is_wanted) {
        tool.must("systemctl", &[manager.option(), "enable", &file.file])?;
    }
    // A timer that runs already does not look at its new times by itself.
    tool.must("systemctl", &[manager.option(), "restart", &timer])
        .map(drop)
}

pub fn find(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
) -> Result<Option<ScheduledTask>, SchedulerError> {
    let timer = format!("{}.timer", name.unit());
    let managers: &[Manager] = if is_root() {
        &[Manager::System]
    } else {
        &[Manager::User, Manager::System]
    };
    let has = |manager: &&Manager| manager.directory().join(&timer).is_file();
    let Some(manager) = managers.iter().find(has) else {
        return Ok(None);
    };
    let service = format!("{}.service", name.unit());
    let show = |unit: &str, properties: &str| {
        tool.must(
            "systemctl",
            &[
                manager.option(),
                "show",
                unit,
                &format!("--property={properties}"),
            ],
        )
    };
    let of_timer = show(
        &timer,
        "LoadState,ActiveState,UnitFileState,NextElapseUSecRealtime,LastTriggerUSec",
    )?;
    let of_service = show(
        &service,
        "LoadState,ActiveState,Result,ExecMainStartTimestamp,ExecMainCode,ExecMainStatus",
    )?;
    let started = value(&of_service, "ExecMainStartTimestamp");
    // Of what is past, systemd forgets all but the time when the computer restarts.
    let last_run = started.or(value(&of_timer, "LastTriggerUSec").filter(|time| *time != "n/a"));
    let last_result = match (value(&of_service, "ActiveState"), last_run, started) {
        (Some("activating"), ..) => LastResult::Running,
        (_, None, _) => LastResult::Never,
        (_, Some(_), None) => LastResult::Unknown,
        _ => ended(&of_service),
    };
    Ok(Some(ScheduledTask {
        scheduler: Scheduler::Systemd,
        task: timer,
        mode: name.mode,
        next_run: value(&of_timer, "NextElapseUSecRealtime")
            .filter(|time| *time != "n/a")
            .map(str::to_owned),
        last_run: last_run.map(str::to_owned),
        last_result,
        problem: problem(&of_timer, &of_service).map(str::to_owned),
        has_password: true,
        try_now: Some(format!("systemctl {} start {service}", manager.option())),
    }))
}

/// Why the timer does not start the service.
fn problem(of_timer: &str, of_service: &str) -> Option<&'static str> {
    let is = |lines: &str, name: &str, wanted: &str| value(lines, name) == Some(wanted);
    match () {
        () if !is(of_timer, "LoadState", "loaded") => Some("systemd has not read the timer"),
        () if !is(of_service, "LoadState", "loaded") => Some("systemd has not read the service"),
        () if !is(of_timer, "UnitFileState", "enabled") => Some("the timer is not enabled"),
        () if !is(of_timer, "ActiveState", "active") => Some("the timer is not started"),
        () => None,
    }
}

/// How the service ended: by an exit code (`ExecMainCode` 1), or by a signal.
fn ended(of_service: &str) -> LastResult {
    let result = value(of_service, "Result").unwrap_or("unknown");
    let status = value(of_service, "ExecMainStatus").and_then(|status| status.parse().ok());
    match (result, value(of_service, "ExecMainCode"), status) {
        ("success" | "exit-code", Some("1"), Some(status)) => LastResult::Exit(status),
        ("timeout", ..) => LastResult::Ended("stopped at the time limit".to_owned()),
        (result, ..) => LastResult::Ended(result.to_owned()),
    }
}

pub fn remove(tool: &SchedulerTool<'_>, name: &TaskName) -> Result<Option<String>, SchedulerError> {
    let manager = Manager::own();
    let [timer, service] = ["timer", "service"].map(|kind| format!("{}.{kind}", name.unit()));
    let place = manager.directory();
    let is_there = [&timer, &service]
        .iter()
        .any(|file| place.join(file).is_file());
    if !is_there {
        return Ok(None);
    }
    // Where systemd does not run, its files can be removed all the same.
    let disabled = tool.must("systemctl", &[manager.option(), "disable", "--now", &timer]);
    let _ = tool.must("systemctl", &[manager.option(), "disable", &service]);
    for file in [&timer, &service] {
        delete(&place.join(file))?;
    }
    disabled?;
    tool.must("systemctl", &[manager.option(), "daemon-reload"])?;
    Ok(Some(format!(
        "{timer} and {service} in {}",
        place.display()
    )))
}

pub fn pause(
    tool: &SchedulerTool<'_>,
    name: &TaskName,
    is_paused: bool,
) -> Result<(), SchedulerError> {
    let verb = if is_paused { "disable" } else { "enable" };
    let timer = format!("{}.timer", name.unit());
    tool.must(
        "systemctl",
        &[Manager::own().option(), verb, "--now", &timer],
    )
    .map(drop)
}
