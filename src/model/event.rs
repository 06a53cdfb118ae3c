//! Events: the one stream to which execution reports everything. The terminal, the log, the report
//! and JSON are readers of it; execution itself prints nothing (SPEC#log).

mod work;

use std::sync::Mutex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

pub use work::Work;

/// How bad a problem is; the worst decides the outcome.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something was left out that the user may not expect: exit code 3.
    Warning,
    /// The backup or restore is not what the user asked for: exit code 1.
    Error,
}

/// The parts of the log, in their order (SPEC#log).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    Parameters,
    Lock,
    Hooks,
    Start,
    LatestBackups,
    Sources,
    Ignored,
    Tools,
    Verification,
    Objects,
    Restore,
    CleanUp,
    Email,
    Result,
}

impl Section {
    /// Its heading.
    pub fn heading(self) -> &'static str {
        match self {
            Section::Parameters => "Parameters",
            Section::Lock => "Lock",
            Section::Hooks => "Hooks",
            Section::Start => "Start",
            Section::LatestBackups => "Latest complete backups",
            Section::Sources => "Directories to back up, mounts, exclusions",
            Section::Ignored => "Ignored paths",
            Section::Tools => "Tool output",
            Section::Verification => "Verification",
            Section::Objects => "Objects",
            Section::Restore => "Restore",
            Section::CleanUp => "Clean-up",
            Section::Email => "Email",
            Section::Result => "Result",
        }
    }
}

/// How a run ended. One place maps it to an exit code: `cli::exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Success,
    /// Everything was done, but files were skipped.
    Warning,
    Failure,
    /// The lock was not free in time.
    Locked,
    Interrupted,
    /// The profile is broken: nothing was started.
    Invalid,
    /// The hook `before` said "not today".
    Skipped,
    /// The user answered that the run is not to wait for another backup.
    Declined,
    /// Ended without a report: power cut, crash, `kill -9`. The next run says so.
    Lost,
}

impl std::fmt::Display for Outcome {
    /// In lower case, as in hooks, metrics and JSON.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Success => "success",
            Outcome::Warning => "warning",
            Outcome::Failure => "failure",
            Outcome::Locked => "locked",
            Outcome::Interrupted => "interrupted",
            Outcome::Invalid => "invalid",
            Outcome::Skipped => "skipped",
            Outcome::Declined => "declined",
            Outcome::Lost => "lost",
        })
    }
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 9] = [
        Outcome::Success,
        Outcome::Warning,
        Outcome::Failure,
        Outcome::Locked,
        Outcome::Interrupted,
        Outcome::Invalid,
        Outcome::Skipped,
        Outcome::Declined,
        Outcome::Lost,
    ];

    /// The word in the subject of the email (SPEC#email).
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Success => "SUCCESS",
            Outcome::Warning => "WARNING",
            Outcome::Skipped | Outcome::Declined => "SKIPPED",
            // A new one is a failure unless somebody says otherwise.
            _ => "FAILURE",
        }
    }

    /// Whether the user must act, because there is no backup.
    pub fn is_failure(self) -> bool {
        self.word() == "FAILURE"
    }

    /// Whether a hook or the user decided against the run. No message is sent then.
    pub fn is_skipped(self) -> bool {
        matches!(self, Outcome::Skipped | Outcome::Declined)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A line of the log that is neither good nor bad.
    Note { section: Section, text: String },
    /// The same, which a terminal shows only when asked to.
    Detail { section: Section, text: String },
    /// Something went wrong or was left out. `hint` says what to do.
    Problem {
        section: Section,
        severity: Severity,
        text: String,
        hint: Option<String>,
    },
    /// A path that is not backed up, with the reason: it is unreadable, vanished, or a link.
    Ignored {
        path: String,
        why: String,
        severity: Option<Severity>,
    },
    /// A program is about to run, with its arguments as they are.
    ToolStarted { tool: String, command: String },
    /// A line a program printed.
    ToolOutput { tool: String, line: String },
    /// How a program ended.
    ToolEnded {
        tool: String,
        code: i32,
        meaning: String,
    },
    /// A mount is finished: what it holds.
    Mounted {
        mount: FullPath,
        files: u64,
        directories: u64,
        bytes: u64,
        archived_files: u64,
        archived_bytes: u64,
    },
    /// A file of the mirror is deleted, as `extra-files: delete` asks.
    Deleted { path: String },
    /// The mirror differs from what was selected.
    Difference { path: String, what: String },
    /// An object is about to be sent. The size of one that is sent while it is made is not known.
    Uploading {
        store: String,
        key: String,
        size: Option<u64>,
    },
    /// Bytes sent or received since the last such event.
    Transferred { bytes: u64 },
    /// So many bytes are about to be transferred, of objects that are named one by one.
    Ahead { bytes: u64 },
    /// Which step of the whole is next, and what it is about.
    Step {
        number: usize,
        of: usize,
        what: String,
    },
    /// What the walk of a mount has found so far.
    Walked { files: u64, bytes: u64 },
    /// How far some work has come, where its tool says so, and of how many bytes.
    Progress {
        work: Work,
        percent: Option<u8>,
        of: Option<u64>,
    },
    /// An object is completely in its store.
    Uploaded {
        store: String,
        key: String,
        size: u64,
        sha256: String,
    },
    /// Whether a destination of the plan has all of this backup. First emitted as false, before
    /// anything is done.
    Destination { name: String, complete: bool },
    /// An object is about to be fetched, or `size` bytes of it from this byte on.
    Downloading {
        store: String,
        key: String,
        from: Option<u64>,
        size: u64,
    },
    /// An archive is about to be extracted.
    Extracting {
        mount: FullPath,
        stamp: Stamp,
        to: String,
    },
    /// The end, always the last event.
    Finished { outcome: Outcome, text: String },
}

