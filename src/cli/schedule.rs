//! `schedule`: a task in a scheduler of this computer that runs a profile (SPEC#schedule).

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::examples;
use chrono::{Local, NaiveTime};
use clap::{Args, Subcommand};

use super::place::complain;
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::scheduler::{self, SchedulerError};
use crate::adapters::state::{DIRECTORY_VARIABLE, is_root};
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::path::Family;
use crate::model::policy::Every;
use crate::plan::backup::Mode;
use crate::profile::Search;
use crate::render::schedule::{Rendered, Schedule, Scheduler, TaskName};

mod advice;
mod status;
mod times;

pub use times::time_of_day;

pub use status::ScheduleAnswer;

/// Schedule runs of a profile: every night by default.
#[derive(Debug, Args)]
#[command(after_help = examples::SCHEDULE)]
pub struct ScheduleArgs {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with a schedule.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show what `install` would register with the scheduler. Changes nothing
    Show(ShowArgs),
    /// Register a task with the scheduler, and verify that it is there
    Install(InstallArgs),
    /// Remove the tasks that `install` registered
    Remove(OfArgs),
    /// Stop the scheduler from starting the tasks of a profile, until `resume`
    Pause(OfArgs),
    /// Let the scheduler start the tasks of a profile again
    Resume(OfArgs),
    /// Ask the scheduler for the tasks of a profile, their next run and their last result. Exit
    /// code 1 if there is no task
    Status(ScheduleStatusArgs),
}

/// When and how.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// Local time of day. Can be repeated. Default: for regular runs `schedule.at` of the profile,
    /// else 00:30.
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    pub at: Vec<NaiveTime>,
    /// How often to run. Default: for regular runs `schedule.every` of the profile, else every day.
    #[arg(long, value_enum)]
    pub every: Option<Every>,
    /// Mode of the backup. A profile can have one task for each mode.
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
    /// Scheduler. Default: Task Scheduler on Windows, systemd or launchd if present, else cron.
    #[arg(long, value_enum)]
    pub scheduler: Option<Scheduler>,
    /// Account to run as. Default: SYSTEM on Windows, else the account that installs.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Time after which the scheduler stops a run. launchd has no such limit. Default: for regular
    /// runs `schedule.time-limit` of the profile, else 72h.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub time_limit: Option<Duration>,
    /// File with NAME=VALUE lines that systemd adds to the environment of the run.
    #[arg(long, value_name = "PATH")]
    pub environment_file: Option<PathBuf>,
    /// File to which each run writes its metrics.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Log format. With `json`, each run also writes its events as JSON lines beside the log.
    #[arg(long, value_enum, default_value_t)]
    pub log_format: OutputFormat,
}

/// What to show.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub install: InstallArgs,
    /// Write the files to this directory, in the form that the scheduler reads.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// The profile of the schedule.
#[derive(Debug, Args)]
pub struct OfArgs {
    /// Profile: a path or a name. A name is enough if the file no longer exists.
    pub profile: String,
}

