//! A store behind the program rclone, which knows SFTP, WebDAV, Azure, B2 and many others.
//!
//! The exit code and the JSON of rclone decide. Its messages are shown without the query of an
//! address, which may contain a signature. Object stores make an object appear whole. Elsewhere it
//! is written under another name and then renamed.

mod growing;
mod listing;
mod program;

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use growing::GrowingRemote;
use listing::RemoteFile;

use super::local::{self, BUFFER, LocalFile};
use super::{
    Act, GrowingObject, Progress, Purpose, ReceivedBefore, Resolve, Store, StoreError,
    StoreErrorKind,
};
use crate::adapters::process::locate;
use crate::model::cancel::Cancel;
use crate::model::object::{Object, ObjectRef};
use crate::model::secret::Secret;
use crate::model::slices::Hasher;
use crate::model::store::{Rclone, StoreKind};

/// Objects being written have names that begin so; they are never listed. The rest is the key, so
/// that the next try replaces what a killed one left.
const PARTIAL: &str = ".aam-partial-";

/// What `backend features` says about a remote.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Features {
    bucket_based: bool,
    /// It can rename, as file systems do.
    r#move: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Remote {
    features: Features,
}

/// Archives in a remote of rclone.
pub struct RcloneStore {
    label: String,
    program: std::path::PathBuf,
    remote: String,
    config: Option<std::path::PathBuf>,
    password: Option<Secret>,
    features: OnceLock<Features>,
    cancel: Cancel,
}

impl RcloneStore {
    /// Finds rclone. Nothing is sent yet.
    ///
    /// # Errors
    /// When rclone is not there, or the password of its configuration cannot be read.
    pub fn open(
        rclone: &Rclone,
        resolve: Resolve<'_>,
        cancel: Cancel,
    ) -> Result<RcloneStore, StoreError> {
        let act = Act {
            store: rclone.label(),
            what: "opening".to_owned(),
        };
        let hint = "install rclone (Debian: apt-get install rclone), or set destinations.rclone.program to its path";
        let program = locate(rclone.program.as_deref(), &["rclone"], hint)
            .map_err(|error| act.error(StoreErrorKind::Other, error, hint))?;
        let password = rclone.config_password.as_ref().map(resolve).transpose();
        let denied = |why| {
            let why = format!("destinations.rclone.config-password: {why}");
            act.error(StoreErrorKind::Denied, why, "")
        };
        Ok(RcloneStore {
            label: rclone.label(),
            program,
            remote: rclone.remote.clone(),
            config: rclone.config.as_ref().map(|path| path.to_native()),
            password: password.map_err(denied)?,
            features: OnceLock::new(),
            cancel,
        })
    }

    fn act(&self, verb: &str, key: &str) -> Act {
        Act {
            store: self.label.clone(),
            what: format!("{verb} {key}"),
        }
    }

    /// Where an object is, as rclone names it.
    fn place(&self, key: &str, act: &Act) -> Result<String, StoreError> {
        let refused = matches!(key, "" | "." | "..") || key.contains(['/', '\\', '\0', '\n', '\r']);
        if refused || key.starts_with(PARTIAL) {
            let why = "this cannot be the name of an object";
            return Err(act.error(StoreErrorKind::Other, why, ""));
        }
        Ok(self.below(key))
    }

    fn below(&self, name: &str) -> String {
        match self.remote.ends_with([':', '/']) {
            true => format!("{}{name}", self.remote),
            false => format!("{}/{name}", self.remote),
        }
    }

    fn features(&self, act: &Act) -> Result<Features, StoreError> {
        if let Some(known) = self.features.get() {
            return Ok(*known);
        }
        let printed = self.printed(act, &["backend", "features", &self.remote])?;
        let remote: Remote = parsed(act, &printed)?;
        Ok(*self.features.get_or_init(|| remote.features))
    }

