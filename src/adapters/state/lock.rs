//! One backup at a time for an account on a computer: an operating-system lock that a crash frees (SPEC#lock).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::fs::{create_private_directory, open_plain};
use crate::adapters::state::base_directory;

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holder {
    pub profile: String,
    pub pid: u32,
    /// When it took the lock, in words.
    pub since: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "profile '{}', process {}, since {}",
            self.profile, self.pid, self.since
        )
    }
}

/// The lock file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the lock file '{path}' cannot be used: {why}")]
pub struct LockError {
    pub path: PathBuf,
    pub why: io::Error,
}

/// The lock, held until dropped.
#[derive(Debug)]
pub struct RunLock {
    // Closing the file frees the lock.
    _file: File,
}

/// What trying for the lock gave.
#[derive(Debug)]
pub enum Attempt {
    Taken(RunLock),
    /// Another process has it: who, if that could be read.
    Busy(Option<Holder>),
}

/// The lock file of this account. It is in a directory of the account's own: anyone who could open
/// it could block every backup. In a state directory of another account it has a name of its own.
pub fn default_path() -> PathBuf {
    let base = base_directory();
    let name = match user_if_not_owner(&base) {
        Some(user) => format!("aam-backup-{user}.lock"),
        None => "aam-backup.lock".to_owned(),
    };
    base.join(name)
}

#[cfg(unix)]
fn user_if_not_owner(directory: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    let found = std::fs::metadata(directory).ok()?;
    (found.uid() != me).then_some(me)
}

#[cfg(not(unix))]
fn user_if_not_owner(_: &Path) -> Option<u32> {
    None
}

/// Tries once for the lock.
///
/// # Errors
/// When the lock file cannot be opened or locked.
pub fn attempt(path: &Path, holder: &Holder) -> Result<Attempt, LockError> {
    let failed = |why| LockError {
        path: path.to_path_buf(),
        why,
    };
    if let Some(parent) = path.parent() {
        create_private_directory(parent).map_err(failed)?;
    }
    let mut file = open(path).map_err(failed)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {
            // For people only; the lock works without it.
            let _ = file
                .set_len(0)
                .and_then(|()| serde_json::to_writer(&file, holder).map_err(io::Error::from));
            let _ = file.flush();
            Ok(Attempt::Taken(RunLock { _file: file }))
        }
        Err(fs4::TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
            Ok(Attempt::Busy(
                read.ok().and_then(|_| serde_json::from_str(&text).ok()),
            ))
        }
        Err(fs4::TryLockError::Error(why)) => Err(failed(why)),
    }
}

/// Opens the file without following links, and keeps its content.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    open_plain(path, &mut options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lock");
        let holder = Holder {
            profile: "nightly".into(),
            pid: 7,
            since: "now".into(),
        };
        let Attempt::Taken(lock) = attempt(&path, &holder).unwrap() else {
            panic!("the lock is free")
        };
        let Attempt::Busy(Some(who)) = attempt(&path, &holder).unwrap() else {
            panic!("the lock is held")
        };
        assert_eq!(who, holder);
        drop(lock);
        assert!(matches!(
            attempt(&path, &holder).unwrap(),
            Attempt::Taken(_)
        ));
    }
}
