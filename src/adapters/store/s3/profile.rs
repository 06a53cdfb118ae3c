//! What an S3 store needs to know, from a profile or from the command line.

use std::time::Duration;

use super::S3Store;
use crate::adapters::aws::{self, Keys};
use crate::adapters::store::{Act, Resolve, StoreError, StoreErrorKind};
use crate::model::bandwidth::Transfers;
use crate::model::cancel::Cancel;
use crate::model::policy::StorageClass;
use crate::model::store::{S3, StoreKind};

/// What an S3 store needs to know.
#[derive(Clone, Debug)]
pub struct S3Settings {
    pub bucket: String,
    pub region: String,
    /// The nodes of an S3-compatible server, in the order in which they are tried. None is Amazon.
    pub endpoints: Vec<String>,
    /// For volumes; everything else is STANDARD.
    pub storage_class: StorageClass,
    /// How long a small request may take, with all tries.
    pub give_up_after: Duration,
    /// Access key id and secret access key; `None` is the usual chain of the AWS SDK.
    pub credentials: Keys,
    pub upload: Transfers,
    pub download: Transfers,
}

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
