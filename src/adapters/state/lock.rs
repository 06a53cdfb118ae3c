//! One backup at a time on a computer: an operating-system lock that a crash frees (SPEC#lock).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::state::DIRECTORY_VARIABLE;

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
    /// Somebody else has it; who, if it could be read.
    Busy(Option<Holder>),
}

/// The lock file of this computer.
pub fn default_path() -> PathBuf {
    let base = match std::env::var_os(DIRECTORY_VARIABLE).filter(|d| !d.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None if cfg!(windows) => crate::adapters::state::base_directory(),
        // Writable for everybody, so that root's and a user's backups meet.
        None if Path::new("/run/lock").is_dir() => PathBuf::from("/run/lock"),
        None => std::env::temp_dir(),
    };
    base.join("aam-backup.lock")
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
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = open(path).map_err(failed)?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => {
            // For people only; the lock holds without it.
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

/// Opens the file as it is before creating it: in a directory that all may write, Linux lets nobody
/// open another user's file for creation.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let file = options.create(true).truncate(false).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o666))?;
    }
    Ok(file)
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
