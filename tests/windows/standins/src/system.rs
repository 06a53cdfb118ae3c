//! The few calls of Windows that the standard library does not offer. Elsewhere this compiles, so
//! that the checks of the compiler can run anywhere, and does nothing.

use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Code page of the console's output; 0 when there is no console.
pub fn output_code_page() -> u32 {
    #[cfg(windows)]
    // SAFETY: takes nothing and returns a number.
    return unsafe { windows::GetConsoleOutputCP() };
    #[cfg(not(windows))]
    0
}

/// The command line as it came, before anybody split it.
pub fn command_line() -> String {
    #[cfg(windows)]
    return windows::command_line();
    #[cfg(not(windows))]
    String::new()
}

/// Starts a command line the way ShadowSpawn does, without a shell, waits for its end and returns
/// its exit code, or the error that kept it from starting. If it is silent, it has no output.
///
/// # Errors
/// Whatever `CreateProcess` says.
pub fn run_command_line(line: &str, is_silent: bool) -> io::Result<u32> {
    #[cfg(windows)]
    return windows::run_command_line(line, is_silent);
    #[cfg(not(windows))]
    {
        let _ = is_silent;
        Err(io::Error::new(io::ErrorKind::Unsupported, line.to_owned()))
    }
}

/// Sets the times of a file or directory, also of a read-only one.
///
/// # Errors
/// When it cannot be opened, or the file system refuses.
pub fn set_modified(path: &Path, time: SystemTime) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        options
            .access_mode(FILE_WRITE_ATTRIBUTES)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    }
    #[cfg(not(windows))]
    options.read(true);
    options.open(path)?.set_modified(time)
}

/// Gives a directory the attributes of another; the root of a drive is hidden and system.
pub fn copy_attributes(from: &Path, to: &Path, is_root: bool) {
    #[cfg(windows)]
    windows::copy_attributes(from, to, is_root);
    #[cfg(not(windows))]
    let _ = (from, to, is_root);
}

/// Gives a file or directory the access list of another.
///
/// # Errors
/// When the system refuses.
pub fn copy_security(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(windows)]
    return windows::copy_security(from, to);
    #[cfg(not(windows))]
    Err(io::Error::other(format!(
        "{} {}",
        from.display(),
        to.display()
    )))
}

/// Attributes, creation and modification time of an entry.
pub fn seen(found: &std::fs::Metadata) -> String {
    #[cfg(windows)]
    {
        use std::os::windows::fs::MetadataExt;
        let (created, modified) = (found.creation_time(), found.last_write_time());
        format!("{:x}\t{created}\t{modified}", found.file_attributes())
    }
    #[cfg(not(windows))]
    format!("{found:?}")
}

/// Sets one of what [`seen`] says, or makes a link.
///
/// # Errors
/// When there is no such thing, or the system refuses.
pub fn set(what: &str, path: &Path, value: &str) -> io::Result<()> {
    #[cfg(windows)]
    return windows::set(what, path, value);
    #[cfg(not(windows))]
    Err(io::Error::other(format!(
        "{what} {} {value}",
        path.display()
    )))
}

/// Whether the content of a file is elsewhere, as far as Robocopy looks at attributes.
pub fn is_offline(meta: &std::fs::Metadata) -> bool {
    #[cfg(windows)]
    {
        const FILE_ATTRIBUTE_OFFLINE: u32 = 0x1000;
        let attributes = std::os::windows::fs::MetadataExt::file_attributes(meta);
        attributes & FILE_ATTRIBUTE_OFFLINE != 0
    }
    #[cfg(not(windows))]
    {
        let _ = meta;
        false
    }
}

/// Whether a letter (`Q:`) leads anywhere, as ShadowSpawn asks.
pub fn is_letter_defined(letter: &str) -> bool {
    #[cfg(windows)]
    return windows::is_letter_defined(letter);
    #[cfg(not(windows))]
    {
        let _ = letter;
        false
    }
}

/// Ends this process as an access violation does.
pub fn crash() -> ! {
    #[cfg(windows)]
    windows::end_with(0xC000_0005);
    #[cfg(not(windows))]
    std::process::abort()
}

/// Opens a file so that nobody else can, for as long as the result lives.
///
/// # Errors
/// When somebody else has it open.
pub fn open_alone(path: &Path) -> io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    options.open(path)
}

