//! Local files on their way to and from a store: read once, hashed on the way, checked for change.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Act, StoreError, StoreErrorKind};

/// Reads and writes go in steps of this size: large enough for any disk, small enough to notice an
/// interrupt.
pub(super) const BUFFER: usize = 1024 * 1024;

/// A file being uploaded.
pub(super) struct LocalFile {
    file: File,
    path: PathBuf,
    before: Metadata,
    read: u64,
}

impl LocalFile {
    pub(super) fn open(path: &Path, act: &Act) -> Result<LocalFile, StoreError> {
        let file = File::open(path).map_err(|error| act.local(path, "open", &error))?;
        let before = file
            .metadata()
            .map_err(|error| act.local(path, "look at", &error))?;
        if !before.is_file() {
            let why = format_args!("{} is not a regular file", path.display());
            return Err(act.error(StoreErrorKind::Local, why, ""));
        }
        Ok(LocalFile {
            file,
            path: path.to_owned(),
            before,
            read: 0,
        })
    }

    /// Bytes, as of the opening.
    pub(super) fn size(&self) -> u64 {
        self.before.len()
    }

    /// Fills the buffer, less only at the end of the file.
    pub(super) fn fill(&mut self, buffer: &mut [u8], act: &Act) -> Result<usize, StoreError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(act.local(&self.path, "read", &error)),
            }
        }
        self.read += filled as u64;
        Ok(filled)
    }

    /// Called after the last byte: a file that changed meanwhile is a mixture of two states, and
    /// its size would differ from the announced one.
    pub(super) fn check_unchanged(&self, act: &Act) -> Result<(), StoreError> {
        let after = self
            .file
            .metadata()
            .map_err(|error| act.local(&self.path, "look at", &error))?;
        let same_time = match (self.before.modified(), after.modified()) {
            (Ok(before), Ok(after)) => before == after,
            _ => true,
        };
        if self.read == self.before.len() && after.len() == self.before.len() && same_time {
            return Ok(());
        }
        let why = format_args!("{} changed while it was read", self.path.display());
        Err(act.error(
            StoreErrorKind::Local,
            why,
            "nothing may write to archives that are being uploaded",
        ))
    }
}

/// A file being downloaded, opened for appending, and how much of it is there.
pub(super) fn open_target(path: &Path, act: &Act) -> Result<(File, u64), StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| act.local(path, "open", &error))?;
    let present = file
        .metadata()
        .map_err(|error| act.local(path, "look at", &error))?
        .len();
    Ok((file, present))
}

/// Makes a finished download survive a power cut: the file and its entry in the directory.
pub(super) fn sync_target(file: &File, path: &Path, act: &Act) -> Result<(), StoreError> {
    let synced = file.sync_all().and_then(|()| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_directory(Path::new(".")),
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    });
    synced.map_err(|error| act.local(path, "write", &error))
}

/// Makes a rename or a new file in a directory permanent. Windows has no such call and needs none.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
