//! The command line: knows every module, decides nothing a plan decides. Results go to standard output, everything
//! else to standard error (SPEC §3).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::cancel::Cancel;
use crate::job::Job;
use crate::path::Family;
use crate::profile;

mod exit;
mod place;
mod plan;
mod restore;
mod run;
mod sets;
mod shadow_stage;

use exit::Exit;

/// Backups from a profile: mirrored, archived and encrypted by proven tools, restored by one command.
#[derive(Debug, Parser)]
#[command(name = "aam-backup", version, about, max_term_width = 100)]
struct Cli {
    /// Directory in which profiles are looked up by name.
    #[arg(long, global = true, value_name = "DIR")]
    profiles: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::PlanArgs),
    Run(run::RunArgs),
    Sets(sets::SetsArgs),
    Restore(restore::RestoreArgs),
    /// What the snapshot program starts; not for people.
    #[command(hide = true)]
    ShadowStage {
        order: PathBuf,
    },
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// The word of a value as the command line writes it.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let cancel = Cancel::new();
    if let Err(error) = on_interrupt(&cancel) {
        eprintln!("error: signals cannot be handled: {error}");
        return Exit::Failed.into();
    }
    let exit = match &cli.command {
        Command::Plan(args) => with_job(&args.profile, false, |job| plan::plan(job, args, &cancel)),
        Command::Run(args) => with_job(&args.profile, true, |job| run::run(job, args, &cancel)),
        Command::Sets(args) => sets::sets(args, &cancel),
        Command::Restore(args) => restore::restore(args, &cancel),
        Command::ShadowStage { order } => shadow_stage::run(order, &cancel),
    };
    exit.into()
}

/// Loads a profile and goes on with its job. Work on files needs a host of the profile's family.
fn with_job(name: &str, on_this_host: bool, body: impl FnOnce(&Job) -> Exit) -> Exit {
    let job = match profile::load(Path::new(name)) {
        Ok(job) => job,
        Err(diagnostics) => {
            eprint!("{diagnostics}");
            return Exit::Usage;
        }
    };
    if on_this_host && job.family != Family::HOST {
        eprintln!(
            "error: the profile '{}' describes {} paths; it can be checked and planned here, but not run",
            job.name, job.family
        );
        return Exit::Usage;
    }
    body(&job)
}

/// The first interrupt asks everything to stop in order; the second ends the program at once.
#[cfg(unix)]
fn on_interrupt(cancel: &Cancel) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, i32::from(Exit::Interrupted.code()), cancel.flag())?;
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn on_interrupt(_cancel: &Cancel) -> std::io::Result<()> {
    Ok(())
}
