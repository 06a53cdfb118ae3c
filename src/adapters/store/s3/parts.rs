//! A file that is sent in parts: read from beginning to end, hashed, and handed to the senders.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::S3Store;
use crate::adapters::store::local::LocalFile;
use crate::adapters::store::{Act, StoreError};
use crate::model::slices::{Hasher, Slices};
use crate::plan::cost::requests::MEBIBYTE;

/// How much memory the parts under way may take. It matters for files of terabytes, whose parts are
/// large.
const MEMORY: u64 = 256 * MEBIBYTE;

/// One piece of the file, on its way from the reader to a sender.
pub(super) struct UploadPart {
    pub(super) number: i32,
    pub(super) bytes: Bytes,
    pub(super) slots: OwnedSemaphorePermit,
}

/// SHA-256 of a file, and of its slices.
pub(super) type Checksums = (String, Option<Slices>);

/// What the reader of a file takes before it reads a part.
pub(super) struct Slots {
    of_store: Arc<Semaphore>,
    /// For one part.
    count: u32,
    runtime: Handle,
}

impl Slots {
    pub(super) fn of(store: &S3Store, part_size: u64) -> Slots {
        let all = u32::try_from(store.settings.upload.connections.max(1)).unwrap_or(1);
        let count = (part_size * u64::from(all)).div_ceil(MEMORY);
        Slots {
            of_store: store.upload_slots.clone(),
            count: u32::try_from(count).unwrap_or(all).clamp(1, all),
            runtime: store.handle.clone(),
        }
    }

    /// Waits; `None` when the store is gone.
    fn take(&self) -> Option<OwnedSemaphorePermit> {
        let slots = self.of_store.clone().acquire_many_owned(self.count);
        self.runtime.block_on(slots).ok()
    }
}

/// Reads the file part by part until nobody takes them any more; returns its checksums.
pub(super) fn read_parts(
    mut source: LocalFile,
    part_size: u64,
    act: &Act,
    slots: &Slots,
    to: &mpsc::Sender<UploadPart>,
) -> Result<Checksums, StoreError> {
    let mut digest = Hasher::new(source.size());
    let part_size = usize::try_from(part_size).unwrap_or(usize::MAX);
    for number in 1.. {
        let slots = slots.take().ok_or_else(|| act.interrupted())?;
        let mut bytes = vec![0; part_size];
        let count = source.fill(&mut bytes, act)?;
        if count < part_size {
            source.check_unchanged(act)?;
        }
        if count == 0 {
            break;
        }
        bytes.truncate(count);
        digest.update(&bytes);
        let part = UploadPart {
            number,
            bytes: bytes.into(),
            slots,
        };
        if to.blocking_send(part).is_err() {
            return Err(act.interrupted());
        }
    }
    Ok(digest.finish())
}
