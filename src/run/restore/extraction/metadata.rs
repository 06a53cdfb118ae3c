//! What a manifest says of an entry, onto the disk: its times and permissions.

use std::io;
use std::path::Path;

use filetime::FileTime;

use crate::model::manifest::Meta;

/// Sets permissions and modification time of a file or directory that is not a link, to the
/// nanosecond.
pub fn set(path: &Path, meta: &Meta, is_directory: bool) -> io::Result<()> {
    let (seconds, nanos) = meta.modified.split();
    // The owner of a read-only file may still set its time, but not on Windows, so the time is set
    // first.
    filetime::set_file_mtime(path, FileTime::from_unix_time(seconds, nanos))?;
    permissions(path, meta, is_directory)
}

/// Owners are not restored, so the bits that lend an owner's rights to others must not be either.
#[cfg(unix)]
fn permissions(path: &Path, meta: &Meta, is_directory: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Some(mode) = meta.mode else { return Ok(()) };
    let bits = mode & if is_directory { 0o1777 } else { 0o777 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn permissions(_: &Path, _: &Meta, _: bool) -> io::Result<()> {
    Ok(())
}
