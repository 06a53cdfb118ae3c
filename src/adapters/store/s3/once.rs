//! An object is written once and never over another (SPEC#upload): each request that makes one
//! appear has the condition "only if none exists" (`If-None-Match: *`).
//!
//! If an answer was lost, the SDK tries again, and the server then answers that the object exists:
//! it is the same one. Credentials of a backup may list but not read (SPEC#upload), so the entity
//! tag in a listing, the MD5 of the content, shows whether it is the same. If the entity tag is not
//! a checksum (keys of KMS), nothing here shows that; the caller knows what it began to send.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedPart, ServerSideEncryption};
use md5::{Digest, Md5};

use super::{ObjectHead, S3Store, errors};
use crate::adapters::store::{Act, StoreError};

/// How often a write that crosses another is tried again, and after what pause. The conflict
/// lasts as long as the other request.
const CROSSED: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Answers that mean: check whether the object exists. The last one, because a finished upload is
/// no longer known.
const LOOK: [&str; 3] = [
    "PreconditionFailed",
    "ConditionalRequestConflict",
    "NoSuchUpload",
];

impl S3Store {
    /// Makes an object appear; false if it already existed. `send` gets the condition; `ours`
    /// describes the object.
    pub(super) async fn once<T, E, F>(
        &self,
        act: &Act,
        key: &str,
        ours: impl Fn() -> ObjectHead,
        send: impl Fn(Option<String>) -> F,
    ) -> Result<bool, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut crossed = 0;
        loop {
            let conditional = self.conditions.load(Ordering::Relaxed);
            if !conditional && let Some(there) = self.find(act, key).await? {
                return self.judge(act, key, &there, &ours()).await;
            }
            let Err(error) = send(conditional.then(|| "*".to_owned())).await else {
                return Ok(true);
            };
            let status = error
                .raw_response()
                .map(|response| response.status().as_u16());
            let code = error.code().unwrap_or_default();
            if conditional && (status == Some(501) || code == "NotImplemented") {
                self.conditions.store(false, Ordering::Relaxed);
                continue;
            }
            let look = LOOK.contains(&code) || matches!(status, Some(409 | 412));
            if look && let Some(there) = self.find(act, key).await? {
                return self.judge(act, key, &there, &ours()).await;
            }
            if code != "ConditionalRequestConflict" || crossed == CROSSED {
                return Err(errors::explain(act, &self.settings, error));
            }
            crossed += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// False when an object that is there is the one that was to appear.
    async fn judge(
        &self,
        act: &Act,
        key: &str,
        there: &ObjectHead,
        ours: &ObjectHead,
    ) -> Result<bool, StoreError> {
        if there.is(ours) {
            return Ok(false);
        }
        match there.size == ours.size && self.has_opaque_tags(key).await {
            true => Err(act.unclear()),
            false => Err(act.exists()),
        }
    }

    /// Whether entity tags are no checksums here, as with keys of KMS. The answer to the beginning
    /// of an upload may say it to whoever may write; if not, the tag of a part that is sent and
    /// thrown away shows it. If neither can be had, entity tags count as checksums.
    async fn has_opaque_tags(&self, key: &str) -> bool {
        let create = self.client.create_multipart_upload();
        let begun = create.bucket(&self.settings.bucket).key(key).send().await;
        let Ok(begun) = begun else { return false };
        let says_so = matches!(
            begun.server_side_encryption(),
            Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)
        );
        let Some(id) = begun.upload_id() else {
            return says_so;
        };
        let is_opaque = says_so || self.part_has_opaque_tag(key, id).await;
        self.abort(key, id).await;
        is_opaque
    }

    async fn part_has_opaque_tag(&self, key: &str, id: &str) -> bool {
        const PROBE: &[u8] = b"is the entity tag the MD5 of this?";
        let part = self
            .client
            .upload_part()
            .bucket(&self.settings.bucket)
            .key(key)
            .upload_id(id)
            .part_number(1)
            .body(ByteStream::from_static(PROBE));
        let sent = part.send().await.ok();
        let tag = sent.and_then(|sent| sent.e_tag);
        tag.is_some_and(|tag| tag.trim_matches('"').to_ascii_lowercase() != etag_of(PROBE))
    }
}

impl ObjectHead {
    /// Whether both have the same content, as far as the entity tags show.
    fn is(&self, other: &ObjectHead) -> bool {
        let tag = |found: &ObjectHead| {
            found
                .etag
                .as_ref()
                .map(|etag| etag.trim_matches('"').to_ascii_lowercase())
        };
        self.size == other.size && self.etag.is_some() && tag(self) == tag(other)
    }
}

/// The entity tag of an object that was sent in one request.
pub(super) fn etag_of(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// The entity tag of an object of several parts, from theirs.
pub(super) fn etag_of_parts(parts: &[CompletedPart]) -> Option<String> {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(hex::decode(part.e_tag()?.trim_matches('"')).ok()?);
    }
    Some(format!(
        "{}-{}",
        hex::encode(digest.finalize()),
        parts.len()
    ))
}
