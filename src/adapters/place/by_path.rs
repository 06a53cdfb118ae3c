//! The same by paths, where the system has no better way: times, permissions or attributes, and
//! links.

pub use self::PlaceByPath as PlaceDirectory;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Lacks;
use crate::model::manifest::details::Link;
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
    pub fn enter(&self, name: &OsStr) -> io::Result<PlaceByPath> {
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
    pub fn set_file(&self, name: &OsStr, entry: &Entry, lacks: &mut Lacks) -> io::Result<()> {
        set(
            &self.0.join(name),
            &entry.meta,
            &entry.details,
            false,
            lacks,
        )
    }

    /// Sets what is known of this directory.
    ///
    /// # Errors
    /// When times or permissions cannot be set.
    pub fn set_itself(&self, meta: &Meta, details: &Details, lacks: &mut Lacks) -> io::Result<()> {
        set(&self.0, meta, details, true, lacks)
    }

    /// Makes a link, in the place of a file or link if there is one.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn link(
        &self,
        name: &OsStr,
        link: &Link,
        entry: &Entry,
        lacks: &mut Lacks,
    ) -> io::Result<()> {
        let place = self.0.join(name);
        make_link(&place, link)?;
        set_link(&place, entry, lacks);
        Ok(())
    }

    /// Makes a file another name of an equal one. `false`: it stays a copy.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn join(&self, _: &OsStr, _: &PlaceByPath, _: &OsStr) -> io::Result<bool> {
        Ok(false)
    }
}

#[cfg(unix)]
fn make_link(place: &Path, link: &Link) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    if fs::symlink_metadata(place).is_ok() {
        fs::remove_file(place)?;
    }
    std::os::unix::fs::symlink(OsStr::from_bytes(&link.target), place)
}

/// A link that is there already is not made again: a link other than a junction needs a privilege.
#[cfg(windows)]
fn make_link(place: &Path, link: &Link) -> io::Result<()> {
    use crate::model::manifest::details::LinkKind;
    use std::os::windows::fs::{FileTypeExt, symlink_dir, symlink_file};
    let target = std::str::from_utf8(&link.target).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "it leads to a name that is not text",
        )
    })?;
    if let Ok(found) = fs::symlink_metadata(place) {
        let kind = found.file_type();
        let is_there = kind.is_symlink_dir() == (link.kind != LinkKind::Symbolic)
            && fs::read_link(place).is_ok_and(|now| now.as_os_str() == target);
        if is_there {
            return Ok(());
        }
        crate::adapters::fs::remove(place)?;
    }
    match link.kind {
        LinkKind::Symbolic => symlink_file(target, place),
        LinkKind::Directory => symlink_dir(target, place),
        // The directory that was to become one stays if that is refused.
        LinkKind::Junction => {
            junction::create(target, place).inspect_err(|_| drop(fs::remove_dir(place)))
        }
    }
}

#[cfg(not(windows))]
fn set_link(_: &Path, _: &Entry, _: &mut Lacks) {}

/// Not every file system keeps the times of links.
#[cfg(windows)]
fn set_link(place: &Path, entry: &Entry, lacks: &mut Lacks) {
    let _ = set(place, &entry.meta, &entry.details, false, lacks);
}

/// Owners are not restored, so the bits that lend an owner's rights to others must not be either.
#[cfg(unix)]
fn set(path: &Path, meta: &Meta, _: &Details, is_directory: bool, _: &mut Lacks) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let (seconds, nanos) = meta.modified.split();
    filetime::set_file_mtime(path, filetime::FileTime::from_unix_time(seconds, nanos))?;
    let Some(mode) = meta.mode else { return Ok(()) };
    let bits = mode & if is_directory { 0o1777 } else { 0o777 };
    fs::set_permissions(path, fs::Permissions::from_mode(bits))
}

/// Attributes come last: they include read-only. By one handle, of the link itself if it is one,
/// that may be had of a read-only file, too.
#[cfg(windows)]
fn set(path: &Path, meta: &Meta, details: &Details, _: bool, lacks: &mut Lacks) -> io::Result<()> {
    use crate::adapters::windows::restored;
    let file = restored::open(path)?;
    if restored::set_times(&file, meta.modified, meta.created).is_err() {
        restored::set_times(&file, meta.modified, None)?;
        lacks.created += 1;
    }
    if let Some(attributes) = details.windows
        && let Err(error) = restored::set_attributes(&file, attributes)
    {
        lacks.attributes += 1;
        lacks.attribute_error.get_or_insert(error);
    }
    Ok(())
}
