//! An object is written once and never over another (SPEC#upload): each request that makes one
//! appear says "only if there is none" (`If-None-Match: *`).
//!
//! The SDK tries again when an answer was lost, and is then told that there is such an object: its
//! own. Whoever backs up may list but not read (SPEC#upload), so the entity tag of a listing tells
//! whether it is: the MD5 of the content. Where it is not (keys of KMS), nothing tells, and the
//! object counts as another's.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::CompletedPart;
use md5::{Digest, Md5};

use super::{ObjectHead, S3Store, errors};
use crate::adapters::store::{Act, StoreError};

/// How often a write that crosses another is tried again, and after what pause. The conflict
/// lasts as long as the other request.
const CROSSED: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// Answers that mean: look whether there is the object. The last, because a finished upload is no
/// longer known.
const LOOK: [&str; 3] = [
    "PreconditionFailed",
    "ConditionalRequestConflict",
    "NoSuchUpload",
];

impl S3Store {
    /// Makes an object appear; false when it was there already. `send` is given the condition;
    /// `ours` tells what the object will be like.
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
        let judge = |there: ObjectHead| {
            if there.is(&ours()) {
                Ok(false)
            } else {
                Err(act.exists())
            }
        };
        let mut crossed = 0;
        loop {
            let conditional = self.conditions.load(Ordering::Relaxed);
            if !conditional && let Some(there) = self.find(act, key).await? {
                return judge(there);
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
                return judge(there);
            }
            if code != "ConditionalRequestConflict" || crossed == CROSSED {
                return Err(errors::explain(act, &self.settings, error));
            }
            crossed += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl ObjectHead {
    /// Whether both have the same content, as far as the entity tags tell.
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