/// The name of a hook as the tool of an event: `hooks.before`.
pub const HOOK: &str = "hooks.";

impl Event {
    /// Which part of the log it belongs to.
    pub fn section(&self) -> Section {
        match self {
            Event::Note { section, .. }
            | Event::Detail { section, .. }
            | Event::Problem { section, .. } => *section,
            Event::Ignored { .. } => Section::Ignored,
            Event::ToolStarted { tool, .. }
            | Event::ToolOutput { tool, .. }
            | Event::ToolEnded { tool, .. } => {
                // They run before and after everything that the log is about.
                if tool.starts_with(HOOK) {
                    Section::Hooks
                } else {
                    Section::Tools
                }
            }
            Event::Mounted { .. } | Event::Deleted { .. } | Event::Difference { .. } => {
                Section::Verification
            }
            Event::Step { .. } | Event::Walked { .. } | Event::Progress { .. } => Section::Tools,
            Event::Uploading { .. }
            | Event::Transferred { .. }
            | Event::Ahead { .. }
            | Event::Uploaded { .. }
            | Event::Destination { .. }
            | Event::Downloading { .. } => Section::Objects,
            Event::Extracting { .. } => Section::Restore,
            Event::Finished { .. } => Section::Result,
        }
    }

    /// Whether it is for a progress display only, and not for the log.
    pub fn is_fleeting(&self) -> bool {
        matches!(
            self,
            Event::Transferred { .. }
                | Event::Ahead { .. }
                | Event::Step { .. }
                | Event::Walked { .. }
                | Event::Progress { .. }
        )
    }

    /// How bad it is.
    pub fn severity(&self) -> Option<Severity> {
        match self {
            Event::Problem { severity, .. } => Some(*severity),
            Event::Ignored { severity, .. } => *severity,
            Event::Difference { .. } => Some(Severity::Error),
            _ => None,
        }
    }
}

/// A reader of events, called from any thread.
pub trait Sink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: &Event);
}

/// Where execution emits its events: every reader, and the worst severity so far.
#[derive(Default)]
pub struct Events<'a> {
    readers: Vec<Box<dyn Sink + 'a>>,
    worst: Mutex<Option<Severity>>,
}

impl<'a> Events<'a> {
    /// Events that go to `readers`, in order.
    pub fn new(readers: Vec<Box<dyn Sink + 'a>>) -> Events<'a> {
        Events {
            readers,
            worst: Mutex::new(None),
        }
    }

    /// Passes an event to every reader.
    pub fn emit(&self, event: Event) {
        if let Ok(mut worst) = self.worst.lock() {
            *worst = (*worst).max(event.severity());
        }
        for reader in &self.readers {
            reader.emit(&event);
        }
    }

    /// A plain line.
    pub fn note(&self, section: Section, text: impl Into<String>) {
        self.emit(Event::Note {
            section,
            text: text.into(),
        });
    }

    /// A plain line that a terminal shows only when asked to.
    pub fn detail(&self, section: Section, text: impl Into<String>) {
        self.emit(Event::Detail {
            section,
            text: text.into(),
        });
    }

    /// A problem that makes the outcome a warning.
    pub fn warn(&self, section: Section, text: impl Into<String>, hint: Option<String>) {
        self.emit(Event::Problem {
            section,
            severity: Severity::Warning,
            text: text.into(),
            hint,
        });
    }

    /// A problem that makes the outcome a failure.
    pub fn fail(&self, section: Section, text: impl Into<String>, hint: Option<String>) {
        self.emit(Event::Problem {
            section,
            severity: Severity::Error,
            text: text.into(),
            hint,
        });
    }

    /// What the events so far add up to.
    pub fn outcome(&self) -> Outcome {
        match self
            .worst
            .lock()
            .map_or(Some(Severity::Error), |worst| *worst)
        {
            None => Outcome::Success,
            Some(Severity::Warning) => Outcome::Warning,
            Some(Severity::Error) => Outcome::Failure,
        }
    }
}

#[cfg(test)]
mod tests;
