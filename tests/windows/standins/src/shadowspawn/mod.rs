//! ShadowSpawn: shows a snapshot of a directory at a drive letter while a command runs.
//!
//! Nothing under Wine makes a drive letter appear. So the letter is there beforehand and leads to
//! an empty directory; "mounting" fills it with a copy, which like a snapshot does not see later
//! changes, and "dismounting" empties it. A letter that holds something is in use, as after a run
//! that was killed.

mod arguments;
mod mount;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use crate::{console, system};
use arguments::{Arguments, UsageError};

/// An error code of VSS, such as `0x80042316`: every snapshot fails with it.
const FAILURE_VARIABLE: &str = "AAM_STANDIN_VSS_FAILURE";

/// A file of such codes, one a line: each run takes the first line away and fails with it.
const FAILURES_VARIABLE: &str = "AAM_STANDIN_VSS_FAILURES";

/// Another snapshot of the volume is being made.
const SNAPSHOT_IN_PROGRESS: &str = "0x80042316";

/// The snapshot failed, or the command did not start.
const FAILED: i32 = 1;

/// The command line is wrong, or the letter in use.
const USAGE: i32 = 2;

/// Set in the exit code when the command's own was not zero.
const COMMAND_FAILED: i32 = 0x8000;

/// Runs a whole command line, the program's name included, and returns the exit code.
pub fn run(command_line: &str) -> i32 {
    let arguments = match Arguments::parse(command_line) {
        Ok(arguments) => arguments,
        Err(error) => {
            banner();
            match error {
                UsageError::Asked => return 0,
                UsageError::Endless => {
                    console::line("stand-in for ShadowSpawn: a source of this length never ends")
                }
                UsageError::Wrong(why) => {
                    console::line(&format!("Error: {why}\r\n\r\n{}", arguments::USAGE))
                }
            }
            return USAGE;
        }
    };
    let say = |text: &str| {
        if arguments.verbosity >= 2 {
            console::line(text);
        }
    };
    if arguments.verbosity > 0 {
        banner();
    }
    // It says more of each step, and its writer dies of what the console's code page lacks: those of
    // western Europe have no other letters than these.
    let is_western = |c: char| u32::from(c) < 0x100;
    if arguments.verbosity > 2 && !arguments.source.chars().all(is_western) {
        return FAILED;
    }
    say(&format!(
        "Shadowing {} at {}",
        arguments.source, arguments.device
    ));
    let _only_one = match snapshot_allowed() {
        Ok(lock) => lock,
        Err(code) => {
            say("Aborting backup.");
            console::line(&format!(
                "There was a COM failure {code} - ShadowSpawn.cpp (281)"
            ));
            return FAILED;
        }
    };
    if let Err(error) = mount::fill(&arguments.device, &arguments.source) {
        say("Aborting backup.");
        console::line(&format!(
            "There was an error retrieving the volume name from the path. Error: {error}"
        ));
        return FAILED;
    }
    say(&format!("Launching command: {}", arguments.command));
    match system::run_command_line(&arguments.command) {
        Ok(code) => {
            say(&format!(
                "Launched command finished with exit code: {code}."
            ));
            mount::empty(&arguments.device);
            say("Shadowing successfully completed.");
            if code == 0 {
                0
            } else {
                COMMAND_FAILED | code.cast_signed()
            }
        }
        Err(error) => {
            say("Aborting backup.");
            say(&format!("Dismounting device: {}", arguments.device));
            mount::empty(&arguments.device);
            say("Deleting snapshot.");
            console::line(&format!(
                "There was an error calling CreateProcess. Process: {} Error: {}",
                arguments.command,
                message(&error)
            ));
            FAILED
        }
    }
}

fn banner() {
    console::line("ShadowSpawn (c) 2011 Craig Andera. shadowspawn@wangdera.com");
    console::line("");
}

/// The system's texts end a line of their own; those with a place for a file name in them cannot be
/// had.
fn message(error: &io::Error) -> String {
    const BAD_EXE_FORMAT: i32 = 193;
    match error.raw_os_error().unwrap_or(0) {
        BAD_EXE_FORMAT => format!("Error {BAD_EXE_FORMAT}"),
        number => format!("{}\r\n (Error number {number})", system::message(error)),
    }
}

/// The right to make a snapshot, which only one process has at a time, also on a machine without
/// VSS.
fn snapshot_allowed() -> Result<File, String> {
    if let Ok(code) = std::env::var(FAILURE_VARIABLE) {
        return Err(code);
    }
    if let Some(code) =
        std::env::var_os(FAILURES_VARIABLE).and_then(|file| first_line_of(PathBuf::from(file)))
    {
        return Err(code);
    }
    let lock = std::env::temp_dir().join("standin-shadowspawn.lock");
    system::open_alone(&lock).map_err(|_| SNAPSHOT_IN_PROGRESS.to_owned())
}

fn first_line_of(file: PathBuf) -> Option<String> {
    let text = fs::read_to_string(&file).ok()?;
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    fs::write(&file, rest).ok()?;
    Some(first.trim().to_owned()).filter(|code| !code.is_empty())
}
