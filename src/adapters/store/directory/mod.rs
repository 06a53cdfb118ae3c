//! The directory store: a NAS share, a removable disk, a tape mounted by LTFS.
//!
//! Objects are plain files, so that a restore needs nothing but the disk and 7-Zip. The store never
//! makes its directory: where a disk is not attached there must be an error, not a new and empty
//! store.

mod errors;
mod growing;
mod parts;
mod write;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use errors::{missing_or, refused};
use growing::GrowingFile;
use parts::Identity;

use super::growing::GrowingObject;
use super::local::{self, BUFFER, LocalFile};
use super::{Act, Progress, Purpose, ReceivedBefore, Store, StoreError, StoreErrorKind};
use crate::adapters::fs::{entries, open_plain, sync_directory};
use crate::model::cancel::Cancel;
use crate::model::object::{Object, ObjectRef};

/// Objects being written have names that begin so; they are never listed and cannot be asked for.
const PARTIAL: &str = ".aam-partial-";

/// Partial objects of a run that was killed are removed when they are older than any upload takes.
/// Those of an archive that is sent while it is made wait until all mounts are archived.
const STALE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Archives in a directory.
#[derive(Debug)]
pub struct DirectoryStore {
    path: PathBuf,
    label: String,
    identity: Identity,
    cancel: Cancel,
    swept: AtomicBool,
    serial: AtomicU64,
}

impl DirectoryStore {
    /// Opens a directory that is there already.
    ///
    /// # Errors
    /// When it is not, or is not a directory.
    pub fn open(path: &Path, cancel: Cancel) -> Result<DirectoryStore, StoreError> {
        let label = path.display().to_string();
        let act = Act {
            store: label.clone(),
            what: "opening".to_owned(),
        };
        let metadata = fs::metadata(path).map_err(|error| missing_or(&act, &error))?;
        if !metadata.is_dir() {
            return Err(act.error(
                StoreErrorKind::NotFound,
                "this is a file, not a directory",
                "",
            ));
        }
        Ok(DirectoryStore {
            path: path.to_owned(),
            label,
            identity: Identity::of(&metadata),
            cancel,
            swept: AtomicBool::new(false),
            serial: AtomicU64::new(0),
        })
    }

    fn act(&self, verb: &str, key: &str) -> Act {
        Act {
            store: self.label.clone(),
            what: format!("{verb} {key}"),
        }
    }

    /// The path of an object. Keys that would leave the directory, or lead into a subdirectory, are
    /// refused.
    fn place(&self, key: &str, act: &Act) -> Result<PathBuf, StoreError> {
        let refused = key.is_empty()
            || key == "."
            || key == ".."
            || key.starts_with(PARTIAL)
            || key.contains(['/', '\\', '\0'])
            // On Windows a colon would name another stream of another file.
            || (cfg!(windows) && key.contains(':'));
        if refused {
            return Err(act.error(
                StoreErrorKind::Other,
                "this cannot be the name of an object",
                "",
            ));
        }
        Ok(self.path.join(key))
    }

    /// An error of the directory's own file system. A directory that went away explains every other
    /// error.
    fn failed(&self, act: &Act, error: &io::Error) -> StoreError {
        match self.attached(act) {
            Err(gone) => gone,
            Ok(()) => refused(act, error),
        }
    }

    /// Whether the directory is still the one that was opened. A disk that was unmounted leaves an
    /// empty directory of the same name behind, on the system's own disk, where nothing may be
    /// written.
    fn attached(&self, act: &Act) -> Result<(), StoreError> {
        let hint = "attach the disk or connect the share again, then start the backup again";
        match fs::metadata(&self.path) {
            Ok(now) if now.is_dir() && self.identity.may_be(&Identity::of(&now)) => Ok(()),
            Ok(_) => Err(act.error(
                StoreErrorKind::NotFound,
                "the directory was replaced by another one meanwhile",
                hint,
            )),
            Err(error) => Err(act.error(
                StoreErrorKind::NotFound,
                format_args!("the directory is missing: {error}"),
                hint,
            )),
        }
    }

