//! A directory in a source, by its handle: what is opened and looked at below it is in it, whatever
//! its name leads to meanwhile. No link is followed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, StatxFlags};
use rustix::io::Errno;

use super::details::{self, LookedAt, details};
use super::found::Found;
use super::meta::{meta_of_stat, meta_of_statx};
use crate::model::manifest::Meta;
use crate::model::manifest::details::Attributes;
use crate::model::select::Kind;

/// An open directory.
#[derive(Debug)]
pub(super) struct SourceDirectory(OwnedFd);

impl SourceDirectory {
    /// Opens a directory by its path. A link in its own place is not followed.
    pub(super) fn at(path: &Path) -> io::Result<SourceDirectory> {
        open(CWD, path.as_os_str())
    }

    /// Opens a directory in this one.
    pub(super) fn open(&self, name: &OsStr) -> io::Result<SourceDirectory> {
        open(self.0.as_fd(), name)
    }

    /// Calls `each` for every name in it.
    pub(super) fn names(&self, each: &mut dyn FnMut(OsString, NameIn<'_>)) -> io::Result<()> {
        rustix::fs::seek(&self.0, rustix::fs::SeekFrom::Start(0))?;
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(&self.0, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                let kind = kind_of(entry.file_type());
                each(
                    name.to_owned(),
                    NameIn {
                        directory: self,
                        kind,
                    },
                );
            }
        }
        Ok(())
    }

    /// What a name is now.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Found)> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        match rustix::fs::statx(&self.0, name, flags, wanted) {
            Ok(found) => {
                let kind = FileType::from_raw_mode(found.stx_mode.into());
                let kind = kind_of(kind).unwrap_or(Kind::Special);
                let looked = LookedAt {
                    kind,
                    uid: found.stx_uid,
                    gid: found.stx_gid,
                    names: found.stx_nlink.into(),
                    number: found.stx_ino,
                    size: found.stx_size,
                    blocks: found.stx_blocks,
                };
                self.found(name, meta_of_statx(&found), &looked)
            }
            // Old kernels.
            Err(Errno::NOSYS) => {
                let found = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
                let kind = FileType::from_raw_mode(found.st_mode);
                let kind = kind_of(kind).unwrap_or(Kind::Special);
                let looked = LookedAt::of_stat(kind, &found);
                self.found(name, meta_of_stat(&found), &looked)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What else is known of a name, but its attributes: read by the handle of its directory, too.
    fn found(&self, name: &OsStr, meta: Meta, looked: &LookedAt) -> io::Result<(Kind, Found)> {
        let details = details(looked, || {
            let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
            Ok(target.into_bytes())
        })?;
        let is_encrypted = false;
        let found = Found {
            meta,
            details,
            is_encrypted,
        };
        Ok((looked.kind, found))
    }

    /// The attributes of a name, which is no link.
    pub(super) fn attributes(&self, name: &OsStr) -> Option<Arc<Attributes>> {
        // The kernel has taken a handle and a name for attributes only since Linux 6.13.
        let place = Path::new("/proc/self/fd").join(self.0.as_raw_fd().to_string());
        details::attributes(&place.join(name)).map(Arc::new)
    }
}

/// Allows for enough open directories: one for each level on the way down, and those read ahead.
pub(super) fn allow_many() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MOST_OPEN).min(MOST_OPEN);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(wanted);
        // Without it, what lies too deep is told to be unreadable.
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
    }
}

/// Paths have at most 2048 levels.
const MOST_OPEN: u64 = 4096;

/// How much of a directory the kernel gives at once, in bytes.
const BUFFER: usize = 1 << 15;

fn open(above: impl AsFd, name: &OsStr) -> io::Result<SourceDirectory> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(above, name, flags, Mode::empty()) {
        Ok(handle) => Ok(SourceDirectory(handle)),
        Err(Errno::LOOP | Errno::NOTDIR) => Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "it was a directory a moment ago, and is none any more",
        )),
        Err(error) => Err(error.into()),
    }
}

/// What a directory says of a name in it.
pub(super) struct NameIn<'a> {
    directory: &'a SourceDirectory,
    /// `None`: the file system does not say it there.
    kind: Option<Kind>,
}

impl NameIn<'_> {
    /// What it is.
    pub(super) fn kind(&self, name: &OsStr) -> io::Result<Kind> {
        match self.kind {
            Some(kind) => Ok(kind),
            None => Ok(self.directory.look(name)?.0),
        }
    }

    /// What it is by now.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Found)> {
        self.directory.look(name)
    }
}

fn kind_of(kind: FileType) -> Option<Kind> {
    match kind {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Directory),
        FileType::Symlink => Some(Kind::Link),
        FileType::Unknown => None,
        _ => Some(Kind::Special),
    }
}
