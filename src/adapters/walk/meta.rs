//! What the file system says of an entry, as a [`Meta`].

use std::fs::{FileType, Metadata};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::manifest::{Meta, Moment};
use crate::model::select::Kind;

pub(super) fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Special
    }
}

fn moment(time: SystemTime) -> Moment {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Moment(after.as_nanos() as i128),
        Err(before) => Moment(-(before.duration().as_nanos() as i128)),
    }
}

/// Reads size and times. A time the file system does not keep is absent.
///
/// # Errors
/// When not even the modification time can be had.
pub fn meta_of(metadata: &Metadata) -> std::io::Result<Meta> {
    Ok(Meta {
        size: if metadata.is_dir() { 0 } else { metadata.len() },
        modified: moment(metadata.modified()?),
        created: metadata.created().ok().map(moment),
        changed: changed(metadata),
        mode: mode(metadata),
    })
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<Moment> {
    use std::os::unix::fs::MetadataExt;
    Some(Moment(
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
    ))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.mode() & 0o7777)
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> Option<Moment> {
    None
}

#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> Option<u32> {
    None
}

/// What `statx` says of an entry.
#[cfg(target_os = "linux")]
pub(super) fn meta_of_statx(found: &rustix::fs::Statx) -> Meta {
    use rustix::fs::{FileType, StatxFlags, StatxTimestamp};
    let moment = |time: StatxTimestamp| nanoseconds(time.tv_sec, time.tv_nsec);
    let mode = u32::from(found.stx_mode);
    let is_directory = FileType::from_raw_mode(mode) == FileType::Directory;
    let has_created = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
    Meta {
        size: if is_directory { 0 } else { found.stx_size },
        modified: moment(found.stx_mtime),
        created: has_created.then(|| moment(found.stx_btime)),
        changed: Some(moment(found.stx_ctime)),
        mode: Some(mode & 0o7777),
    }
}

/// The same of `stat`, which knows no creation time.
#[cfg(target_os = "linux")]
pub(super) fn meta_of_stat(found: &rustix::fs::Stat) -> Meta {
    use rustix::fs::FileType;
    let is_directory = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
    let size = u64::try_from(found.st_size).unwrap_or(0);
    Meta {
        size: if is_directory { 0 } else { size },
        modified: nanoseconds(found.st_mtime, found.st_mtime_nsec as u32),
        created: None,
        changed: Some(nanoseconds(found.st_ctime, found.st_ctime_nsec as u32)),
        mode: Some(found.st_mode & 0o7777),
    }
}

#[cfg(target_os = "linux")]
fn nanoseconds(seconds: i64, nanoseconds: u32) -> Moment {
    Moment(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
}

/// Why a file whose content is elsewhere is not read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "its content is in the cloud only, which a shadow copy cannot get; have it kept on this device"
)]
pub struct InCloud;

/// Why entries whose names differ only in case are not read on Windows. A directory can be set to
/// distinguish them, and 7-Zip and Robocopy do not: 7-Zip would make no archive at all.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "its name differs from '{other}' only in case, which the tools cannot tell apart; rename one of them"
)]
pub struct CaseTwin {
    pub other: String,
    pub kind: Kind,
}

/// Fails for a file whose content a snapshot cannot have.
#[cfg(windows)]
pub(super) fn refuse_in_cloud(found: &Metadata) -> std::io::Result<()> {
    use std::os::windows::fs::MetadataExt;
    match found.is_file() && is_in_cloud(found.file_attributes()) {
        true => Err(std::io::Error::other(InCloud)),
        false => Ok(()),
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
pub(super) fn refuse_in_cloud(_found: &Metadata) -> std::io::Result<()> {
    Ok(())
}

/// Whether Windows keeps the content of a file encrypted for one user (EFS): another account, SYSTEM
/// too, cannot read it.
#[cfg(windows)]
pub(super) fn is_encrypted(found: &Metadata) -> bool {
    use std::os::windows::fs::MetadataExt;
    const ENCRYPTED: u32 = 0x4000;
    found.is_file() && found.file_attributes() & ENCRYPTED != 0
}

#[cfg(not(any(windows, unix)))]
pub(super) fn is_encrypted(_found: &Metadata) -> bool {
    false
}

/// Whether the content of a file of Windows is elsewhere and fetched when it is read. Robocopy
/// leaves out what has the first of these attributes (`/XA:O`).
#[cfg(any(windows, test))]
fn is_in_cloud(attributes: u32) -> bool {
    const OFFLINE: u32 = 0x1000;
    const RECALL_ON_OPEN: u32 = 0x4_0000;
    const RECALL_ON_DATA_ACCESS: u32 = 0x40_0000;
    attributes & (OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS) != 0
}

/// Whether a reparse point of Windows is a file that nobody can read as one: an alias of a program
/// of the store, or a socket, pipe or device of the Linux subsystem. What leads elsewhere is a link
/// for the standard library; all others (deduplicated, compressed, in the cloud) are files.
#[cfg(any(windows, test))]
pub(super) fn is_special_tag(tag: u32) -> bool {
    const APP_EXEC_LINK: u32 = 0x8000_001B;
    const AF_UNIX: u32 = 0x8000_0023;
    const LX_FIFO: u32 = 0x8000_0024;
    const LX_CHR: u32 = 0x8000_0025;
    const LX_BLK: u32 = 0x8000_0026;
    matches!(tag, APP_EXEC_LINK | AF_UNIX | LX_FIFO | LX_CHR | LX_BLK)
}

/// Whether a reparse point of Windows is a junction.
#[cfg(windows)]
pub(super) fn is_junction_tag(tag: u32) -> bool {
    const MOUNT_POINT: u32 = 0xA000_0003;
    tag == MOUNT_POINT
}

#[cfg(test)]
mod tests {
    use super::{is_in_cloud, is_special_tag};

    #[test]
    fn reparse_points_that_are_files() {
        for (tag, expected) in [
            // An alias of a program, and a socket.
            (0x8000_001b, true),
            (0x8000_0023, true),
            // Deduplicated, compressed by the system, of OneDrive.
            (0x8000_0013, false),
            (0x8000_0017, false),
            (0x9000_701a, false),
        ] {
            assert_eq!(is_special_tag(tag), expected, "{tag:x}");
        }
    }

    #[test]
    fn files_whose_content_is_in_the_cloud() {
        for (attributes, expected) in [
            (0x20, false),
            (0x1020, true),
            (0x0050_1620, true),
            (0x0004_0020, true),
            // Deduplicated, compressed or sparse files are read as others.
            (0x620, false),
            // Kept on this device.
            (0x0008_0020, false),
        ] {
            assert_eq!(is_in_cloud(attributes), expected, "{attributes:x}");
        }
    }
}