/// What Windows says of an error; Wine has words of its own.
pub fn message(error: &io::Error) -> String {
    let known = match error.raw_os_error() {
        Some(2) => "The system cannot find the file specified.",
        Some(3) => "The system cannot find the path specified.",
        Some(5) => "Access is denied.",
        Some(32) => {
            "The process cannot access the file because it is being used by another process."
        }
        Some(112) => "There is not enough space on the disk.",
        _ => return error.to_string(),
    };
    known.to_owned()
}

#[cfg(windows)]
mod windows {
    use std::ffi::{OsStr, c_void};
    use std::io;
    use std::os::windows::ffi::OsStrExt;
    use std::ptr;

    #[repr(C)]
    struct ProcessInformation {
        process: *mut c_void,
        thread: *mut c_void,
        process_id: u32,
        thread_id: u32,
    }

    /// `STARTUPINFOW`, of which only the size is ever set.
    #[repr(C)]
    struct StartupInfo {
        size: u32,
        rest: [usize; 12],
    }

    #[link(name = "kernel32")]
    unsafe extern "system" {
        pub fn GetConsoleOutputCP() -> u32;
        fn GetCommandLineW() -> *const u16;
        fn ExitProcess(code: u32) -> !;
        fn GetFileAttributesW(path: *const u16) -> u32;
        fn SetFileAttributesW(path: *const u16, attributes: u32) -> i32;
        fn QueryDosDeviceW(name: *const u16, target: *mut u16, size: u32) -> u32;
        fn CreateProcessW(
            application: *const u16,
            command_line: *mut u16,
            process_attributes: *const c_void,
            thread_attributes: *const c_void,
            inherit_handles: i32,
            flags: u32,
            environment: *const c_void,
            directory: *const u16,
            startup: *const StartupInfo,
            information: *mut ProcessInformation,
        ) -> i32;
        fn GetStdHandle(which: u32) -> *mut c_void;
        fn SetHandleInformation(handle: *mut c_void, mask: u32, flags: u32) -> i32;
        fn WaitForSingleObject(handle: *mut c_void, milliseconds: u32) -> u32;
        fn GetExitCodeProcess(process: *mut c_void, code: *mut u32) -> i32;
        fn CloseHandle(handle: *mut c_void) -> i32;
    }

    #[link(name = "advapi32")]
    unsafe extern "system" {
        fn GetFileSecurityW(
            path: *const u16,
            what: u32,
            descriptor: *mut c_void,
            size: u32,
            needed: *mut u32,
        ) -> i32;
        fn SetFileSecurityW(path: *const u16, what: u32, descriptor: *const c_void) -> i32;
    }

    pub fn end_with(code: u32) -> ! {
        // SAFETY: takes a number and does not return.
        unsafe { ExitProcess(code) }
    }

    fn wide(text: &OsStr) -> Vec<u16> {
        text.encode_wide().chain([0]).collect()
    }

    pub fn copy_attributes(from: &std::path::Path, to: &std::path::Path, is_root: bool) {
        const HIDDEN_SYSTEM: u32 = 6;
        const NONE: u32 = u32::MAX;
        let (from, to) = (wide(from.as_os_str()), wide(to.as_os_str()));
        // SAFETY: the paths end in NUL.
        unsafe {
            let found = GetFileAttributesW(from.as_ptr());
            if found != NONE {
                let more = if is_root { HIDDEN_SYSTEM } else { 0 };
                SetFileAttributesW(to.as_ptr(), found | more);
            }
        }
    }

    pub fn copy_security(from: &std::path::Path, to: &std::path::Path) -> io::Result<()> {
        const ACCESS_LIST: u32 = 4;
        let (from, to) = (wide(from.as_os_str()), wide(to.as_os_str()));
        let mut list = vec![0_u64; 1 << 13];
        let (start, size) = (list.as_mut_ptr().cast(), (list.len() * 8) as u32);
        let mut needed = 0;
        // SAFETY: the paths end in NUL, and the buffer, aligned to 8, is as long as said.
        let is_done = unsafe {
            GetFileSecurityW(from.as_ptr(), ACCESS_LIST, start, size, &raw mut needed) != 0
                && SetFileSecurityW(to.as_ptr(), ACCESS_LIST, start) != 0
        };
        is_done.then_some(()).ok_or_else(io::Error::last_os_error)
    }

