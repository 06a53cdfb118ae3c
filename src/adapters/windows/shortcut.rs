//! Shortcuts (`.lnk`), as the shell of Windows writes them: `IShellLinkW` and `IPersistFile`, called
//! by their tables of functions, entry by entry those of Microsoft's `shobjidl_core.h` and
//! `objidl.h`. No safe crate offers it without all of the `windows` crate.

use std::ffi::c_void;
use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::core::{BOOL, GUID, HRESULT, PCWSTR};

use super::com::{CoInitializeEx, Method, This, UnknownTable};

type SetText = unsafe extern "system" fn(This, PCWSTR) -> HRESULT;

#[repr(C)]
struct LinkTable {
    unknown: UnknownTable,
    get_path: Method,
    get_id_list: Method,
    set_id_list: Method,
    get_description: Method,
    set_description: SetText,
    get_working_directory: Method,
    set_working_directory: SetText,
    get_arguments: Method,
    set_arguments: Method,
    get_hotkey: Method,
    set_hotkey: Method,
    get_show_command: Method,
    set_show_command: Method,
    get_icon_location: Method,
    set_icon_location: Method,
    set_relative_path: Method,
    resolve: Method,
    set_path: SetText,
}

#[repr(C)]
struct FileTable {
    unknown: UnknownTable,
    get_class: Method,
    is_dirty: Method,
    load: Method,
    save: unsafe extern "system" fn(This, PCWSTR, BOOL) -> HRESULT,
}

#[link(name = "ole32")]
unsafe extern "system" {
    fn CoCreateInstance(
        class: *const GUID,
        outer: *mut c_void,
        context: u32,
        interface: *const GUID,
        out: *mut This,
    ) -> HRESULT;
}

const SHELL_LINK: GUID = GUID::from_u128(0x00021401_0000_0000_c000_000000000046);
const LINK: GUID = GUID::from_u128(0x000214f9_0000_0000_c000_000000000046);
const PERSIST_FILE: GUID = GUID::from_u128(0x0000010b_0000_0000_c000_000000000046);
const COINIT_APARTMENTTHREADED: u32 = 2;
const CLSCTX_INPROC_SERVER: u32 = 1;

/// Where the header of a shortcut says how it is started, and the bit for "as administrator"
/// ([MS-SHLLINK] 2.1.1). The interface that sets it is newer than the format, and Wine has none.
const FLAGS: std::ops::Range<usize> = 20..24;
const RUN_AS_USER: u32 = 0x2000;

/// An object of COM, released when it is dropped.
struct ComObject(This);

impl ComObject {
    /// The table that it begins with.
    ///
    /// # Safety
    /// `T` is the table of the interface that it was asked for.
    #[allow(unsafe_code)]
    unsafe fn table<T>(&self) -> &T {
        // SAFETY: as the caller says; a table lives as long as its object.
        unsafe { &**self.0.cast::<*const T>() }
    }
}

impl Drop for ComObject {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: every interface begins with these functions, and the one reference is given back.
        unsafe { (self.table::<UnknownTable>().release)(self.0) };
    }
}

/// Writes a shortcut that starts a program or batch file as administrator.
///
/// # Errors
/// When the shell refuses, or the file cannot be written.
pub fn write(shortcut: &Path, target: &Path, description: &str) -> io::Result<()> {
    let directory = target.parent().unwrap_or(target);
    save(shortcut, target, directory, description)?;
    let mut bytes = std::fs::read(shortcut)?;
    let no_shortcut = || io::Error::other("the shell wrote something that is no shortcut");
    let field = bytes.get_mut(FLAGS).ok_or_else(no_shortcut)?;
    let flags = <[u8; 4]>::try_from(&*field).map_err(|_| no_shortcut())?;
    let flags = u32::from_le_bytes(flags) | RUN_AS_USER;
    field.copy_from_slice(&flags.to_le_bytes());
    std::fs::write(shortcut, bytes)
}

#[allow(unsafe_code)]
fn save(shortcut: &Path, target: &Path, directory: &Path, description: &str) -> io::Result<()> {
    let checked = |code: HRESULT| match code {
        0.. => Ok(()),
        _ => Err(io::Error::from_raw_os_error(code)),
    };
    let [shortcut, target, directory] =
        [shortcut, target, directory].map(|path| super::wide(path.as_os_str()));
    let description = super::wide(description.as_ref());
    // SAFETY: all texts end with 0 and live through the calls; each table is that of the interface
    // that was asked for.
    unsafe {
        checked(CoInitializeEx(ptr::null(), COINIT_APARTMENTTHREADED))?;
        let mut made = ptr::null_mut();
        let context = CLSCTX_INPROC_SERVER;
        checked(CoCreateInstance(
            &SHELL_LINK,
            ptr::null_mut(),
            context,
            &LINK,
            &mut made,
        ))?;
        let link = ComObject(made);
        let table = link.table::<LinkTable>();
        checked((table.set_path)(link.0, target.as_ptr()))?;
        checked((table.set_working_directory)(link.0, directory.as_ptr()))?;
        checked((table.set_description)(link.0, description.as_ptr()))?;
        let mut asked = ptr::null_mut();
        checked((table.unknown.query_interface)(
            link.0,
            &PERSIST_FILE,
            &mut asked,
        ))?;
        let file = ComObject(asked);
        checked((file.table::<FileTable>().save)(
            file.0,
            shortcut.as_ptr(),
            1,
        ))
    }
}
