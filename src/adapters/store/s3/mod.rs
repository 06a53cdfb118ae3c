//! The S3 store: Amazon S3 and servers that speak its language.
//!
//! The SDK is asynchronous, the rest of the program is not: the store has a small runtime, and
//! every call waits for its own result and checks for an interrupt meanwhile.

mod client;
mod download;
mod errors;
mod growing;
mod nodes;
mod once;
mod pace;
mod parts;
mod probe;
mod profile;
mod remove;
mod thaw;
mod upload;
mod versions;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types as sdk;
use chrono::{DateTime, Utc};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;

use growing::GrowingUpload;
use nodes::Nodes;
use pace::Pace;
use versions::OldVersion;

pub use probe::{UploadRight, Versioning};
pub use profile::S3Settings;

use super::{
    Act, Direction, GrowingObject, Progress, Purpose, ReceivedBefore, Store, StoreError,
    StoreErrorKind,
};
use crate::model::cancel::Cancel;
use crate::model::object::{Object, ObjectRef, ThawState};
use crate::model::policy::{StorageClass, Tier};

/// How often a waiting call checks whether the run was interrupted: no noticeable delay for a
/// person, and no load for the processor.
const TICK: Duration = Duration::from_millis(100);

/// Archives in an S3 bucket.
pub struct S3Store {
    settings: S3Settings,
    label: String,
    client: Client,
    nodes: Nodes,
    /// Whether the server gets checksums besides the signed content.
    checksums: bool,
    /// Whether requests may have the condition not to overwrite an object. False after the server
    /// refused it.
    conditions: AtomicBool,
    /// One for each connection; whoever sends content holds one.
    upload_slots: Arc<Semaphore>,
    upload_pace: Arc<Pace>,
    /// The same for receiving.
    download_slots: Semaphore,
    download_pace: Arc<Pace>,
    /// Versions that are read instead of the newest ones, by key.
    versions: Mutex<BTreeMap<String, OldVersion>>,
    cancel: Cancel,
    handle: Handle,
    /// `None` only while the store is dropped.
    runtime: Option<Runtime>,
}

impl S3Store {
    /// Prepares a connection. Nothing is sent yet: the first listing shows whether the bucket
    /// exists.
    ///
    /// # Errors
    /// When this computer has no threads to give.
    pub fn open(settings: S3Settings, cancel: Cancel) -> Result<S3Store, StoreError> {
        let label = format!("s3://{}", settings.bucket);
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("s3")
            .enable_all()
            .build()
            .map_err(|error| {
                let act = Act {
                    store: label.clone(),
                    what: "opening".to_owned(),
                };
                act.error(
                    StoreErrorKind::Other,
                    format_args!("cannot start threads: {error}"),
                    "",
                )
            })?;
        let handle = runtime.handle().clone();
        let nodes = Nodes::new(&settings.endpoints);
        let (client, checksums) = handle.block_on(client::connect(&settings, &nodes));
        Ok(S3Store {
            upload_slots: Arc::new(Semaphore::new(settings.upload.connections.max(1))),
            upload_pace: Pace::new(settings.upload.limit.clone()),
            download_slots: Semaphore::new(settings.download.connections.max(1)),
            download_pace: Pace::new(settings.download.limit.clone()),
            settings,
            label,
            client,
            nodes,
            checksums,
            conditions: AtomicBool::new(true),
            versions: Mutex::default(),
            cancel,
            handle,
            runtime: Some(runtime),
        })
    }

    fn act(&self, verb: &str, key: &str) -> Act {
        Act {
            store: self.label.clone(),
            what: format!("{verb} {key}"),
        }
    }

    /// Waits for a result, or for the interrupt.
    fn wait<T>(
        &self,
        act: &Act,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.handle
            .block_on(unless_interrupted(act, &self.cancel, work))
    }

    fn storage_class(&self, purpose: Purpose) -> sdk::StorageClass {
        match purpose {
            Purpose::Index => sdk::StorageClass::Standard,
            Purpose::Archive => match self.settings.storage_class {
                StorageClass::Standard => sdk::StorageClass::Standard,
                StorageClass::StandardIa => sdk::StorageClass::StandardIa,
                StorageClass::OnezoneIa => sdk::StorageClass::OnezoneIa,
                StorageClass::IntelligentTiering => sdk::StorageClass::IntelligentTiering,
                StorageClass::GlacierIr => sdk::StorageClass::GlacierIr,
                StorageClass::Glacier => sdk::StorageClass::Glacier,
                StorageClass::DeepArchive => sdk::StorageClass::DeepArchive,
            },
        }
    }

