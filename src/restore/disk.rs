//! What a manifest says of an entry, onto the disk: its name, times and permissions.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use filetime::FileTime;

use crate::manifest::Meta;

/// A name from a manifest as this system writes it. `None`: no file here can have it.
#[cfg(unix)]
pub(super) fn name(bytes: &[u8]) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec()))
}

/// A name from a manifest as this system writes it. `None`: no file here can have it.
#[cfg(not(unix))]
pub(super) fn name(bytes: &[u8]) -> Option<OsString> {
    std::str::from_utf8(bytes).ok().map(OsString::from)
}

/// Sets permissions and modification time of a file or directory that is no link, to the nanosecond.
pub(super) fn settle(path: &Path, meta: &Meta, is_directory: bool) -> io::Result<()> {
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
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn permissions(_: &Path, _: &Meta, _: bool) -> io::Result<()> {
    Ok(())
}
