//! Opening the stores of a job.

use std::collections::BTreeMap;

use super::{Opened, Store, StoreError, open_store};
use crate::adapters::credential;
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::policy::Reference;
use crate::model::store::{StoreName, StoreSettings};

/// Stores that could be opened, by name.
pub type Stores = BTreeMap<StoreName, Box<dyn Store>>;

/// A store's error and what to do about it.
pub fn sentence(error: &StoreError) -> String {
    match error.hint.as_str() {
        "" => error.to_string(),
        hint => format!("{error} ({hint})"),
    }
}

/// Opens the job's stores, in order; each with its label, also when it cannot be opened.
pub fn open_stores(job: &Job, cancel: &Cancel) -> Vec<(StoreName, String, Opened)> {
    let resolve =
        |secret: &Reference| credential::resolve(secret, cancel).map_err(|e| e.to_string());
    let opened = |store: &StoreSettings| {
        (
            store.name(),
            store.label(),
            open_store(store, &resolve, cancel),
        )
    };
    job.stores().map(opened).collect()
}