    /// Removes what killed runs left behind, once in the life of this store. Failing at it does no
    /// harm.
    fn sweep(&self) {
        if self.swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        for entry in entries.flatten() {
            let is_partial = entry
                .file_name()
                .to_str()
                .is_some_and(|name| name.starts_with(PARTIAL));
            let age = entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .ok();
            let is_stale = age
                .and_then(|time| SystemTime::now().duration_since(time).ok())
                .is_some_and(|a| a > STALE);
            if is_partial && is_stale {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The file of an object that must be there, and its size.
    fn object(&self, act: &Act, key: &str) -> Result<(File, u64), StoreError> {
        let place = self.place(key, act)?;
        // Others may write here: a pipe in its place would never end, and a link leads elsewhere.
        let file = open_plain(&place, OpenOptions::new().read(true));
        let file = file.map_err(|error| self.failed(act, &error))?;
        let metadata = file.metadata().map_err(|error| self.failed(act, &error))?;
        if !metadata.is_file() {
            return Err(act.error(StoreErrorKind::NotFound, "this is not a regular file", ""));
        }
        Ok((file, metadata.len()))
    }

    /// Every object of a prefix, sorted by key, with what the file system says of it.
    fn entries(&self, prefix: &str) -> Result<Vec<(Object, Metadata)>, StoreError> {
        let act = self.act("listing", &format!("{prefix}*"));
        self.attached(&act)?;
        let mut objects = Vec::new();
        for entry in entries(&self.path).map_err(|error| self.failed(&act, &error))? {
            if self.cancel.is_set() {
                return Err(act.interrupted());
            }
            let Some(key) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if !key.starts_with(prefix) || key.starts_with(PARTIAL) {
                continue;
            }
            let metadata = match entry.path.symlink_metadata() {
                Ok(metadata) => metadata,
                // Removed since its name was read; another program's business.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(self.failed(&act, &error)),
            };
            if metadata.is_file() {
                let size = metadata.len();
                objects.push((Object { key, size }, metadata));
            }
        }
        objects.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        Ok(objects)
    }
}

/// When the directory received a file. Whoever writes a file can set its modification time, but not
/// the time of the last change of its inode.
#[cfg(unix)]
fn received(metadata: &Metadata) -> DateTime<Utc> {
    let changed = DateTime::from_timestamp(metadata.ctime(), 0);
    changed.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// As on Unix, as far as Windows says: the later one of creation and modification.
#[cfg(not(unix))]
fn received(metadata: &Metadata) -> DateTime<Utc> {
    let times = [metadata.created(), metadata.modified()];
    let times = times.map(|time| time.map_or(DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::from));
    times.into_iter().max().unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Store for DirectoryStore {
    fn directory(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let listed = self.entries(prefix)?;
        Ok(listed.into_iter().map(|(object, _)| object).collect())
    }

    fn list_before(
        &self,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError> {
        let listed = self.entries(prefix)?.into_iter();
        let timed = listed.map(|(object, metadata)| (object, received(&metadata)));
        Ok(ReceivedBefore::of(timed, moment))
    }

    fn put(
        &self,
        key: &str,
        source: &Path,
        _: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        let act = self.act("writing", key);
        let mut source = LocalFile::open(source, &act)?;
        let size = source.size();
        self.write(&act, key, size, &mut |buffer| {
            let count = source.fill(buffer, &act)?;
            progress(count as u64);
            if count < buffer.len() {
                source.check_unchanged(&act)?;
            }
            Ok(count)
        })
    }

    fn grow<'a>(
        &'a self,
        key: &str,
        _: Purpose,
    ) -> Result<Box<dyn GrowingObject + 'a>, StoreError> {
        Ok(Box::new(GrowingFile::begin(self, key)?))
    }

    fn remove_trace(&self, key: &str, trace: &str) -> Result<(), StoreError> {
        self.remove_partial(key, trace)
    }

    fn put_bytes(&self, key: &str, mut bytes: &[u8], _: Purpose) -> Result<ObjectRef, StoreError> {
        let act = self.act("writing", key);
        self.write(&act, key, bytes.len() as u64, &mut |buffer| {
            // Reading from a slice cannot fail.
            Ok(bytes.read(buffer).unwrap_or(0))
        })
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let act = self.act("reading", key);
        let (file, size) = self.object(&act, key)?;
        let mut bytes = Vec::new();
        if size <= limit {
            file.take(limit.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|error| self.failed(&act, &error))?;
        }
        match size.max(bytes.len() as u64) {
            size if size > limit => Err(act.too_large(size, limit)),
            _ => Ok(bytes),
        }
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let act = self.act("deleting", key);
        let place = self.place(key, &act)?;
        self.attached(&act)?;
        match fs::remove_file(place) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed(&act, &error)),
            // After a power cut no marker may come back that volumes do not follow.
            Ok(()) => sync_directory(&self.path).map_err(|error| self.failed(&act, &error)),
        }
    }

    fn get_part(
        &self,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let act = self.act("reading", key);
        let (mut object, size) = self.object(&act, key)?;
        let part = act.part(part, size)?;
        let size = part.end - part.start;
        let (mut file, present) = local::open_target(target, &act)?;
        if present > size {
            return Err(act.target_too_long(target, present, size));
        }
        object
            .seek(SeekFrom::Start(part.start + present))
            .map_err(|error| self.failed(&act, &error))?;
        let mut buffer = vec![0; BUFFER];
        let mut left = size - present;
        while left > 0 {
            if stop.is_set() {
                return Err(act.interrupted());
            }
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = match object.read(&mut buffer[..most]) {
                Ok(0) => {
                    return Err(act.error(
                        StoreErrorKind::Other,
                        "the object became shorter meanwhile",
                        "",
                    ));
                }
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.failed(&act, &error)),
            };
            file.write_all(&buffer[..count])
                .map_err(|error| act.local(target, "write", &error))?;
            left -= count as u64;
            progress(count as u64);
        }
        local::sync_target(&file, target, &act)
    }
    fn local_path(&self, key: &str) -> Option<PathBuf> {
        self.place(key, &self.act("reading", key))
            .ok()
            .filter(|path| path.is_file())
    }
}