    /// Size and entity tag of one object, from a listing: a backup user may list but not read
    /// (SPEC#names), and a HEAD needs the right to read.
    async fn find(&self, act: &Act, key: &str) -> Result<Option<ObjectHead>, StoreError> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.settings.bucket)
            .prefix(key)
            .max_keys(1)
            .send()
            .await
            .map_err(|error| errors::explain(act, &self.settings, error))?;
        // Of all keys that begin with this one, it is itself the first.
        Ok(page
            .contents()
            .iter()
            .find(|object| object.key() == Some(key))
            .map(|object| ObjectHead {
                size: bytes(object.size()),
                etag: object.e_tag().map(str::to_owned),
            }))
    }

    async fn list_all(&self, act: &Act, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let listed = self.list_timed(act, prefix).await?;
        Ok(listed.into_iter().map(|(object, _)| object).collect())
    }

    /// As [`S3Store::list_all`], with the time at which the server received each object. One whose
    /// time is not known is new.
    async fn list_timed(
        &self,
        act: &Act,
        prefix: &str,
    ) -> Result<Vec<(Object, DateTime<Utc>)>, StoreError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.settings.bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut objects = Vec::new();
        let (mut is_cut, mut empty) = (false, 0);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| errors::explain(act, &self.settings, error))?;
            is_cut = page.is_truncated() == Some(true);
            empty = if page.contents().is_empty() {
                empty + 1
            } else {
                0
            };
            if empty > MOST_EMPTY_PAGES {
                break;
            }
            for object in page.contents() {
                if let Some(key) = object.key() {
                    let (key, size) = (key.to_owned(), bytes(object.size()));
                    objects.push((Object { key, size }, versions::time(object.last_modified())));
                }
            }
        }
        // The SDK stops at a page that leads to itself. What was listed until then is not all.
        if is_cut {
            return Err(endless(act));
        }
        // Amazon sorts already, by UTF-8 bytes as `str` does; other servers need not.
        objects.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        Ok(objects)
    }
}

fn endless(act: &Act) -> StoreError {
    act.error(
        StoreErrorKind::Other,
        "the listing does not end: the server names the same page again, or empty ones",
        "the content of the bucket is not known: check whether the endpoint is an S3 server",
    )
}

/// A server may answer a page without objects and say that there are more, as after many deletions,
/// but not for ever.
const MOST_EMPTY_PAGES: usize = 20;

async fn unless_interrupted<T>(
    act: &Act,
    stop: &Cancel,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut work = pin!(work);
    loop {
        if stop.is_set() {
            return Err(act.interrupted());
        }
        if let Ok(result) = tokio::time::timeout(TICK, work.as_mut()).await {
            return result;
        }
    }
}

/// What a listing says of one object.
#[derive(Clone, Debug)]
struct ObjectHead {
    size: u64,
    etag: Option<String>,
}

/// Sizes are signed in the SDK.
fn bytes(size: Option<i64>) -> u64 {
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

impl Store for S3Store {
    fn as_s3(&self) -> Option<&S3Store> {
        Some(self)
    }

    fn label(&self) -> &str {
        &self.label
    }

    fn connections(&self, direction: Direction) -> usize {
        match direction {
            Direction::Upload => self.settings.upload.connections.max(1),
            Direction::Download => self.settings.download.connections.max(1),
        }
    }

    fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let act = self.act("listing", &format!("{prefix}*"));
        self.wait(&act, self.list_all(&act, prefix))
    }

    fn list_before(
        &self,
        prefix: &str,
        moment: DateTime<Utc>,
    ) -> Result<ReceivedBefore, StoreError> {
        let act = self.act("listing", &format!("{prefix}*"));
        self.wait(&act, self.received_before(&act, prefix, moment))
    }

    fn put(
        &self,
        key: &str,
        source: &Path,
        purpose: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        let act = self.act("uploading", key);
        self.handle
            .block_on(self.upload_file(&act, key, source, purpose, progress))
    }

    fn grow<'a>(
        &'a self,
        key: &str,
        purpose: Purpose,
    ) -> Result<Box<dyn GrowingObject + 'a>, StoreError> {
        Ok(Box::new(GrowingUpload::begin(self, key, purpose)?))
    }

    fn remove_trace(&self, key: &str, trace: &str) -> Result<(), StoreError> {
        self.handle.block_on(self.abort_begun(key, trace))
    }

    fn put_bytes(
        &self,
        key: &str,
        bytes: &[u8],
        purpose: Purpose,
    ) -> Result<ObjectRef, StoreError> {
        let act = self.act("uploading", key);
        self.wait(&act, self.upload_whole(&act, key, bytes, purpose))
    }

    fn read(&self, key: &str, limit: u64) -> Result<Vec<u8>, StoreError> {
        let act = self.act("downloading", key);
        self.wait(&act, self.download_small(&act, key, limit))
    }

    fn get_part(
        &self,
        key: &str,
        part: Option<Range<u64>>,
        target: &Path,
        stop: &Cancel,
        progress: Progress<'_>,
    ) -> Result<(), StoreError> {
        let act = self.act("downloading", key);
        let work = self.download(&act, key, part, target, stop, progress);
        self.handle.block_on(work)
    }

    fn thaw_state(&self, key: &str) -> Result<ThawState, StoreError> {
        let act = self.act("looking at", key);
        self.wait(&act, self.look(&act, key))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let act = self.act("deleting", key);
        self.wait(&act, self.delete(&act, key))
    }

    fn thaw(&self, key: &str, days: u32, tier: Tier) -> Result<(), StoreError> {
        let act = self.act("requesting", key);
        self.wait(&act, self.request_thaw(&act, key, days, tier))
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Drop for S3Store {
    fn drop(&mut self) {
        // The lookup of a name cannot be interrupted, so the program must not wait for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
