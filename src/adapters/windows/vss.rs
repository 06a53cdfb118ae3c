//! Volume shadow copies, as Windows makes them for backup programs: `IVssBackupComponents` of
//! vssapi.dll, called by its table of functions (SPEC#snapshot).
//!
//! No safe crate offers it. Its tables are those of Microsoft's `vsbackup.h` and `vss.h`, entry by
//! entry; `tests/windows/standins/vssapi.c`, which is compiled from such a header, calls
//! them wrong if they are. A [`ShadowCopy`] takes its shadow copies down when it is dropped, whatever
//! happened; one that is left over by a crash is deleted by Windows.

mod table;

use std::ptr;

use windows_sys::Win32::Foundation::SysFreeString;
use windows_sys::core::{GUID, HRESULT};

use super::VolumeRoot;
use super::com::{CoInitializeEx, This};
use crate::model::cancel::Cancel;
use table::{
    AsyncTable, BackupTable, Begin, CoInitializeSecurity, GetProcAddress, LoadLibraryExW,
    Properties,
};

/// A shadow copy that goes with its requester, made together with the writers.
const VSS_CTX_BACKUP: i32 = 0;
/// Writers note no backup of theirs: other backup programs do not miss changes.
const VSS_BT_COPY: i32 = 5;
const VSS_OBJECT_SNAPSHOT_SET: i32 = 2;
const VSS_S_ASYNC_PENDING: HRESULT = 0x0004_2309;
const VSS_S_ASYNC_FINISHED: HRESULT = 0x0004_230A;
const VSS_S_ASYNC_CANCELLED: HRESULT = 0x0004_230B;
const COINIT_MULTITHREADED: u32 = 0;
const RPC_C_AUTHN_LEVEL_PKT_PRIVACY: u32 = 6;
const RPC_C_IMP_LEVEL_IDENTIFY: u32 = 2;
const EOAC_DYNAMIC_CLOAKING: u32 = 0x40;
const LOAD_LIBRARY_SEARCH_SYSTEM32: u32 = 0x800;
const RPC_E_TOO_LATE: HRESULT = 0x8001_0119_u32.cast_signed();
const E_UNEXPECTED: HRESULT = 0x8000_FFFF_u32.cast_signed();
const VSS_E_VOLUME_NOT_SUPPORTED: HRESULT = 0x8004_230C_u32.cast_signed();
/// Writer states from here on are failures, up to the last.
const VSS_WS_FAILED: std::ops::RangeInclusive<i32> = 6..=15;

/// How long one wait for Windows takes before it is asked whether the run was cancelled.
const LOOK: u32 = 500;

/// A call of VSS that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VssError {
    pub call: &'static str,
    /// What it returned.
    pub code: u32,
}

/// Why a shadow copy could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCopy {
    Failed(VssError),
    Cancelled,
}

impl From<VssError> for NoCopy {
    fn from(error: VssError) -> NoCopy {
        NoCopy::Failed(error)
    }
}

/// A program that prepares its files for shadow copies, and how it failed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterFailure {
    pub name: String,
    /// `VSS_WRITER_STATE`.
    pub state: i32,
    pub code: u32,
}

const NO_GUID: GUID = GUID::from_u128(0);

fn checked(call: &'static str, code: HRESULT) -> Result<(), VssError> {
    match code {
        0.. => Ok(()),
        _ => Err(VssError {
            call,
            code: code.cast_unsigned(),
        }),
    }
}

/// How far a backup has come, and so what takes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Created,
    /// A set is being put together: it is aborted.
    Started,
    /// The shadow copies are there.
    Made,
}

/// A conversation with VSS about shadow copies of one moment.
pub struct ShadowCopy {
    components: This,
    free_properties: unsafe extern "system" fn(*mut Properties),
    stage: Stage,
    set: GUID,
    /// By the roots of their volumes.
    snapshots: Vec<(VolumeRoot, GUID)>,
}

