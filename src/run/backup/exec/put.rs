//! Sends one object, even if the answer to an earlier attempt was lost (SPEC#upload). If a store
//! cannot say whether an existing object is the same, the record of what was sent decides. What is
//! sent is what was made: files are hashed before they are recorded.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::sync::{Mutex, PoisonError};

use super::Execution;
use crate::adapters::state::uploads;
use crate::adapters::store::{Purpose, Store, StoreError, StoreErrorKind};
use crate::model::event::{Event, Section};
use crate::model::object::ObjectRef;
use crate::model::slices::Hasher;
use crate::model::upload_record::{BegunObject, ReadyArchive, Unfinished, WorkFile};

impl Execution<'_> {
    /// Writes the files of archives to the disk itself and hashes them, before a record names them.
    /// `None` when that fails, which is said, or is interrupted.
    pub(super) fn seal(&self, mut archives: Vec<ReadyArchive>) -> Option<Vec<ReadyArchive>> {
        let files = archives.iter_mut().flat_map(ReadyArchive::files_mut);
        for file in files.filter(|file| file.made.is_none()) {
            // Windows flushes only what may be written.
            let synced = OpenOptions::new().write(true).open(&file.path);
            let synced = synced.and_then(|file| file.sync_all());
            match synced.and_then(|()| self.hashed(file)) {
                Ok(made) => file.made = Some(made),
                Err(_) if self.cancel.is_set() => return None,
                Err(error) => {
                    let text = format!("'{}' cannot be read: {error}", file.path.display());
                    let hint = "check the disk of archive.work-directory";
                    self.events
                        .fail(Section::Tools, text, Some(hint.to_owned()));
                    return None;
                }
            }
        }
        Some(archives)
    }

    /// Sends a file, and notes before what is sent.
    pub(super) fn put_file(
        &self,
        store: &dyn Store,
        file: &WorkFile,
        purpose: Purpose,
        unfinished: &Mutex<&mut Unfinished>,
    ) -> Result<ObjectRef, StoreError> {
        let waited = unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .written
            .is_some();
        let ours = match &file.made {
            Some(made) if !waited => Some(made.clone()),
            // It may be another one since.
            _ => match self.hashed(file) {
                Err(error) if waited && !self.cancel.is_set() => {
                    let path = file.path.display();
                    let why = format!("'{path}' cannot be read any more: {error}");
                    return Err(self.damaged(store, file, why, unfinished));
                }
                hashed => hashed.ok(),
            },
        };
        let is_other = |found: &ObjectRef| {
            let made = file.made.as_ref();
            made.is_some_and(|made| made.sha256 != found.sha256)
        };
        let damaged = || {
            let path = file.path.display();
            let why = format!("'{path}' is not what it was when it was made");
            self.damaged(store, file, why, unfinished)
        };
        if ours.as_ref().is_some_and(is_other) {
            return Err(damaged());
        }
        // A directory compares contents by itself.
        let ours = ours.filter(|_| store.directory().is_none());
        let is_begun = {
            let mut unfinished = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
            self.begin(store, ours.as_ref(), &mut unfinished)
        };
        let progress = |bytes| self.events.emit(Event::Transferred { bytes });
        match (store.put(&file.key, &file.path, purpose, &progress), ours) {
            (Err(error), Some(ours)) if is_begun && error.kind == StoreErrorKind::Unclear => {
                Ok(ours)
            }
            (Ok(stored), _) if is_other(&stored) => Err(damaged()),
            (done, _) => done,
        }
    }

    /// Notes that a file cannot be sent any more: the next run gives the upload up.
    fn damaged(
        &self,
        store: &dyn Store,
        file: &WorkFile,
        why: String,
        unfinished: &Mutex<&mut Unfinished>,
    ) -> StoreError {
        let mut unfinished = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        unfinished.damage = Some(why.clone());
        self.saved(uploads::save(&unfinished));
        StoreError {
            store: store.label().to_owned(),
            what: format!("writing '{}'", file.key),
            why,
            kind: StoreErrorKind::Local,
            hint: "check the disk of archive.work-directory; the next run makes a new backup"
                .to_owned(),
        }
    }

    /// The checksums of a file, unless it is interrupted.
    fn hashed(&self, file: &WorkFile) -> io::Result<ObjectRef> {
        let mut input = File::open(&file.path)?;
        let mut digest = Hasher::new(file.size);
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            if self.cancel.is_set() {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = input.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
            size += count as u64;
        }
        match size == file.size {
            true => Ok(object(&file.key, size, digest)),
            false => Err(io::Error::other(format!(
                "it has {size} bytes, not {}",
                file.size
            ))),
        }
    }

    /// Sends a marker, in the same way.
    pub(super) fn put_marker(
        &self,
        store: &dyn Store,
        key: &str,
        bytes: &[u8],
        unfinished: &mut Unfinished,
    ) -> Result<ObjectRef, StoreError> {
        let mut digest = Hasher::new(bytes.len() as u64);
        digest.update(bytes);
        let ours = object(key, bytes.len() as u64, digest);
        let is_begun = self.begin(store, Some(&ours), unfinished);
        match store.put_bytes(key, bytes, Purpose::Index) {
            Err(error) if is_begun && error.kind == StoreErrorKind::Unclear => Ok(ours),
            done => done,
        }
    }

    /// Notes what is about to be sent under a key. False where something else was sent under it
    /// before, as when the file has rotted since, and where it cannot be known.
    fn begin(
        &self,
        store: &dyn Store,
        ours: Option<&ObjectRef>,
        unfinished: &mut Unfinished,
    ) -> bool {
        let Some(ours) = ours.filter(|_| store.directory().is_none()) else {
            return false;
        };
        let Some(progress) = unfinished.pending_mut(store.label()) else {
            return false;
        };
        if let Some(begun) = progress.begun.iter().find(|begun| begun.key == ours.key) {
            return begun.sha256 == ours.sha256;
        }
        progress.begun.push(BegunObject {
            key: ours.key.clone(),
            sha256: ours.sha256.clone(),
        });
        self.saved(uploads::save(unfinished));
        true
    }
}

fn object(key: &str, size: u64, digest: Hasher) -> ObjectRef {
    let (sha256, slices) = digest.finish();
    ObjectRef {
        key: key.to_owned(),
        size,
        sha256,
        slices,
    }
}
