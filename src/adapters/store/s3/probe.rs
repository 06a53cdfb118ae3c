//! Questions about a bucket and what its credentials may do, asked so that nothing is left behind
//! (for `doctor`).
//!
//! Rights cannot be read by those who have them, only tried. A trial that would change something
//! names a key that no object has. S3 looks at the rights first, so that a refusal can be
//! distinguished from an answer about the missing object.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types as sdk;
use chrono::{DateTime, TimeDelta, Utc};

use super::{S3Store, errors};
use crate::adapters::store::{Act, Purpose, StoreError, StoreErrorKind};
use crate::model::lifecycle::LifecycleRule;

/// What a trial upload showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadRight {
    Full,
    /// Uploads can be started but not aborted: the parts of a failed one stay, invisible but
    /// charged.
    WithoutAbort,
    None,
}

/// Whether a bucket keeps what is overwritten or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    Enabled,
    Suspended,
    Off,
}

impl S3Store {
    /// Whether objects may be deleted. The first request has the condition "only if the object
    /// exists" (`If-Match: *`, which needs no other right; a specific entity tag would need the
    /// right to read), so even a versioned bucket makes no delete marker. S3 may refuse access
    /// instead of saying that an object does not exist. Only in this case, the request is repeated
    /// without the condition. It is refused again unless the right is granted.
    ///
    /// # Errors
    /// When the answer tells neither.
    pub fn may_delete(&self, missing: &str) -> Result<bool, StoreError> {
        let act = self.act("trying to delete", missing);
        self.wait(&act, async {
            let request = self
                .client
                .delete_object()
                .bucket(&self.settings.bucket)
                .key(missing);
            let conditional = self.answered(&act, request.clone().if_match("*").send().await)?;
            Ok(conditional || self.answered(&act, request.send().await)?)
        })
    }

    /// Whether versions of objects may be deleted for good, which is another right. A request that
    /// names a version makes no delete marker; `null` is the one name of a version that every
    /// bucket knows.
    ///
    /// # Errors
    /// When the answer tells neither.
    pub fn may_delete_versions(&self, missing: &str) -> Result<bool, StoreError> {
        let act = self.act("trying to delete a version of", missing);
        self.wait(&act, async {
            let request = self
                .client
                .delete_object()
                .bucket(&self.settings.bucket)
                .key(missing)
                .version_id("null");
            self.answered(&act, request.send().await)
        })
    }

    /// Whether objects may be read, tried with at most one byte. An existing object gives a more
    /// reliable answer: S3 may refuse access instead of saying that an object does not exist.
    ///
    /// # Errors
    /// When the answer tells neither.
    pub fn may_read(&self, key: &str) -> Result<bool, StoreError> {
        let act = self.act("trying to read", key);
        self.wait(&act, async {
            let request = self
                .client
                .get_object()
                .bucket(&self.settings.bucket)
                .key(key)
                .range("bytes=0-0");
            self.answered(&act, request.send().await)
        })
    }

    /// Whether archives may be written: begins an upload of many parts, as a volume's, and gives it
    /// up. No object comes of it.
    ///
    /// # Errors
    /// When the answer tells neither.
    pub fn may_upload(&self, missing: &str) -> Result<UploadRight, StoreError> {
        let act = self.act("beginning an upload of", missing);
        self.wait(&act, async {
            let bucket = &self.settings.bucket;
            let begin = self
                .client
                .create_multipart_upload()
                .bucket(bucket)
                .key(missing);
            let begun = match begin
                .storage_class(self.storage_class(Purpose::Archive))
                .send()
                .await
            {
                Err(error) if is_refusal(&error) => return Ok(UploadRight::None),
                begun => begun.map_err(|error| errors::explain(&act, &self.settings, error))?,
            };
            let end = self
                .client
                .abort_multipart_upload()
                .bucket(bucket)
                .key(missing)
                .set_upload_id(begun.upload_id);
            match end.send().await {
                Ok(_) => Ok(UploadRight::Full),
                Err(error) if is_refusal(&error) => Ok(UploadRight::WithoutAbort),
                Err(error) => Err(errors::explain(&act, &self.settings, error)),
            }
        })
    }

    /// The bucket's lifecycle rules that are in force, also none.
    ///
    /// # Errors
    /// Also when the credentials may not know.
    pub fn lifecycle(&self) -> Result<Vec<LifecycleRule>, StoreError> {
        let act = self.act("asking for", "the lifecycle rules");
        self.wait(&act, async {
            match self
                .client
                .get_bucket_lifecycle_configuration()
                .bucket(&self.settings.bucket)
                .send()
                .await
            {
                Ok(answer) => Ok(answer.rules().iter().filter_map(rule).collect()),
                Err(error) if error.code() == Some("NoSuchLifecycleConfiguration") => {
                    Ok(Vec::new())
                }
                Err(error) => Err(errors::explain(&act, &self.settings, error)),
            }
        })
    }

