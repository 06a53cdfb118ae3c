//! Opening the stores of a job.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::adapters::store::{
    DirectoryStore, S3Settings, S3Store, Store, StoreError, StoreErrorKind,
};
use crate::adapters::{aws, credential};
use crate::model::cancel::Cancel;
use crate::model::job::{Job, S3};
use crate::model::policy::Reference;
use crate::model::secret::Secret;
use crate::model::store_name::StoreName;

/// Stores that could be opened, by name.
pub type Stores = BTreeMap<StoreName, Box<dyn Store>>;

/// A store, or why it cannot be used.
pub type Opened = Result<Box<dyn Store>, StoreError>;

/// A store's error and what to do about it.
pub fn sentence(error: &StoreError) -> String {
    match error.hint.as_str() {
        "" => error.to_string(),
        hint => format!("{error} ({hint})"),
    }
}

/// Opens the job's stores, in order; each with its label, also when it cannot be opened.
pub fn open_stores(job: &Job, cancel: &Cancel) -> Vec<(StoreName, String, Opened)> {
    let mut stores = Vec::new();
    if let Some(s3) = &job.s3 {
        stores.push((
            StoreName::S3,
            format!("s3://{}", s3.bucket),
            open_s3(s3, |secret| credential::resolve(secret, cancel), cancel)
                .map(|s| Box::new(s) as Box<dyn Store>),
        ));
    }
    if let Some(directory) = &job.directory {
        let opened = DirectoryStore::open(&directory.to_native(), cancel.clone());
        stores.push((
            StoreName::Directory,
            directory.to_string(),
            opened.map(|s| Box::new(s) as Box<dyn Store>),
        ));
    }
    stores
}

/// Opens the S3 store of a job, with the credentials that `resolve` reads where its references lead
/// to.
///
/// # Errors
/// When a reference leads to none.
pub fn open_s3<E: Display>(
    s3: &S3,
    resolve: impl Fn(&Reference) -> Result<Secret, E>,
    cancel: &Cancel,
) -> Result<S3Store, StoreError> {
    let credentials = aws::keys(s3.credentials.as_ref(), resolve).map_err(|e| StoreError {
        store: format!("s3://{}", s3.bucket),
        what: "reading destinations.s3.credentials".to_owned(),
        why: e.to_string(),
        kind: StoreErrorKind::Denied,
        hint: String::new(),
    })?;
    let settings = S3Settings {
        bucket: s3.bucket.clone(),
        region: s3.region.clone(),
        endpoint: s3.endpoint.clone(),
        storage_class: s3.storage_class,
        give_up_after: s3.give_up_after,
        credentials,
        upload: s3.upload.clone(),
        download: s3.download.clone(),
    };
    S3Store::open(settings, cancel.clone())
}
