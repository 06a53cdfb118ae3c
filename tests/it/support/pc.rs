//! A computer that is backed up, without the backup program: real 7-Zip archives, markers and
//! manifests in a store, written with the library's own types.

mod names;

pub use names::{mount_of, name, seven_zip, stamp};

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aam_auto_backup::parts;
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::FullPath;
use aam_auto_backup::parts::Marker;
use aam_auto_backup::parts::Mount;
use aam_auto_backup::parts::ObjectRef;
use aam_auto_backup::parts::{BackupId, Format, MountName, ObjectName, Part};
use aam_auto_backup::parts::{DeltaBase, ManifestChain, Reader, write_delta};
use aam_auto_backup::parts::{Details, Entry, EntryKind, Header, Meta, Moment, RelPath, Writer};
use aam_auto_backup::parts::{DirectoryStore, Purpose, Store};
use aam_auto_backup::parts::{Stamp, Zone};

pub const KEY: &str = "correct horse battery";
pub const FULL: &str = "20201221_134337.851361";
pub const INC1: &str = "20201222_112502.225333";
pub const INC2: &str = "20201223_112502.000001";

/// What one mount holds now.
struct Volume {
    path: FullPath,
    files: PathBuf,
    entries: BTreeMap<RelPath, Entry>,
    changed: BTreeSet<RelPath>,
}

pub struct Pc {
    pub scratch: tempfile::TempDir,
    pub store: Box<dyn Store>,
    pub format: Format,
    /// Bytes of a volume.
    pub volume_size: u32,
    /// The same of single mounts, by number.
    pub volume_sizes: BTreeMap<usize, u32>,
    /// Write empty markers and no manifests.
    pub v1: bool,
    /// Stop before the markers of mounts after this many.
    pub markers: usize,
    mounts: Vec<Volume>,
    last: Option<BackupId>,
    /// The newest manifest of each mount, whole, and its chain.
    states: BTreeMap<usize, (Stamp, Vec<u8>, ManifestChain)>,
    clock: i128,
}