    /// The size of an object that must be there. A missing directory explains why it is missing.
    fn size(&self, act: &Act, key: &str) -> Result<u64, StoreError> {
        match self.look(act, &self.place(key, act)?)? {
            Some(size) => Ok(size),
            None => {
                self.is_there(act)?;
                let why = "there is no object of this name";
                Err(act.error(StoreErrorKind::NotFound, why, ""))
            }
        }
    }

    /// The size of the file at a place, if there is one.
    fn look(&self, act: &Act, place: &str) -> Result<Option<u64>, StoreError> {
        match self.printed(act, &["lsjson", "--stat", place]) {
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(printed) => {
                let listed: Option<RemoteFile> = parsed(act, &printed)?;
                let file = listed.filter(|listed| !listed.is_dir);
                Ok(file.and_then(|file| u64::try_from(file.size).ok()))
            }
        }
    }

    /// Whether the directory is there: rclone would make it, also where a disk is not attached.
    /// Buckets have no directories.
    fn is_there(&self, act: &Act) -> Result<(), StoreError> {
        if self.features(act)?.bucket_based {
            return Ok(());
        }
        self.printed(act, &["lsjson", "--stat", &self.remote])
            .map(drop)
    }

    /// An object of this key is there: it must be the same one, as after an answer that was lost.
    fn compare(&self, act: &Act, stored: &ObjectRef, size: u64) -> Result<(), StoreError> {
        if size != stored.size {
            return Err(act.exists());
        }
        let mut digest = Sha256::new();
        let place = self.place(&stored.key, act)?;
        self.streamed(act, &["cat", &place], &self.cancel, &mut |piece| {
            digest.update(piece);
            Ok(())
        })?;
        match hex::encode(digest.finalize()) == stored.sha256 {
            true => Ok(()),
            false => Err(act.exists()),
        }
    }

    /// Sends a file to a key that has no object.
    fn send(
        &self,
        act: &Act,
        key: &str,
        path: &Path,
        source: &LocalFile,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let place = self.place(key, act)?;
        self.is_there(act)?;
        if !self.features(act)?.r#move {
            self.copy(act, path, &place, source.size(), progress)?;
            return Ok(());
        }
        let partial = self.below(&format!("{PARTIAL}{key}"));
        let sent = self
            .copy(act, path, &partial, source.size(), progress)
            .and_then(|()| match self.cancel.is_set() {
                true => Err(act.interrupted()),
                false => Ok(()),
            });
        // A file that changes explains why rclone failed.
        let unchanged = match &sent {
            Err(error) if error.kind == StoreErrorKind::Interrupted => Ok(()),
            _ => source.check_unchanged(act),
        };
        let published = unchanged
            .and(sent)
            .and_then(|()| self.logged(act, &["moveto", "--ignore-existing", &partial, &place]));
        // Also when it was renamed: an object that is there already is not replaced.
        self.clean_up(&partial);
        published
    }
}

fn parsed<T: serde::de::DeserializeOwned>(act: &Act, printed: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(printed).map_err(|error| {
        let why = format!("rclone printed unexpected output: {error}");
        act.error(StoreErrorKind::Other, why, "use rclone 1.60 or newer")
    })
}

impl Store for RcloneStore {
    fn label(&self) -> &str {
        &self.label
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let listed = self.listed(prefix, &["--no-modtime"])?;
        Ok(listed.into_iter().map(|(object, _)| object).collect())
    }

