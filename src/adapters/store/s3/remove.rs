//! Deleting an object. In a bucket with versioning the old version stays as long as its rules say.

use super::{S3Store, errors};
use crate::adapters::store::{Act, StoreError};

impl S3Store {
    /// Deletes. S3 answers alike whether the object was there or not.
    pub(super) async fn delete(&self, act: &Act, key: &str) -> Result<(), StoreError> {
        let sent = self
            .client
            .delete_object()
            .bucket(&self.settings.bucket)
            .key(key)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(errors::explain(act, &self.settings, error)),
        }
    }
}
