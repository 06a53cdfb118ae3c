//! Whether a directory can be written, and how much room it has.

use std::io;
use std::path::Path;

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
    std::fs::metadata(directory)
        .ok()
        .map(|found| std::os::unix::fs::MetadataExt::dev(&found))
}

#[cfg(windows)]
fn identity(directory: &Path) -> Option<crate::adapters::windows::VolumeRoot> {
    crate::adapters::windows::volume(directory).ok()
}
