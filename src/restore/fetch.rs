//! Brings objects to this computer, or finds them here, and checks them against their marker before anything reads
//! them (SPEC §9).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use crate::event::{Event, Section};

use super::error::RestoreError;
use super::plan::{PlannedArchive, PlannedVolume};
use super::run::Restore;

/// An archive that is here and is what its marker says.
pub(super) struct Fetched {
    /// Its first volume; 7-Zip finds the others beside it.
    pub first: PathBuf,
    /// Files to delete after use.
    downloaded: Vec<PathBuf>,
}

impl Fetched {
    /// Frees the space of what was downloaded.
    pub(super) fn discard(self) -> Result<(), RestoreError> {
        self.downloaded.iter().try_for_each(|path| fs::remove_file(path).map_err(RestoreError::disk("remove", path)))
    }
}

/// How many objects are fetched and hashed at a time.
const THREADS: usize = 2;

impl Restore<'_> {
    /// Whether every volume of an archive can be read where it lies.
    pub(super) fn in_place(&self, archive: &PlannedArchive) -> bool {
        !archive.has_extra && archive.volumes.iter().all(|v| self.store.local_path(&v.key).is_some())
    }

    /// Fetches an archive. `None` when that backup had nothing to archive.
    pub(super) fn fetch(&self, archive: &PlannedArchive) -> Result<Option<Fetched>, RestoreError> {
        let in_place = self.in_place(archive);
        // Keys never become file names here: a store may hold any key.
        let place = |index: usize, volume: &PlannedVolume| match self.store.local_path(&volume.key) {
            Some(path) if in_place => path,
            _ => self.target.work(&format!("volume.{}.{:03}", archive.format.extension(), index + 1)),
        };
        let places: Vec<PathBuf> = archive.volumes.iter().enumerate().map(|(i, v)| place(i, v)).collect();
        let Some(first) = places.first().cloned() else { return Ok(None) };
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let failed = Mutex::new(Vec::new());
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let (Some(volume), Some(path)) = (archive.volumes.get(index), places.get(index)) else { return };
                if let Err(error) = self.object(volume, path, in_place) {
                    stop.store(true, Ordering::Relaxed);
                    failed.lock().unwrap_or_else(|e| e.into_inner()).push((index, error));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..THREADS.min(places.len()) {
                scope.spawn(work);
            }
        });
        let mut failed = failed.into_inner().unwrap_or_else(|e| e.into_inner());
        failed.sort_by_key(|(index, _)| *index);
        if let Some((index, error)) = failed.into_iter().next() {
            return Err(named(error, &archive.volumes, index));
        }
        Ok(Some(Fetched { first, downloaded: if in_place { Vec::new() } else { places } }))
    }

    /// Brings one object to `path`, or reads it there, and checks size and SHA-256.
    pub(super) fn object(&self, object: &PlannedVolume, path: &Path, in_place: bool) -> Result<(), RestoreError> {
        let store = self.store.label();
        if in_place {
            self.events.note(Section::Objects, format!("reading '{}' ({} bytes) in {store}", object.key, object.size));
            return self.verify(object, path);
        }
        self.download(object, path)?;
        match self.verify(object, path) {
            // Something on the way may have spoiled it; a second try costs little beside a failed restore.
            Err(RestoreError::Damaged { .. } | RestoreError::Size { .. }) => {
                self.events
                    .note(Section::Objects, format!("'{}' did not arrive as it was sent: once more", object.key));
                fs::remove_file(path).map_err(RestoreError::disk("remove", path))?;
                self.download(object, path)?;
                self.verify(object, path)
            }
            other => other,
        }
    }

    fn download(&self, object: &PlannedVolume, path: &Path) -> Result<(), RestoreError> {
        let (store, key, size) = (self.store.label().to_owned(), object.key.clone(), object.size);
        self.events.tell(Event::Downloading { store, key, size });
        self.store.get(&object.key, path, &|bytes| self.events.tell(Event::Transferred { bytes }))?;
        Ok(())
    }

    fn verify(&self, object: &PlannedVolume, path: &Path) -> Result<(), RestoreError> {
        let (store, key) = (self.store.label().to_owned(), object.key.clone());
        let mut file = File::open(path).map_err(RestoreError::disk("open", path))?;
        let found = file.metadata().map_err(RestoreError::disk("look at", path))?.len();
        if found != object.size {
            return Err(RestoreError::Size { store, key, found, expected: object.size });
        }
        let Some(expected) = object.sha256.clone() else { return Ok(()) };
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            if self.cancel.is_set() {
                return Err(RestoreError::Interrupted);
            }
            match file.read(&mut buffer).map_err(RestoreError::disk("read", path))? {
                0 => break,
                count => digest.update(&buffer[..count]),
            }
        }
        let found = hex::encode(digest.finalize());
        if found == expected { Ok(()) } else { Err(RestoreError::Damaged { store, key, found, expected, is: None }) }
    }
}

/// Two volumes that were swapped are easier to put right when the message says so.
fn named(error: RestoreError, volumes: &[PlannedVolume], index: usize) -> RestoreError {
    match error {
        RestoreError::Damaged { store, key, found, expected, .. } => {
            let other = volumes.iter().enumerate().find(|(i, v)| *i != index && v.sha256.as_ref() == Some(&found));
            RestoreError::Damaged { store, key, found, expected, is: other.map(|(_, v)| v.key.clone()) }
        }
        other => other,
    }
}