    fn list_before(
        &self,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError> {
        // Not the time that whoever sent an object wrote into its metadata.
        let listed = self.listed(prefix, &["--use-server-modtime"])?;
        Ok(ReceivedBefore::of(listed, moment))
    }

    fn put(
        &self,
        key: &str,
        path: &Path,
        _: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        let act = self.act("writing", key);
        let mut source = LocalFile::open(path, &act)?;
        let mut digest = Hasher::new(source.size());
        let mut buffer = vec![0; BUFFER];
        loop {
            if self.cancel.is_set() {
                return Err(act.interrupted());
            }
            match source.fill(&mut buffer, &act)? {
                0 => break,
                count => digest.update(&buffer[..count]),
            }
        }
        source.check_unchanged(&act)?;
        let (sha256, slices) = digest.finish();
        let (size, place) = (source.size(), self.place(key, &act)?);
        let stored = ObjectRef {
            key: key.to_owned(),
            size,
            sha256,
            slices,
        };
        if let Some(size) = self.look(&act, &place)? {
            self.compare(&act, &stored, size)?;
            progress(stored.size);
            return Ok(stored);
        }
        self.send(&act, key, path, &source, progress)?;
        source.check_unchanged(&act)?;
        // Another computer may have been faster.
        match self.look(&act, &place)? {
            Some(found) if found == size => Ok(stored),
            Some(_) => Err(act.exists()),
            None => Err(act.error(StoreErrorKind::Other, "it did not appear", "")),
        }
    }

    fn grow<'a>(
        &'a self,
        key: &str,
        _: Purpose,
    ) -> Result<Box<dyn GrowingObject + 'a>, StoreError> {
        Ok(Box::new(GrowingRemote::begin(self, key)?))
    }

    fn remove_trace(&self, key: &str, trace: &str) -> Result<(), StoreError> {
        let act = self.act("removing what was written of", key);
        let partial = self.below(&format!("{PARTIAL}{key}"));
        // An object under its own key may be part of a complete backup by now.
        if trace != partial {
            return Ok(());
        }
        match self.look(&act, trace)? {
            Some(_) => self.logged(&act, &["deletefile", trace]),
            None => Ok(()),
        }
    }

    fn put_bytes(
        &self,
        key: &str,
        bytes: &[u8],
        purpose: Purpose,
    ) -> Result<ObjectRef, StoreError> {
        let act = self.act("writing", key);
        let file = tempfile::NamedTempFile::new();
        let written = file.and_then(|file| std::fs::write(file.path(), bytes).map(|()| file));
        let file = written.map_err(|e| act.local(&std::env::temp_dir(), "write to", &e))?;
        self.put(key, file.path(), purpose, &|_| {})
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let act = self.act("reading", key);
        let size = self.size(&act, key)?;
        if size > limit {
            return Err(act.too_large(size, limit));
        }
        let mut bytes = Vec::new();
        if size == 0 {
            return Ok(bytes);
        }
        let count = format!("--count={size}");
        let arguments = ["cat", &count, &self.place(key, &act)?];
        self.streamed(&act, &arguments, &self.cancel, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        match bytes.len() as u64 == size {
            true => Ok(bytes),
            false => Err(shorter(&act)),
        }
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let act = self.act("deleting", key);
        let place = self.place(key, &act)?;
        match self.look(&act, &place)? {
            Some(_) => self.logged(&act, &["deletefile", &place]),
            // Without the directory, nothing is known about the object.
            None => self.is_there(&act),
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
        let part = act.part(part, self.size(&act, key)?)?;
        let size = part.end - part.start;
        let (mut file, present) = local::open_target(target, &act)?;
        if present > size {
            return Err(act.target_too_long(target, present, size));
        }
        let mut left = size - present;
        if left > 0 {
            let offset = format!("--offset={}", part.start + present);
            let count = format!("--count={left}");
            let arguments = ["cat", &offset, &count, &self.place(key, &act)?];
            self.streamed(&act, &arguments, stop, &mut |piece| {
                std::io::Write::write_all(&mut file, piece)
                    .map_err(|error| act.local(target, "write", &error))?;
                left = left.saturating_sub(piece.len() as u64);
                progress(piece.len() as u64);
                Ok(())
            })?;
        }
        match left {
            0 => local::sync_target(&file, target, &act),
            _ => Err(shorter(&act)),
        }
    }

    fn try_writing(&self, key: &str) -> Result<(), StoreError> {
        self.put_bytes(key, b"probe", Purpose::Index)?;
        self.remove(key)
    }
}

fn shorter(act: &Act) -> StoreError {
    let why = "the object became shorter meanwhile";
    act.error(StoreErrorKind::Other, why, "")
}
