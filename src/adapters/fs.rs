//! The disk: one function for each small operation on files.

use std::ffi::OsStr;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::cancel::Cancel;

/// Makes a directory for its owner only, unless it is there, with everything above it. State, logs
/// and work files name private files and say what is in them.
///
/// # Errors
/// When it cannot be made, or something else is in its place.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    match create_new_private_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().ok_or(error)?;
            create_private_directory(above)?;
            create_private_directory(path)
        }
        made => made,
    }
}

/// Makes a directory for its owner only. An existing directory or link is never used, because it
/// may belong to another account.
///
/// # Errors
/// When it cannot be made, or anything is in its place.
pub fn create_new_private_directory(path: &Path) -> io::Result<()> {
    #[cfg(windows)]
    return crate::adapters::windows::create_private_directory(path);
    #[cfg(not(windows))]
    {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }
}

/// A name in a directory.
#[derive(Debug)]
pub struct NamedEntry {
    pub path: PathBuf,
    /// What it is, if the file system says so.
    pub kind: io::Result<FileType>,
}

impl NamedEntry {
    /// The last name of the path.
    pub fn file_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

/// Reads all names in a directory. If a file system fails to close it, the standard library panics:
/// that is an error here.
///
/// # Errors
/// When it cannot be read to its end.
pub fn entries(directory: &Path) -> io::Result<Vec<NamedEntry>> {
    let read = || -> io::Result<Vec<NamedEntry>> {
        let entries = std::fs::read_dir(directory)?;
        let named = entries.map(|entry| {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type());
            Ok(NamedEntry { path, kind })
        });
        named.collect()
    };
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let why = format!("the directory '{}' cannot be closed", directory.display());
        Err(io::Error::other(why))
    })
}

/// Deletes a file, a link, or an empty directory, also a read-only one, which Windows refuses to
/// delete. What cannot be deleted even so stays read-only.
///
/// # Errors
/// When it cannot be deleted, or is not there.
pub fn remove(path: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(path)?;
    let act = || match is_directory(&found.file_type()) {
        true => std::fs::remove_dir(path),
        false => std::fs::remove_file(path),
    };
    match act() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            read_only(path, false).map_err(|_| error)?;
            act().inspect_err(|_| drop(read_only(path, true)))
        }
        done => done,
    }
}

/// Deletes a directory with everything in it, also what is read-only on Windows. No link is
/// followed.
///
/// # Errors
/// When something in it cannot be deleted, or it is not there.
pub fn remove_all(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
            remove_each(path)
        }
        done => done,
    }
}

fn remove_each(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        match std::fs::symlink_metadata(&path)?.is_dir() {
            true => remove_each(&path)?,
            false => remove(&path)?,
        }
    }
    remove(directory)
}

/// Whether the system deletes it as a directory. On Windows, a link to a directory is one.
fn is_directory(kind: &FileType) -> bool {
    #[cfg(windows)]
    if std::os::windows::fs::FileTypeExt::is_symlink_dir(kind) {
        return true;
    }
    kind.is_dir()
}

#[cfg(windows)]
fn read_only(path: &Path, is: bool) -> io::Result<()> {
    let mut permissions = std::fs::symlink_metadata(path)?.permissions();
    if permissions.readonly() == is {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    permissions.set_readonly(is);
    std::fs::set_permissions(path, permissions)
}

/// On other systems, this is not an obstacle.
#[cfg(not(windows))]
fn read_only(_: &Path, _: bool) -> io::Result<()> {
    Err(io::ErrorKind::PermissionDenied.into())
}

/// Opens a plain file through no link. In a directory that others can write to, a link would lead
/// elsewhere, and opening a pipe would never end.
///
/// # Errors
/// When it cannot be opened, or is anything but a file.
pub fn open_plain(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::custom_flags(
        options,
        crate::adapters::windows::FILE_FLAG_OPEN_REPARSE_POINT,
    );
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is not a plain file")),
    }
}

/// Reads a plain file as [`open_plain`] opens it.
///
/// # Errors
/// Also when it has more than `most` bytes.
pub fn read_plain(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bounded(open_plain(path, OpenOptions::new().read(true))?, most)
}

/// The most bytes of a file that people write: a profile, a price list, an instruction file.
pub const MOST_WRITTEN: u64 = 16 << 20;

/// Reads a file that the user named, wherever the name leads. A device must not fill the memory.
///
/// # Errors
/// Also when it has more than `most` bytes.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    bounded(File::open(path)?, most)
}

fn bounded(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(io::Error::other(format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// Whether a disk is mounted at a directory: it is on another device than the directory above it.
/// Windows has no directory where no disk is.
pub fn is_mounted(directory: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| std::fs::metadata(path).ok().filter(|m| m.is_dir());
        let above = directory.parent().map(device);
        match (device(directory), above) {
            (Some(here), Some(Some(above))) => here.dev() != above.dev(),
            (Some(_), None) => true,
            _ => false,
        }
    }
    #[cfg(not(unix))]
    directory.is_dir()
}

/// The SHA-256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// The SHA-256 of a file, unless it is interrupted.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_until(path: &Path, stop: &Cancel) -> io::Result<Option<String>> {
    let mut digest = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    while !stop.is_set() {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(hex::encode(digest.finalize()))),
            count => digest.update(&buffer[..count]),
        }
    }
    Ok(None)
}

/// The prefix of temporary files that a crash may leave beside a file that was being written.
pub const BUILDING: &str = ".building-";

/// Whether a new file may take the place of what is there. A device or a pipe is in use by others;
/// a link is replaced, not followed.
///
/// # Errors
/// When it may not.
pub fn check_replaceable(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(there) if !there.is_file() && !there.is_symlink() => {
            Err(io::Error::other("it is not a plain file"))
        }
        _ => Ok(()),
    }
}

/// Writes a file completely or not at all: after a power failure it has its old content or the new
/// one. Only its owner can read it.
///
/// # Errors
/// When the disk does not take it; the old content stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_replaceable(path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(BUILDING)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// Makes a rename or a new file in a directory last through a power cut.
///
/// # Errors
/// When the disk does not take it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // Windows keeps its directories by itself, and opens none.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
