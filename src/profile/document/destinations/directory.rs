//! The section of a directory store.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::PATH;
use super::{FieldChecks, KeepSection, StoreSection};
use crate::model::store::{ArchiveDirectory, StoreName, StoreSettings};

/// Encrypted archives in a directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Directory {
    /// Absolute path of the directory. It must exist, so that a disk that is not attached is not
    /// mistaken for an empty one.
    #[schemars(regex(pattern = PATH), example = &"/mnt/nas/backup", example = &r"\\nas\backup\office")]
    pub path: String,
    /// Which sets `prune` keeps. By default, nothing is ever deleted.
    pub keep: Option<KeepSection>,
    /// For a disk that is not always attached. While it is not attached, a run backs up to the other
    /// destinations and ends with a warning. If there is no other destination, the run fails.
    #[serde(default)]
    pub optional: bool,
}

impl StoreSection for Directory {
    fn name(&self) -> StoreName {
        StoreName::Directory
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn check(&self, fields: &mut dyn FieldChecks) -> Option<StoreSettings> {
        let Directory {
            path,
            keep,
            optional,
        } = self;
        let keep = keep.as_ref();
        let keep = keep.map(|keep| keep.check("/destinations/directory/keep", fields));
        let path = fields.path("/destinations/directory/path", path)?;
        Some(StoreSettings::Directory(ArchiveDirectory {
            path,
            keep,
            optional: *optional,
        }))
    }
}
