//! By handles of directories. What is set on a file goes by a handle of the file itself.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RawMode, Stat, Timespec, Timestamps, UTIME_OMIT,
    Uid, XattrFlags, chmodat, chownat, fstat, linkat, openat, readlinkat, renameat, statat,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::{Lacks, holes};
use crate::model::manifest::details::{Attribute, Link, Owner, is_restored};
use crate::model::manifest::{Details, Entry, Meta};

/// A directory of the target, by its handle.
#[derive(Debug)]
pub struct PlaceDirectory(OwnedFd);

/// Needs no permission on what is opened, and gives none.
const HANDLE: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// An entry whose handle is held.
struct HeldEntry<'h> {
    handle: BorrowedFd<'h>,
    /// Another way to it, which changes of permissions and attributes need.
    path: PathBuf,
    found: Stat,
    is_directory: bool,
}

impl PlaceDirectory {
    /// Opens the directory that a restore writes to. A link in its place is followed, because the
    /// user named it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<PlaceDirectory> {
        let opened = openat(CWD, path, HANDLE | OFlags::DIRECTORY, Mode::empty())?;
        Ok(PlaceDirectory(opened))
    }

    /// Opens a directory in this one, through no link.
    ///
    /// # Errors
    /// When it cannot be opened, or is not a directory.
    pub fn enter(&self, name: &OsStr) -> io::Result<PlaceDirectory> {
        let flags = HANDLE | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        Ok(PlaceDirectory(openat(&self.0, name, flags, Mode::empty())?))
    }

    /// A second handle of it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn again(&self) -> io::Result<PlaceDirectory> {
        Ok(PlaceDirectory(self.0.try_clone()?))
    }

    /// Sets what is known of a file.
    ///
    /// # Errors
    /// When times or permissions cannot be set, or it is not a file any more.
    pub fn set_file(&self, name: &OsStr, entry: &Entry, lacks: &mut Lacks) -> io::Result<()> {
        let file = openat(&self.0, name, HANDLE | OFlags::NOFOLLOW, Mode::empty())?;
        let held = HeldEntry::new(file.as_fd(), false)?;
        held.set(&entry.meta, &entry.details, lacks)
    }

    /// Sets what is known of this directory.
    ///
    /// # Errors
    /// When times or permissions cannot be set.
    pub fn set_itself(&self, meta: &Meta, details: &Details, lacks: &mut Lacks) -> io::Result<()> {
        HeldEntry::new(self.0.as_fd(), true)?.set(meta, details, lacks)
    }

    /// Makes a symbolic link, in the place of a file or link if there is one.
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
        let target = link.target.as_slice();
        let is_there =
            readlinkat(&self.0, name, Vec::new()).is_ok_and(|present| present.to_bytes() == target);
        if !is_there {
            match unlinkat(&self.0, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            symlinkat(OsStr::from_bytes(target), &self.0, name)?;
        }
        if let Some(owner) = &entry.details.owner {
            let found = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let set = |uid, gid| chownat(&self.0, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
            if !give(owner, &found, &set) {
                lacks.owners += 1;
            }
        }
        let times = times(&entry.meta);
        // Not every file system keeps the times of links.
        let _ = utimensat(&self.0, name, &times, AtFlags::SYMLINK_NOFOLLOW);
        Ok(())
    }

    /// Makes a file or link another name of an equal one. `false`: they are not equal, and it stays
    /// what it is.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn join(
        &self,
        name: &OsStr,
        first: &PlaceDirectory,
        first_name: &OsStr,
    ) -> io::Result<bool> {
        let look = |place: &PlaceDirectory, name: &OsStr| {
            statat(&place.0, name, AtFlags::SYMLINK_NOFOLLOW)
        };
        let (one, other) = (look(first, first_name)?, look(self, name)?);
        if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) {
            return Ok(true);
        }
        let kind = FileType::from_raw_mode(one.st_mode);
        let is_equal = kind == FileType::from_raw_mode(other.st_mode)
            && one.st_size == other.st_size
            && match kind {
                FileType::RegularFile => same_content(first.read(first_name)?, self.read(name)?)?,
                FileType::Symlink => {
                    readlinkat(&first.0, first_name, Vec::new())?
                        == readlinkat(&self.0, name, Vec::new())?
                }
                _ => false,
            };
        if !is_equal {
            return Ok(false);
        }
        let new = OsString::from(format!(".aam-link-{}", std::process::id()));
        linkat(&first.0, first_name, &self.0, &new, AtFlags::empty())?;
        if let Err(error) = renameat(&self.0, &new, &self.0, name) {
            let _ = unlinkat(&self.0, &new, AtFlags::empty());
            return Err(error.into());
        }
        Ok(true)
    }

    fn read(&self, name: &OsStr) -> io::Result<BufReader<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(&self.0, name, flags, Mode::empty())?;
        Ok(BufReader::with_capacity(1 << 18, File::from(opened)))
    }
}

