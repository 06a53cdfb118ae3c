//! Thawing: objects of archive classes become readable for some days (SPEC#thawing).

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types as sdk;

use super::{S3Store, errors};
use crate::adapters::store::{Act, StoreError};
use crate::model::object::ThawState;
use crate::model::policy::Tier;

impl S3Store {
    /// Requests an object. If it is already being thawed, or needs no thawing, that counts as
    /// success.
    pub(super) async fn request_thaw(
        &self,
        act: &Act,
        key: &str,
        days: u32,
        tier: Tier,
    ) -> Result<(), StoreError> {
        let tier = match tier {
            Tier::Bulk => sdk::Tier::Bulk,
            Tier::Standard => sdk::Tier::Standard,
        };
        let broken = |error: &dyn std::fmt::Display| {
            act.error(crate::adapters::store::StoreErrorKind::Other, error, "")
        };
        let job = sdk::GlacierJobParameters::builder()
            .tier(tier)
            .build()
            .map_err(|error| broken(&error))?;
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let request = sdk::RestoreRequest::builder()
            .days(days)
            .glacier_job_parameters(job)
            .build();
        let sent = self
            .client
            .restore_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .set_version_id(self.version(key))
            .restore_request(request)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            // The SDK has no type for this error.
            Err(error) if error.code() == Some("RestoreAlreadyInProgress") => Ok(()),
            // An object that is not in an archive class is refused with the code that an archived
            // one gives to a GET.
            Err(error)
                if error.code() == Some("InvalidObjectState")
                    && self
                        .look(act, key)
                        .await
                        .is_ok_and(|state| state == ThawState::Ready) =>
            {
                Ok(())
            }
            Err(error) => Err(errors::explain(act, &self.settings, error)),
        }
    }

    /// What a HEAD says. The storage class stays what it was while a thawed copy is there, so it
    /// counts only when the object was never asked for.
    pub(super) async fn look(&self, act: &Act, key: &str) -> Result<ThawState, StoreError> {
        let answer = self
            .client
            .head_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .set_version_id(self.version(key))
            .send()
            .await
            .map_err(|error| errors::explain(act, &self.settings, error))?;
        Ok(match answer.restore() {
            Some(text) if text.contains("ongoing-request=\"true\"") => ThawState::Thawing,
            Some(text) if text.contains("ongoing-request=\"false\"") => ThawState::Ready,
            _ => match (answer.storage_class(), answer.archive_status()) {
                (Some(sdk::StorageClass::Glacier | sdk::StorageClass::DeepArchive), _)
                | (_, Some(_)) => ThawState::Frozen,
                _ => ThawState::Ready,
            },
        })
    }
}
