//! A multipart upload of an object whose content is still being made.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use tokio::task::{JoinError, JoinSet};

use super::parts::UploadPart;
use super::{S3Store, errors, unless_interrupted};
use crate::adapters::store::growing::GrowingObject;
use crate::adapters::store::{Act, Purpose, StoreError, StoreErrorKind};
use crate::model::object::ObjectRef;

/// How many parts of one object are under way at the most. Memory holds each of them.
const UNDER_WAY: usize = 2;

type SentPart = Result<(CompletedPart, u64), StoreError>;

/// An upload that was begun.
pub(super) struct GrowingUpload<'a> {
    store: &'a S3Store,
    act: Act,
    key: String,
    id: String,
    next: i32,
    senders: JoinSet<SentPart>,
    done: Vec<CompletedPart>,
}

impl<'a> GrowingUpload<'a> {
    pub(super) fn begin(
        store: &'a S3Store,
        key: &str,
        purpose: Purpose,
    ) -> Result<GrowingUpload<'a>, StoreError> {
        let act = store.act("uploading", key);
        let id = store
            .handle
            .block_on(store.begin_parts(&act, key, purpose))?;
        Ok(GrowingUpload {
            store,
            act,
            key: key.to_owned(),
            id,
            next: 1,
            senders: JoinSet::new(),
            done: Vec::new(),
        })
    }

    /// Waits until fewer parts than this are under way.
    async fn confirm_until(&mut self, count: usize) -> Result<(), StoreError> {
        while self.senders.len() >= count.max(1) {
            let Some(finished) = self.senders.join_next().await else {
                break;
            };
            let lost = |error: JoinError| self.act.error(StoreErrorKind::Other, error, "");
            let (part, _) = finished.map_err(lost)??;
            self.done.push(part);
        }
        Ok(())
    }
}

impl GrowingObject for GrowingUpload<'_> {
    fn trace(&self) -> String {
        self.id.clone()
    }

    fn add(&mut self, part: Bytes) -> Result<(), StoreError> {
        let (store, act) = (self.store, self.act.clone());
        let work = async {
            let slots = store.upload_slots.clone().acquire_owned().await;
            let part = UploadPart {
                number: self.next,
                bytes: part,
                slots: slots.map_err(|_| self.act.interrupted())?,
            };
            self.next += 1;
            let sending = store.send_part(self.act.clone(), &self.key, &self.id, part);
            self.senders.spawn(sending);
            self.confirm_until(UNDER_WAY).await
        };
        store
            .handle
            .block_on(unless_interrupted(&act, &store.cancel, work))
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let (store, act) = (self.store, self.act.clone());
        let work = self.confirm_until(1);
        store
            .handle
            .block_on(unless_interrupted(&act, &store.cancel, work))?;
        self.done.sort_by_key(CompletedPart::part_number);
        Ok(())
    }

    fn publish(self: Box<Self>, stored: &ObjectRef) -> Result<(), StoreError> {
        let GrowingUpload {
            store,
            act,
            key,
            id,
            done,
            ..
        } = *self;
        let work = async {
            if !store.complete(&act, &key, &id, done, stored.size).await? {
                store.abort(&key, &id).await;
            }
            store.check_size(&act, &key, stored.size).await
        };
        let work = unless_interrupted(&act, &store.cancel, work);
        match store.handle.block_on(work) {
            Ok(()) => Ok(()),
            Err(error) => Err(store.handle.block_on(store.given_up(&key, &id, error))),
        }
    }

    fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        let GrowingUpload {
            store,
            key,
            id,
            mut senders,
            ..
        } = *self;
        store.handle.block_on(async {
            // A part that arrives after the abort would stay and be paid for.
            senders.shutdown().await;
            store.abort_begun(&key, &id).await
        })
    }
}

impl S3Store {
    /// Aborts an upload that may have been aborted already.
    pub(super) async fn abort_begun(&self, key: &str, id: &str) -> Result<(), StoreError> {
        let act = self.act("removing the parts of", key);
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key)
            .upload_id(id);
        // An interrupted run ends soon, also when the server does not answer.
        let limit = crate::adapters::aws::CONNECT_TIMEOUT;
        match tokio::time::timeout(limit, request.send()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.code() == Some("NoSuchUpload") => Ok(()),
            Ok(Err(error)) => Err(errors::explain(&act, &self.settings, error)),
            Err(_) => {
                let why = format_args!("no answer within {} s", limit.as_secs());
                Err(act.error(StoreErrorKind::Unreachable, why, ""))
            }
        }
    }
}
