//! The S3 store that a profile describes.

use super::{S3Settings, S3Store};
use crate::adapters::aws;
use crate::adapters::store::{Act, Resolve, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::store::{S3, StoreKind};

impl S3Store {
    /// Opens the store with the credentials that `resolve` reads where its references lead to.
    ///
    /// # Errors
    /// When a reference leads to none, and as [`S3Store::open`].
    pub fn of(s3: &S3, resolve: Resolve<'_>, cancel: &Cancel) -> Result<S3Store, StoreError> {
        let act = Act {
            store: s3.label(),
            what: "reading destinations.s3.credentials".to_owned(),
        };
        let credentials = aws::keys(s3.credentials.as_ref(), resolve)
            .map_err(|why| act.error(StoreErrorKind::Denied, why, ""))?;
        let settings = S3Settings {
            bucket: s3.bucket.clone(),
            region: s3.region.clone(),
            endpoints: s3.endpoints.clone(),
            storage_class: s3.storage_class,
            give_up_after: s3.give_up_after,
            credentials,
            upload: s3.upload.clone(),
            download: s3.download.clone(),
        };
        S3Store::open(settings, cancel.clone())
    }
}