fn same_content(mut one: BufReader<File>, mut other: BufReader<File>) -> io::Result<bool> {
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if length == 0 {
            return Ok(a.len() == b.len());
        }
        if a[..length] != b[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

const SET_ID: u32 = 0o6000;

impl<'h> HeldEntry<'h> {
    fn new(handle: BorrowedFd<'h>, is_directory: bool) -> io::Result<HeldEntry<'h>> {
        let found = fstat(handle)?;
        let expected = match is_directory {
            true => FileType::Directory,
            false => FileType::RegularFile,
        };
        if FileType::from_raw_mode(found.st_mode) != expected {
            return Err(io::Error::other("something else took its place meanwhile"));
        }
        Ok(HeldEntry {
            handle,
            path: PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd())),
            found,
            is_directory,
        })
    }

    /// In the order in which one does not undo the other: owners clear set-id bits and
    /// capabilities, access lists change permissions, and all of them follow the content.
    fn set(&self, meta: &Meta, details: &Details, lacks: &mut Lacks) -> io::Result<()> {
        let Some(owner) = &details.owner else {
            // Version 1 knows no owner: the bits that lend an owner's rights are not set either.
            self.set_times(meta)?;
            return self.set_mode(meta, 0);
        };
        if details.attributes.is_some() || details.sparse {
            // Who may not write to it may set no attributes of it.
            let mode =
                (self.found.st_mode & 0o7777) | if self.is_directory { 0o700 } else { 0o600 };
            let _ = self.chmod(mode);
        }
        if details.sparse && self.dig().is_err() {
            lacks.holes += 1;
        }
        let set = |uid, gid| chownat(self.handle, "", uid, gid, AtFlags::EMPTY_PATH);
        let has_owner = give(owner, &self.found, &set);
        lacks.owners += u64::from(!has_owner);
        self.set_attributes(details, has_owner, lacks);
        let set_id = meta.mode.unwrap_or(0) & SET_ID;
        let is_lent = has_owner && rustix::process::geteuid().is_root();
        if set_id != 0 {
            match is_lent {
                true => lacks.privileges += u64::from(!self.is_directory),
                false => lacks.set_ids += 1,
            }
        }
        // A directory that its owner may not enter takes no times afterwards.
        self.set_times(meta)?;
        self.set_mode(meta, if is_lent { set_id } else { 0 })
    }

    fn set_mode(&self, meta: &Meta, set_id: u32) -> io::Result<()> {
        let Some(mode) = meta.mode else { return Ok(()) };
        let plain = if self.is_directory { 0o1777 } else { 0o777 };
        self.chmod(mode & plain | set_id)
    }

    fn chmod(&self, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode as RawMode);
        let (at, name) = match self.is_directory {
            true => (self.handle, Path::new(".")),
            false => (CWD, self.path.as_path()),
        };
        Ok(chmodat(at, name, mode, AtFlags::empty())?)
    }

    fn set_times(&self, meta: &Meta) -> io::Result<()> {
        let times = times(meta);
        let (at, name) = match self.is_directory {
            true => (self.handle, Path::new(".")),
            false => (CWD, self.path.as_path()),
        };
        Ok(utimensat(at, name, &times, AtFlags::empty())?)
    }

    fn dig(&self) -> io::Result<()> {
        let has_holes = u64::try_from(self.found.st_blocks).unwrap_or(0) * 512
            < u64::try_from(self.found.st_size).unwrap_or(0);
        if has_holes {
            return Ok(());
        }
        let file = File::options().read(true).write(true).open(&self.path)?;
        holes::dig(&file)
    }

    /// Sets the attributes that are listed and removes others of their kind.
    fn set_attributes(&self, details: &Details, has_owner: bool, lacks: &mut Lacks) {
        let wanted: &[Attribute] = details.attributes.as_deref().map_or(&[], |all| &all.0);
        let name = |one: &Attribute| Some(one.name.strip_prefix(b"xattr.")?.to_vec());
        for present in self.attributes() {
            if !wanted
                .iter()
                .any(|one| name(one).as_ref() == Some(&present))
            {
                let _ = rustix::fs::removexattr(&self.path, OsStr::from_bytes(&present));
            }
        }
        let mut is_refused = false;
        for one in wanted {
            let Some(name) = name(one).filter(|name| is_restored(name)) else {
                continue;
            };
            let is_privilege = name == b"security.capability";
            // A capability is a right of the file's owner to give.
            if is_privilege && !(has_owner && rustix::process::geteuid().is_root()) {
                lacks.set_ids += 1;
                continue;
            }
            let flags = XattrFlags::empty();
            let (place, name) = (&self.path, OsStr::from_bytes(&name));
            match rustix::fs::setxattr(place, name, &one.value, flags) {
                Ok(()) => lacks.privileges += u64::from(is_privilege),
                Err(error) => {
                    is_refused = true;
                    lacks.attribute_error.get_or_insert_with(|| error.into());
                }
            }
        }
        lacks.attributes += u64::from(is_refused);
    }

    /// The names of its attributes that a restore sets.
    fn attributes(&self) -> Vec<Vec<u8>> {
        let mut names = vec![0; 1 << 16];
        let length = rustix::fs::listxattr(&self.path, &mut names[..]).unwrap_or(0);
        let names = names[..length].split(|byte| *byte == 0);
        let known = names.filter(|name| is_restored(name));
        known.map(<[u8]>::to_vec).collect()
    }
}

type SetOwner<'s> = dyn Fn(Option<Uid>, Option<Gid>) -> Result<(), Errno> + 's;

/// Gives an entry its owner, or its group only where that is all that may be given. Returns whether
/// it has both.
fn give(owner: &Owner, found: &Stat, set: &SetOwner<'_>) -> bool {
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    let has_user = found.st_uid == owner.uid;
    if has_user && found.st_gid == owner.gid {
        return true;
    }
    match rustix::process::geteuid().is_root() {
        true => set(Some(uid), Some(gid)).is_ok(),
        false => has_user && set(None, Some(gid)).is_ok(),
    }
}

fn times(meta: &Meta) -> Timestamps {
    let (seconds, nanos) = meta.modified.split();
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT as _,
        },
        last_modification: Timespec {
            tv_sec: seconds as _,
            tv_nsec: nanos as _,
        },
    }
}
