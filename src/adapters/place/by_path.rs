//! The same by paths, where the system has no better way: times and permissions, and links.

pub use self::PlaceByPath as PlaceDirectory;

#[cfg(unix)]
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use filetime::FileTime;

use super::Lacks;
use crate::model::manifest::{Details, Entry, Meta};

/// A directory of the target.
#[derive(Debug)]
pub struct PlaceByPath(PathBuf);

impl PlaceByPath {
    /// A directory by its path.
    ///
    /// # Errors
    /// None here.
    pub fn open(path: &Path) -> io::Result<PlaceByPath> {
        Ok(PlaceByPath(path.to_owned()))
    }

    /// A directory in this one.
    ///
    /// # Errors
    /// None here.
    pub fn enter(&self, name: &std::ffi::OsStr) -> io::Result<PlaceByPath> {
        Ok(PlaceByPath(self.0.join(name)))
    }

    /// A second one.
    ///
    /// # Errors
    /// None here.
    pub fn again(&self) -> io::Result<PlaceByPath> {
        Ok(PlaceByPath(self.0.clone()))
    }

    /// Sets what is known of a file.
    ///
    /// # Errors
    /// When times or permissions cannot be set.
    pub fn set_file(&self, name: &std::ffi::OsStr, entry: &Entry, _: &mut Lacks) -> io::Result<()> {
        set(&self.0.join(name), &entry.meta, false)
    }

    /// Sets what is known of this directory.
    ///
    /// # Errors
    /// When times or permissions cannot be set.
    pub fn set_itself(&self, meta: &Meta, _: &Details, _: &mut Lacks) -> io::Result<()> {
        set(&self.0, meta, true)
    }

    /// Makes a symbolic link, in the place of a file or link if there is one.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn link(
        &self,
        name: &std::ffi::OsStr,
        target: &[u8],
        _: &Entry,
        _: &mut Lacks,
    ) -> io::Result<()> {
        make_link(&self.0.join(name), target)
    }

    /// Makes a file another name of an equal one. `false`: it stays a copy.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn join(
        &self,
        _: &std::ffi::OsStr,
        _: &PlaceByPath,
        _: &std::ffi::OsStr,
    ) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(unix)]
fn make_link(place: &Path, target: &[u8]) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    if fs::symlink_metadata(place).is_ok() {
        fs::remove_file(place)?;
    }
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), place)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &[u8]) -> io::Result<()> {
    let text = "this version makes no links on this system";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

fn set(path: &Path, meta: &Meta, is_directory: bool) -> io::Result<()> {
    let (seconds, nanos) = meta.modified.split();
    // The owner of a read-only file may still set its time, but on Windows nobody may: time first.
    filetime::set_file_mtime(path, FileTime::from_unix_time(seconds, nanos))?;
    permissions(path, meta, is_directory)
}

/// Owners are not restored, so the bits that lend an owner's rights to others must not be either.
#[cfg(unix)]
fn permissions(path: &Path, meta: &Meta, is_directory: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Some(mode) = meta.mode else { return Ok(()) };
    let bits = mode & if is_directory { 0o1777 } else { 0o777 };
    fs::set_permissions(path, fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn permissions(_: &Path, _: &Meta, _: bool) -> io::Result<()> {
    Ok(())
}