    pub fn set(what: &str, path: &std::path::Path, value: &str) -> io::Result<()> {
        use std::os::windows::fs::{FileTimesExt, OpenOptionsExt, symlink_dir, symlink_file};
        use std::time::{Duration, SystemTime};
        /// Seconds from 1601, where Windows begins to count, to 1970.
        const EPOCH: u64 = 11_644_473_600;
        const STEPS: u64 = 10_000_000;
        let number = |radix| u64::from_str_radix(value, radix).map_err(io::Error::other);
        match what {
            "junction" => junction::create(value, path),
            "file-link" => symlink_file(value, path),
            "directory-link" => symlink_dir(value, path),
            "attributes" => {
                let attributes = u32::try_from(number(16)?).map_err(io::Error::other)?;
                // SAFETY: the path ends in NUL.
                match unsafe { SetFileAttributesW(wide(path.as_os_str()).as_ptr(), attributes) } {
                    0 => Err(io::Error::last_os_error()),
                    _ => Ok(()),
                }
            }
            "created" => {
                let time = number(10)?;
                let since = Duration::from_secs(time / STEPS - EPOCH)
                    + Duration::from_nanos(time % STEPS * 100);
                const FILE_WRITE_ATTRIBUTES: u32 = 0x100;
                const BACKUP_SEMANTICS_OF_THE_LINK: u32 = 0x0220_0000;
                let mut options = std::fs::OpenOptions::new();
                options.access_mode(FILE_WRITE_ATTRIBUTES);
                options.custom_flags(BACKUP_SEMANTICS_OF_THE_LINK);
                let times = std::fs::FileTimes::new();
                let times = times.set_created(SystemTime::UNIX_EPOCH + since);
                options.open(path)?.set_times(times)
            }
            other => Err(io::Error::other(other.to_owned())),
        }
    }

    pub fn is_letter_defined(letter: &str) -> bool {
        let mut target = [0; 1024];
        // SAFETY: the name ends in NUL, and the buffer is as long as said.
        unsafe { QueryDosDeviceW(wide(letter.as_ref()).as_ptr(), target.as_mut_ptr(), 1024) > 0 }
    }

    pub fn command_line() -> String {
        // SAFETY: the system returns a string that ends in NUL and lives as long as the process.
        let units = unsafe {
            let start = GetCommandLineW();
            let length = (0..).take_while(|&i| *start.add(i) != 0).count();
            std::slice::from_raw_parts(start, length)
        };
        String::from_utf16_lossy(units)
    }

    /// No process that is started from now on gets a handle of ours but the three standard ones.
    fn keep_handles() {
        const INHERIT: u32 = 1;
        const INPUT_OUTPUT_ERROR: [u32; 3] = [0xFFFF_FFF6, 0xFFFF_FFF5, 0xFFFF_FFF4];
        // SAFETY: takes numbers; what is no handle is refused.
        unsafe {
            let standard = INPUT_OUTPUT_ERROR.map(|which| GetStdHandle(which));
            for handle in (4..0x4000_usize).step_by(4).map(|at| at as *mut c_void) {
                if !standard.contains(&handle) {
                    SetHandleInformation(handle, INHERIT, 0);
                }
            }
        }
    }

    pub fn run_command_line(line: &str, is_silent: bool) -> io::Result<u32> {
        let mut units = wide(line.as_ref());
        keep_handles();
        let startup = StartupInfo {
            size: u32::try_from(size_of::<StartupInfo>()).unwrap_or(0),
            rest: [0; 12],
        };
        let mut child = ProcessInformation {
            process: ptr::null_mut(),
            thread: ptr::null_mut(),
            process_id: 0,
            thread_id: 0,
        };
        const DETACHED: u32 = 8;
        // SAFETY: the command line is a writable string that ends in NUL, the structures have the
        // layout of the system's, and the handles are closed once.
        unsafe {
            let started = CreateProcessW(
                ptr::null(),
                units.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                // ShadowSpawn says no here, and Windows passes the three standard handles on all
                // the same; Wine would not. No other handle can be inherited.
                i32::from(!is_silent),
                if is_silent { DETACHED } else { 0 },
                ptr::null(),
                ptr::null(),
                &raw const startup,
                &raw mut child,
            );
            if started == 0 {
                return Err(io::Error::last_os_error());
            }
            const FOREVER: u32 = u32::MAX;
            let mut code = 0;
            WaitForSingleObject(child.process, FOREVER);
            let known = GetExitCodeProcess(child.process, &raw mut code);
            let error = io::Error::last_os_error();
            CloseHandle(child.thread);
            CloseHandle(child.process);
            if known == 0 { Err(error) } else { Ok(code) }
        }
    }
}
