//! An object in a directory that is written while its content is made: a partial object until it is
//! published.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;

use super::parts::Partial;
use super::{DirectoryStore, PARTIAL};
use crate::adapters::store::growing::GrowingObject;
use crate::adapters::store::{Act, StoreError, StoreErrorKind};
use crate::model::object::ObjectRef;

/// An object of which only the beginning is known.
pub(super) struct GrowingFile<'a> {
    store: &'a DirectoryStore,
    act: Act,
    partial: Partial,
    written: u64,
}

impl<'a> GrowingFile<'a> {
    pub(super) fn begin(
        store: &'a DirectoryStore,
        key: &str,
    ) -> Result<GrowingFile<'a>, StoreError> {
        let act = store.act("writing", key);
        store.place(key, &act)?;
        let partial = store.partial(&act)?;
        Ok(GrowingFile {
            store,
            act,
            partial,
            written: 0,
        })
    }
}

impl GrowingObject for GrowingFile<'_> {
    fn trace(&self) -> String {
        let name = self.partial.path().file_name();
        name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn add(&mut self, part: Bytes) -> Result<(), StoreError> {
        if self.store.cancel.is_set() {
            return Err(self.act.interrupted());
        }
        self.store.attached(&self.act)?;
        let size = self.written + part.len() as u64;
        let written = self
            .partial
            .open()
            .and_then(|mut file| file.write_all(&part));
        written.map_err(|error| self.store.unwritten(&self.act, size, self.written, &error))?;
        self.written = size;
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let synced = self.partial.close();
        synced.map_err(|error| {
            self.store
                .unwritten(&self.act, self.written, self.written, &error)
        })
    }

    fn publish(self: Box<Self>, stored: &ObjectRef) -> Result<(), StoreError> {
        let is_whole = std::fs::metadata(self.partial.path())
            .map_err(|error| self.store.failed(&self.act, &error))?
            .len()
            == stored.size;
        if !is_whole {
            let why = "the partial object is not what was written";
            return Err(self.act.error(StoreErrorKind::Other, why, ""));
        }
        self.store.publish(&self.act, self.partial, stored)
    }

    fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        self.partial
            .remove()
            .map_err(|error| self.store.failed(&self.act, &error))
    }
}

impl DirectoryStore {
    /// Removes a partial object of a run that was killed.
    pub(super) fn remove_partial(&self, key: &str, trace: &str) -> Result<(), StoreError> {
        let act = self.act("removing what was written of", key);
        let is_partial = trace.starts_with(PARTIAL) && !trace.contains(['/', '\\', '\0']);
        if !is_partial {
            return Ok(());
        }
        self.attached(&act)?;
        match std::fs::remove_file(self.path.join(Path::new(trace))) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| self.failed(&act, &error)),
        }
    }
}
