//! What a walk of one mount found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fitting::Fitting;
use super::hard_linked::HardLinked;
use super::shares::Shares;
use crate::model::manifest::RelPath;
use crate::model::path::Family;
use crate::render::robocopy::CopyCommand;

/// What a walk found, in counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WalkCounts {
    /// Selected files, directories, and bytes of the files.
    pub files: u64,
    pub directories: u64,
    pub bytes: u64,
    /// What goes into the archive: files, their bytes, and directories that are really empty.
    pub archived_files: u64,
    pub archived_bytes: u64,
    pub archived_directories: u64,
    /// What is in the archive more than once.
    #[serde(skip)]
    pub hard_linked: HardLinked,
    /// Entries left out by an exclusion; what is in a directory left out is not counted.
    pub excluded: u64,
    /// Symbolic links in the manifest.
    pub kept_links: u64,
    /// Links that are not backed up.
    pub links: u64,
    pub special: u64,
    /// The first of them, with the reasons.
    #[serde(skip)]
    pub not_stored: Vec<(RelPath, &'static str)>,
    /// Entries that could not be read, or that 7-Zip cannot take.
    pub skipped: u64,
    /// Carried over from the last manifest, because they could not be looked at.
    pub unseen: u64,
    /// The manifest has the entries of the last one, and no others.
    #[serde(skip)]
    pub is_as_before: bool,
    /// Selected files that Windows keeps encrypted.
    #[serde(skip)]
    pub encrypted: Encrypted,
    /// Paths with unknown content: missing sources, unreadable directories.
    pub unknown: Vec<RelPath>,
    /// How it is made up.
    #[serde(skip)]
    pub shares: Shares,
    /// The part of it that the mirror can hold.
    #[serde(skip)]
    pub fitting: Fitting,
    /// The Robocopy commands of a Windows mirror.
    #[serde(skip)]
    pub copies: Vec<CopyCommand>,
}

/// Files that Windows keeps encrypted for one user (EFS).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encrypted {
    pub files: u64,
    /// One of them.
    pub example: Option<String>,
}

impl Encrypted {
    /// Counts a file if it is one of them.
    pub fn note(&mut self, is_encrypted: bool, path: impl FnOnce() -> String) {
        if is_encrypted {
            self.files += 1;
            self.example.get_or_insert_with(path);
        }
    }
}

impl WalkCounts {
    /// Whether there is nothing to back up today, not even an empty directory.
    pub fn nothing_selected(&self) -> bool {
        self.files == 0 && self.directories == 0
    }

    /// Whether the archive is empty and so has no volume.
    pub fn nothing_archived(&self) -> bool {
        self.archived_files == 0 && self.archived_directories == 0
    }

    /// Whether a path is below one that could not be looked at.
    pub(super) fn is_unknown(&self, path: &RelPath, family: Family) -> bool {
        self.unknown
            .iter()
            .any(|unknown| path.lies_in(unknown, family))
    }
}
