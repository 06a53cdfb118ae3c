//! The catalog: what a store holds, from object names alone (SPEC#catalog). Pure.
//!
//! The backup user may list and write but not read, so names say whether a backup is complete.
//! Volumes and manifests of all mounts are uploaded first, markers last. If an object names a
//! mount that no marker names, the mount is unfinished.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::name::{BackupId, MountName, ObjectName, Part, deprecated_location};
use crate::model::object::Object;
use crate::model::stamp::Stamp;

/// One backup of a location: the full, or one incremental.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    pub id: BackupId,
    /// The archive of each mount, by mount name.
    pub archives: BTreeMap<MountName, ListedArchive>,
}

/// The objects of one archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedArchive {
    /// Volumes by number.
    pub volumes: BTreeMap<u32, Object>,
    pub marker: Option<Object>,
    pub manifest: Option<Object>,
    /// Objects that were sent but are missing or differ now: key, and what is wrong.
    pub lost: BTreeMap<String, String>,
}

/// Why a backup does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    #[error("the upload of '{0}' was not finished")]
    NoMarker(MountName),
    #[error("'{0}' lacks its volume {1:03}")]
    MissingVolume(MountName, u32),
    #[error("the object '{0}' {1}")]
    Lost(String, String),
    #[error("it does not hold '{0}'")]
    MissingMount(MountName),
}

impl Backup {
    /// Why this backup is not complete, if it is not.
    pub fn incomplete(&self) -> Option<Incomplete> {
        for (mount, archive) in &self.archives {
            if let Some((key, why)) = archive.lost.first_key_value() {
                return Some(Incomplete::Lost(key.clone(), why.clone()));
            }
            if archive.marker.is_none() {
                return Some(Incomplete::NoMarker(mount.clone()));
            }
            let last = archive.volumes.keys().next_back().copied().unwrap_or(0);
            if let Some(hole) = (1..=last).find(|n| !archive.volumes.contains_key(n)) {
                return Some(Incomplete::MissingVolume(mount.clone(), hole));
            }
            if let Some(empty) = archive.volumes.values().find(|o| o.size == 0) {
                return Some(Incomplete::Lost(empty.key.clone(), "is empty".to_owned()));
            }
        }
        None
    }

    /// What was sent to the store but is missing now. Such a backup was complete once, and others
    /// may rest on it.
    pub fn lost(&self) -> Option<Incomplete> {
        let mut lost = self.archives.values().flat_map(|a| &a.lost);
        lost.next()
            .map(|(key, why)| Incomplete::Lost(key.clone(), why.clone()))
    }

    /// As [`Backup::incomplete`], and it must hold every one of `mounts`.
    pub fn lacks(&self, mounts: &[MountName]) -> Option<Incomplete> {
        let missing = mounts.iter().find(|m| !self.archives.contains_key(m));
        self.incomplete()
            .or_else(|| missing.map(|m| Incomplete::MissingMount(m.clone())))
    }

    /// All its objects.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.archives.values().flat_map(|archive| {
            let volumes = archive.volumes.values();
            volumes.chain(&archive.marker).chain(&archive.manifest)
        })
    }

    /// Bytes of all volumes.
    pub fn bytes(&self) -> u64 {
        self.archives
            .values()
            .flat_map(|a| a.volumes.values())
            .map(|o| o.size)
            .sum()
    }

    /// Count of all volumes.
    pub fn volumes(&self) -> usize {
        self.archives.values().map(|a| a.volumes.len()).sum()
    }
}

/// A full backup and every incremental backup that names its stamp. The full may be missing or
/// unfinished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    pub stamp: Stamp,
    pub full: Option<Backup>,
    /// By stamp, oldest first.
    pub incrementals: Vec<Backup>,
}

impl Set {
    /// Whether the set can be restored at all.
    pub fn is_restorable(&self) -> bool {
        self.full
            .as_ref()
            .is_some_and(|full| full.incomplete().is_none())
    }

