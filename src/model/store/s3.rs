//! A bucket of S3 or of a compatible server.

use std::time::Duration;

use super::{AccountNeed, KeyLimit, StoreKind, StoreName};
use crate::model::bandwidth::Transfers;
use crate::model::name::MAX_KEY_BYTES;
use crate::model::policy::{Credentials, Keep, Reference, StorageClass};

/// The S3 destination.
#[derive(Clone, Debug)]
pub struct S3 {
    pub bucket: String,
    pub region: String,
    /// Of an S3-compatible server: the addresses of its nodes, in the order in which they are
    /// tried. None is Amazon.
    pub endpoints: Vec<String>,
    pub storage_class: StorageClass,
    /// How long a small request may take, with all tries.
    pub give_up_after: Duration,
    pub credentials: Option<Credentials>,
    pub upload: Transfers,
    pub download: Transfers,
    /// Which sets stay, if it is pruned.
    pub keep: Option<Keep>,
}

impl StoreKind for S3 {
    fn name(&self) -> StoreName {
        StoreName::S3
    }

    fn label(&self) -> String {
        format!("s3://{}", self.bucket)
    }

    fn address(&self) -> String {
        self.bucket.clone()
    }

    fn parameters(&self) -> String {
        format!("bucket {}, region {}, keys ***", self.bucket, self.region)
    }

    fn detail(&self) -> Option<String> {
        Some(format!("region {}", self.region))
    }

    fn alone(&self) -> &'static str {
        "S3 only"
    }

    fn longest_key(&self) -> KeyLimit {
        KeyLimit {
            bytes: MAX_KEY_BYTES,
            store: "S3",
        }
    }

    fn secrets(&self) -> Vec<(String, &Reference)> {
        let references = self.credentials.iter().flat_map(Credentials::references);
        references
            .map(|(key, reference)| (format!("credentials.{key}"), reference))
            .collect()
    }

    fn of_account(&self) -> Option<AccountNeed> {
        self.credentials.is_none().then_some(AccountNeed {
            lacks: "credentials",
            uses: "those in the AWS configuration files",
            hint: "add destinations.s3.credentials with `file: PATH`, or configure AWS credentials for this account",
        })
    }

    fn keep(&self) -> Option<&Keep> {
        self.keep.as_ref()
    }

    fn storage_class(&self) -> Option<StorageClass> {
        Some(self.storage_class)
    }
}
