//! Unfinished uploads: a backup whose archives are whole on this computer but not yet in every
//! store. Its volumes stay in the work directory, and the next run resumes the upload
//! (SPEC#upload).
//!
//! The record of it is in local state, because others may be able to write to the parent of a work
//! directory. Whoever deletes the work directory gives the upload up; nothing else depends on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::model::catalog::Catalog;
use crate::model::marker::Marker;
use crate::model::name::BackupId;
use crate::model::object::{Object, ObjectRef};

/// A record is called `unfinished-STAMP.json`.
pub const PREFIX: &str = "unfinished-";

/// A backup that some store still lacks, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unfinished {
    pub version: u32,
    pub backup: BackupId,
    /// One for each mount, in order.
    pub archives: Vec<ReadyArchive>,
    /// The stores that lack it.
    #[serde(alias = "owed")]
    pub pending: Vec<StoreProgress>,
    /// The directory of its files.
    pub work: PathBuf,
    /// A file whose content is not what it was when it was made, with the reason: nothing of this
    /// backup is sent any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// The path of this record, and when it was written last.
    #[serde(skip)]
    pub record: PathBuf,
    #[serde(skip)]
    pub written: Option<SystemTime>,
    /// Why the upload cannot be resumed, such as a missing file.
    #[serde(skip)]
    pub problem: Option<String>,
}

/// A file that is to become an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorkFile {
    /// Key of the object.
    pub key: String,
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Its checksums when it was made: what waits for days may not be what it was. Records of older
    /// programs lack them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<ObjectRef>,
}

/// One mount's archive, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReadyArchive {
    /// In order; none when nothing was to be archived.
    pub volumes: Vec<WorkFile>,
    pub manifest: WorkFile,
    /// Key of the marker.
    pub marker: String,
    /// The volumes were sent while they were made, and are no files of this computer.
    #[serde(default)]
    pub streamed: bool,
    /// The marker without the objects that it will name: they are known when they are sent.
    pub about: Marker,
}

/// A store that lacks objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StoreProgress {
    /// The store as the user knows it.
    pub store: String,
    /// The objects that it already has.
    pub sent: Vec<ObjectRef>,
    /// What was about to be sent. A crash or a lost answer leaves open whether it has it.
    #[serde(default)]
    pub begun: Vec<BegunObject>,
}

/// An object that was about to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BegunObject {
    pub key: String,
    pub sha256: String,
}

impl StoreProgress {
    /// An object that the store has already.
    pub fn has(&self, key: &str) -> Option<&ObjectRef> {
        self.sent.iter().find(|stored| stored.key == key)
    }
}

impl ReadyArchive {
    fn files(&self) -> impl Iterator<Item = &WorkFile> {
        self.volumes.iter().chain([&self.manifest])
    }

    /// As [`ReadyArchive::files`], to complete them.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut WorkFile> {
        self.volumes.iter_mut().chain([&mut self.manifest])
    }
}

impl Unfinished {
    /// A backup that no store has yet; `state` is the directory for its record.
    pub fn new(
        backup: BackupId,
        archives: Vec<ReadyArchive>,
        stores: Vec<String>,
        work: PathBuf,
        state: &Path,
    ) -> Unfinished {
        let pending = stores
            .into_iter()
            .map(|store| StoreProgress {
                store,
                sent: Vec::new(),
                begun: Vec::new(),
            })
            .collect();
        let record = state.join(format!("{PREFIX}{}.json", backup.stamp()));
        Unfinished {
            version: 1,
            backup,
            archives,
            pending,
            work,
            damage: None,
            record,
            written: None,
            problem: None,
        }
    }

    /// What a store lacks.
    pub fn pending(&self, store: &str) -> Option<&StoreProgress> {
        self.pending.iter().find(|pending| pending.store == store)
    }

    /// As [`Unfinished::pending`], to record what is done.
    pub fn pending_mut(&mut self, store: &str) -> Option<&mut StoreProgress> {
        self.pending
            .iter_mut()
            .find(|pending| pending.store == store)
    }

    /// Whether a store lacks a volume that was sent while it was made, and cannot be sent again.
    fn cannot_be_finished(&self, pending: &StoreProgress) -> bool {
        let streamed = self.archives.iter().filter(|archive| archive.streamed);
        let mut volumes = streamed.flat_map(|archive| &archive.volumes);
        volumes.any(|volume| pending.has(&volume.key).is_none())
    }

    /// Whether the upload to some store can never be finished.
    pub fn is_lost(&self) -> bool {
        self.pending
            .iter()
            .any(|pending| self.cannot_be_finished(pending))
    }

    /// Gives up the stores whose upload can never be finished.
    pub fn give_up_streamed(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let (_, pending) = pending
            .into_iter()
            .partition(|p| self.cannot_be_finished(p));
        self.pending = pending;
    }

    /// How many volumes and manifests the store lacks, and their bytes.
    pub fn left(&self, pending: &StoreProgress) -> (u64, u64) {
        let files = self
            .archives
            .iter()
            .flat_map(ReadyArchive::files)
            .filter(|file| pending.has(&file.key).is_none());
        files.fold((0, 0), |(count, bytes), file| {
            (count + 1, bytes + file.size)
        })
    }

    /// Bytes of the files that are kept for it.
    pub fn bytes(&self) -> u64 {
        self.kept().map(|file| file.size).sum()
    }

