//! Every exit code of the program, in one place (SPEC#exit-codes).

use std::process::ExitCode;

use crate::model::event::Outcome;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Success,
    /// Something failed.
    Failed,
    /// A wrong command line, or an invalid profile: nothing was started.
    Usage,
    /// Done, but files were skipped.
    Warnings,
    /// Another backup held the lock.
    Locked,
    /// Ctrl-C or a termination signal.
    Interrupted,
}

impl Exit {
    /// This exit, unless it is a success: then the other.
    pub fn or(self, other: Exit) -> Exit {
        match self {
            Exit::Success => other,
            failed => failed,
        }
    }

    /// The worse of two exits.
    pub fn worse(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Success => 0,
            Exit::Warnings => 1,
            Exit::Locked => 2,
            Exit::Failed => 3,
            Exit::Usage => 4,
            Exit::Interrupted => 5,
        };
        match rank(other) > rank(self) {
            true => other,
            false => self,
        }
    }

    /// The exit code that the caller sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Warnings => 3,
            Exit::Locked => 4,
            Exit::Interrupted => 130,
        }
    }

    /// All of them.
    pub const ALL: [Exit; 6] = [
        Exit::Success,
        Exit::Failed,
        Exit::Usage,
        Exit::Warnings,
        Exit::Locked,
        Exit::Interrupted,
    ];

    /// What the code says about a run.
    pub const fn words(self) -> &'static str {
        match self {
            Exit::Success => "success",
            Exit::Failed => "failed",
            Exit::Usage => "wrong command line or invalid profile",
            Exit::Warnings => "finished with warnings",
            Exit::Locked => "another backup was running",
            Exit::Interrupted => "interrupted",
        }
    }

    /// How a run's outcome ends the program.
    pub const fn of(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::Success | Outcome::Skipped => Exit::Success,
            Outcome::Warning => Exit::Warnings,
            Outcome::Failure | Outcome::Lost => Exit::Failed,
            Outcome::Invalid => Exit::Usage,
            Outcome::Locked | Outcome::Declined => Exit::Locked,
            Outcome::Interrupted => Exit::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
