//! `shadow`: shows a shadow copy of a directory at a drive letter while a command runs
//! (SPEC#snapshot).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::place::complain;
use crate::model::cancel::Cancel;

/// Show a shadow copy of a directory at a drive letter while a command runs (Windows).
///
/// Exit codes are those of ShadowSpawn: 1 if no shadow copy was made, 2
/// if the command line is wrong or the letter in use, and that of the command with 32768 added.
#[derive(Debug, Args)]
pub struct ShadowArgs {
    /// Directory on a local volume
    pub source: PathBuf,
    /// Free drive letter, such as Q:
    pub mount: String,
    /// Command to run, with its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// Runs the command, and ends the program with its exit code.
#[cfg(windows)]
pub fn run(args: ShadowArgs, cancel: &Cancel) -> Exit {
    use crate::cli::terminal::Terminal;
    use crate::model::event::Events;
    use crate::run::shadow::{self, ShadowOrder};

    let letter = args.mount.trim_end_matches('\\').to_ascii_uppercase();
    if !matches!(letter.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()) {
        let text = format!("'{}' is not a drive letter", args.mount);
        complain(
            "error",
            &text,
            "write a free letter with a colon, such as Q:",
        );
        return Exit::Usage;
    }
    let order = ShadowOrder {
        source: args.source,
        letter,
        command: args.command,
    };
    let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
    let code = shadow::run(&order, cancel, &events).unwrap_or_else(|error| {
        complain("error", &error.to_string(), error.hint());
        error.code()
    });
    // Other codes than those of the table.
    std::process::exit(code)
}

/// Only Windows has them.
#[cfg(not(windows))]
pub fn run(_: ShadowArgs, _: &Cancel) -> Exit {
    let hint = "on Unix, name a program that makes snapshots in snapshot.program";
    complain("error", "shadow copies are made on Windows only", hint);
    Exit::Usage
}