    /// All objects that a store has when nothing is left to send to it.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        let object = |key: &str, size| Object {
            key: key.to_owned(),
            size,
        };
        self.archives.iter().flat_map(move |archive| {
            let files = archive
                .files()
                .map(move |file| object(&file.key, file.size));
            files.chain([object(&archive.marker, 0)])
        })
    }

    /// The markers of all mounts with their keys. `None` unless the store has every object that
    /// they name.
    pub fn markers(&self, store: &str) -> Option<Vec<(String, Marker)>> {
        let pending = self.pending(store)?;
        let stored = |file: &WorkFile| pending.has(&file.key).cloned();
        let markers = self.archives.iter().map(|archive| {
            let volumes = archive
                .volumes
                .iter()
                .map(stored)
                .collect::<Option<Vec<_>>>()?;
            let marker = Marker {
                volumes,
                manifest: stored(&archive.manifest)?,
                ..archive.about.clone()
            };
            Some((archive.marker.clone(), marker))
        });
        markers.collect()
    }

    /// What a store does not list with its size was not sent: `listed` has the sizes by key.
    pub fn keep_listed(&mut self, store: &str, listed: &BTreeMap<String, u64>) {
        let progress = self
            .pending
            .iter_mut()
            .filter(|pending| pending.store == store);
        for pending in progress {
            pending
                .sent
                .retain(|stored| listed.get(&stored.key) == Some(&stored.size));
        }
    }

    /// Compares what was believed of a store with what it lists: objects that are not there are
    /// pending again. A backup that seems complete there, because its run was interrupted between the
    /// last marker and this record, is pending until its markers are sent again and found to be these:
    /// names and sizes do not prove whose they are.
    pub fn compare(&mut self, store: &str, listed: &Catalog) {
        let Some(at) = self
            .pending
            .iter()
            .position(|pending| pending.store == store)
        else {
            return;
        };
        let set = listed.set(self.backup.full);
        let backup = set.and_then(|set| set.backups().find(|backup| backup.id == self.backup));
        let found = |key: &str| {
            let mut archives = backup.into_iter().flat_map(|b| b.archives.values());
            archives.find_map(|archive| {
                let mut objects = archive.volumes.values().chain(&archive.manifest);
                objects.find(|object| object.key == key)
            })
        };
        self.pending[at]
            .sent
            .retain(|stored| found(&stored.key).is_some_and(|object| object.size == stored.size));
    }

    /// Records that a store has an object now.
    pub fn sent(&mut self, store: &str, stored: ObjectRef) {
        if let Some(pending) = self
            .pending
            .iter_mut()
            .find(|pending| pending.store == store)
        {
            pending.sent.push(stored);
        }
    }

    /// Records that a store has all of it.
    pub fn complete(&mut self, store: &str) {
        self.pending.retain(|pending| pending.store != store);
    }

    /// The files that some store still lacks.
    pub fn kept(&self) -> impl Iterator<Item = &WorkFile> {
        let lacks = |file: &&WorkFile| {
            self.pending
                .iter()
                .any(|pending| pending.has(&file.key).is_none())
        };
        self.archives
            .iter()
            .flat_map(ReadyArchive::files)
            .filter(lacks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str) -> WorkFile {
        WorkFile {
            key: key.to_owned(),
            path: PathBuf::from(key),
            size: 7,
            made: None,
        }
    }

    const START: &str = "pc_20261101_100000.000000_0_0.0";

    /// One archive of one volume, of which a store was sent everything but the markers.
    fn sent() -> Unfinished {
        let backup = BackupId {
            full: "20261101_100000.000000".parse().unwrap(),
            incremental: None,
        };
        let about = serde_json::json!({
            "version": 1, "program": "test", "location": "pc", "backup": backup, "zone": "utc",
            "mount": "/a", "mounts": [], "format": "zip", "volumes": [],
            "manifest": {"key": "", "size": 0, "sha256": ""}, "files": 0, "bytes": 0,
            "selection": "", "since": null, "tools": []
        });
        let archive = ReadyArchive {
            volumes: vec![file(&format!("{START}_no_-a.zip.001"))],
            manifest: file(&format!("{START}_manifest_-a.zip")),
            marker: format!("{START}_yes_-a"),
            streamed: false,
            about: serde_json::from_value(about).unwrap(),
        };
        let stores = vec!["store".to_owned()];
        let state = Path::new("state");
        let mut unfinished =
            Unfinished::new(backup, vec![archive], stores, PathBuf::from("work"), state);
        for key in ["no_-a.zip.001", "manifest_-a.zip"] {
            let stored = ObjectRef {
                key: format!("{START}_{key}"),
                size: 7,
                ..ObjectRef::default()
            };
            unfinished.sent("store", stored);
        }
        unfinished
    }

    /// What is still to be sent before the markers after a look at a store that lists these
    /// objects; `None`: nothing, nor are the markers.
    fn left(listed: &[(&str, u64)]) -> Option<u64> {
        let mut unfinished = sent();
        let objects = listed.iter().map(|(key, size)| Object {
            key: format!("{START}_{key}"),
            size: *size,
        });
        unfinished.compare("store", &Catalog::new("pc", objects));
        let pending = unfinished.pending("store")?;
        Some(unfinished.left(pending).0)
    }

    #[test]
    fn a_marker_alone_does_not_make_a_backup_complete() {
        let volume = ("no_-a.zip.001", 7);
        let (manifest, marker) = (("manifest_-a.zip", 7), ("yes_-a", 900));
        assert_eq!(left(&[volume, manifest, marker]), Some(0), "whose it is?");
        assert_eq!(left(&[volume, manifest]), Some(0), "the marker is to come");
        assert_eq!(left(&[manifest, marker]), Some(1), "a volume is gone");
        assert_eq!(
            left(&[("no_-a.zip.001", 6), manifest, marker]),
            Some(1),
            "or was cut"
        );
        assert_eq!(left(&[marker]), Some(2));
    }
}
