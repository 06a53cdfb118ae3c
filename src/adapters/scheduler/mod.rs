//! The schedulers of this computer: a schedule is installed, asked for and removed (SPEC#schedule).
//!
//! What a scheduler says afterwards counts, not the success of its command. A task is found by its
//! name alone, so that it can be removed if its profile no longer exists.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::process::{Invocation, ToolError, locate};
use crate::model::cancel::Cancel;
use crate::plan::backup::Mode;
use crate::render::schedule::{Schedule, ScheduleError, Scheduler, TaskName};

mod cron;
mod launchd;
mod systemd;
mod task_scheduler;

/// Why a scheduler could not be queried or changed.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("'{command}' failed with exit code {code}: {output}")]
    Refused {
        command: String,
        code: i32,
        output: String,
    },
    #[error("'{path}' cannot be {doing}: {why}")]
    File {
        doing: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error("{0}")]
    Broken(String),
}

/// How the last run of a task ended, as far as its scheduler says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LastResult {
    /// The scheduler does not say.
    Unknown,
    /// It has not run yet.
    Never,
    /// It runs now.
    Running,
    /// The exit code of `aam-backup run`.
    Exit(i64),
    /// It was ended by something else, in the scheduler's words.
    Ended(String),
}

/// A task that a scheduler has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ScheduledTask {
    pub scheduler: Scheduler,
    /// Its name there.
    pub task: String,
    pub mode: Mode,
    /// As the scheduler says it, or local time. `None`: it will not run.
    pub next_run: Option<String>,
    pub last_run: Option<String>,
    pub last_result: LastResult,
    /// Why it will not run as it should.
    pub problem: Option<String>,
    /// A command that starts it now.
    pub try_now: Option<String>,
    /// Whether it runs with the password of its account, which opens what Windows encrypted for
    /// that account. Schedulers of Unix need none.
    #[serde(skip)]
    pub has_password: bool,
}

/// The commands of a scheduler, and the directory of its files.
struct SchedulerTool<'a> {
    cancel: &'a Cancel,
}

impl SchedulerTool<'_> {
    /// Runs a program of the system to its end: exit code and output.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<(i32, String), SchedulerError> {
        let path = locate(
            Some(program),
            &[],
            "it is part of the scheduler; --scheduler chooses another one",
        )?;
        let mut output = String::new();
        let code = Invocation::new(path).args(arguments.iter().copied()).run(
            None,
            self.cancel,
            &mut |line| {
                output.push_str(line);
                output.push('\n');
            },
        )?;
        Ok((code, output))
    }

    /// The same for a command that must end well.
    fn must(&self, program: &str, arguments: &[&str]) -> Result<String, SchedulerError> {
        match self.run(program, arguments)? {
            (0, output) => Ok(output),
            (code, output) => {
                let command = [&[program], arguments].concat().join(" ");
                Err(SchedulerError::Refused {
                    command,
                    code,
                    output: output.trim().replace('\n', " "),
                })
            }
        }
    }
}

/// The scheduler of this computer, unless another one is asked for.
pub fn default() -> Scheduler {
    match () {
        () if cfg!(windows) => Scheduler::TaskScheduler,
        () if cfg!(target_os = "macos") => Scheduler::Launchd,
        // Where systemd itself says whether it runs the system: sd_booted(3).
        () if Path::new("/run/systemd/system").is_dir() => Scheduler::Systemd,
        () => Scheduler::Cron,
    }
}

/// Whether this computer has no scheduler at all, as in many containers.
pub fn is_absent() -> bool {
    default() == Scheduler::Cron && locate(Some("crontab"), &[], "").is_err()
}

/// What is said then, and what to do.
pub const ABSENT: [&str; 2] = [
    "neither systemd nor cron is on this computer: nothing can start a backup by itself",
    "install cron (Debian: apt-get install cron) and run `aam-backup schedule install`, or let \
     another program start `aam-backup run`",
];

/// The schedulers that may have a task on this computer.
pub fn here() -> &'static [Scheduler] {
    match () {
        () if cfg!(windows) => &[Scheduler::TaskScheduler],
        () if cfg!(target_os = "macos") => &[Scheduler::Launchd, Scheduler::Cron],
        () => &[Scheduler::Systemd, Scheduler::Cron],
    }
}

