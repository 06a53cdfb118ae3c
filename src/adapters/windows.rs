//! What only Windows itself knows: change times, administrator rights, console events. The one
//! module with `unsafe`: a few calls of the Windows API that no safe crate offers. Empty on other
//! systems.
#![cfg(windows)]

pub mod access;
pub mod code_page;
mod com;
pub mod letter;
pub mod restored;
pub mod shortcut;
pub mod tree;
pub mod vss;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::ERROR_NO_MORE_FILES;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Globalization::{CP_OEMCP, MultiByteToWideChar};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
pub use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_OFFLINE, FILE_ATTRIBUTE_REPARSE_POINT,
    FILE_ATTRIBUTE_SYSTEM, FILE_FLAG_BACKUP_SEMANTICS, FILE_ID_BOTH_DIR_INFO, FILE_LIST_DIRECTORY,
    FileIdBothDirectoryInfo, GetFileInformationByHandleEx, GetVolumeInformationW,
    GetVolumePathNameW, SetFileAttributesW,
};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, CTRL_C_EVENT, SetConsoleCtrlHandler};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::FSCTL_SET_SPARSE;
use windows_sys::Win32::System::Power::{
    ES_CONTINUOUS, ES_SYSTEM_REQUIRED, SetThreadExecutionState,
};
use windows_sys::Win32::System::SystemServices::FILE_PERSISTENT_ACLS;
use windows_sys::Win32::UI::Shell::IsUserAnAdmin;

use crate::model::cancel::Cancel;
use crate::model::manifest::Moment;

/// Size of the buffer for directory entries, in 8-byte words: 64 KiB, the most a network share
/// gives at once.
const WORDS: usize = 8 * 1024;

/// Nanoseconds from 1601, where Windows begins to count, to 1970.
const EPOCH_NANOS: i128 = 11_644_473_600 * 1_000_000_000;

/// Full access for SYSTEM, Administrators and the owner, for what is made below it too; nothing is
/// inherited from the directory above.
const PRIVATE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";

/// Text as the Windows API takes it.
fn wide(text: &std::ffi::OsStr) -> Vec<u16> {
    text.encode_wide().chain([0]).collect()
}

/// Makes a directory that only SYSTEM, Administrators and its owner can read or write.
///
/// # Errors
/// When it cannot be made, or anything is in its place.
#[allow(unsafe_code)]
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    let (path, rights) = (wide(path.as_os_str()), wide(PRIVATE.as_ref()));
    let mut descriptor = std::ptr::null_mut();
    // SAFETY: both texts end with 0; the descriptor that Windows allocates is read by the second
    // call only and freed once.
    unsafe {
        let (from, no_length) = (rights.as_ptr(), std::ptr::null_mut());
        if ConvertStringSecurityDescriptorToSecurityDescriptorW(
            from,
            SDDL_REVISION_1,
            &raw mut descriptor,
            no_length,
        ) == 0
        {
            return Err(io::Error::last_os_error());
        }
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: descriptor,
            bInheritHandle: 0,
        };
        let made = match CreateDirectoryW(path.as_ptr(), &raw const attributes) {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        };
        LocalFree(descriptor);
        made
    }
}

/// Takes the attributes hidden and system from a directory, if it has them.
///
/// # Errors
/// When Windows refuses.
pub fn show(directory: &Path) -> io::Result<()> {
    const NOT_SHOWN: u32 = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
    let attributes = std::fs::symlink_metadata(directory)?.file_attributes();
    if attributes & NOT_SHOWN == 0 {
        return Ok(());
    }
    set_attributes(directory, attributes & !NOT_SHOWN)
}

/// Marks a file as one whose content is elsewhere. Returns whether its file system keeps that.
///
/// # Errors
/// When Windows refuses.
pub fn mark_offline(file: &Path) -> io::Result<bool> {
    set_attributes(file, FILE_ATTRIBUTE_OFFLINE)?;
    let attributes = std::fs::symlink_metadata(file)?.file_attributes();
    Ok(attributes & FILE_ATTRIBUTE_OFFLINE != 0)
}

