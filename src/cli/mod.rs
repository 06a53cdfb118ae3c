//! The command line. It knows every module, and decides nothing that a plan decides.
//!
//! One file for each command. Results go to stdout, everything else to stderr (SPEC#commands).

mod answer;
mod check;
mod color;
mod completions;
mod copy;
mod doctor;
mod event_lines;
mod exact;
mod examples;
pub mod exit;
mod explain;
mod import;
mod init;
mod key;
mod notify;
pub mod output;
pub mod place;
mod plan;
mod prices;
mod progress;
mod prune;
mod report;
mod restore;
mod run;
mod schedule;
mod schema;
mod search;
mod secret_file;
mod sets;
mod shadow;
mod shadow_stage;
mod shortcuts;
mod show;
mod status;
pub mod terminal;
mod verify;
mod when;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::Exit;

use crate::adapters::dumps;
#[cfg(unix)]
use crate::adapters::process::guard;
use crate::model::cancel::Cancel;
use crate::model::job::{Destination, Job};
use crate::profile::Search;

/// The version, and the commit that a package was made from.
const VERSION: &str = match option_env!("AAM_BACKUP_BUILD") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Back up a computer as one YAML profile says, and restore it.
#[derive(Debug, Parser)]
#[command(name = "aam-backup", version = VERSION, max_term_width = 100, after_help = examples::FIRST)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Directory to look up profiles in by name
    #[arg(
        id = "profiles-directory",
        long = "profiles",
        global = true,
        value_name = "DIR"
    )]
    pub profiles: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Run(run::RunArgs),
    Status(status::StatusArgs),
    Sets(sets::SetsArgs),
    Report(report::OverviewArgs),
    Prune(prune::PruneArgs),
    Verify(verify::VerifyArgs),
    Copy(Box<copy::CopyArgs>),
    Find(search::FindArgs),
    Versions(search::VersionsArgs),
    Ls(search::LsArgs),
    Diff(search::DiffArgs),
    Key(key::KeyCommandArgs),
    Restore(Box<restore::RestoreArgs>),
    Explain(explain::Explain),
    Show(show::EffectiveArgs),
    Doctor(doctor::DoctorArgs),
    Notify(notify::NotifyArgs),
    Shortcuts(shortcuts::ShortcutsArgs),
    Init(Box<init::InitArgs>),
    Import(Box<import::ImportArgs>),
    Schedule(schedule::ScheduleArgs),
    Schema(schema::PrintSchema),
    Completions(completions::Completions),
    Shadow(shadow::ShadowArgs),
    /// Ends the tools of a run that was killed; internal
    #[cfg(unix)]
    #[command(hide = true, name = guard::COMMAND)]
    ToolGuard,
    #[command(hide = true)]
    Man(completions::Man),
    /// Started by the snapshot program; internal
    #[command(hide = true)]
    ShadowStage {
        order: PathBuf,
    },
}

impl Command {
    /// Whether it runs tools that take their time.
    #[cfg(unix)]
    fn runs_tools(&self) -> bool {
        use Command::{Copy, Prune, Restore, Run, Verify};
        matches!(self, Run(_) | Restore(_) | Copy(_) | Prune(_) | Verify(_))
    }
}

/// How a result is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// How progress is shown on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressForm {
    /// A live line on a terminal, else a line a minute
    #[default]
    Line,
    /// Every event as a line of JSON
    Json,
}

/// A value as it is written on the command line.
fn word(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |v| v.get_name().to_owned())
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is not an error.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            }
            .into();
        }
    };
    dumps::forbid();
    let cancel = Cancel::new();
    if let Err(error) = on_interrupt(&cancel) {
        output::note(format_args!("error: signals cannot be handled: {error}\n"));
        return Exit::Failed.into();
    }
    #[cfg(unix)]
    if cli.command.runs_tools() {
        guard::start();
    }
    carry_out(cli, &cancel).into()
}

