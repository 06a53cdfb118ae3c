//! Why a restore is refused or fails, in sentences that name the object and say what to do
//! (SPEC#restore).

use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::credential::CredentialError;
use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::SevenZipExit;
use crate::adapters::store::{StoreError, StoreErrorKind};
use crate::model::event::{Events, Outcome, Section};
use crate::model::manifest::ManifestError;
use crate::model::stamp::Stamp;
use crate::plan::restore::error::PlanError;
use crate::plan::restore::layout::WORK_DIRECTORY;
use crate::plan::restore::unsafe_names::Unsafe;

/// Why a restore fails.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("the state {0} cannot be restored exactly: {1}")]
    NoManifest(Stamp, Box<RestoreError>),
    #[error("the manifest '{key}': {why}")]
    Manifest { key: String, why: ManifestError },
    #[error("cannot {what} '{}': {why}", path.display())]
    Disk {
        what: &'static str,
        path: PathBuf,
        why: io::Error,
    },
    #[error("'{}' is not empty", .0.display())]
    NotEmpty(PathBuf),
    #[error("'{}' was changed after the restore ended", .0.display())]
    Touched(PathBuf),
    #[error("'{}' is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("'{}' is a symbolic link: a restore does not write through it", .0.display())]
    ThroughLink(PathBuf),
    #[error("'{}' belongs to another account: what is in it cannot be trusted", .0.display())]
    NotOurs(PathBuf),
    #[error("'{}' is a directory where a file should be restored", .0.display())]
    DirectoryInTheWay(PathBuf),
    #[error(
        "{store}: the object '{key}' is damaged: its SHA-256 is {found}, its marker says \
         {expected}{}",
        same(.is)
    )]
    Damaged {
        store: String,
        key: String,
        found: String,
        expected: String,
        is: Option<String>,
    },
    #[error("{store}: the object '{key}' has {found} bytes, its marker says {expected}")]
    Size {
        store: String,
        key: String,
        found: u64,
        expected: u64,
    },
    #[error("{0}")]
    Lost(String),
    #[error(
        "'{what}' does not open with the key from {key}: the key is wrong, or the archive is \
         damaged"
    )]
    Key { what: String, key: String },
    #[error("'{archive}' holds the entry '{entry}': {why}")]
    Entry {
        archive: String,
        entry: String,
        why: Unsafe,
    },
    #[error("'{archive}' could not be {doing}: {exit}{}", tail(.said))]
    Archive {
        archive: String,
        doing: &'static str,
        exit: SevenZipExit,
        said: String,
        full: bool,
    },
    #[error("'{path}' is not in the state {state}{}", nearest(.near))]
    Unknown {
        path: String,
        state: Stamp,
        near: Vec<String>,
    },
    #[error("'{path}' is not in the state {state}; last in {last}")]
    Deleted {
        path: String,
        state: Stamp,
        last: Stamp,
    },
    #[error("another restore is running in '{}'", .0.display())]
    Busy(PathBuf),
    #[error("'{}' cannot be read: it does not say which restore was started here", .0.display())]
    BadState(PathBuf),
    #[error("another restore was started in '{}' and is not finished: {was}", target.display())]
    OtherRestore { target: PathBuf, was: String },
    #[error(
        "the backup {state} has changed since the restore into '{}' was started: its volumes \
         were replaced",
        target.display()
    )]
    SetChanged { target: PathBuf, state: Stamp },
    #[error(
        "this restore costs about ${dollars:.2} and takes up to {hours} hours: not \
         confirmed"
    )]
    NotAgreed { dollars: f64, hours: u32 },
    #[error("{frozen} of {all} volumes are archived and were not requested")]
    NotRequested { frozen: usize, all: usize },
    #[error(
        "{store}: '{key}' is archived, so it is not known what can be restored: a \
         lifecycle rule moved it"
    )]
    FrozenIndex { store: String, key: String },
    #[error("{missing} of {all} volumes are not downloaded")]
    NotDownloaded { missing: usize, all: usize },
    #[error("the backup has no list of files that a drill could choose from")]
    NothingToSample,
    #[error("the backup {0} has no list of its files: v1.0 wrote it")]
    NoList(Stamp),
    #[error("there is no archive key: {0}")]
    NoKey(#[from] MissingKey),
    #[error("no store was named")]
    NoStore,
    #[error("this computer cannot start more threads: {0}")]
    Threads(std::io::Error),
    #[error("interrupted")]
    Interrupted,
}

/// Why the archive key is not known.
#[derive(Debug, thiserror::Error)]
pub enum MissingKey {
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error("there is no terminal to ask for it")]
    NoTerminal,
    #[error(transparent)]
    Prompt(#[from] io::Error),
}

fn same(is: &Option<String>) -> String {
    is.as_ref()
        .map_or_else(String::new, |key| format!("; it holds what '{key}' should"))
}

fn tail(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

fn nearest(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!("; near: '{}'", near.join("', '"))
    }
}

