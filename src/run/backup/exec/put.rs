//! Sends one object, even if the answer to an earlier attempt was lost (SPEC#upload). If a store
//! cannot say whether an existing object is the same, the record of what was sent decides.

use std::fs::File;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use super::Execution;
use crate::adapters::state::uploads;
use crate::adapters::store::{Purpose, Store, StoreError, StoreErrorKind};
use crate::model::event::Event;
use crate::model::object::ObjectRef;
use crate::model::slices::Hasher;
use crate::model::upload_record::{BegunObject, Unfinished, WorkFile};

impl Execution<'_> {
    /// Sends a file, and notes before what is sent.
    pub(super) fn put_file(
        &self,
        store: &dyn Store,
        file: &WorkFile,
        purpose: Purpose,
        unfinished: &Mutex<&mut Unfinished>,
    ) -> Result<ObjectRef, StoreError> {
        // A directory compares contents by itself.
        let ours = match store.directory() {
            None => hashed(file),
            Some(_) => None,
        };
        let is_begun = {
            let mut unfinished = unfinished.lock().unwrap_or_else(PoisonError::into_inner);
            self.begin(store, ours.as_ref(), &mut unfinished)
        };
        let progress = |bytes| self.events.emit(Event::Transferred { bytes });
        match (store.put(&file.key, &file.path, purpose, &progress), ours) {
            (Err(error), Some(ours)) if is_begun && error.kind == StoreErrorKind::Unclear => {
                Ok(ours)
            }
            (done, _) => done,
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

/// The checksums of a file; `None` when it cannot be read or is not what it was.
fn hashed(file: &WorkFile) -> Option<ObjectRef> {
    let mut input = File::open(&file.path).ok()?;
    let mut digest = Hasher::new(file.size);
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let count = input.read(&mut buffer).ok()?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        size += count as u64;
    }
    (size == file.size).then(|| object(&file.key, size, digest))
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
