//! Stores: where archives go (SPEC#upload). One small trait; a directory and S3 implement it.
//!
//! A store knows keys and bytes. It does not interpret object names, and deletes only by
//! [`Store::remove`], which only pruning calls.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::model::cancel::Cancel;
use crate::model::object::{Object, ObjectRef, ThawState};
use crate::model::policy::{Reference, Tier};
use crate::model::secret::Secret;
use crate::model::store::StoreSettings;

mod cached;
mod directory;
mod growing;
mod local;
pub mod open;
mod rclone;
mod received;
mod s3;

pub use cached::CachedStore;
pub use directory::DirectoryStore;
pub use growing::GrowingObject;
pub use rclone::RcloneStore;
pub use received::ReceivedBefore;
pub use s3::{S3Settings, S3Store, UploadRight, Versioning};

/// How an object will be read later, which decides its S3 storage class (SPEC#markers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Volumes: written once, read only by a restore; the profile's storage class.
    Archive,
    /// Markers and manifests: read at once by a restore; STANDARD.
    Index,
}

/// Which way content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Upload,
    Download,
}

/// What one connection sends or receives at a time, in bytes: it takes much longer than the
/// server's answer does, and memory holds one for each connection.
pub const PIECE: u64 = 8 * 1024 * 1024;

/// Called with the number of bytes as they are sent or received. Called from any thread.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Why a store did not do what it was asked. The text names the store and the key; `hint` says what
/// to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{store}: {what}: {why}")]
pub struct StoreError {
    /// Which store, as the user knows it: `s3://bucket` or the directory.
    pub store: String,
    /// What was being done, with the key: `uploading KEY`.
    pub what: String,
    /// The cause, in the words of the system that refused.
    pub why: String,
    pub kind: StoreErrorKind,
    /// What the user can do; empty when nothing is known.
    pub hint: String,
}

/// What kind of refusal it was, for those who must act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Could not be reached at all.
    Unreachable,
    /// Wrong or missing credentials.
    Denied,
    /// The credentials are known there, and have no right to do this.
    Forbidden,
    /// The bucket, directory or object is not there.
    NotFound,
    /// No space left.
    Full,
    /// The object is in an archive class and not thawed.
    Frozen,
    /// An object of this key is there already, with other content.
    Exists,
    /// An object of this key and size already exists, and nothing shows whether it is the same.
    Unclear,
    /// A local file could not be read or written.
    Local,
    /// The run was interrupted.
    Interrupted,
    /// Anything else.
    Other,
}

/// What a store is doing and with which key: every error of that action starts from here, so that
/// none forgets to say where and what.
#[derive(Clone, Debug)]
struct Act {
    store: String,
    what: String,
}

impl Act {
    fn error(
        &self,
        kind: StoreErrorKind,
        why: impl fmt::Display,
        hint: impl Into<String>,
    ) -> StoreError {
        StoreError {
            store: self.store.clone(),
            what: self.what.clone(),
            why: why.to_string(),
            kind,
            hint: hint.into(),
        }
    }

    fn interrupted(&self) -> StoreError {
        self.error(StoreErrorKind::Interrupted, "interrupted", "")
    }

    /// A file of this computer, not of the store, failed.
    fn local(&self, path: &Path, verb: &str, error: &std::io::Error) -> StoreError {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull => {
                "the disk is full: free some space, then start again"
            }
            _ => "",
        };
        self.error(
            StoreErrorKind::Local,
            format_args!("cannot {verb} {}: {error}", path.display()),
            hint,
        )
    }

    /// An object of this key exists, and it is a different one. Keys hold the time of their backup
    /// to the microsecond.
    fn exists(&self) -> StoreError {
        self.error(
            StoreErrorKind::Exists,
            "an object of this name already exists, with other content; it was left as it is",
            "give each computer a `location` of its own, and check whether this computer's clock was set back",
        )
    }

    /// As [`Act::exists`], where it may be this one.
    fn unclear(&self) -> StoreError {
        StoreError {
            kind: StoreErrorKind::Unclear,
            why: "an object of this name and size already exists, perhaps with other content; it was left as it is".to_owned(),
            ..self.exists()
        }
    }

    /// An object that is not what a small object may be.
    fn too_large(&self, size: u64, limit: u64) -> StoreError {
        let why =
            format_args!("the object has {size} bytes, more than the {limit} that it may have");
        self.error(
            StoreErrorKind::Other,
            why,
            "something else was written under this name",
        )
    }

    /// The range of the wanted part of an object. An object may be shorter than its marker says.
    fn part(&self, part: Option<Range<u64>>, size: u64) -> Result<Range<u64>, StoreError> {
        let part = part.unwrap_or(0..size);
        if part.end <= size {
            return Ok(part);
        }
        let why = format_args!("the object ends at byte {size}, before byte {}", part.end);
        Err(self.error(
            StoreErrorKind::Other,
            why,
            "it is not the object that its marker describes",
        ))
    }

    /// A target that cannot be the beginning of the object.
    fn target_too_long(&self, target: &Path, present: u64, size: u64) -> StoreError {
        let why = format_args!(
            "{} has {present} bytes already, the object only {size}",
            target.display()
        );
        self.error(
            StoreErrorKind::Local,
            why,
            "the file is not a part of this object: remove it and try again",
        )
    }
}

/// A store, or why it cannot be used.
pub type Opened = Result<Box<dyn Store>, StoreError>;

/// Reads the secret that a reference leads to.
pub type Resolve<'a> = &'a dyn Fn(&Reference) -> Result<Secret, String>;

