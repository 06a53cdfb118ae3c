//! The command line: knows every module, decides nothing a plan decides.
//!
//! One file a command. Results go to stdout, everything else to stderr (SPEC §3).

mod check;
mod completions;
pub mod exit;
mod explain;
mod output;
mod schema;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::Exit;

/// Declarative backups: one YAML profile says what to back up and where to.
#[derive(Debug, Parser)]
#[command(name = "aam-backup", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Directory in which profiles are looked up by name
    #[arg(id = "profiles-directory", long = "profiles", global = true, value_name = "DIR")]
    pub profiles: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(check::Check),
    Explain(explain::Explain),
    Schema(schema::PrintSchema),
    Completions(completions::Completions),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; a closed pipe is no reason to complain.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success }.into();
        }
    };
    let exit = match cli.command {
        Command::Check(check) => check.run(&cli.global),
        Command::Explain(explain) => explain.run(&cli.global),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
    };
    exit.into()
}
