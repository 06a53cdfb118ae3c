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
/// its exit code, or the error that kept it from starting.
///
/// # Errors
/// Whatever `CreateProcess` says.
pub fn run_command_line(line: &str) -> io::Result<u32> {
    #[cfg(windows)]
    return windows::run_command_line(line);
    #[cfg(not(windows))]
    Err(io::Error::new(io::ErrorKind::Unsupported, line.to_owned()))
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

/// Gives a directory the attributes of the root of a drive: hidden and system.
pub fn hide(directory: &Path) {
    #[cfg(windows)]
    windows::hide(directory);
    #[cfg(not(windows))]
    let _ = directory;
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
        fn SetFileAttributesW(path: *const u16, attributes: u32) -> i32;
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
        fn WaitForSingleObject(handle: *mut c_void, milliseconds: u32) -> u32;
        fn GetExitCodeProcess(process: *mut c_void, code: *mut u32) -> i32;
        fn CloseHandle(handle: *mut c_void) -> i32;
    }

    pub fn hide(directory: &std::path::Path) {
        const HIDDEN_SYSTEM_DIRECTORY: u32 = 0x16;
        let path: Vec<u16> = directory.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: the path ends in NUL.
        unsafe { SetFileAttributesW(path.as_ptr(), HIDDEN_SYSTEM_DIRECTORY) };
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

    pub fn run_command_line(line: &str) -> io::Result<u32> {
        let mut units: Vec<u16> = OsStr::new(line).encode_wide().chain([0]).collect();
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
        // SAFETY: the command line is a writable string that ends in NUL, the structures have the
        // layout of the system's, and the handles are closed once.
        unsafe {
            let started = CreateProcessW(
                ptr::null(),
                units.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                // ShadowSpawn says no here, and Windows passes the three standard handles on all
                // the same; Wine would not.
                1,
                0,
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
