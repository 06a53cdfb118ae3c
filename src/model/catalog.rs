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
mod tests {
    use super::*;

    fn catalog(keys: &[&str]) -> Catalog {
        Catalog::new(
            "pc",
            keys.iter().map(|k| Object {
                key: (*k).to_owned(),
                size: 1,
            }),
        )
    }

    const FULL: &str = "pc_20201221_134337.851361_0_0.0";
    const INC: &str = "pc_20201221_134337.851361_20201222_112502.225333";

    fn keys(tails: &[(&str, &str)]) -> Vec<String> {
        tails
            .iter()
            .map(|(head, tail)| format!("{head}_{tail}"))
            .collect()
    }

    #[test]
    fn a_marker_for_every_mount_makes_a_backup_complete() {
        let mut all = keys(&[
            (FULL, "no_a.zip.001"),
            (FULL, "no_b.zip.001"),
            (FULL, "yes_a"),
        ]);
        let refs: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(
            catalog(&refs).latest_restorable(),
            None,
            "the marker of b is missing"
        );
        all.push(format!("{FULL}_yes_b"));
        all.push(format!("{INC}_yes_a"));
        all.push(format!("{INC}_manifest_b.zip"));
        let refs: Vec<&str> = all.iter().map(String::as_str).collect();
        let found = catalog(&refs);
        assert_eq!(
            found.latest_restorable().unwrap().chain().len(),
            1,
            "the incremental is unfinished"
        );
        all.push(format!("{INC}_yes_b"));
        let refs: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(catalog(&refs).latest_restorable().unwrap().chain().len(), 2);
    }

    #[test]
    fn holes_strangers_and_orphans() {
        let all = keys(&[(FULL, "no_a.zip.002"), (FULL, "yes_a")]);
        let mut refs: Vec<&str> = all.iter().map(String::as_str).collect();
        refs.extend(["readme.txt", "other_20201221_134337.851361_0_0.0_yes_a"]);
        let found = catalog(&refs);
        assert_eq!(found.ignored, 2);
        let full = found.sets[0].full.as_ref().unwrap();
        assert!(matches!(
            full.incomplete(),
            Some(Incomplete::MissingVolume(_, 1))
        ));
        let orphan = keys(&[(INC, "yes_a")]);
        let refs: Vec<&str> = orphan.iter().map(String::as_str).collect();
        assert_eq!(
            catalog(&refs).latest_restorable(),
            None,
            "an incremental without its full"
        );
    }
    /// Objects of these sizes.
    fn sized(objects: &[(&str, u64)]) -> Vec<Object> {
        let object = |(tail, size): &(&str, u64)| Object {
            key: format!("{FULL}_{tail}"),
            size: *size,
        };
        objects.iter().map(object).collect()
    }

    const TWO: [(&str, u64); 4] = [
        ("no_a.zip.001", 70),
        ("no_a.zip.002", 7),
        ("yes_a", 1),
        ("manifest_a.zip", 3),
    ];

    #[test]
    fn volumes_are_counted() {
        let mut listed = sized(&TWO);
        listed.extend(sized(&[("no_b.zip.001", 200), ("yes_b", 1)]));
        let found = Catalog::new("pc", listed);
        let full = found.sets[0].full.as_ref().unwrap();
        assert_eq!((full.bytes(), full.volumes()), (277, 3));
        assert_eq!(found.sets[0].backups().count(), 1);
    }

    #[test]
    fn what_was_sent_must_be_there_as_it_was_sent() {
        let judged = |listed: &[(&str, u64)], sent: &[(&str, u64)]| {
            let mut found = Catalog::new("pc", sized(listed));
            found.compare(&sized(sent));
            let set = found.sets.pop();
            let full = set.and_then(|set| set.full);
            full.and_then(|full| {
                let lost = full.lost();
                assert!(lost.is_none() || full.incomplete() == lost);
                lost.map(|lost| lost.to_string())
            })
        };
        assert_eq!(judged(&TWO, &TWO), None);
        assert_eq!(judged(&TWO, &[]), None);
        assert_eq!(judged(&[], &TWO), None, "it has expired");
        for at in 0..TWO.len() {
            let mut listed = TWO.to_vec();
            let (tail, size) = listed.remove(at);
            let gone = judged(&listed, &TWO).unwrap();
            assert_eq!(
                gone,
                format!("the object '{FULL}_{tail}' was sent but is missing")
            );
            listed.insert(at, (tail, size + 1));
            let cut = judged(&listed, &TWO).unwrap();
            let sizes = format!("has {} bytes, {size} were sent", size + 1);
            assert_eq!(cut, format!("the object '{FULL}_{tail}' {sizes}"));
        }
    }

    #[test]
    fn an_unfinished_full_is_no_base() {
        let all = keys(&[(FULL, "no_a.zip.001"), (INC, "yes_a")]);
        let refs: Vec<&str> = all.iter().map(String::as_str).collect();
        let found = catalog(&refs);
        assert!(found.sets[0].chain().is_empty());
        assert!(!found.sets[0].is_restorable());
    }

    #[test]
    fn an_empty_volume_and_a_missing_mount_are_no_backup() {
        let found = Catalog::new("pc", sized(&[("no_a.zip.001", 0), ("yes_a", 1)]));
        let full = found.sets[0].full.as_ref().unwrap();
        let why = full.incomplete().unwrap().to_string();
        assert_eq!(why, format!("the object '{FULL}_no_a.zip.001' is empty"));
        let found = Catalog::new("pc", sized(&TWO));
        let full = found.sets[0].full.as_ref().unwrap();
        let names: Vec<MountName> = full.archives.keys().cloned().collect();
        assert_eq!(full.lacks(&names), None);
        let other = Catalog::new("pc", sized(&[("yes_b", 1)]));
        let other: Vec<MountName> = other.sets[0]
            .full
            .as_ref()
            .unwrap()
            .archives
            .keys()
            .cloned()
            .collect();
        assert!(matches!(
            full.lacks(&other),
            Some(Incomplete::MissingMount(_))
        ));
    }

    #[test]
    fn other_names_are_counted_or_give_their_location() {
        let old = [
            "pc:2020-12-21_13:43:37.851361",
            "pc:2020-12-21_13:43:37.851361:x",
        ];
        let found = catalog(&old);
        assert_eq!(found.deprecated + found.ignored, 2);
        let mut listed = sized(&TWO);
        listed.push(Object {
            key: FULL.replace("pc_", "laptop_") + "_yes_a",
            size: 1,
        });
        listed.push(Object {
            key: "readme.txt".to_owned(),
            size: 1,
        });
        let names: Vec<String> = Catalog::locations(&listed).into_iter().collect();
        assert_eq!(names, ["laptop", "pc"]);
        let stamp = Catalog::new("pc", sized(&TWO)).sets[0].stamp;
        assert!(Catalog::new("pc", sized(&TWO)).set(stamp).is_some());
        assert!(Catalog::new("pc", sized(&TWO)).set(stamp.next()).is_none());
    }
}