impl RestoreError {
    /// For `map_err` on file operations.
    pub fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
        let path = path.to_owned();
        move |why| RestoreError::Disk { what, path, why }
    }

    /// For `map_err` when a marker or manifest is read.
    pub fn index(key: &str) -> impl FnOnce(RestoreError) -> RestoreError {
        move |error| match error {
            RestoreError::Store(error) if error.kind == StoreErrorKind::Frozen => {
                RestoreError::FrozenIndex {
                    store: error.store,
                    key: key.to_owned(),
                }
            }
            other => other,
        }
    }

    /// Whether the user ended it.
    pub fn is_interrupted(&self) -> bool {
        match self {
            RestoreError::Interrupted | RestoreError::Tool(ToolError::Interrupted) => true,
            RestoreError::Store(error) => error.kind == StoreErrorKind::Interrupted,
            _ => false,
        }
    }

    /// Whether it is about one object only, so that the others can be restored.
    pub fn is_loss(&self) -> bool {
        match self {
            RestoreError::Damaged { .. } | RestoreError::Size { .. } | RestoreError::Lost(_) => {
                true
            }
            RestoreError::Archive { full, .. } => !full,
            RestoreError::Store(error) => error.kind == StoreErrorKind::NotFound,
            _ => false,
        }
    }

    /// Reports it, with its hint.
    pub fn report(&self, events: &Events<'_>) {
        events.fail(
            Section::Restore,
            self.to_string(),
            Some(self.hint()).filter(|hint| !hint.is_empty()),
        );
    }

    /// How a restore ends that fails of it.
    pub fn outcome(&self) -> Outcome {
        match self {
            RestoreError::NotAgreed { .. } => Outcome::Invalid,
            RestoreError::Busy(_) => Outcome::Locked,
            error if error.is_interrupted() => Outcome::Interrupted,
            _ => Outcome::Failure,
        }
    }

    /// What the user can do; empty when nothing is known.
    pub fn hint(&self) -> String {
        match self {
            RestoreError::Plan(error) => error.hint(),
            RestoreError::Store(error) => error.hint.clone(),
            RestoreError::Tool(ToolError::Missing { hint, .. }) => hint.clone(),
            RestoreError::Deleted { last, .. } => format!("add --at {last}"),
            RestoreError::BadState(_) | RestoreError::OtherRestore { .. } => format!(
                "give the same options to resume it, name another directory, or remove '{}' \
                 in it to start anew",
                WORK_DIRECTORY
            ),
            RestoreError::SetChanged { .. } => format!(
                "if you replaced them: remove '{}' in it to start anew; if not, another program \
                 or person writes to the store",
                WORK_DIRECTORY
            ),
            other => other.fixed_hint().to_owned(),
        }
    }

    /// The hints that name nothing.
    fn fixed_hint(&self) -> &'static str {
        const OLDER: &str = "restore an older state with --at, or restore from another store";
        match self {
            RestoreError::NotEmpty(_) => {
                "name a new directory, or allow files in it to be overwritten with \
                 --into-existing"
            }
            RestoreError::Touched(_) => {
                "restore what is missing into another directory; to overwrite what was changed, \
                 delete '.aam-restore' there and use --into-existing"
            }
            RestoreError::NotADirectory(_) => "name a directory that is empty or does not exist",
            RestoreError::NotOurs(_)
            | RestoreError::ThroughLink(_)
            | RestoreError::DirectoryInTheWay(_) => "remove it, or restore into an empty directory",
            RestoreError::Damaged { .. } | RestoreError::Size { .. } | RestoreError::Lost(_) => {
                OLDER
            }
            RestoreError::NoManifest(..) => {
                "restore what all archives of the set hold with --with-deleted, an older state \
                 with --at, or from another store"
            }
            RestoreError::Archive { full: true, .. } => {
                "the disk is full: free some space, or restore to another disk"
            }
            RestoreError::Archive { .. } => OLDER,
            RestoreError::Key { .. } => {
                "check the key; if it is the right one, restore an older state with --at"
            }
            RestoreError::Entry { .. } => {
                "no backup writes such an entry: somebody else wrote this archive; restore from \
                 another store"
            }
            RestoreError::Busy(_) => "wait for it, or name another directory",
            RestoreError::NotAgreed { .. } => "add --yes to confirm",
            RestoreError::FrozenIndex { .. } => {
                "request all objects with _yes_ or _manifest_ in their names (docs/restore.md, \
                 \"Archived markers\", has the commands), and start this again when they are \
                 readable, within 48 hours"
            }
            RestoreError::NotRequested { .. } => {
                "request them first: aam-backup restore request, with the same options"
            }
            RestoreError::NotDownloaded { .. } => {
                "download them first: aam-backup restore download, with the same options"
            }
            RestoreError::NoKey(_) => "name where it is with --key-env or --key-file",
            RestoreError::Unknown { .. } => {
                "paths are compared as on the computer that was backed up"
            }
            RestoreError::Disk { why, .. } if why.kind() == io::ErrorKind::StorageFull => {
                "free some space, or restore to another disk"
            }
            _ => "",
        }
    }
}