#[allow(unsafe_code)]
fn set_attributes(path: &Path, attributes: u32) -> io::Result<()> {
    let path = wide(path.as_os_str());
    // SAFETY: the path ends with 0.
    match unsafe { SetFileAttributesW(path.as_ptr(), attributes) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Lets a file take no room where nothing was written. A file system that cannot do that gives it
/// all its room.
#[allow(unsafe_code)]
pub fn make_sparse(file: &File) {
    let mut returned = 0;
    // SAFETY: the handle is open for writing; no buffer is passed, and `returned` lives through the
    // call.
    unsafe {
        DeviceIoControl(
            file.as_raw_handle(),
            FSCTL_SET_SPARSE,
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
            0,
            &mut returned,
            std::ptr::null_mut(),
        );
    }
}

/// What only the listing of a directory tells of an entry.
#[derive(Clone, Copy, Debug)]
pub struct ListedEntry {
    /// NTFS's change time: it moves whenever anything of a file changes, also when a program sets
    /// the modification time back (SPEC#changes). File systems without one give none.
    pub changed: Option<Moment>,
    /// The tag of a reparse point.
    pub tag: Option<u32>,
}

/// What the listing of a directory tells of every entry, by name.
///
/// # Errors
/// When the directory cannot be listed.
#[allow(unsafe_code)]
pub fn listed(directory: &Path) -> io::Result<HashMap<OsString, ListedEntry>> {
    const SHARE_ALL: u32 = 7;
    let file = OpenOptions::new()
        .access_mode(FILE_LIST_DIRECTORY)
        .share_mode(SHARE_ALL)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(directory)?;
    let mut found = HashMap::new();
    let mut buffer = vec![0_u64; WORDS];
    loop {
        // SAFETY: the handle is open for listing; the buffer is writable, aligned to 8 as the
        // structure asks, and as long as said.
        let filled = unsafe {
            GetFileInformationByHandleEx(
                file.as_raw_handle(),
                FileIdBothDirectoryInfo,
                buffer.as_mut_ptr().cast(),
                (WORDS * 8) as u32,
            )
        };
        if filled == 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(code) if code == ERROR_NO_MORE_FILES as i32 => Ok(found),
                _ => Err(error),
            };
        }
        let mut at = 0_usize;
        loop {
            // SAFETY: the system wrote a chain of entries into the buffer; `at` is 0 or the offset
            // it gave for the next one, which lies inside and is aligned to 8.
            let (entry, name) = unsafe {
                let entry = buffer
                    .as_ptr()
                    .cast::<u8>()
                    .add(at)
                    .cast::<FILE_ID_BOTH_DIR_INFO>();
                let name = std::ptr::addr_of!((*entry).FileName).cast::<u16>();
                let length = (*entry).FileNameLength as usize / 2;
                (
                    &*entry,
                    OsString::from_wide(std::slice::from_raw_parts(name, length)),
                )
            };
            let changed = Moment(i128::from(entry.ChangeTime) * 100 - EPOCH_NANOS);
            let is_reparse_point = entry.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT != 0;
            let listed = ListedEntry {
                changed: (entry.ChangeTime > 0).then_some(changed),
                // Windows has the tag where the size of extended attributes is otherwise.
                tag: is_reparse_point.then_some(entry.EaSize),
            };
            found.insert(name, listed);
            match entry.NextEntryOffset {
                0 => break,
                next => at += next as usize,
            }
        }
    }
}

/// Text in the code page of the console. Bytes that mean nothing in it become a sign that says so.
#[allow(unsafe_code)]
pub fn decode_console(text: &[u8]) -> String {
    let Ok(length) = i32::try_from(text.len()) else {
        return String::from_utf8_lossy(text).into_owned();
    };
    // No code page makes more than one UTF-16 unit of a byte.
    let mut wide = vec![0_u16; text.len()];
    // SAFETY: both buffers are as long as said; the source is only read, the target only written.
    let units = unsafe {
        MultiByteToWideChar(
            CP_OEMCP,
            0,
            text.as_ptr(),
            length,
            wide.as_mut_ptr(),
            length,
        )
    };
    match usize::try_from(units) {
        Ok(units) if units > 0 => String::from_utf16_lossy(&wide[..units.min(wide.len())]),
        _ => String::from_utf8_lossy(text).into_owned(),
    }
}

/// Whether the program runs with administrator rights, which a snapshot needs.
#[allow(unsafe_code)]
pub fn is_administrator() -> bool {
    // SAFETY: takes nothing and touches nothing of ours.
    unsafe { IsUserAnAdmin() != 0 }
}

/// The root of a volume, such as `C:\`, ended by 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRoot(Vec<u16>);