    /// The full backup, when complete, and every complete incremental, oldest first: what a restore
    /// extracts.
    pub fn chain(&self) -> Vec<&Backup> {
        match &self.full {
            Some(full) if full.incomplete().is_none() => {
                let incrementals = self
                    .incrementals
                    .iter()
                    .filter(|b| b.incomplete().is_none());
                std::iter::once(full).chain(incrementals).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every backup of the set, finished or not, oldest first.
    pub fn backups(&self) -> impl Iterator<Item = &Backup> {
        self.full.iter().chain(&self.incrementals)
    }
}

/// What a store holds of one location.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// By stamp, oldest first.
    pub sets: Vec<Set>,
    /// Objects that this program did not write: counted, never touched (SPEC#names).
    pub ignored: u64,
    /// Objects of the location whose names have the deprecated form with colons: not used either.
    pub deprecated: u64,
}

impl Catalog {
    /// Sorts a listing into sets. Objects of other locations, and anything that is not an object
    /// name, are counted.
    pub fn new(location: &str, objects: impl IntoIterator<Item = Object>) -> Catalog {
        let mut catalog = Catalog::default();
        catalog.add(location, objects);
        catalog
    }

    /// The keys of all markers and manifests.
    pub fn index_keys(&self) -> impl Iterator<Item = &str> {
        let archives = self.sets.iter().flat_map(Set::backups);
        archives
            .flat_map(|backup| backup.archives.values())
            .flat_map(|archive| archive.marker.iter().chain(&archive.manifest))
            .map(|object| object.key.as_str())
    }

    /// Adds objects to what the store holds.
    pub fn add(&mut self, location: &str, objects: impl IntoIterator<Item = Object>) {
        for object in objects {
            if deprecated_location(&object.key) == Some(location) {
                self.deprecated += 1;
                continue;
            }
            let Some(name) = ObjectName::parse(&object.key).filter(|n| n.location == location)
            else {
                self.ignored += 1;
                continue;
            };
            let archive = self.archive(name.backup, name.mount);
            match name.part {
                Part::Volume(_, number) => drop(archive.volumes.insert(number, object)),
                Part::Marker => archive.marker = Some(object),
                Part::Manifest(_) => archive.manifest = Some(object),
            }
        }
    }

    /// Compares the listing with what was sent. If nothing of a set is left, it has expired and is
    /// not reported.
    pub fn compare(&mut self, sent: &[Object]) {
        for object in sent {
            let Some(name) = ObjectName::parse(&object.key) else {
                continue;
            };
            if self.set(name.backup.full).is_none() {
                continue;
            }
            let archive = self.archive(name.backup, name.mount);
            let found = match name.part {
                Part::Volume(_, number) => archive.volumes.get(&number),
                Part::Marker => archive.marker.as_ref(),
                Part::Manifest(_) => archive.manifest.as_ref(),
            };
            let why = match found.map(|found| found.size) {
                None => "was sent but is missing".to_owned(),
                Some(size) if size != object.size => {
                    format!("has {size} bytes, {} were sent", object.size)
                }
                Some(_) => continue,
            };
            archive.lost.insert(object.key.clone(), why);
        }
    }

    fn archive(&mut self, backup: BackupId, mount: MountName) -> &mut ListedArchive {
        self.backup(backup).archives.entry(mount).or_default()
    }

    /// The backup of this name, which is added if it is missing.
    fn backup(&mut self, id: BackupId) -> &mut Backup {
        let new = || Backup {
            id,
            archives: BTreeMap::new(),
        };
        let at = self
            .sets
            .binary_search_by_key(&id.full, |set| set.stamp)
            .unwrap_or_else(|at| {
                self.sets.insert(
                    at,
                    Set {
                        stamp: id.full,
                        full: None,
                        incrementals: Vec::new(),
                    },
                );
                at
            });
        let set = &mut self.sets[at];
        if id.incremental.is_none() {
            return set.full.get_or_insert_with(new);
        }
        let at = set
            .incrementals
            .binary_search_by_key(&id.incremental, |b| b.id.incremental)
            .unwrap_or_else(|at| {
                set.incrementals.insert(at, new());
                at
            });
        &mut set.incrementals[at]
    }

    /// The locations a listing holds, for a listing of more than one.
    pub fn locations<'a>(objects: impl IntoIterator<Item = &'a Object>) -> BTreeSet<String> {
        objects
            .into_iter()
            .filter_map(|o| ObjectName::parse(&o.key))
            .map(|n| n.location)
            .collect()
    }

    /// The newest set that can be restored.
    pub fn latest_restorable(&self) -> Option<&Set> {
        self.sets.iter().rev().find(|s| s.is_restorable())
    }

    /// The set of this full backup.
    pub fn set(&self, full: Stamp) -> Option<&Set> {
        self.sets.iter().find(|s| s.stamp == full)
    }
}

#[cfg(test)]
mod tests;
