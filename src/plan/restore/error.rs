//! Why a restore cannot be planned.

use crate::model::marker::MarkerError;
use crate::model::name::MountName;
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

use super::written_before::WrittenBefore;

/// Why a plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{store} has no backup of '{location}'")]
    NoBackup { location: String, store: String },
    #[error("{store} has no complete backup of '{location}'{}", shown(newest))]
    NothingComplete {
        location: String,
        store: String,
        newest: Option<(Stamp, String)>,
    },
    #[error("{store} has no complete backup of '{location}' at or before {at}")]
    NothingAt {
        location: String,
        store: String,
        at: String,
        oldest: Stamp,
    },
    #[error("{store} received no backup of '{location}' before {before}")]
    NothingWritten {
        location: String,
        store: String,
        before: WrittenBefore,
    },
    #[error("{store}: {}", problems.join("; "))]
    Damaged {
        store: String,
        problems: Vec<String>,
    },
    #[error(transparent)]
    Marker(#[from] MarkerError),
    #[error("the marker '{0}' describes a different archive than its name")]
    ForeignMarker(String),
    #[error("a marker of the backup {backup} names '{key}', which is not an object of its archive")]
    ForeignKey { backup: Stamp, key: String },
    #[error("the backup {backup} holds the changes since the backup {since}, which is not there")]
    Unchained { backup: Stamp, since: Stamp },
    #[error("the original path of '{0}' is not known: its marker was written by v1.0")]
    UnknownPath(MountName),
    #[error(
        "'{0}' is a {family} path, this computer has {host} paths",
        family = .0.family(),
        host = crate::model::path::Family::HOST
    )]
    OtherFamily(FullPath),
    #[error("'{0}' and '{1}' overlap")]
    Nested(FullPath, FullPath),
    #[error("'{path}' is in none of the mounts of this backup ({})", mounts.join(", "))]
    OutsideMounts { path: String, mounts: Vec<String> },
    #[error("{store} has no complete set '{name}'")]
    NoSet { store: String, name: String },
    #[error("'{path}' is not in the state {state} (mounts: {})", mounts.join(", "))]
    NotInState {
        path: String,
        state: Stamp,
        mounts: Vec<String>,
    },
}

fn shown(newest: &Option<(Stamp, String)>) -> String {
    newest.as_ref().map_or_else(String::new, |(stamp, why)| {
        format!("; the newest, {stamp}, is not complete: {why}")
    })
}

impl PlanError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        const OLDER: &str = "restore an older state with --at (aam-backup sets lists them), or \
                             restore from another store";
        match self {
            PlanError::NoBackup { .. } => {
                "check the location's name, and that this is the right store".to_owned()
            }
            PlanError::NothingComplete { .. } => {
                "aam-backup sets lists what is there; try another store".to_owned()
            }
            PlanError::NothingWritten { .. } => {
                "choose a later day; if the objects were copied here since, the times are those of \
                 the copy: use --at instead"
                    .to_owned()
            }
            PlanError::NothingAt { oldest, .. } => {
                format!("the oldest complete backup is {oldest}")
            }
            PlanError::Damaged { .. }
            | PlanError::Unchained { .. }
            | PlanError::ForeignKey { .. }
            | PlanError::ForeignMarker(_) => OLDER.to_owned(),
            PlanError::Marker(MarkerError::Newer { .. }) => String::new(),
            PlanError::Marker(_) => OLDER.to_owned(),
            PlanError::UnknownPath(_) | PlanError::OtherFamily(_) | PlanError::Nested(..) => {
                "use --layout numbered".to_owned()
            }
            PlanError::NoSet { .. } => "aam-backup sets lists what is there".to_owned(),
            PlanError::NotInState { .. } => {
                "aam-backup versions and find tell which states have it; --at names one".to_owned()
            }
            PlanError::OutsideMounts { .. } => {
                "give the original absolute path, or one that starts with the mount's number, \
                 such as 1/docs"
                    .to_owned()
            }
        }
    }
}