impl Pc {
    /// With these mounts and a directory store.
    pub fn new(mounts: &[&str]) -> Pc {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("store")).unwrap();
        let store = DirectoryStore::open(&scratch.path().join("store"), Cancel::new()).unwrap();
        Pc::with_store(mounts, scratch, Box::new(store))
    }

    pub fn with_store(mounts: &[&str], scratch: tempfile::TempDir, store: Box<dyn Store>) -> Pc {
        let volume = |(i, path): (usize, &&str)| {
            let files = scratch.path().join(format!("disk-{i}"));
            fs::create_dir(&files).unwrap();
            let path = FullPath::parse(path).unwrap();
            Volume {
                path,
                files,
                entries: BTreeMap::new(),
                changed: BTreeSet::new(),
            }
        };
        let mounts = mounts.iter().enumerate().map(volume).collect();
        Pc {
            scratch,
            store,
            format: Format::Zip,
            volume_size: 300,
            volume_sizes: BTreeMap::new(),
            v1: false,
            markers: usize::MAX,
            mounts,
            last: None,
            states: BTreeMap::new(),
            clock: 1_600_000_000_123_456_789,
        }
    }

    pub fn store_dir(&self) -> PathBuf {
        self.scratch.path().join("store")
    }

    pub fn target(&self) -> PathBuf {
        self.scratch.path().join("target")
    }

    fn meta(&mut self, size: u64, mode: u32) -> Meta {
        self.clock += 1_234_567_891;
        Meta {
            size,
            modified: Moment(self.clock),
            created: None,
            changed: None,
            mode: Some(mode),
        }
    }

    /// A file of the mount number `mount`, from 1, with all directories above it.
    pub fn write(&mut self, mount: usize, path: &str, content: &str) -> &mut Pc {
        let rel = RelPath::from_bytes(path);
        let mut above = rel.parent();
        while !above.is_root() {
            if !self.mounts[mount - 1].entries.contains_key(&above) {
                self.entry(mount, above.clone(), EntryKind::Directory, 0, 0o750);
            }
            above = above.parent();
        }
        let place = self.mounts[mount - 1].files.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
        self.entry(mount, rel, EntryKind::File, content.len() as u64, 0o640);
        self
    }

    /// An empty directory.
    pub fn directory(&mut self, mount: usize, path: &str) -> &mut Pc {
        fs::create_dir_all(self.mounts[mount - 1].files.join(path)).unwrap();
        self.entry(
            mount,
            RelPath::from_bytes(path),
            EntryKind::Directory,
            0,
            0o700,
        );
        self
    }

    fn entry(&mut self, mount: usize, path: RelPath, kind: EntryKind, size: u64, mode: u32) {
        let meta = self.meta(size, mode);
        let mount = &mut self.mounts[mount - 1];
        mount.changed.insert(path.clone());
        mount.entries.insert(
            path.clone(),
            Entry {
                path,
                kind,
                meta,
                stored: None,
                unseen: false,
                details: Details::default(),
            },
        );
    }

    /// Changes what the manifest says of an entry.
    pub fn tweak(&mut self, mount: usize, path: &str, tweak: impl FnOnce(&mut Entry)) -> &mut Pc {
        tweak(
            self.mounts[mount - 1]
                .entries
                .get_mut(&RelPath::from_bytes(path))
                .unwrap(),
        );
        self
    }

    /// Takes one entry out of the manifest; the file or directory stays on the disk.
    pub fn unlist(&mut self, mount: usize, path: &str) -> &mut Pc {
        let mount = &mut self.mounts[mount - 1];
        mount.entries.remove(&RelPath::from_bytes(path));
        mount.changed.remove(&RelPath::from_bytes(path));
        self
    }

    pub fn remove(&mut self, mount: usize, path: &str) -> &mut Pc {
        let mount = &mut self.mounts[mount - 1];
        let rel = RelPath::from_bytes(path);
        mount.entries.retain(|p, _| !p.starts_with(&rel));
        mount.changed.retain(|p| !p.starts_with(&rel));
        let place = mount.files.join(path);
        if place.is_dir() {
            fs::remove_dir_all(place).unwrap()
        } else {
            fs::remove_file(place).unwrap()
        }
        self
    }

    pub fn entries(&self, mount: usize) -> impl Iterator<Item = &Entry> {
        self.mounts[mount - 1].entries.values()
    }

    pub fn full(&mut self, stamp: &str) -> BackupId {
        let id = BackupId {
            full: stamp.parse().unwrap(),
            incremental: None,
        };
        for mount in &mut self.mounts {
            mount.changed = mount.entries.keys().cloned().collect();
        }
        self.backup(id)
    }

    pub fn incremental(&mut self, stamp: &str) -> BackupId {
        let full = self.last.expect("a full backup first").full;
        self.backup(BackupId {
            full,
            incremental: Some(stamp.parse().unwrap()),
        })
    }

    fn backup(&mut self, id: BackupId) -> BackupId {
        let mounts: Vec<Mount> = self.mounts.iter().map(|m| mount_of(&m.path)).collect();
        let mut markers = Vec::new();
        for index in 0..self.mounts.len() {
            let changed = &self.mounts[index].changed;
            let entries = self.mounts[index]
                .entries
                .iter()
                .filter(|(path, _)| changed.contains(path));
            let bytes = entries
                .filter(|(_, e)| e.kind == EntryKind::File)
                .map(|(_, e)| e.meta.size)
                .sum();
            let volumes = self.archive(id, index);
            let (manifest, delta) = match self.v1 {
                true => (None, None),
                false => {
                    let (manifest, delta) = self.manifest(id, index);
                    (Some(manifest), delta)
                }
            };
            let path = self.mounts[index].path.clone();
            let key = name(id, &path, Part::Marker);
            let marker = Marker {
                program: "test".into(),
                location: "pc".into(),
                backup: id,
                zone: Zone::Utc,
                mount: path,
                mounts: mounts.clone(),
                format: self.format,
                volumes,
                manifest: manifest.clone().unwrap_or(ObjectRef {
                    key: String::new(),
                    size: 0,
                    sha256: String::new(),
                    slices: None,
                }),
                delta,
                files: self.mounts[index].entries.len() as u64,
                bytes,
                counts: None,
                sources: Vec::new(),
                selection: String::new(),
                since: id.incremental.and(self.last).map(|b| b.stamp()),
                tools: Vec::new(),
                writer: None,
                key: None,
            };
            markers.push((
                key,
                if self.v1 {
                    Vec::new()
                } else {
                    marker.to_bytes()
                },
            ));
        }
        for (key, bytes) in markers.into_iter().take(self.markers) {
            self.store.put_bytes(&key, &bytes, Purpose::Index).unwrap();
        }
        self.last = Some(id);
        id
    }

    fn archive(&mut self, id: BackupId, index: usize) -> Vec<ObjectRef> {
        let mount = &mut self.mounts[index];
        let changed = std::mem::take(&mut mount.changed);
        let mut list = String::new();
        for path in &changed {
            let empty = !mount
                .entries
                .keys()
                .any(|p| p != path && p.starts_with(path));
            let entry = mount.entries.get_mut(path).unwrap();
            if entry.kind == EntryKind::File {
                entry.stored = Some(parts::Stored::In(id.stamp()));
            } else if !empty {
                continue;
            }
            list.push_str(&format!("\"{path}\"\n"));
        }
        if list.is_empty() {
            return Vec::new();
        }
        let path = mount.path.clone();
        let work = tempfile::tempdir_in(self.scratch.path()).unwrap();
        let list_file = work.path().join("list");
        fs::write(&list_file, list).unwrap();
        let archive = work.path().join("a");
        let volume_size = self
            .volume_sizes
            .get(&(index + 1))
            .unwrap_or(&self.volume_size);
        seven_zip(
            self.format,
            &mount.files,
            &archive,
            &list_file,
            Some(*volume_size),
        );
        let mut stored = Vec::new();
        for number in 1.. {
            let volume = work.path().join(format!("a.{number:03}"));
            if !volume.exists() {
                break;
            }
            let key = name(id, &path, Part::Volume(self.format.into(), number));
            stored.push(
                self.store
                    .put(&key, &volume, Purpose::Archive, &|_| {})
                    .unwrap(),
            );
        }
        assert!(!stored.is_empty());
        stored
    }

    /// Goes on with a set that somebody else began.
    pub fn adopt(&mut self, last: BackupId) -> &mut Pc {
        self.last = Some(last);
        self.mounts.iter_mut().for_each(|m| m.changed.clear());
        self
    }

    /// A whole manifest, or a delta on the one before.
    fn manifest(&mut self, id: BackupId, index: usize) -> (ObjectRef, Option<DeltaBase>) {
        let mount = &self.mounts[index];
        let work = tempfile::tempdir_in(self.scratch.path()).unwrap();
        let header = Header::whole("pc", &mount.path, Some(id), Some(self.format));
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        mount
            .entries
            .values()
            .for_each(|entry| writer.write(entry).unwrap());
        let whole = writer.finish().unwrap();
        let before = self.states.get(&index).filter(|_| id.incremental.is_some());
        let delta = before.and_then(|(stamp, _, chain)| chain.next(*stamp));
        let reader = |bytes| Reader::new(bytes).unwrap();
        let (bytes, chain) = match (before, delta) {
            (Some((_, base, chain)), Some(delta)) => {
                let header = Header {
                    delta: Some(delta),
                    ..header
                };
                let new = reader(&whole[..]);
                let bytes = write_delta(reader(&base[..]), new, &header, Vec::new()).unwrap();
                (bytes, chain.with(delta, 1).unwrap())
            }
            _ => (whole.clone(), ManifestChain::whole(1 << 20)),
        };
        self.states.insert(index, (id.stamp(), whole, chain));
        fs::write(work.path().join("manifest.v2"), bytes).unwrap();
        fs::write(work.path().join("list"), "\"manifest.v2\"\n").unwrap();
        let archive = work.path().join("m");
        seven_zip(
            self.format,
            work.path(),
            &archive,
            &work.path().join("list"),
            None,
        );
        let key = name(id, &mount.path, Part::Manifest(self.format.into()));
        let stored = self.store.put(&key, &archive, Purpose::Index, &|_| {});
        (stored.unwrap(), delta)
    }
}