/// Gives a schedule to a scheduler, in the place of one of the same name.
///
/// # Errors
/// When it cannot be changed, or refuses.
pub fn install(
    schedule: &Schedule,
    scheduler: Scheduler,
    cancel: &Cancel,
) -> Result<(), SchedulerError> {
    let tool = SchedulerTool { cancel };
    let files = schedule.render(scheduler)?;
    match scheduler {
        Scheduler::TaskScheduler => task_scheduler::install(&tool, &schedule.name, &files),
        Scheduler::Systemd => systemd::install(&tool, &schedule.name, &files),
        Scheduler::Cron => cron::install(&tool, &schedule.name, &files),
        Scheduler::Launchd => launchd::install(&tool, &schedule.name, &files),
    }
}

/// The task of this name that a scheduler has, if it has one.
///
/// # Errors
/// When it cannot be asked.
pub fn find(
    name: &TaskName,
    scheduler: Scheduler,
    cancel: &Cancel,
) -> Result<Option<ScheduledTask>, SchedulerError> {
    let tool = SchedulerTool { cancel };
    match scheduler {
        Scheduler::TaskScheduler => task_scheduler::find(&tool, name),
        Scheduler::Systemd => systemd::find(&tool, name),
        Scheduler::Cron => cron::find(&tool, name),
        Scheduler::Launchd => launchd::find(&tool, name),
    }
}

/// Every task of a profile on this computer: in any of its schedulers, of either mode. `profile` is
/// its name.
///
/// # Errors
/// When a scheduler cannot be asked.
pub fn status(profile: &str, cancel: &Cancel) -> Result<Vec<ScheduledTask>, SchedulerError> {
    let mut found = Vec::new();
    for scheduler in here() {
        for name in TaskName::all(profile) {
            found.extend(find(&name, *scheduler, cancel)?);
        }
    }
    Ok(found)
}

/// Removes what [`install`] made. Returns what was removed, in words; nothing when there was
/// nothing.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove(
    name: &TaskName,
    scheduler: Scheduler,
    cancel: &Cancel,
) -> Result<Option<String>, SchedulerError> {
    let tool = SchedulerTool { cancel };
    match scheduler {
        Scheduler::TaskScheduler => task_scheduler::remove(&tool, name),
        Scheduler::Systemd => systemd::remove(&tool, name),
        Scheduler::Cron => cron::remove(&tool, name),
        Scheduler::Launchd => launchd::remove(&tool, name),
    }
}

/// Stops a scheduler from starting a task, or lets it start the task again. Returns the task in
/// words; nothing if none exists.
///
/// # Errors
/// When it is there and cannot be changed.
pub fn pause(
    name: &TaskName,
    scheduler: Scheduler,
    is_paused: bool,
    cancel: &Cancel,
) -> Result<Option<String>, SchedulerError> {
    let Some(found) = find(name, scheduler, cancel)? else {
        return Ok(None);
    };
    let tool = SchedulerTool { cancel };
    match scheduler {
        Scheduler::TaskScheduler => task_scheduler::pause(&tool, name, is_paused),
        Scheduler::Systemd => systemd::pause(&tool, name, is_paused),
        Scheduler::Cron => cron::pause(&tool, name, is_paused),
        Scheduler::Launchd => launchd::pause(&tool, name, is_paused),
    }?;
    Ok(Some(found.task))
}

/// The directory for programs' own configuration of this user.
fn user_configuration() -> PathBuf {
    let xdg = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    xdg.unwrap_or_else(|| home().join(".config"))
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

fn write(path: &Path, text: &str) -> Result<(), SchedulerError> {
    let failed = |why| SchedulerError::File {
        doing: "written",
        path: path.to_path_buf(),
        why,
    };
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .map_err(failed)?;
    std::fs::write(path, text).map_err(failed)
}

/// Removes a file; whether it was there.
fn delete(path: &Path) -> Result<bool, SchedulerError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(SchedulerError::File {
            doing: "removed",
            path: path.to_path_buf(),
            why,
        }),
    }
}

/// The value of a line `name=value`, if it has one.
fn value<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let is = |line: &'a str| line.strip_prefix(name)?.strip_prefix('=');
    lines.lines().find_map(is).filter(|value| !value.is_empty())
}