impl ShadowCopy {
    /// Opens it. COM is initialized for this thread, for the rest of the process.
    ///
    /// # Errors
    /// When Windows has no VSS, or refuses this account.
    #[allow(unsafe_code)]
    pub fn open() -> Result<ShadowCopy, VssError> {
        // SAFETY: no pointer is passed but null where it is allowed. The library stays loaded; its
        // functions have the types that `vsbackup.h` gives them.
        unsafe {
            let com = CoInitializeEx(ptr::null(), COINIT_MULTITHREADED);
            checked("CoInitializeEx", com)?;
            // Writers call back, and are to be able to.
            let security = CoInitializeSecurity(
                ptr::null_mut(),
                -1,
                ptr::null(),
                ptr::null(),
                RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
                RPC_C_IMP_LEVEL_IDENTIFY,
                ptr::null(),
                EOAC_DYNAMIC_CLOAKING,
                ptr::null(),
            );
            if security != RPC_E_TOO_LATE {
                checked("CoInitializeSecurity", security)?;
            }
            let name = super::wide("vssapi.dll".as_ref());
            let library =
                LoadLibraryExW(name.as_ptr(), ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32);
            let missing = VssError {
                call: "LoadLibrary of vssapi.dll",
                code: E_UNEXPECTED.cast_unsigned(),
            };
            if library.is_null() {
                return Err(missing);
            }
            let create = GetProcAddress(
                library,
                c"CreateVssBackupComponentsInternal".as_ptr().cast(),
            );
            let free = GetProcAddress(
                library,
                c"VssFreeSnapshotPropertiesInternal".as_ptr().cast(),
            );
            let (Some(create), Some(free)) = (create, free) else {
                return Err(missing);
            };
            let create: unsafe extern "system" fn(*mut This) -> HRESULT =
                std::mem::transmute(create);
            let mut components = ptr::null_mut();
            checked("CreateVssBackupComponents", create(&mut components))?;
            Ok(ShadowCopy {
                components,
                free_properties: std::mem::transmute::<
                    unsafe extern "system" fn() -> isize,
                    unsafe extern "system" fn(*mut Properties),
                >(free),
                stage: Stage::Created,
                set: NO_GUID,
                snapshots: Vec::new(),
            })
        }
    }

    #[allow(unsafe_code)]
    fn table(&self) -> &BackupTable {
        // SAFETY: an object of COM begins with the pointer to its table, which lives as long.
        unsafe { &**self.components.cast::<*const BackupTable>() }
    }

    /// Makes shadow copies of volumes at one moment, together with the programs that have files open
    /// on them. Returns those that failed to prepare.
    ///
    /// # Errors
    /// When VSS refuses one of them, or `cancel` is set.
    #[allow(unsafe_code)]
    pub fn make(
        &mut self,
        volumes: &[VolumeRoot],
        cancel: &Cancel,
    ) -> Result<Vec<WriterFailure>, NoCopy> {
        let this = self.components;
        // SAFETY: `this` is the object of the table; the roots end with 0; results are written to
        // places that live through the call.
        unsafe {
            let begun = (self.table().initialize_for_backup)(this, ptr::null());
            checked("InitializeForBackup", begun)?;
            let context = (self.table().set_context)(this, VSS_CTX_BACKUP);
            checked("SetContext", context)?;
            self.wait(
                "GatherWriterMetadata",
                self.table().gather_writer_metadata,
                cancel,
            )?;
            let freed = (self.table().free_writer_metadata)(this);
            checked("FreeWriterMetadata", freed)?;
            for volume in volumes {
                let (mut supported, root) = (0, volume.as_ptr());
                let asked = (self.table().is_volume_supported)(this, NO_GUID, root, &mut supported);
                checked("IsVolumeSupported", asked)?;
                if supported == 0 {
                    checked("IsVolumeSupported", VSS_E_VOLUME_NOT_SUPPORTED)?;
                }
            }
            let started = (self.table().start_snapshot_set)(this, &mut self.set);
            checked("StartSnapshotSet", started)?;
            self.stage = Stage::Started;
            for volume in volumes {
                let (mut snapshot, root) = (NO_GUID, volume.as_ptr());
                let added = (self.table().add_to_snapshot_set)(this, root, NO_GUID, &mut snapshot);
                checked("AddToSnapshotSet", added)?;
                self.snapshots.push((volume.clone(), snapshot));
            }
            let state = (self.table().set_backup_state)(this, 0, 0, VSS_BT_COPY, 0);
            checked("SetBackupState", state)?;
            self.wait("PrepareForBackup", self.table().prepare_for_backup, cancel)?;
            self.wait("DoSnapshotSet", self.table().do_snapshot_set, cancel)?;
        }
        self.stage = Stage::Made;
        Ok(self.failed_writers(cancel)?)
    }

    /// The programs that failed to prepare; their files are as a power cut would leave them.
    #[allow(unsafe_code)]
    fn failed_writers(&self, cancel: &Cancel) -> Result<Vec<WriterFailure>, NoCopy> {
        self.wait(
            "GatherWriterStatus",
            self.table().gather_writer_status,
            cancel,
        )?;
        let (this, mut failed, mut count) = (self.components, Vec::new(), 0);
        // SAFETY: as in `make`. A name that VSS allocates is copied and freed once.
        unsafe {
            let counted = (self.table().get_writer_status_count)(this, &mut count);
            checked("GetWriterStatusCount", counted)?;
            for number in 0..count {
                let (mut instance, mut writer, mut name) = (NO_GUID, NO_GUID, ptr::null());
                let (mut state, mut code) = (0, 0);
                let asked = (self.table().get_writer_status)(
                    this,
                    number,
                    &mut instance,
                    &mut writer,
                    &mut name,
                    &mut state,
                    &mut code,
                );
                checked("GetWriterStatus", asked)?;
                let text = text(name);
                SysFreeString(name);
                if VSS_WS_FAILED.contains(&state) || code < 0 {
                    failed.push(WriterFailure {
                        name: text,
                        state,
                        code: code.cast_unsigned(),
                    });
                }
            }
            checked("FreeWriterStatus", (self.table().free_writer_status)(this))?;
        }
        Ok(failed)
    }