/// Carries out a command.
fn carry_out(cli: Cli, cancel: &Cancel) -> Exit {
    match cli.command {
        #[cfg(unix)]
        Command::ToolGuard => {
            guard::watch(std::io::stdin());
            Exit::Success
        }
        Command::Plan(args) => with_job(&cli.global, &args.profile, |job| {
            only_to(job, &args.backup.destinations, |job| {
                plan::plan(job, &args, cancel)
            })
        }),
        Command::Run(args) => run::run(&cli.global, &args, cancel),
        Command::Doctor(args) => with_job(&cli.global, &args.profile, |job| {
            doctor::doctor(job, &args, cancel)
        }),
        Command::Notify(args) => args.run(&cli.global),
        Command::Shortcuts(args) => with_job(&cli.global, &args.profile, |job| {
            shortcuts::write(job, &args)
        }),
        Command::Schedule(args) => schedule::schedule(&cli.global, &args, cancel),
        Command::Status(args) => status::status(&cli.global, &args),
        Command::Sets(args) => sets::sets(&cli.global, &args, cancel),
        Command::Report(args) => args.run(&cli.global, cancel),
        Command::Verify(args) => args.run(&cli.global, cancel),
        Command::Copy(args) => args.run(&cli.global, cancel),
        Command::Prune(args) => args.run(&cli.global, cancel),
        Command::Find(args) => args.run(&cli.global, cancel),
        Command::Versions(args) => args.run(&cli.global, cancel),
        Command::Ls(args) => args.run(&cli.global, cancel),
        Command::Diff(args) => args.run(&cli.global, cancel),
        Command::Key(args) => args.run(&cli.global, cancel),
        Command::Restore(args) => restore::restore(&cli.global, &args, cancel),
        Command::Shadow(args) => shadow::run(args, cancel),
        Command::ShadowStage { order } => shadow_stage::run(&order, cancel),
        Command::Check(check) => check.run(&cli.global),
        Command::Explain(explain) => explain.run(&cli.global),
        Command::Show(show) => show.run(&cli.global),
        Command::Init(init) => init.run(&cli.global, cancel),
        Command::Import(import) => import.run(),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// Loads a profile and continues with its job.
fn with_job(global: &Global, profile: &str, body: impl FnOnce(&Job) -> Exit) -> Exit {
    match Search::new(global.profiles.as_deref()).load(profile) {
        Ok(job) => body(&job),
        Err(diagnostics) => {
            output::note(diagnostics);
            Exit::Usage
        }
    }
}

/// Work on files needs a computer of the profile's family.
fn other_host(job: &Job) -> String {
    format!(
        "error: the profile '{}' describes {} paths; it can be checked and planned on this computer, but not run\n",
        job.name, job.family
    )
}

/// Continues with the given destinations, or with all if none is given.
fn only_to(job: &Job, destinations: &[Destination], body: impl FnOnce(&Job) -> Exit) -> Exit {
    match job.clone().only_to(destinations) {
        Ok(job) => body(&job),
        Err(missing) => {
            output::note(format_args!(
                "error: the profile '{}' has no destination '{missing}'\n",
                job.name
            ));
            Exit::Usage
        }
    }
}

/// The first interrupt asks everything to stop in order. The second ends the program at once.
#[cfg(unix)]
fn on_interrupt(cancel: &Cancel) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // `nohup`, and shells that start a program in the background, ask for this.
        if signal != SIGTERM && is_ignored(signal) {
            continue;
        }
        signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(Exit::Interrupted.code()),
            cancel.flag(),
        )?;
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    Ok(())
}

/// Whether the parent process wants this program to ignore a signal. Linux says so in
/// `/proc/self/status`, as a mask of signals from 1; other systems do not say.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(windows)]
fn on_interrupt(cancel: &Cancel) -> std::io::Result<()> {
    crate::adapters::windows::on_interrupt(cancel, Exit::Interrupted.code())
}
