//! A store whose small objects are kept on this computer once they were read: markers and manifests
//! as they are, so manifests stay encrypted (SPEC#search).

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{GrowingObject, Progress, Purpose, ReceivedBefore, Store, StoreError};
use crate::adapters::fs::{create_private_directory, read_plain, write_whole};
use crate::model::cancel::Cancel;
use crate::model::object::{Object, ObjectRef};

/// A store and the copies of what was read from it. Objects are never written again under the same
/// key, so a copy never gets old. Where no copy can be kept, the store is read again.
pub struct CachedStore<'a> {
    store: &'a dyn Store,
    directory: PathBuf,
}

impl<'a> CachedStore<'a> {
    /// Copies are kept below `directory`, those of each store apart.
    pub fn new(store: &'a dyn Store, directory: &Path) -> CachedStore<'a> {
        CachedStore {
            store,
            directory: directory.join(digest(store.label())),
        }
    }

    /// Whether an object can be read without the store being asked.
    pub fn has(&self, key: &str) -> bool {
        self.store.local_path(key).is_some() || self.copy(key).is_file()
    }

    /// Forgets the copies of all objects but these.
    pub fn retain<'k>(&self, keys: impl Iterator<Item = &'k str>) {
        let names: BTreeSet<String> = keys.map(digest).collect();
        for entry in fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            if !entry
                .file_name()
                .to_str()
                .is_some_and(|name| names.contains(name))
            {
                // A copy too many does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn copy(&self, key: &str) -> PathBuf {
        self.directory.join(digest(key))
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        // Only the next search takes longer without it.
        let _ = create_private_directory(&self.directory)
            .and_then(|()| write_whole(&self.copy(key), bytes));
    }
}

/// A key as a file name: keys may be longer than names.
fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

/// The largest object whose copy is kept.
const MOST: u64 = 1 << 30;

impl Store for CachedStore<'_> {
    fn label(&self) -> &str {
        self.store.label()
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        self.store.list(prefix)
    }

    fn list_before(
        &self,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError> {
        self.store.list_before(prefix, moment)
    }

    fn put(
        &self,
        key: &str,
        source: &Path,
        purpose: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        self.store.put(key, source, purpose, progress)
    }

    fn grow<'s>(
        &'s self,
        key: &str,
        purpose: Purpose,
    ) -> Result<Box<dyn GrowingObject + 's>, StoreError> {
        self.store.grow(key, purpose)
    }

    fn remove_trace(&self, key: &str, trace: &str) -> Result<(), StoreError> {
        self.store.remove_trace(key, trace)
    }

    fn put_bytes(
        &self,
        key: &str,
        bytes: &[u8],
        purpose: Purpose,
    ) -> Result<ObjectRef, StoreError> {
        self.store.put_bytes(key, bytes, purpose)
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        if self.store.local_path(key).is_some() {
            return self.store.read(key, limit);
        }
        if let Ok(bytes) = read_plain(&self.copy(key), limit) {
            return Ok(bytes);
        }
        let bytes = self.store.read(key, limit)?;
        self.keep(key, &bytes);
        Ok(bytes)
    }

    fn get_part(
        &self,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let is_new = part.is_none() && !target.exists();
        if is_new
            && let Ok(bytes) = read_plain(&self.copy(key), MOST)
            && fs::write(target, bytes).is_ok()
        {
            return Ok(());
        }
        if is_new {
            let _ = fs::remove_file(target);
        }
        self.store.get_part(key, part, target, stop, progress)?;
        if is_new && let Ok(bytes) = read_plain(target, MOST) {
            self.keep(key, &bytes);
        }
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(key)
    }

    fn directory(&self) -> Option<&Path> {
        self.store.directory()
    }

    fn local_path(&self, key: &str) -> Option<PathBuf> {
        self.store.local_path(key)
    }
}
