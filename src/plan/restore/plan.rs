//! The restore plan: everything a restore will fetch, check and write, decided from the catalog,
//! the markers and the options (SPEC#restore).
//!
//! A plan never reads a disk, a store or a clock, and holds no secret. Execution chooses nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::name::{Format, MountName};
use crate::model::object::ObjectRef;
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

use super::layout::Layout;
use super::only::Wanted;
use super::parts::{ArchivePart, PlannedArchive};
use super::point_in_time::PointInTime;
use super::written_before::WrittenBefore;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    pub location: String,
    /// The store as the user knows it, for messages.
    pub store: String,
    pub at: Option<PointInTime>,
    /// The catalog holds only what its store had received before this.
    pub written_before: Option<WrittenBefore>,
    pub layout: Layout,
    /// Also remove what the newest manifest does not list.
    pub exact: bool,
    /// The paths that are wanted, as the user wrote them. Empty: everything.
    pub only: Vec<String>,
    /// Owners by their numbers, also where this computer has other numbers for their names.
    pub numeric_owner: bool,
}

/// A restore, decided.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RestorePlan {
    pub location: String,
    pub store: String,
    /// Stamp of the full backup.
    pub set: Stamp,
    /// Stamp of the newest backup that is restored: the state the files will be in.
    pub state: Stamp,
    pub layout: Layout,
    pub exact: bool,
    /// The paths that are wanted, as the user wrote them.
    pub only: Vec<String>,
    /// What the store received later was not looked at.
    pub written_before: Option<WrittenBefore>,
    /// Owners by their numbers, also where this computer has other numbers for their names.
    pub numeric_owner: bool,
    /// The newest state that shares no archive with this one.
    #[serde(skip)]
    pub other_state: Option<Stamp>,
    pub mounts: Vec<PlannedMount>,
    /// Mounts of the state that cannot be restored, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
    /// What the user should know before it starts.
    pub findings: Vec<RestoreFinding>,
}

/// One mount and how it is restored.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedMount {
    /// Its number in the numbered layout and in `--only`.
    pub number: usize,
    pub name: MountName,
    /// Its original path; unknown when only v1.0 wrote it.
    pub path: Option<FullPath>,
    /// Directory names below the target.
    pub target: Vec<String>,
    /// In the order in which they are extracted.
    pub archives: Vec<PlannedArchive>,
    /// The newest list of what it holds.
    pub manifest: Option<PlannedManifest>,
    /// Bytes of all files of the state, where its marker says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<u64>,
    /// Paths in it that are wanted. Empty: everything.
    pub wanted: Vec<Wanted>,
}

/// A manifest to fetch.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedManifest {
    pub stamp: Stamp,
    pub format: Format,
    pub object: ObjectRef,
    /// The manifests that it changes, if it is a delta: the newest first, the last one whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<PlannedManifest>,
}

/// Something to know; `warning` makes the restore end with warnings (exit code 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RestoreFinding {
    pub warning: bool,
    pub text: String,
}

impl RestorePlan {
    /// Leaves out the archives without wanted files: `needed` are the stamps of the others, by
    /// mount number, from the manifests. A mount without an entry keeps all its archives.
    #[must_use]
    pub fn narrowed(mut self, needed: &BTreeMap<usize, BTreeSet<Stamp>>) -> RestorePlan {
        for mount in &mut self.mounts {
            if let Some(stamps) = needed.get(&mount.number) {
                mount.archives.retain(|a| stamps.contains(&a.stamp));
            }
        }
        self
    }

    /// Every archive with its mount, in order of extraction.
    pub fn archives(&self) -> impl Iterator<Item = (&PlannedMount, &PlannedArchive)> {
        self.mounts
            .iter()
            .flat_map(|m| m.archives.iter().map(move |a| (m, a)))
    }

    /// The bytes that the files will have, at least and at most, without archives that `done` says
    /// are extracted.
    pub fn file_bytes(&self, done: impl Fn(usize, Stamp) -> bool) -> (u64, u64) {
        let of_mount = |m: &PlannedMount| {
            let all = m.archives.iter();
            let ahead: Vec<_> = all.filter(|a| !done(m.number, a.stamp)).collect();
            // A manifest has said which files come from which archive.
            let wanted: Option<u64> = ahead.iter().map(|a| a.wanted_bytes).sum();
            if let Some(bytes) = wanted {
                return (bytes, bytes);
            }
            let sum: u64 = ahead.iter().map(|a| a.bytes()).sum();
            // Without a list, what was deleted before the state is extracted too.
            let state = m.state_bytes.filter(|_| self.exact || !m.wanted.is_empty());
            let most = state.map_or(sum, |state| state.min(sum));
            let contents = ahead.iter().filter_map(|a| a.content);
            let largest = contents.map(|(_, bytes)| bytes).max().unwrap_or(0);
            let least = match (m.wanted.is_empty(), state) {
                (false, _) => 0,
                (true, Some(_)) if ahead.len() == m.archives.len() => most,
                // It may be in what is extracted already.
                (true, Some(_)) => 0,
                (true, None) => largest,
            };
            (least, most)
        };
        let bytes = self.mounts.iter().map(of_mount);
        bytes.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// Bytes of downloads that must be on the disk at the same time, without archives that `done`
    /// says are extracted: those of the archive being extracted. A zip needs only a few of its
    /// parts.
    pub fn room(&self, done: impl Fn(usize, Stamp) -> bool) -> u64 {
        let of_archive = |(mount, archive): (&PlannedMount, &PlannedArchive)| {
            let all: u64 = archive.volumes.iter().map(|volume| volume.size).sum();
            let largest = archive
                .parts()
                .iter()
                .map(ArchivePart::size)
                .max()
                .unwrap_or(0);
            match archive.format {
                Format::Zip if mount.manifest.is_some() && mount.wanted.is_empty() => {
                    all.min(PARTS_AT_A_TIME * largest)
                }
                _ => all,
            }
        };
        self.archives()
            .filter(|(mount, archive)| !done(mount.number, archive.stamp))
            .map(of_archive)
            .max()
            .unwrap_or(0)
    }
}

/// The first part of a zip, the last one, the one being extracted, and the one that arrives
/// meanwhile.
const PARTS_AT_A_TIME: u64 = 4;

impl PlannedMount {
    /// The mount in messages: its path, or its name if the path is not known.
    pub fn shown(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| self.name.to_string(), ToString::to_string)
    }
}
