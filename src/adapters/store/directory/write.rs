//! Writing an object: whole or not at all, checked, never over another one (SPEC#upload).

use super::errors::full;
use super::local::{self, BUFFER};
use super::parts::Partial;
use super::{Act, StoreError, StoreErrorKind};
use super::{DirectoryStore, PARTIAL};
use crate::model::object::ObjectRef;
use crate::model::slices::Hasher;
use sha2::{Digest, Sha256};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

impl DirectoryStore {
    /// Writes an object from a function that fills the buffer until it has nothing left.
    pub(super) fn write(
        &self,
        act: &Act,
        key: &str,
        size: u64,
        fill: &mut dyn FnMut(&mut [u8]) -> Result<usize, StoreError>,
    ) -> Result<ObjectRef, StoreError> {
        self.place(key, act)?;
        self.attached(act)?;
        self.check_space(act, size)?;
        let mut partial = self.partial(act)?;
        let mut buffer = vec![0; BUFFER];
        let mut digest = Hasher::new(size);
        let mut written = 0;
        loop {
            if self.cancel.is_set() {
                return Err(act.interrupted());
            }
            let count = fill(&mut buffer)?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
            let mut file = partial.open().map_err(|error| self.failed(act, &error))?;
            file.write_all(&buffer[..count])
                .map_err(|error| self.unwritten(act, size, written, &error))?;
            written += count as u64;
        }
        partial
            .close()
            .map_err(|error| self.unwritten(act, size, written, &error))?;
        let (sha256, slices) = digest.finish();
        let stored = ObjectRef {
            key: key.to_owned(),
            size: written,
            sha256,
            slices,
        };
        self.publish(act, partial, &stored)?;
        Ok(stored)
    }

    /// A new partial object.
    pub(super) fn partial(&self, act: &Act) -> Result<Partial, StoreError> {
        self.attached(act)?;
        self.sweep();
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let name = format!("{PARTIAL}{}-{since}-{serial}", std::process::id());
        Partial::create(self.path.join(name)).map_err(|error| self.failed(act, &error))
    }

    /// Gives an object its name.
    pub(super) fn publish(
        &self,
        act: &Act,
        partial: Partial,
        stored: &ObjectRef,
    ) -> Result<(), StoreError> {
        let place = self.place(&stored.key, act)?;
        match partial.publish(&place) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.compare(act, stored)?,
            Err(error) => return Err(self.failed(act, &error)),
        }
        local::sync_directory(&self.path).map_err(|error| self.failed(act, &error))
    }

    /// Something has the name: it must be the same object. A network file system can lose its
    /// answer to a rename that it did.
    pub(super) fn compare(&self, act: &Act, stored: &ObjectRef) -> Result<(), StoreError> {
        let (mut file, size) = self.object(act, &stored.key).map_err(|_| act.exists())?;
        if size != stored.size {
            return Err(act.exists());
        }
        let mut buffer = vec![0; BUFFER];
        let mut digest = Sha256::new();
        loop {
            if self.cancel.is_set() {
                return Err(act.interrupted());
            }
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => digest.update(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(act, &error)),
            }
        }
        if hex::encode(digest.finalize()) == stored.sha256 {
            Ok(())
        } else {
            Err(act.exists())
        }
    }

    /// Refuses at once what cannot fit. Some network file systems do not know their free space and
    /// say 0; then the writing itself shows it.
    pub(super) fn check_space(&self, act: &Act, size: u64) -> Result<(), StoreError> {
        match fs4::available_space(&self.path) {
            Ok(free) if free > 0 && free < size => Err(full(act, size, free)),
            _ => Ok(()),
        }
    }

    /// A write failed: most often the disk is full.
    pub(super) fn unwritten(
        &self,
        act: &Act,
        size: u64,
        written: u64,
        error: &io::Error,
    ) -> StoreError {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                // The partial object is still there and its bytes were free before.
                full(
                    act,
                    size,
                    fs4::available_space(&self.path).unwrap_or(0) + written,
                )
            }
            ErrorKind::FileTooLarge => act.error(
                StoreErrorKind::Full,
                format_args!("this file system or account cannot hold a file of {size} bytes"),
                "lower `archive.volume-size`",
            ),
            _ => self.failed(act, error),
        }
    }
}