    /// Whether there is one of this volume.
    pub fn has(&self, volume: &VolumeRoot) -> bool {
        self.snapshots.iter().any(|(root, _)| root == volume)
    }

    /// The device that shows the shadow copy of a volume, such as
    /// `\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy7`.
    ///
    /// # Errors
    /// When VSS does not say, or the set has no shadow copy of this volume.
    #[allow(unsafe_code)]
    pub fn device(&self, volume: &VolumeRoot) -> Result<String, VssError> {
        let mut all = self.snapshots.iter();
        let snapshot = all.find_map(|(root, snapshot)| (root == volume).then_some(*snapshot));
        // SAFETY: the structure is the one of `vss.h`, all zero is a value of it, and what VSS
        // allocates in it is read before it is freed, once.
        unsafe {
            let mut properties: Properties = std::mem::zeroed();
            let asked = (self.table().get_snapshot_properties)(
                self.components,
                snapshot.unwrap_or(NO_GUID),
                &mut properties,
            );
            checked("GetSnapshotProperties", asked)?;
            let device = text(properties.device);
            (self.free_properties)(&mut properties);
            Ok(device)
        }
    }

    /// Begins something and waits for its end.
    #[allow(unsafe_code)]
    fn wait(&self, call: &'static str, begin: Begin, cancel: &Cancel) -> Result<(), NoCopy> {
        let mut pending = ptr::null_mut();
        // SAFETY: `begin` is of the table of this object; what it hands out is an `IVssAsync`,
        // released once after its last use.
        unsafe {
            checked(call, begin(self.components, &mut pending))?;
            if pending.is_null() {
                return Ok(checked(call, E_UNEXPECTED)?);
            }
            let table = &**pending.cast::<*const AsyncTable>();
            let result = loop {
                let (mut status, mut reserved) = (VSS_S_ASYNC_PENDING, 0);
                let waited = checked(call, (table.wait)(pending, LOOK));
                let asked = (table.query_status)(pending, &mut status, &mut reserved);
                match waited.and_then(|()| checked(call, asked)) {
                    Err(error) => break Err(error.into()),
                    Ok(()) if status == VSS_S_ASYNC_FINISHED => break Ok(()),
                    Ok(()) if status == VSS_S_ASYNC_CANCELLED => break Err(NoCopy::Cancelled),
                    Ok(()) if status != VSS_S_ASYNC_PENDING && status < 0 => {
                        break checked(call, status).map_err(NoCopy::from);
                    }
                    Ok(()) if cancel.is_set() => {
                        (table.cancel)(pending);
                        break Err(NoCopy::Cancelled);
                    }
                    Ok(()) => {}
                }
            };
            (table.unknown.release)(pending);
            result
        }
    }

    /// Takes the shadow copies down, or what there is of them.
    ///
    /// # Errors
    /// When something of it failed. They go at the end of the process at the latest.
    #[allow(unsafe_code)]
    pub fn end(&mut self) -> Result<(), VssError> {
        let (this, stage) = (self.components, self.stage);
        self.stage = Stage::Created;
        match stage {
            Stage::Created => Ok(()),
            // SAFETY: as in `make`.
            Stage::Started => checked("AbortBackup", unsafe { (self.table().abort_backup)(this) }),
            Stage::Made => {
                let told = self.wait(
                    "BackupComplete",
                    self.table().backup_complete,
                    &Cancel::new(),
                );
                let (mut deleted, mut kept) = (0, NO_GUID);
                // SAFETY: as in `make`.
                let gone = unsafe {
                    (self.table().delete_snapshots)(
                        this,
                        self.set,
                        VSS_OBJECT_SNAPSHOT_SET,
                        1,
                        &mut deleted,
                        &mut kept,
                    )
                };
                checked("DeleteSnapshots", gone)?;
                match told {
                    Err(NoCopy::Failed(error)) => Err(error),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Drop for ShadowCopy {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // Whoever wants to know has called it.
        let _ = self.end();
        // SAFETY: the one reference is given back, once.
        unsafe { (self.table().unknown.release)(self.components) };
    }
}

/// Text that ends with 0; nothing for null.
#[allow(unsafe_code)]
fn text(from: *const u16) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: VSS ends its texts with 0, so all up to there can be read.
    unsafe {
        let length = (0..).take_while(|i| *from.add(*i) != 0).count();
        String::from_utf16_lossy(std::slice::from_raw_parts(from, length))
    }
}
