//! What the decision between full and incremental rests on (SPEC#scope).

use crate::model::catalog::Catalog;
use crate::model::name::MountName;
use crate::model::policy::ForceFull;
use crate::model::stamp::Stamp;
use crate::model::stamp::Zone;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

/// `run --mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A full backup if the month has none yet, else an incremental one.
    #[default]
    Regular,
    /// Never a full backup.
    IncrementalOnly,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Regular => "regular",
            Mode::IncrementalOnly => "incremental-only",
        })
    }
}

/// What is known about the content of a store, or why nothing is known.
#[derive(Clone, Debug)]
pub struct StoreFacts {
    /// The store as the user knows it.
    pub label: String,
    pub catalog: Result<Catalog, String>,
}

/// A backup that local state remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub stamp: Stamp,
    /// Digest of the selection it was made with. A backup that was read back from a store has none.
    pub digest: Option<String>,
    /// The profile that made it, where that is known.
    pub profile: Option<String>,
    /// The manifest file of each mount.
    pub manifests: Vec<(MountName, String)>,
}

impl Remembered {
    /// Whether its manifests cover these mounts.
    pub fn covers(&self, mounts: &[MountName]) -> bool {
        mounts
            .iter()
            .all(|mount| self.manifests.iter().any(|(name, _)| name == mount))
    }
}

/// Everything the decision rests on.
#[derive(Clone, Debug)]
pub struct ScopeFacts<'a> {
    /// The stamp of this run.
    pub stamp: Stamp,
    pub zone: Zone,
    pub mode: Mode,
    pub policy: ForceFull,
    /// `run --force-full`.
    pub force_once: bool,
    /// `run --new-key`: the key differs from that of the last backup.
    pub new_key: bool,
    /// Today's mounts.
    pub mounts: &'a [MountName],
    pub lookback_months: u32,
    pub stores: &'a [StoreFacts],
    /// Digest of today's selection.
    pub digest: &'a str,
    /// Backups made on this computer before.
    pub remembered: &'a [Remembered],
    /// When the profile file was modified. Without local state, only this shows a change.
    pub profile_modified: Option<DateTime<Utc>>,
    /// Listed sources that are missing and that a full backup waits for.
    pub missing: &'a [String],
    /// A backup whose upload is finished first.
    pub unfinished: Option<Stamp>,
}
