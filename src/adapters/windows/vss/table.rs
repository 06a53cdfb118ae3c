//! The tables of functions and the structure that VSS is called by, as `vsbackup.h` and `vss.h`
//! have them. A function that is not called is there to keep the others in their places.

use std::ffi::c_void;

use windows_sys::core::{BOOL, BSTR, GUID, HRESULT, PCWSTR, PWSTR};

use crate::adapters::windows::com::{Method, This, UnknownTable};

#[repr(C)]
pub(super) struct AsyncTable {
    pub(super) unknown: UnknownTable,
    pub(super) cancel: unsafe extern "system" fn(This) -> HRESULT,
    pub(super) wait: unsafe extern "system" fn(This, u32) -> HRESULT,
    pub(super) query_status: unsafe extern "system" fn(This, *mut HRESULT, *mut i32) -> HRESULT,
}

/// A call that begins something and hands out what to wait for.
pub(super) type Begin = unsafe extern "system" fn(This, *mut This) -> HRESULT;
pub(super) type Plain = unsafe extern "system" fn(This) -> HRESULT;
pub(super) type CountCall = unsafe extern "system" fn(This, *mut u32) -> HRESULT;

#[repr(C)]
pub(super) struct BackupTable {
    pub(super) unknown: UnknownTable,
    pub(super) get_writer_components_count: Method,
    pub(super) get_writer_components: Method,
    pub(super) initialize_for_backup: unsafe extern "system" fn(This, BSTR) -> HRESULT,
    pub(super) set_backup_state: unsafe extern "system" fn(This, u8, u8, i32, u8) -> HRESULT,
    pub(super) initialize_for_restore: Method,
    pub(super) set_restore_state: Method,
    pub(super) gather_writer_metadata: Begin,
    pub(super) get_writer_metadata_count: Method,
    pub(super) get_writer_metadata: Method,
    pub(super) free_writer_metadata: Plain,
    pub(super) add_component: Method,
    pub(super) prepare_for_backup: Begin,
    pub(super) abort_backup: Plain,
    pub(super) gather_writer_status: Begin,
    pub(super) get_writer_status_count: CountCall,
    pub(super) free_writer_status: Plain,
    pub(super) get_writer_status: unsafe extern "system" fn(
        This,
        u32,
        *mut GUID,
        *mut GUID,
        *mut BSTR,
        *mut i32,
        *mut HRESULT,
    ) -> HRESULT,
    pub(super) set_backup_succeeded: Method,
    pub(super) set_backup_options: Method,
    pub(super) set_selected_for_restore: Method,
    pub(super) set_restore_options: Method,
    pub(super) set_additional_restores: Method,
    pub(super) set_previous_backup_stamp: Method,
    pub(super) save_as_xml: Method,
    pub(super) backup_complete: Begin,
    pub(super) add_alternative_location_mapping: Method,
    pub(super) add_restore_subcomponent: Method,
    pub(super) set_file_restore_status: Method,
    pub(super) add_new_target: Method,
    pub(super) set_ranges_file_path: Method,
    pub(super) pre_restore: Method,
    pub(super) post_restore: Method,
    pub(super) set_context: unsafe extern "system" fn(This, i32) -> HRESULT,
    pub(super) start_snapshot_set: unsafe extern "system" fn(This, *mut GUID) -> HRESULT,
    pub(super) add_to_snapshot_set:
        unsafe extern "system" fn(This, PCWSTR, GUID, *mut GUID) -> HRESULT,
    pub(super) do_snapshot_set: Begin,
    pub(super) delete_snapshots:
        unsafe extern "system" fn(This, GUID, i32, BOOL, *mut i32, *mut GUID) -> HRESULT,
    pub(super) import_snapshots: Method,
    pub(super) break_snapshot_set: Method,
    pub(super) get_snapshot_properties:
        unsafe extern "system" fn(This, GUID, *mut Properties) -> HRESULT,
    pub(super) query: Method,
    pub(super) is_volume_supported:
        unsafe extern "system" fn(This, GUID, PCWSTR, *mut BOOL) -> HRESULT,
}

/// `VSS_SNAPSHOT_PROP`.
#[repr(C)]
pub(super) struct Properties {
    pub(super) snapshot: GUID,
    pub(super) snapshot_set: GUID,
    pub(super) count: i32,
    pub(super) device: PWSTR,
    pub(super) original_volume: PWSTR,
    pub(super) originating_machine: PWSTR,
    pub(super) service_machine: PWSTR,
    pub(super) exposed_name: PWSTR,
    pub(super) exposed_path: PWSTR,
    pub(super) provider: GUID,
    pub(super) attributes: i32,
    pub(super) created: i64,
    pub(super) status: i32,
}

#[link(name = "ole32")]
unsafe extern "system" {
    pub(super) fn CoInitializeSecurity(
        descriptor: *mut c_void,
        services: i32,
        service: *const c_void,
        reserved: *const c_void,
        authentication: u32,
        impersonation: u32,
        list: *const c_void,
        capabilities: u32,
        reserved_too: *const c_void,
    ) -> HRESULT;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    pub(super) fn LoadLibraryExW(name: PCWSTR, file: *mut c_void, flags: u32) -> *mut c_void;
    pub(super) fn GetProcAddress(
        library: *mut c_void,
        name: *const u8,
    ) -> Option<unsafe extern "system" fn() -> isize>;
}
