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

/// The command gets no standard output.
const SILENT_VARIABLE: &str = "AAM_STANDIN_SILENT";

/// Another snapshot of the volume is being made.
const SNAPSHOT_IN_PROGRESS: &str = "0x80042316";

/// The snapshot failed, or the command did not start.
const FAILED: i32 = 1;

/// The command line is wrong, or the letter in use.
const USAGE: i32 = 2;

/// What Windows ends a process with that does not catch an exception of C++.
const UNCAUGHT: i32 = 0xE06D_7363_u32.cast_signed();

/// Set in the exit code when the command's own was not zero.
const COMMAND_FAILED: i32 = 0x8000;

/// Its writer dies of what the console cannot show, as far as its code page goes.
struct Unwritable;

/// What it writes, and how much of it is wanted.
struct Writer {
    verbosity: u32,
}

impl Writer {
    /// Of no interest when all goes well.
    const STATUS: u32 = 3;
    const ERRORS: u32 = 2;

    fn line(&self, from: u32, text: &str) -> Result<(), Unwritable> {
        if self.verbosity < from {
            return Ok(());
        }
        match console::has_letters_for(text) {
            true => {
                console::line(text);
                Ok(())
            }
            false => Err(Unwritable),
        }
    }

    fn status(&self, text: &str) -> Result<(), Unwritable> {
        self.line(Writer::STATUS, text)
    }

    /// The last word; one that cannot be written ends it as an exception does that nobody catches.
    fn error(&self, text: &str, code: i32) -> i32 {
        match self.line(Writer::ERRORS, text) {
            Ok(()) => code,
            Err(Unwritable) => UNCAUGHT,
        }
    }
}

/// Runs a whole command line, the program's name included, and returns the exit code.
pub fn run(command_line: &str) -> i32 {
    // Before it knows how much is wanted.
    console::line("ShadowSpawn (c) 2011 Craig Andera. shadowspawn@wangdera.com");
    console::line("");
    let arguments = match Arguments::parse(command_line) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = match error {
                UsageError::Asked => return 0,
                UsageError::Endless => {
                    "stand-in for ShadowSpawn: a source of this length never ends".to_owned()
                }
                UsageError::Wrong(why) => format!("Error: {why}\r\n\r\n{}", arguments::USAGE),
            };
            let verbosity = arguments::VERBOSITY;
            return Writer { verbosity }.error(&text, USAGE);
        }
    };
    let writer = Writer {
        verbosity: arguments.verbosity,
    };
    match shadowed(&arguments, &writer) {
        Ok(code) => code,
        Err(Unwritable) => {
            mount::empty(&arguments.device);
            writer.error("Unable to write to the console.", FAILED)
        }
    }
}

fn shadowed(arguments: &Arguments, writer: &Writer) -> Result<i32, Unwritable> {
    let Arguments {
        source,
        device,
        command,
        ..
    } = arguments;
    writer.status(&format!("Shadowing {source} at {device}"))?;
    let _only_one = match snapshot_allowed() {
        Ok(lock) => lock,
        Err(code) => {
            writer.status("Aborting backup.")?;
            let text = format!("There was a COM failure {code} - ShadowSpawn.cpp (281)");
            return Ok(writer.error(&text, FAILED));
        }
    };
    if let Err(error) = mount::fill(device, source) {
        writer.status("Aborting backup.")?;
        let text = "There was an error retrieving the volume name from the path.";
        let text = format!("{text} Path: {source} Error: {error}");
        return Ok(writer.error(&text, FAILED));
    }
    writer.status(&format!("Launching command: {command}"))?;
    let is_silent = std::env::var_os(SILENT_VARIABLE).is_some();
    let code = match system::run_command_line(command, is_silent) {
        Ok(code) => code,
        Err(error) => {
            writer.status("Aborting backup.")?;
            writer.status(&format!("Dismounting device: {device}"))?;
            mount::empty(device);
            writer.status("Deleting snapshot.")?;
            let text = format!(
                "There was an error calling CreateProcess. Process: {command} Error: {}",
                message(&error)
            );
            return Ok(writer.error(&text, FAILED));
        }
    };
    writer.status(&format!(
        "Launched command finished with exit code: {code}."
    ))?;
    mount::empty(device);
    writer.status("Shadowing successfully completed.")?;
    Ok(match code {
        0 => 0,
        code => COMMAND_FAILED | code.cast_signed(),
    })
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
