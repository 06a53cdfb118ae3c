//! What a directory's file system can do: tried with a file that is removed at once.

use std::fs;
use std::io;
use std::path::Path;

use filetime::FileTime;

/// What a trial in a directory showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits {
    /// `a` and `A` are two files.
    pub case_sensitive: bool,
    /// Times are kept to the second.
    pub whole_seconds: bool,
    /// FAT takes files of less than 4 GiB only.
    pub small_files_only: bool,
}

/// The name of every trial file begins so.
const PROBE: &str = ".aam-backup-doctor-";

/// Makes and removes a file in a directory, or in the nearest one above that exists.
///
/// # Errors
/// When nothing can be written there.
pub(super) fn try_writing(directory: &Path) -> io::Result<()> {
    let mut place = directory;
    while !place.exists() {
        place = place.parent().ok_or(io::ErrorKind::NotFound)?;
    }
    tempfile::Builder::new()
        .prefix(PROBE)
        .tempfile_in(place)?
        .close()
}

/// Free bytes for a directory, or for the nearest one above that exists. `None` where the file
/// system does not know: some network file systems have a size of 0.
pub(super) fn free(directory: &Path) -> Option<u64> {
    let place = directory.ancestors().find(|place| place.exists())?;
    let known = fs4::total_space(place).is_ok_and(|size| size > 0);
    fs4::available_space(place).ok().filter(|_| known)
}

/// Whether two directories, or the nearest ones above them that exist, are on one file system.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    let place = |directory: &Path| {
        directory
            .ancestors()
            .find(|place| place.exists())
            .and_then(identity)
    };
    place(one).is_some_and(|one| place(other).is_some_and(|other| one == other))
}

#[cfg(unix)]
fn identity(directory: &Path) -> Option<u64> {
    fs::metadata(directory)
        .ok()
        .map(|found| std::os::unix::fs::MetadataExt::dev(&found))
}

#[cfg(windows)]
fn identity(directory: &Path) -> Option<Vec<u16>> {
    crate::adapters::windows::volume(directory).ok()
}

/// Tries a directory that is there.
///
/// # Errors
/// When nothing can be written there.
pub(super) fn look(directory: &Path) -> io::Result<Traits> {
    let file = tempfile::Builder::new()
        .prefix(PROBE)
        .suffix(".x")
        .tempfile_in(directory)?;
    let other = file.path().with_extension("X");
    let case_sensitive = !other.exists();
    // An odd second: FAT keeps every other one.
    filetime::set_file_mtime(file.path(), FileTime::from_unix_time(1_600_000_001, 0))?;
    let kept = FileTime::from_last_modification_time(&fs::metadata(file.path())?).unix_seconds();
    let traits = Traits {
        case_sensitive,
        whole_seconds: kept == 1_600_000_001,
        small_files_only: is_fat(directory),
    };
    file.close()?;
    Ok(traits)
}

#[cfg(target_os = "linux")]
fn is_fat(directory: &Path) -> bool {
    const MSDOS_SUPER_MAGIC: u64 = 0x4d44;
    // The type of the field differs between architectures.
    #[allow(clippy::unnecessary_cast)]
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type as u64 == MSDOS_SUPER_MAGIC)
}

#[cfg(windows)]
fn is_fat(directory: &Path) -> bool {
    crate::adapters::windows::file_system(directory).is_ok_and(|name| name.starts_with("FAT"))
}

#[cfg(not(any(target_os = "linux", windows)))]
fn is_fat(_: &Path) -> bool {
    false
}
