//! What all interfaces of COM have in common. They are called by their tables of functions: no
//! smaller crate than `windows` has them.

use std::ffi::c_void;

use windows_sys::core::{GUID, HRESULT};

/// A function that is not called: it is there to keep the others in their places.
pub(super) type Method = usize;
pub(super) type This = *mut c_void;

/// What every table begins with.
#[repr(C)]
pub(super) struct UnknownTable {
    pub(super) query_interface: unsafe extern "system" fn(This, *const GUID, *mut This) -> HRESULT,
    pub(super) add_ref: Method,
    pub(super) release: unsafe extern "system" fn(This) -> u32,
}

#[link(name = "ole32")]
unsafe extern "system" {
    pub(super) fn CoInitializeEx(reserved: *const c_void, concurrency: u32) -> HRESULT;
}
