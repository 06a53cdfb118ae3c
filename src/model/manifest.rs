//! The manifest: every file and directory selected at the time of a backup, with sizes and times
//! (SPEC#manifest).
//!
//! A header, then one record an entry in walk order, so that two manifests, or a manifest and a
//! walk, merge in constant memory. Nothing here decides what is selected.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

pub mod delta;
pub mod details;
mod header;
mod reader;
mod record;
mod rel_path;
mod version1;
mod wire;
mod writer;

pub use details::Details;
pub use header::{DeltaBase, Header, ManifestChain, SourceLook, VERSION};
pub use reader::Reader;
pub use rel_path::RelPath;
pub use writer::Writer;

/// A point in time in nanoseconds since 1970; holds everything NTFS can (from 1601 on).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Moment(pub i128);

impl Moment {
    /// The distance of two moments, in nanoseconds.
    pub fn distance(self, other: Moment) -> u128 {
        self.0.abs_diff(other.0)
    }

    /// Whole seconds and the nanoseconds after them.
    pub fn split(self) -> (i64, u32) {
        let nanos = self.0.rem_euclid(1_000_000_000);
        (((self.0 - nanos) / 1_000_000_000) as i64, nanos as u32)
    }
}

impl From<chrono::DateTime<chrono::Utc>> for Moment {
    fn from(at: chrono::DateTime<chrono::Utc>) -> Moment {
        Moment(i128::from(at.timestamp()) * 1_000_000_000 + i128::from(at.timestamp_subsec_nanos()))
    }
}

/// What the file system says about a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Meta {
    /// Bytes; 0 for a directory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size: u64,
    pub modified: Moment,
    /// Creation time, where the file system keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Moment>,
    /// Change time of the entry itself (Unix `ctime`, NTFS `ChangeTime`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Moment>,
    /// Unix permission bits, with set-id and sticky bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Meta {
    /// For an entry that could not be looked at.
    pub fn unknown() -> Meta {
        Meta {
            size: 0,
            modified: Moment(0),
            created: None,
            changed: None,
            mode: None,
        }
    }

    /// Whether a file may have changed between two looks at it (SPEC#changes): size, modification,
    /// creation or change time differ. A time that one side does not know is not compared.
    pub fn differs(&self, before: &Meta) -> bool {
        let apart =
            |a: Option<Moment>, b: Option<Moment>| matches!((a, b), (Some(a), Some(b)) if a != b);
        self.size != before.size
            || self.modified != before.modified
            || apart(self.created, before.created)
            || apart(self.changed, before.changed)
    }

    /// Whether any time is at or after `moment`: the test without a manifest (SPEC#changes).
    pub fn touched_since(&self, moment: Moment) -> bool {
        [Some(self.modified), self.created, self.changed]
            .into_iter()
            .flatten()
            .any(|t| t >= moment)
    }
}

/// A file, a directory or a link. A link has its target in [`Details::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    Directory,
    File,
    Link,
}

/// Which archive of the set holds a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stored {
    /// That of this backup.
    In(Stamp),
    /// An archive of this backup's set. Which one is not known: the file was found unchanged by its
    /// times only.
    Earlier(Earlier),
}

impl Stored {
    /// In an archive that is not known.
    pub const EARLIER: Stored = Stored::Earlier(Earlier::Earlier);
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Earlier {
    Earlier,
}

/// One selected file or directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    pub path: RelPath,
    pub kind: EntryKind,
    pub meta: Meta,
    /// Which archive holds the content. `None`: none does (a directory, or a file that could not be
    /// read or listed).
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Carried over from the manifest before, because its source was missing or could not be read
    /// (SPEC#missing-sources).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
    /// Links, owners and attributes. Version 1 does not keep them.
    #[serde(skip)]
    pub details: Details,
}

impl Entry {
    /// An entry that was looked at.
    pub fn new(path: &RelPath, kind: EntryKind, meta: Meta, stored: Option<Stored>) -> Entry {
        Entry {
            path: path.clone(),
            kind,
            meta,
            stored,
            unseen: false,
            details: Details::default(),
        }
    }

    /// With what else is known of it.
    pub fn with(self, details: Details) -> Entry {
        Entry { details, ..self }
    }

    /// Its full path, for people.
    pub fn shown_below(&self, mount: &FullPath) -> String {
        mount.display_below(&self.path.to_string())
    }

    /// The backup whose archive holds the content, where that is known.
    pub fn stored_in(&self) -> Option<Stamp> {
        match self.stored {
            Some(Stored::In(stamp)) => Some(stamp),
            _ => None,
        }
    }
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("reading the manifest: {0}")]
    Io(#[from] io::Error),
    #[error("line {line} of the manifest is broken: {why}")]
    Broken { line: u64, why: String },
    #[error("record {record} of the manifest is broken: {why}")]
    Record { record: u64, why: String },
    #[error(
        "the manifest has version {0}; this program knows versions 1 and 2: use a newer aam-backup"
    )]
    Newer(u32),
    #[error("it is not a manifest")]
    Foreign,
    #[error("it lists changes only, where a whole manifest was expected")]
    Delta,
    #[error("line or record {0} of the manifest is out of order")]
    Order(u64),
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod unit {
    use super::*;
    use crate::model::path::Family;

    #[test]
    fn what_lies_in_a_directory() {
        let rel = |text: &str| RelPath::from_bytes(text);
        for (path, other, on_windows, on_unix) in [
            ("Docs/a", "docs", true, false),
            ("docs/a", "docs", true, true),
            ("docs", "docs/a", false, false),
            ("docs2/a", "docs", false, false),
            ("docs", "", true, true),
            ("\u{dc}ber/x", "\u{fc}BER", true, false),
        ] {
            assert_eq!(
                rel(path).lies_in(&rel(other), Family::Windows),
                on_windows,
                "{path} {other}"
            );
            assert_eq!(
                rel(path).lies_in(&rel(other), Family::Unix),
                on_unix,
                "{path} {other}"
            );
        }
        assert_eq!(rel("a/b/c").truncated(2), rel("a/b"));
    }

    #[test]
    fn moments_split_before_1970() {
        assert_eq!(Moment(-1).split(), (-1, 999_999_999));
        assert_eq!(Moment(1_500_000_000).split(), (1, 500_000_000));
    }
}
