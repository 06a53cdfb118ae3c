//! An unfinished object, and how to know the directory again.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is removed again unless it gets its name.
pub(super) struct Partial {
    pub(super) file: File,
    path: Option<PathBuf>,
}

impl Partial {
    pub(super) fn create(path: PathBuf) -> io::Result<Partial> {
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Partial { file, path: Some(path) })
    }

    pub(super) fn rename(mut self, place: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, place)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// What tells a directory from another one at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Identity {
        Identity { device: 0, inode: 0 }
    }

    /// A share that was mounted anew has a new device number but keeps its inodes; only a difference in both is
    /// another directory.
    pub(super) fn may_be(&self, now: &Identity) -> bool {
        self.device == now.device || self.inode == now.inode
    }
}
