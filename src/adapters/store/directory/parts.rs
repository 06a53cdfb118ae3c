//! An unfinished object, and how to know the directory again.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// A file that is removed again unless it gets its name.
pub(super) struct Partial {
    /// `None` once it is closed.
    file: Option<File>,
    path: TempPath,
}

impl Partial {
    pub(super) fn create(path: PathBuf) -> io::Result<Partial> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok(Partial {
            file: Some(file),
            path: TempPath::try_from_path(path)?,
        })
    }

    /// Where it is until it gets its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file, to be written.
    pub(super) fn open(&self) -> io::Result<&File> {
        let closed = || io::Error::other("the file is closed");
        self.file.as_ref().ok_or_else(closed)
    }

    /// What was written is on the disk now.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.sync_all())
    }

    /// Removes it, and says if that fails.
    pub(super) fn remove(self) -> io::Result<()> {
        drop(self.file);
        self.path.close()
    }

    /// Gives the file its name; an error of kind `AlreadyExists` when something has it.
    pub(super) fn publish(self, place: &Path) -> io::Result<()> {
        let Err(refused) = self.path.persist_noclobber(place) else {
            return Ok(());
        };
        if refused.error.kind() == ErrorKind::AlreadyExists {
            return Err(refused.error);
        }
        // Some file systems can neither rename so nor link: there it is looked at first. One that
        // fails for another reason fails again.
        match place.symlink_metadata() {
            Ok(_) => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => refused.path.persist(place).map_err(|refused| refused.error),
        }
    }
}

/// What distinguishes a directory from another one at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Identity {
        Identity {
            device: 0,
            inode: 0,
        }
    }

    /// A share that was mounted anew has a new device number but keeps its inodes; only a
    /// difference in both is another directory.
    pub(super) fn may_be(&self, now: &Identity) -> bool {
        self.device == now.device || self.inode == now.inode
    }
}