/// Opens a store that a profile describes.
///
/// # Errors
/// When it is not there, or its credentials cannot be read.
pub fn open_store(settings: &StoreSettings, resolve: Resolve<'_>, cancel: &Cancel) -> Opened {
    fn boxed(store: impl Store + 'static) -> Box<dyn Store> {
        Box::new(store)
    }
    match settings {
        StoreSettings::S3(s3) => S3Store::of(s3, resolve, cancel).map(boxed),
        StoreSettings::Directory(directory) => {
            DirectoryStore::open(&directory.path.to_native(), cancel.clone()).map(boxed)
        }
        StoreSettings::Rclone(rclone) => {
            RcloneStore::open(rclone, resolve, cancel.clone()).map(boxed)
        }
    }
}

/// A place that keeps objects under keys. All calls block; they may be made from any thread.
pub trait Store: Send + Sync {
    /// The store as the user knows it: `s3://bucket` or the directory's path.
    fn label(&self) -> &str;

    /// How many pieces of [`PIECE`] bytes it can send or receive at a time.
    fn connections(&self, _direction: Direction) -> usize {
        1
    }

    /// Every object whose key starts with `prefix`, sorted by key. Unfinished uploads are not
    /// listed.
    ///
    /// # Errors
    /// Also the connection test of a run (SPEC#scope): an unreachable store fails here, within two
    /// minutes.
    fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError>;

    /// As [`Store::list`], what the store had received before a moment, by its own clock. If it
    /// keeps older versions, what was overwritten or deleted since is listed, and from then on
    /// read, as it was.
    ///
    /// # Errors
    /// As [`Store::list`].
    fn list_before(
        &self,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError>;

    /// Writes a local file under `key`. The object appears whole or not at all. It never replaces
    /// another one of the same key. One with the same content counts as written, because an answer
    /// may have been lost.
    ///
    /// # Errors
    /// When it does not appear, or another object has the key ([`StoreErrorKind::Exists`], or
    /// [`StoreErrorKind::Unclear`]). What was sent so far is removed.
    fn put(
        &self,
        key: &str,
        source: &Path,
        purpose: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError>;

    /// Begins an object whose content is still being made. It is not listed before it is published.
    ///
    /// # Errors
    /// When it cannot be begun.
    fn grow<'a>(
        &'a self,
        key: &str,
        purpose: Purpose,
    ) -> Result<Box<dyn GrowingObject + 'a>, StoreError>;

    /// Removes what a killed run left of a growing object, by its [`GrowingObject::trace`]. Nothing
    /// that is there is not an error.
    ///
    /// # Errors
    /// When it is still there.
    fn remove_trace(&self, key: &str, trace: &str) -> Result<(), StoreError>;

    /// Writes a small object, as [`Store::put`] does.
    ///
    /// # Errors
    /// As [`Store::put`].
    fn put_bytes(&self, key: &str, bytes: &[u8], purpose: Purpose)
    -> Result<ObjectRef, StoreError>;

    /// Reads a small object completely.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than `limit` bytes.
    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, StoreError>;

    /// As [`Store::read`] for an object of a listing. One that is empty there is not read: markers
    /// of v1.0 are empty and may be archived.
    ///
    /// # Errors
    /// As [`Store::read`].
    fn read_listed(&self, object: &Object, limit: u64) -> Result<Vec<u8>, StoreError> {
        match object.size {
            0 => Ok(Vec::new()),
            _ => self.read(&object.key, limit),
        }
    }

    /// Downloads an object into `target`, appending from byte `target`'s current length on (so an
    /// interrupted download resumes). The file is created when missing and synced to disk at the
    /// end. `stop` ends it before.
    ///
    /// # Errors
    /// When not everything arrived; what arrived stays for the next try.
    fn get(
        &self,
        key: &str,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        self.get_part(key, None, target, stop, progress)
    }

    /// As [`Store::get`], only these bytes of the object; `None`: all.
    ///
    /// # Errors
    /// As [`Store::get`], and when the object ends before they do.
    fn get_part(
        &self,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError>;

    /// Deletes an object. A missing object is not an error. Only pruning calls it (SPEC#retention).
    ///
    /// # Errors
    /// When it is still there.
    fn remove(&self, key: &str) -> Result<(), StoreError>;

    /// The directory that a store is, where it is one.
    fn directory(&self) -> Option<&Path> {
        None
    }

    /// The bucket of a store, if it is one. The doctor tests it further.
    fn as_s3(&self) -> Option<&S3Store> {
        None
    }

    /// Whether an object can be written under a key that none has. Leaves nothing behind. Only for
    /// stores that are neither a directory nor a bucket.
    ///
    /// # Errors
    /// When it cannot.
    fn try_writing(&self, _key: &str) -> Result<(), StoreError> {
        Ok(())
    }

    /// The object as a file of this computer, where the store has one: a restore then reads it in
    /// place.
    fn local_path(&self, _key: &str) -> Option<PathBuf> {
        None
    }

    /// Whether an object can be read now (SPEC#restore). Only stores with archive classes need to
    /// look.
    ///
    /// # Errors
    /// When the object is not there or cannot be looked at.
    fn thaw_state(&self, _key: &str) -> Result<ThawState, StoreError> {
        Ok(ThawState::Ready)
    }

    /// Asks for an object to be readable for `days`. May be repeated: it is not an error if the
    /// object is being thawed or is readable. Costs money.
    ///
    /// # Errors
    /// When the request is refused.
    fn thaw(&self, _key: &str, _days: u32, _tier: Tier) -> Result<(), StoreError> {
        Ok(())
    }
}
