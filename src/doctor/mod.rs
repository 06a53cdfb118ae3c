//! The doctor: tests everything that a run of a profile needs, before it runs unattended
//! (SPEC#commands).
//!
//! One table of checks, each a small function that returns what it found and what to do. All of
//! them run, regardless of what the others find. None of them leaves anything behind.

mod aws;
mod email;
mod encrypted;
mod exclusions;
mod executable;
mod file_system;
mod places;
mod reporting;
mod schedule;
mod secrets;
mod stores;
mod tools;
mod trial;
mod visit;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::cancel::Cancel;
use crate::model::job::Job;

pub use encrypted::HINT as ENCRYPTED_HINT;
use visit::Visit;

/// How good or bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckLevel {
    Ok,
    /// A run will work, but not as well as it could, or not for ever: exit code 3.
    Warning,
    /// A run will fail or do nothing of use: exit code 1.
    Problem,
}

impl std::fmt::Display for CheckLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            CheckLevel::Ok => "ok",
            CheckLevel::Warning => "warning",
            CheckLevel::Problem => "problem",
        })
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CheckResult {
    /// Name of the check.
    pub check: &'static str,
    pub level: CheckLevel,
    pub text: String,
    /// What to do; never missing where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A finding before it has the name of its check.
#[derive(Debug)]
struct CheckAnswer(CheckLevel, String, Option<String>);

fn ok(text: impl Into<String>) -> CheckAnswer {
    CheckAnswer(CheckLevel::Ok, text.into(), None)
}

fn warning(text: impl Into<String>, hint: impl Into<String>) -> CheckAnswer {
    CheckAnswer(CheckLevel::Warning, text.into(), Some(hint.into()))
}

fn problem(text: impl Into<String>, hint: impl Into<String>) -> CheckAnswer {
    CheckAnswer(CheckLevel::Problem, text.into(), Some(hint.into()))
}

/// One check. It finds nothing where it has nothing to look at: no bucket, no lifecycle.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    find: fn(&Visit<'_>) -> Vec<CheckAnswer>,
}

/// All checks, in their order: this computer first, then what can be slow.
pub const CHECKS: &[Check] = &[
    Check {
        name: "7-zip",
        find: tools::seven_zip,
    },
    Check {
        name: "copier",
        find: tools::copier,
    },
    Check {
        name: "snapshot",
        find: tools::snapshot,
    },
    Check {
        name: "reports",
        find: reporting::reports,
    },
    Check {
        name: "hooks",
        find: reporting::hooks,
    },
    Check {
        name: "ping",
        find: reporting::ping,
    },
    Check {
        name: "schedule",
        find: schedule::schedule,
    },
    Check {
        name: "lock",
        find: places::lock,
    },
    Check {
        name: "state",
        find: places::state,
    },
    Check {
        name: "log",
        find: places::log,
    },
    Check {
        name: "secrets",
        find: secrets::secrets,
    },
    Check {
        name: "sources",
        find: places::sources,
    },
    Check {
        name: "exclusions",
        find: exclusions::exclusions,
    },
    Check {
        name: "encrypted",
        find: encrypted::encrypted,
    },
    Check {
        name: "work-directory",
        find: places::work_directory,
    },
    Check {
        name: "mirror",
        find: places::mirror,
    },
    Check {
        name: "directory",
        find: stores::directory,
    },
    Check {
        name: "bucket",
        find: stores::bucket,
    },
    Check {
        name: "store",
        find: stores::other,
    },
    Check {
        name: "upload",
        find: aws::upload,
    },
    Check {
        name: "delete",
        find: aws::delete,
    },
    Check {
        name: "read",
        find: aws::read,
    },
    Check {
        name: "lifecycle",
        find: aws::lifecycle,
    },
    Check {
        name: "versioning",
        find: aws::versioning,
    },
    Check {
        name: "clock",
        find: stores::clock,
    },
    Check {
        name: "email",
        find: email::email,
    },
    Check {
        name: "trial",
        find: trial::trial,
    },
];

/// What the examination may do besides looking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permissions {
    /// Ask SES to send a verification email to addresses that are not verified.
    pub verify_sender: bool,
    /// Make a backup of files made for it, and restore it.
    pub trial: bool,
}

/// Runs all checks and reports each finding at once. Returns the worst level, or `None` if
/// interrupted.
pub fn examine(
    job: &Job,
    options: Permissions,
    cancel: &Cancel,
    report: &mut dyn FnMut(CheckResult),
) -> Option<CheckLevel> {
    let visit = Visit::new(job, options, cancel);
    let mut worst = CheckLevel::Ok;
    for check in CHECKS {
        let found = (check.find)(&visit);
        // What an interrupted check found is not true.
        if cancel.is_set() {
            return None;
        }
        for CheckAnswer(level, text, hint) in found {
            worst = worst.max(level);
            report(CheckResult {
                check: check.name,
                level,
                text,
                hint,
            });
        }
    }
    Some(worst)
}
