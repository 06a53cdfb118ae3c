//! A child with everything it starts, kept together by a job object.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Child;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_BASIC_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
    TerminateJobObject,
};

#[link(name = "kernel32")]
unsafe extern "system" {
    fn OpenProcess(access: u32, inherit: i32, process: u32) -> *mut std::ffi::c_void;
    fn WaitForSingleObject(handle: *mut std::ffi::c_void, milliseconds: u32) -> u32;
}

/// Returns when the process with this number has ended. One that cannot be opened has.
#[allow(unsafe_code)]
pub fn wait_for_end(process: u32) {
    const SYNCHRONIZE: u32 = 0x0010_0000;
    const INFINITE: u32 = u32::MAX;
    // SAFETY: the handle, which is not null, is ours alone and open until the wait is over.
    unsafe {
        let handle = OpenProcess(SYNCHRONIZE, 0, process);
        if !handle.is_null() {
            let handle = OwnedHandle::from_raw_handle(handle);
            WaitForSingleObject(handle.as_raw_handle(), INFINITE);
        }
    }
}

/// `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`.
#[repr(C)]
#[derive(Default)]
struct ExtendedLimits {
    basic: JOBOBJECT_BASIC_LIMIT_INFORMATION,
    io: [u64; 6],
    memory: [usize; 4],
}

/// A child with everything it starts from now on: a job object. Windows forgets who started a
/// process as soon as that one ends, and `taskkill /T` with it.
#[derive(Debug)]
pub struct ProcessTree(OwnedHandle);

impl ProcessTree {
    /// The tree of a child that was started a moment ago.
    ///
    /// # Errors
    /// When Windows makes no job object, or the child has ended.
    #[allow(unsafe_code)]
    pub fn of(child: &Child) -> io::Result<ProcessTree> {
        // SAFETY: without a name and with no security attributes there is nothing to read; a handle
        // that is not null is ours alone.
        let tree = unsafe {
            let job = CreateJobObjectW(std::ptr::null(), std::ptr::null());
            if job.is_null() {
                return Err(io::Error::last_os_error());
            }
            ProcessTree(OwnedHandle::from_raw_handle(job))
        };
        // SAFETY: both handles are open.
        match unsafe { AssignProcessToJobObject(tree.0.as_raw_handle(), child.as_raw_handle()) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(tree),
        }
    }

    /// The same, but all of it ends when this program does, also when that is killed.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn ending_with_us(child: &Child) -> io::Result<ProcessTree> {
        let tree = ProcessTree::of(child)?;
        tree.limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)?;
        Ok(tree)
    }

    /// The child has ended: what it left behind may stay.
    pub fn let_go(&self) {
        // Else that ends, too.
        let _ = self.limit(0);
    }

    #[allow(unsafe_code)]
    fn limit(&self, flags: u32) -> io::Result<()> {
        let mut limits = ExtendedLimits::default();
        limits.basic.LimitFlags = flags;
        // SAFETY: the handle is open, and the structure is the one of this class, as long as said.
        let set = unsafe {
            SetInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_of_val(&limits) as u32,
            )
        };
        match set {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Ends all of it at once.
    #[allow(unsafe_code)]
    pub fn end(&self) {
        // SAFETY: the handle is open. Nothing is left to be done about a failure: the child itself
        // is killed as well.
        unsafe { TerminateJobObject(self.0.as_raw_handle(), 1) };
    }
}