    /// Whether the bucket keeps old versions.
    ///
    /// # Errors
    /// Also when the credentials may not know.
    pub fn versioning(&self) -> Result<Versioning, StoreError> {
        let act = self.act("asking for", "the versioning");
        self.wait(&act, async {
            let answer = self
                .client
                .get_bucket_versioning()
                .bucket(&self.settings.bucket)
                .send()
                .await;
            let answer = answer.map_err(|error| errors::explain(&act, &self.settings, error))?;
            Ok(match answer.status() {
                Some(sdk::BucketVersioningStatus::Enabled) => Versioning::Enabled,
                Some(_) => Versioning::Suspended,
                None => Versioning::Off,
            })
        })
    }

    /// How far the server's clock is ahead of this computer's, to a second or so. A refusal tells
    /// the time too.
    ///
    /// # Errors
    /// When the server cannot be asked or does not say.
    pub fn clock_ahead(&self) -> Result<TimeDelta, StoreError> {
        let act = self.act("asking for", "the time");
        let date = Date::default();
        self.wait(&act, async {
            let request = self.client.head_bucket().bucket(&self.settings.bucket);
            let answer = request.customize().interceptor(date.clone()).send().await;
            match (date.ahead(), answer) {
                (Some(ahead), _) => Ok(ahead),
                (None, Err(error)) => Err(errors::explain(&act, &self.settings, error)),
                (None, Ok(_)) => {
                    Err(act.error(StoreErrorKind::Other, "the answer has no date", ""))
                }
            }
        })
    }

    /// Done, or not possible with this object: this is the answer to somebody with the right.
    fn answered<T, E>(
        &self,
        act: &Act,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<bool, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match answer {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(&error) => Ok(false),
            Err(error) if error.code().is_some_and(|code| IMPOSSIBLE.contains(&code)) => Ok(true),
            Err(error) => Err(errors::explain(act, &self.settings, error)),
        }
    }
}

/// Refusals because of the object, not because of missing rights: it is missing, archived, or
/// empty.
const IMPOSSIBLE: [&str; 5] = [
    "NoSuchKey",
    "NoSuchVersion",
    "PreconditionFailed",
    "InvalidObjectState",
    "InvalidRange",
];

/// Known, and not allowed. An unknown or expired key is refused with other codes.
fn is_refusal<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.code() == Some("AccessDenied")
}

fn rule(rule: &sdk::LifecycleRule) -> Option<LifecycleRule> {
    if rule.status() != &sdk::ExpirationStatus::Enabled {
        return None;
    }
    let filter = rule.filter();
    let both = filter.and_then(|filter| filter.and());
    // Objects of a backup have no tags.
    if filter.is_some_and(|filter| filter.tag().is_some())
        || both.is_some_and(|both| !both.tags().is_empty())
    {
        return None;
    }
    // The first is an older way to say it, which is still answered.
    #[allow(deprecated)]
    let prefix = rule
        .prefix()
        .or(filter.and_then(|filter| filter.prefix()))
        .or(both.and_then(|both| both.prefix()));
    let days = |days: Option<i32>| {
        days.and_then(|days| u32::try_from(days).ok())
            .filter(|days| *days > 0)
    };
    let bytes = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let of_both = |bytes: fn(&sdk::LifecycleRuleAndOperator) -> Option<i64>| both.and_then(bytes);
    let of_one = |bytes: fn(&sdk::LifecycleRuleFilter) -> Option<i64>| filter.and_then(bytes);
    let expiration = rule.expiration();
    Some(LifecycleRule {
        prefix: prefix.unwrap_or_default().to_owned(),
        larger_than: bytes(
            of_one(|f| f.object_size_greater_than()).or(of_both(|a| a.object_size_greater_than())),
        ),
        smaller_than: bytes(
            of_one(|f| f.object_size_less_than()).or(of_both(|a| a.object_size_less_than())),
        ),
        expires_after: days(expiration.and_then(|e| e.days())),
        expires_on: expiration
            .and_then(|e| e.date())
            .and_then(|date| DateTime::from_timestamp(date.secs(), 0)),
        aborts_uploads_after: days(
            rule.abort_incomplete_multipart_upload()
                .and_then(|a| a.days_after_initiation()),
        ),
    })
}

/// Reads the date of an answer while it passes: the SDK does not show it.
#[derive(Clone, Debug, Default)]
struct Date(Arc<Mutex<Option<TimeDelta>>>);

impl Date {
    fn ahead(&self) -> Option<TimeDelta> {
        self.0.lock().ok().and_then(|ahead| *ahead)
    }
}

impl Intercept for Date {
    fn name(&self) -> &'static str {
        "Date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context
            .response()
            .headers()
            .get("date")
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        if let (Some(date), Ok(mut ahead)) = (date, self.0.lock()) {
            *ahead = Some(date.to_utc() - Utc::now());
        }
        Ok(())
    }
}