/// The profile whose schedule is queried.
#[derive(Debug, Args)]
pub struct ScheduleStatusArgs {
    #[command(flatten)]
    pub of: OfArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Shows, installs, removes or asks.
pub fn schedule(global: &Global, args: &ScheduleArgs, cancel: &Cancel) -> Exit {
    match &args.action {
        Action::Show(args) => super::with_job(global, &args.install.profile, |job| show(job, args)),
        Action::Install(args) => {
            super::with_job(global, &args.profile, |job| install(job, args, cancel))
        }
        Action::Remove(args) => each(global, args, ["Removed from", "remove"], &|name, from| {
            scheduler::remove(name, from, cancel)
        }),
        Action::Pause(args) => each(global, args, ["Paused in", "pause"], &|name, of| {
            scheduler::pause(name, of, true, cancel)
        }),
        Action::Resume(args) => each(global, args, ["Resumed in", "resume"], &|name, of| {
            scheduler::pause(name, of, false, cancel)
        }),
        Action::Status(args) => named(global, &args.of.profile, |name| {
            status::status(global, &args.of.profile, name, args.format, cancel)
        }),
    }
}

/// A task can be removed even if its profile is missing or invalid: then the argument is the name.
fn named(global: &Global, profile: &str, body: impl FnOnce(&str) -> Exit) -> Exit {
    match Search::new(global.profiles.as_deref()).load(profile) {
        Ok(job) => body(&job.name),
        Err(diagnostics)
            if profile.contains(['/', '\\']) || Path::new(profile).extension().is_some() =>
        {
            output::note(diagnostics);
            output::note("  hint: if the profile no longer exists, give its name\n");
            Exit::Usage
        }
        Err(_) => body(profile),
    }
}

fn refuse(text: &str, hint: &str) -> Exit {
    complain("error", text, hint);
    Exit::Usage
}

fn fail(error: &SchedulerError) -> Exit {
    let hint = match error {
        SchedulerError::Tool(error) => error.hint().unwrap_or_default(),
        SchedulerError::Refused { .. } if cfg!(windows) => "run the command as administrator",
        _ => "",
    };
    complain("error", &error.to_string(), hint);
    Exit::Failed
}

/// The schedule that the arguments describe, if they fit together.
fn schedule_of(job: &Job, args: &InstallArgs, scheduler: Scheduler) -> Result<Schedule, Exit> {
    let system = match scheduler {
        Scheduler::Systemd | Scheduler::Launchd => is_root(),
        Scheduler::Cron | Scheduler::TaskScheduler => false,
    };
    let times = args.times(job);
    fit_together(job, args, times.limit, scheduler, system)?;
    let (program, profile) = advice::paths(job).map_err(|error| refuse(&error, ""))?;
    let absolute = |path: &PathBuf| {
        std::path::absolute(path)
            .unwrap_or_else(|_| path.clone())
            .display()
            .to_string()
    };
    let state_directory = std::env::var(DIRECTORY_VARIABLE)
        .ok()
        .filter(|d| !d.is_empty() && job.family == Family::HOST);
    Ok(Schedule {
        name: TaskName {
            profile: job.name.clone(),
            mode: args.mode,
        },
        program,
        profile,
        at: times.at,
        every: times.every,
        time_limit: times.limit,
        on_battery: times.on_battery,
        when_attached: times.when_attached.map(|path| path.to_string()),
        user: args.user.clone(),
        system,
        path: advice::search_path(job),
        state_directory: state_directory.map(|directory| absolute(&PathBuf::from(directory))),
        environment_file: args.environment_file.as_ref().map(absolute),
        metrics: args.metrics.as_ref().map(absolute),
        log_json: args.log_format == OutputFormat::Json,
        from: Local::now().naive_local(),
    })
}

/// Refuses arguments that the profile or the scheduler does not allow. `system` is a task of the
/// whole computer, which may run as another account.
fn fit_together(
    job: &Job,
    args: &InstallArgs,
    time_limit: Duration,
    scheduler: Scheduler,
    system: bool,
) -> Result<(), Exit> {
    if scheduler.family() != job.family {
        let text = format!(
            "{scheduler} cannot run the profile '{}': it has {} paths",
            job.name, job.family
        );
        return Err(refuse(
            &text,
            "leave out --scheduler, or choose another scheduler",
        ));
    }
    if time_limit <= job.lock.give_up_after {
        let (limit, patience) = (
            humantime::format_duration(time_limit),
            humantime::format_duration(job.lock.give_up_after),
        );
        let text = format!(
            "the time limit {limit} leaves no time after the wait for another backup ({patience})"
        );
        return Err(refuse(
            &text,
            "give a longer one, or set lock.give-up-after in the profile",
        ));
    }
    if args.environment_file.is_some() && scheduler != Scheduler::Systemd {
        return Err(refuse(
            &format!("{scheduler} does not support --environment-file"),
            "keep the secret in a file: `file: PATH`",
        ));
    }
    if args.user.is_some() && scheduler.family() == Family::Unix && !system {
        let hint = match scheduler {
            Scheduler::Cron => {
                "run the command as that user, because each user has their own crontab"
            }
            _ => "run the command as root",
        };
        return Err(refuse(
            &format!("{scheduler} cannot install a task for another account here"),
            hint,
        ));
    }
    Ok(())
}

/// The scheduler that is asked for, or that of the computers the profile is for.
fn chosen(job: &Job, wanted: Option<Scheduler>) -> Scheduler {
    wanted.unwrap_or(match job.family {
        family if family == Family::HOST => scheduler::default(),
        Family::Windows => Scheduler::TaskScheduler,
        Family::Unix => Scheduler::Systemd,
    })
}

fn show(job: &Job, args: &ShowArgs) -> Exit {
    let scheduler = chosen(job, args.install.scheduler);
    let schedule = match schedule_of(job, &args.install, scheduler) {
        Ok(schedule) => schedule,
        Err(exit) => return exit,
    };
    let files = match schedule.render(scheduler) {
        Ok(files) => files,
        Err(error) => return fail(&error.into()),
    };
    advice::warn(job, &schedule, scheduler);
    if let Some(directory) = &args.to {
        return write(&files, directory);
    }
    match &files[..] {
        [file] => output::result(&file.text),
        _ => output::result(
            files
                .iter()
                .map(|f| format!("# {}\n{}", f.file, f.text))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    }
}

fn write(files: &[Rendered], directory: &Path) -> Exit {
    let mut written = String::new();
    for file in files {
        let path = directory.join(&file.file);
        if let Err(error) =
            std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, file.bytes()))
        {
            complain(
                "error",
                &format!("'{}' cannot be written: {error}", path.display()),
                "",
            );
            return Exit::Failed;
        }
        written.push_str(&format!("{}\n", path.display()));
    }
    output::result(written)
}

