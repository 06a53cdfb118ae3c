//! Uploads: small objects in one request, larger ones in parts.
//!
//! One thread reads the file from beginning to end and hashes it, while a few parts are under way.
//! The reader takes a slot of the store for each part, so that memory holds no more parts than
//! there are connections, of all files that are sent at a time.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::pace::PacedRequests;
use super::parts::{Checksums, Slots, UploadPart, read_parts};
use super::{ObjectHead, S3Store, errors, once, unless_interrupted};
use crate::adapters::aws::CONNECT_TIMEOUT;
use crate::adapters::store::local::LocalFile;
use crate::adapters::store::{Act, Progress, Purpose, StoreError, StoreErrorKind};
use crate::model::object::ObjectRef;
use crate::model::slices::Hasher;
use crate::plan::cost::requests::{SMALLEST_PART, part_size};

impl S3Store {
    pub(super) async fn upload_file(
        &self,
        act: &Act,
        key: &str,
        path: &Path,
        purpose: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        let mut source = LocalFile::open(path, act)?;
        if source.size() > SMALLEST_PART {
            return self.upload_parts(act, key, source, purpose, progress).await;
        }
        let slot = self.upload_slots.acquire();
        let slot = unless_interrupted(act, &self.cancel, async { Ok(slot.await) }).await?;
        // One byte more than there should be, to notice a file that grew.
        let size = usize::try_from(source.size()).unwrap_or(0);
        let mut bytes = vec![0; size + 1];
        let count = source.fill(&mut bytes, act)?;
        source.check_unchanged(act)?;
        bytes.truncate(count);
        let stored = unless_interrupted(
            act,
            &self.cancel,
            self.upload_whole(act, key, &bytes, purpose),
        )
        .await?;
        drop(slot);
        progress(stored.size);
        Ok(stored)
    }

    /// One request. S3 shows the object only when all of it arrived with the right checksum.
    pub(super) async fn upload_whole(
        &self,
        act: &Act,
        key: &str,
        bytes: &[u8],
        purpose: Purpose,
    ) -> Result<ObjectRef, StoreError> {
        let size = bytes.len() as u64;
        let mut digest = Hasher::new(size);
        digest.update(bytes);
        let (sha256, slices) = digest.finish();
        let ours = || ObjectHead {
            size,
            etag: Some(once::etag_of(bytes)),
        };
        self.once(act, key, ours, |condition| {
            self.client
                .put_object()
                .bucket(&self.settings.bucket)
                .key(key)
                .set_if_none_match(condition)
                .storage_class(self.storage_class(purpose))
                .set_checksum_algorithm(self.checksum_algorithm())
                .body(ByteStream::from(bytes.to_vec()))
                .customize()
                .interceptor(self.paced())
                .config_override(self.patient(size))
                .send()
        })
        .await?;
        Ok(ObjectRef {
            key: key.to_owned(),
            size,
            sha256,
            slices,
        })
    }

    async fn upload_parts(
        &self,
        act: &Act,
        key: &str,
        source: LocalFile,
        purpose: Purpose,
        progress: Progress<'_>,
    ) -> Result<ObjectRef, StoreError> {
        let size = source.size();
        let id = self.begin_parts(act, key, purpose).await?;
        let mut senders = JoinSet::new();
        let work = async {
            let (parts, (sha256, slices)) = self
                .send_parts(act, key, &id, source, &mut senders, progress)
                .await?;
            // The last moment: a finished object stays.
            if self.cancel.is_set() {
                return Err(act.interrupted());
            }
            if !self.complete(act, key, &id, parts, size).await? {
                // By this upload, whose answer was lost, or by one before: then the parts of this
                // one are still there.
                self.abort(key, &id).await;
            }
            self.check_size(act, key, size).await?;
            Ok(ObjectRef {
                key: key.to_owned(),
                size,
                sha256,
                slices,
            })
        };
        let result = unless_interrupted(act, &self.cancel, work).await;
        match result {
            Ok(stored) => Ok(stored),
            Err(error) => {
                // A part that arrives after the abort would stay and be paid for: first stop the
                // senders.
                senders.shutdown().await;
                Err(self.given_up(key, &id, error).await)
            }
        }
    }

    /// Begins a multipart upload; returns its id.
    pub(super) async fn begin_parts(
        &self,
        act: &Act,
        key: &str,
        purpose: Purpose,
    ) -> Result<String, StoreError> {
        let create = async {
            self.client
                .create_multipart_upload()
                .bucket(&self.settings.bucket)
                .key(key)
                .storage_class(self.storage_class(purpose))
                .set_checksum_algorithm(self.checksum_algorithm())
                .send()
                .await
                .map_err(|error| errors::explain(act, &self.settings, error))
        };
        let created = unless_interrupted(act, &self.cancel, create).await?;
        created.upload_id().map(str::to_owned).ok_or_else(|| {
            act.error(
                StoreErrorKind::Other,
                "the server did not start a multipart upload",
                "",
            )
        })
    }