impl VolumeRoot {
    fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }
}

impl std::fmt::Display for VolumeRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = self.0.strip_suffix(&[0]).unwrap_or(&self.0);
        f.write_str(&String::from_utf16_lossy(units))
    }
}

/// The root of the volume that holds a directory.
///
/// # Errors
/// When Windows does not tell.
#[allow(unsafe_code)]
pub fn volume(directory: &Path) -> io::Result<VolumeRoot> {
    let path: Vec<u16> = std::path::absolute(directory)?
        .as_os_str()
        .encode_wide()
        .chain([0])
        .collect();
    let mut root = [0_u16; 1024];
    // SAFETY: the path ends with 0, and the buffer is as long as said.
    if unsafe { GetVolumePathNameW(path.as_ptr(), root.as_mut_ptr(), root.len() as u32) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let units = root.iter().copied().take_while(|unit| *unit != 0);
    Ok(VolumeRoot(units.chain([0]).collect()))
}

/// What a volume says of itself.
#[derive(Debug)]
pub struct VolumeTraits {
    /// The name of its file system: `NTFS`, `FAT32`.
    pub file_system: String,
    /// Whether it keeps access lists.
    pub access_lists: bool,
}

/// What the volume says that a file or directory is on.
///
/// # Errors
/// When Windows does not tell.
#[allow(unsafe_code)]
pub fn volume_traits(path: &Path) -> io::Result<VolumeTraits> {
    let (root, mut name, mut flags) = (volume(path)?, [0_u16; 64], 0);
    let unwanted = std::ptr::null_mut;
    // SAFETY: the root ends with 0, the buffer is as long as said, and what is null is not wanted.
    let returned = unsafe {
        let (buffer, length) = (name.as_mut_ptr(), name.len() as u32);
        GetVolumeInformationW(
            root.as_ptr(),
            std::ptr::null_mut(),
            0,
            unwanted(),
            unwanted(),
            &raw mut flags,
            buffer,
            length,
        )
    };
    if returned == 0 {
        return Err(io::Error::last_os_error());
    }
    let end = name
        .iter()
        .position(|unit| *unit == 0)
        .unwrap_or(name.len());
    Ok(VolumeTraits {
        file_system: String::from_utf16_lossy(&name[..end]),
        access_lists: flags & FILE_PERSISTENT_ACLS != 0,
    })
}

static CANCEL: OnceLock<Cancel> = OnceLock::new();

/// Sets `cancel` on Ctrl-C, Ctrl-Break, closing of the console, log-off and shutdown.
///
/// # Errors
/// When Windows does not take the handler.
#[allow(unsafe_code)]
pub fn on_interrupt(cancel: &Cancel, exit: u8) -> io::Result<()> {
    let _ = CANCEL.set(cancel.clone());
    let _ = EXIT.set(exit);
    // SAFETY: the handler is a plain function that lives as long as the program.
    if unsafe { SetConsoleCtrlHandler(Some(handle), 1) } == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

static EXIT: OnceLock<u8> = OnceLock::new();

/// How long a closing console is kept waiting: Windows itself allows less for most events, and then
/// ends the program.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(60);

/// Runs on a thread of its own.
#[allow(unsafe_code)]
unsafe extern "system" fn handle(event: u32) -> windows_sys::core::BOOL {
    if let Some(cancel) = CANCEL.get() {
        let again = cancel.is_set();
        cancel.set();
        match event {
            // The second one ends the program at once.
            CTRL_C_EVENT | CTRL_BREAK_EVENT if again => {
                std::process::exit(i32::from(EXIT.get().copied().unwrap_or(1)));
            }
            CTRL_C_EVENT | CTRL_BREAK_EVENT => {}
            // Closing, log-off, shutdown: the program is ended as soon as this returns, so it does
            // not, until the run has ended by itself.
            _ => std::thread::sleep(CLOSING),
        }
    }
    1
}

/// Keeps the computer from falling asleep until it is called with `false` by the same thread.
/// Returns whether Windows agreed.
#[allow(unsafe_code)]
pub fn stay_awake(is_on: bool) -> bool {
    let state = match is_on {
        true => ES_CONTINUOUS | ES_SYSTEM_REQUIRED,
        false => ES_CONTINUOUS,
    };
    // SAFETY: the call takes flags only, and has no other precondition.
    unsafe { SetThreadExecutionState(state) != 0 }
}
