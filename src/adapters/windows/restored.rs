//! What a restore sets on Windows: times and attributes of a file, directory or link.

use std::fs::{File, FileTimes, OpenOptions};
use std::io;
use std::os::windows::fs::{FileTimesExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_NORMAL, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
    FILE_WRITE_ATTRIBUTES, FileBasicInfo, SetFileInformationByHandle,
};

use crate::model::manifest::Moment;
use crate::model::manifest::details::WINDOWS_ATTRIBUTES;

/// Opens an entry so that times and attributes can be set, also a read-only one. A link is not
/// followed.
///
/// # Errors
/// When it is not there, or Windows refuses.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .access_mode(FILE_WRITE_ATTRIBUTES)
        .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)
}

/// Sets the modification time, and the creation time if there is one.
///
/// # Errors
/// When Windows refuses, or has no such time.
pub fn set_times(file: &File, modified: Moment, created: Option<Moment>) -> io::Result<()> {
    let times = FileTimes::new().set_modified(time(modified)?);
    file.set_times(match created {
        Some(created) => times.set_created(time(created)?),
        None => times,
    })
}

fn time(moment: Moment) -> io::Result<SystemTime> {
    let (seconds, nanos) = moment.split();
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time = match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(whole),
        false => UNIX_EPOCH.checked_add(whole),
    };
    let time = time.and_then(|time| time.checked_add(Duration::from_nanos(nanos.into())));
    time.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Sets the attributes that are restored; the others stay.
///
/// # Errors
/// When Windows refuses.
#[allow(unsafe_code)]
pub fn set_attributes(file: &File, attributes: u32) -> io::Result<()> {
    // Times of 0 stay as they are. No attribute at all would change none.
    let info = FILE_BASIC_INFO {
        FileAttributes: attributes & WINDOWS_ATTRIBUTES | FILE_ATTRIBUTE_NORMAL,
        ..FILE_BASIC_INFO::default()
    };
    // SAFETY: the handle is open, and the structure is as long as said.
    let set = unsafe {
        SetFileInformationByHandle(
            file.as_raw_handle(),
            FileBasicInfo,
            (&raw const info).cast(),
            size_of::<FILE_BASIC_INFO>() as u32,
        )
    };
    match set {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
