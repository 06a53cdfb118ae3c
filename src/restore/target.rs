//! The target directory of a restore and its hidden working directory (SPEC §9).

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::RestoreError;

/// Name of the working directory inside the target; gone when the restore ends.
pub const WORK: &str = ".aam-restore";

/// An open target.
#[derive(Debug)]
pub(super) struct Target {
    pub path: PathBuf,
    /// It held nothing at the start: what is in it was written by this restore.
    pub fresh: bool,
    created: bool,
    work: PathBuf,
}

impl Target {
    /// Opens the target, made when it does not exist.
    ///
    /// # Errors
    /// When it holds anything and `into_existing` is not set, or cannot be made.
    pub(super) fn open(path: &Path, into_existing: bool) -> Result<Target, RestoreError> {
        let path = std::path::absolute(path).map_err(RestoreError::disk("find", path))?;
        let work = path.join(WORK);
        let (created, fresh) = match fs::read_dir(&path) {
            Ok(entries) => {
                let mut fresh = true;
                for entry in entries {
                    let entry = entry.map_err(RestoreError::disk("read", &path))?;
                    // A killed restore leaves its working directory behind.
                    fresh &= entry.file_name() == WORK;
                }
                (false, fresh)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(&path).map_err(RestoreError::disk("create", &path))?;
                (true, true)
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(RestoreError::NotADirectory(path)),
            Err(error) => return Err(RestoreError::disk("read", &path)(error)),
        };
        if !fresh && !into_existing {
            return Err(RestoreError::NotEmpty(path));
        }
        if is_link(&work) {
            return Err(RestoreError::ThroughLink(work));
        }
        let target = Target { path, fresh, created, work };
        target.clear_work()?;
        private().create(&target.work).map_err(RestoreError::disk("create", &target.work))?;
        Ok(target)
    }

    /// A path in the working directory.
    pub(super) fn work(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// Makes the directory that `names` lead to, below the target and through no link.
    ///
    /// # Errors
    /// When something else is in its place.
    pub(super) fn make(&self, names: &[String]) -> Result<PathBuf, RestoreError> {
        let mut path = self.path.clone();
        for name in names {
            path.push(name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(found) if found.is_symlink() => return Err(RestoreError::ThroughLink(path)),
                Ok(_) => return Err(RestoreError::NotADirectory(path)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&path).map_err(RestoreError::disk("create", &path))?;
                }
                Err(error) => return Err(RestoreError::disk("look at", &path)(error)),
            }
        }
        Ok(path)
    }

    /// Free bytes on its disk, where the file system knows.
    pub(super) fn free(&self) -> Option<u64> {
        fs4::available_space(&self.path).ok()
    }

    /// Removes the working directory; after a failure that wrote nothing, also what was made for nothing.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn close(&self, failed: bool) -> Result<(), RestoreError> {
        self.clear_work()?;
        if failed && self.fresh {
            remove_empty(&self.path, self.created);
        }
        Ok(())
    }

    fn clear_work(&self) -> Result<(), RestoreError> {
        match fs::remove_dir_all(&self.work) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(RestoreError::disk("remove", &self.work)(error)),
            _ => Ok(()),
        }
    }
}

/// Removes empty directories, deepest first; a directory that holds a file stays.
fn remove_empty(path: &Path, itself: bool) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            remove_empty(&entry.path(), true);
        }
    }
    if itself {
        // Fails when it is not empty, as it should.
        let _ = fs::remove_dir(path);
    }
}

pub(super) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink())
}

/// Manifests are private: names of files. Nobody else reads them while they lie decrypted.
fn private() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