fn install(job: &Job, args: &InstallArgs, cancel: &Cancel) -> Exit {
    if job.family != Family::HOST {
        output::note(super::other_host(job));
        return Exit::Usage;
    }
    let scheduler = chosen(job, args.scheduler);
    if args.scheduler.is_none() && scheduler::is_absent() {
        let [text, hint] = scheduler::ABSENT;
        complain("error", text, hint);
        return Exit::Failed;
    }
    let schedule = match schedule_of(job, args, scheduler) {
        Ok(schedule) => schedule,
        Err(exit) => return exit,
    };
    advice::warn(job, &schedule, scheduler);
    advice::warn_of_encrypted(job, &schedule, cancel);
    let asked = scheduler::install(&schedule, scheduler, cancel)
        .and_then(|()| scheduler::find(&schedule.name, scheduler, cancel));
    match asked {
        Ok(Some(found)) if found.next_run.is_some() => {
            let exit = output::result(status::describe(&job.name, &found));
            if let Some(command) = &found.try_now {
                output::note(format_args!("Try it now: {command}\n"));
            }
            status::others(&job.name, &found, cancel);
            // It is there; whether it will run is another matter.
            if found.problem.is_some() {
                Exit::Failed
            } else {
                exit
            }
        }
        Ok(found) => {
            let problem = found
                .and_then(|f| f.problem)
                .unwrap_or_else(|| "the task is not there".to_owned());
            complain(
                "error",
                &format!("{scheduler} accepted the task but will not run it: {problem}"),
                "",
            );
            Exit::Failed
        }
        Err(error) => fail(&error),
    }
}

/// What is done to a task; what it returns names the task.
type TaskAction<'a> = dyn Fn(&TaskName, Scheduler) -> Result<Option<String>, SchedulerError> + 'a;

/// Does something to every task of a profile; `[done, verb]` are the words for it.
fn each(global: &Global, args: &OfArgs, [done, verb]: [&str; 2], act: &TaskAction) -> Exit {
    named(global, &args.profile, |profile| {
        let mut tasks = String::new();
        for scheduler in scheduler::here() {
            for name in TaskName::all(profile) {
                match act(&name, *scheduler) {
                    Ok(None) => {}
                    Ok(Some(task)) => tasks.push_str(&format!("{done} {scheduler}: {task}\n")),
                    Err(error) => return fail(&error),
                }
            }
        }
        match tasks.is_empty() {
            true => output::result(format_args!(
                "Nothing to {verb}: '{profile}' is not scheduled.\n"
            )),
            false => output::result(tasks),
        }
    })
}
