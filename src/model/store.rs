//! The kinds of store that a profile can have, and what the rules must know about each.
//!
//! A kind is a file below this one, with its settings and what is said about them, and a line in
//! each of the two enums and the match here.

use std::fmt;
use std::ops::Deref;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::path::FullPath;
use crate::model::policy::{Keep, Reference, StorageClass};

mod directory;
mod rclone;
mod s3;

pub use directory::ArchiveDirectory;
pub use rclone::Rclone;
pub use s3::S3;

/// A store of a job. Stores differ in address only; the rules are the same. The order is the order
/// of uploads.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ValueEnum,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StoreName {
    S3,
    Directory,
    Rclone,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// A store of a job, with its settings.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    S3(Box<S3>),
    Directory(ArchiveDirectory),
    Rclone(Rclone),
}

impl Deref for StoreSettings {
    type Target = dyn StoreKind;

    fn deref(&self) -> &(dyn StoreKind + 'static) {
        match self {
            StoreSettings::S3(s3) => &**s3,
            StoreSettings::Directory(directory) => directory,
            StoreSettings::Rclone(rclone) => rclone,
        }
    }
}

/// What is known about a store before it is opened.
pub trait StoreKind {
    fn name(&self) -> StoreName;

    /// The store as the user knows it: `s3://bucket` or the path of the directory. Unique among
    /// the stores of a computer.
    fn label(&self) -> String;

    /// What distinguishes it from others of its kind: bucket or path.
    fn address(&self) -> String;

    /// Its settings for the log, without secrets.
    fn parameters(&self) -> String;

    /// What else a person wants to know about where it is: `region us-east-1`.
    fn detail(&self) -> Option<String> {
        None
    }

    /// The name of a backup to this store alone: `S3 only`.
    fn alone(&self) -> &'static str;

    /// The longest object key, in bytes, and what limits it.
    fn longest_key(&self) -> KeyLimit;

    /// References to secrets, by their key in the section: `credentials.access-key-id`.
    fn secrets(&self) -> Vec<(String, &Reference)> {
        Vec::new()
    }

    /// The directory that the store is, if it is one.
    fn path(&self) -> Option<&FullPath> {
        None
    }

    /// Whether a run may do without it while its disk is not attached.
    fn is_optional(&self) -> bool {
        false
    }

    /// The program that the store needs, as the profile names it.
    fn program(&self) -> Option<&str> {
        None
    }

    /// What a scheduled run uses from its account because the section does not say it.
    fn of_account(&self) -> Option<AccountNeed> {
        None
    }

    /// Which sets are kept, for stores that are pruned.
    fn keep(&self) -> Option<&Keep> {
        None
    }

    /// The storage class, for stores whose prices are known.
    fn storage_class(&self) -> Option<StorageClass> {
        None
    }
}

/// The longest object key that a store takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLimit {
    pub bytes: usize,
    /// What has this limit: `a directory store`.
    pub store: &'static str,
}

/// Something that a scheduled run finds only in the files of its account.
#[derive(Clone, Copy, Debug)]
pub struct AccountNeed {
    /// The section lacks this: `credentials`.
    pub lacks: &'static str,
    /// The run uses these, of the account.
    pub uses: &'static str,
    pub hint: &'static str,
}

/// The stores of a job: at least one.
#[derive(Clone, Debug)]
pub struct JobStores(Vec<StoreSettings>);

impl JobStores {
    /// `None` if there are none.
    pub fn new(stores: Vec<StoreSettings>) -> Option<JobStores> {
        (!stores.is_empty()).then_some(JobStores(stores))
    }

    pub fn iter(&self) -> impl Iterator<Item = &StoreSettings> {
        self.0.iter()
    }

    /// Only those of these names; `None` if there are none.
    pub fn only(self, keeps: impl Fn(StoreName) -> bool) -> Option<JobStores> {
        JobStores::new(self.0.into_iter().filter(|s| keeps(s.name())).collect())
    }
}