    /// Sends the file in parts; returns what S3 confirmed of each, and the checksums for the
    /// marker.
    async fn send_parts(
        &self,
        act: &Act,
        key: &str,
        id: &str,
        source: LocalFile,
        senders: &mut JoinSet<Result<(CompletedPart, u64), StoreError>>,
        progress: Progress<'_>,
    ) -> Result<(Vec<CompletedPart>, Checksums), StoreError> {
        let part_size = part_size(source.size());
        let slots = Slots::of(self, part_size);
        let (to_senders, mut from_reader) = mpsc::channel(1);
        let reader = {
            let act = act.clone();
            tokio::task::spawn_blocking(move || {
                read_parts(source, part_size, &act, &slots, &to_senders)
            })
        };
        let mut done = Vec::new();
        let mut confirm =
            |finished: Result<Result<(CompletedPart, u64), StoreError>, tokio::task::JoinError>| {
                let (part, size) =
                    finished.map_err(|error| act.error(StoreErrorKind::Other, error, ""))??;
                progress(size);
                done.push(part);
                Ok::<(), StoreError>(())
            };
        while let Some(part) = from_reader.recv().await {
            while let Some(finished) = senders.try_join_next() {
                confirm(finished)?;
            }
            senders.spawn(self.send_part(act.clone(), key, id, part));
        }
        while let Some(finished) = senders.join_next().await {
            confirm(finished)?;
        }
        let checksums = reader
            .await
            .map_err(|error| act.error(StoreErrorKind::Other, error, ""))??;
        done.sort_by_key(CompletedPart::part_number);
        Ok((done, checksums))
    }

    /// One part, on its own: it outlives the borrow of the store.
    pub(super) fn send_part(
        &self,
        act: Act,
        key: &str,
        id: &str,
        part: UploadPart,
    ) -> impl Future<Output = Result<(CompletedPart, u64), StoreError>> + Send + 'static {
        let size = part.bytes.len() as u64;
        let settings = self.settings.clone();
        let request = self
            .client
            .upload_part()
            .bucket(&self.settings.bucket)
            .key(key)
            .upload_id(id)
            .part_number(part.number)
            .set_checksum_algorithm(self.checksum_algorithm())
            .body(ByteStream::from(part.bytes))
            .customize()
            .interceptor(self.paced())
            .config_override(self.patient(size));
        async move {
            let sent = request
                .send()
                .await
                .map_err(|error| errors::explain(&act, &settings, error))?;
            let completed = CompletedPart::builder()
                .part_number(part.number)
                .set_e_tag(sent.e_tag)
                .set_checksum_crc32(sent.checksum_crc32)
                .build();
            drop(part.slots);
            Ok((completed, size))
        }
    }

    pub(super) async fn complete(
        &self,
        act: &Act,
        key: &str,
        id: &str,
        parts: Vec<CompletedPart>,
        size: u64,
    ) -> Result<bool, StoreError> {
        let ours = || ObjectHead {
            size,
            etag: once::etag_of_parts(&parts),
        };
        self.once(act, key, ours, |condition| {
            self.client
                .complete_multipart_upload()
                .bucket(&self.settings.bucket)
                .key(key)
                .upload_id(id)
                .set_if_none_match(condition)
                .multipart_upload(
                    CompletedMultipartUpload::builder()
                        .set_parts(Some(parts.clone()))
                        .build(),
                )
                .customize()
                // Some servers copy all parts together before they answer.
                .config_override(self.patient(SMALLEST_PART))
                .send()
        })
        .await
    }

    /// What the server shows must be what was sent.
    pub(super) async fn check_size(
        &self,
        act: &Act,
        key: &str,
        size: u64,
    ) -> Result<(), StoreError> {
        match self.find(act, key).await? {
            Some(found) if found.size == size => Ok(()),
            Some(found) => {
                let why = format_args!(
                    "the finished object has {} bytes instead of {size}",
                    found.size
                );
                Err(act.error(
                    StoreErrorKind::Other,
                    why,
                    "the server lost data: do not rely on it",
                ))
            }
            None => Err(act.error(
                StoreErrorKind::Other,
                "the finished object is not listed",
                "",
            )),
        }
    }

    /// Removes the parts sent so far; whether that was done.
    pub(super) async fn abort(&self, key: &str, id: &str) -> bool {
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(&self.settings.bucket)
            .key(key)
            .upload_id(id);
        // An interrupted run ends soon, also when the server does not answer.
        matches!(
            tokio::time::timeout(CONNECT_TIMEOUT, request.send()).await,
            Ok(Ok(_))
        )
    }

    /// Removes the parts after an error. When that fails too, the user must know: unfinished
    /// uploads are invisible and paid.
    pub(super) async fn given_up(&self, key: &str, id: &str, mut error: StoreError) -> StoreError {
        if !self.abort(key, id).await {
            if !error.hint.is_empty() {
                error.hint.push_str("; ");
            }
            error.hint.push_str(
                "the parts sent so far could not be removed: give the bucket a lifecycle rule that aborts incomplete \
                 multipart uploads",
            );
        }
        error
    }

    fn paced(&self) -> PacedRequests {
        PacedRequests(self.upload_pace.clone())
    }

    /// CRC-32: every S3-compatible server that takes checksums takes it, and it costs nothing
    /// beside the SHA-256 of each part that is in the signature anyway.
    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.checksums.then_some(ChecksumAlgorithm::Crc32)
    }
}
