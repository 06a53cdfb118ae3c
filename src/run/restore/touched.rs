//! What somebody did in a target after a restore into it ended without everything: the same command
//! would overwrite and delete it.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::plan::restore::layout::WORK_DIRECTORY;

/// An entry of the target `path` that was changed after `ended`.
///
/// # Errors
/// When the target cannot be read.
pub fn since(path: &Path, ended: SystemTime) -> io::Result<Option<PathBuf>> {
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if directory == path && entry.file_name() == WORK_DIRECTORY {
                continue;
            }
            let found = entry.metadata()?;
            if changed(&found).is_some_and(|at| at > ended) {
                return Ok(Some(entry.path()));
            }
            if found.is_dir() {
                directories.push(entry.path());
            }
        }
    }
    Ok(None)
}

/// Also when an old file was moved in.
#[cfg(unix)]
fn changed(found: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(found.ctime()).ok()?;
    let nanoseconds = u32::try_from(found.ctime_nsec()).ok()?;
    let since = std::time::Duration::new(seconds, nanoseconds);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

#[cfg(not(unix))]
fn changed(found: &Metadata) -> Option<SystemTime> {
    let times = [found.modified(), found.created()];
    times.into_iter().filter_map(Result::ok).max()
}
