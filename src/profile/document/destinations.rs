//! The `destinations` section of a profile: the mirror and the stores.
//!
//! The section of a kind of store is a file below this one. It says itself how it is checked.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PATH, PERCENT, Span};
use crate::model::bandwidth::Transfers;
use crate::model::path::FullPath;
use crate::model::policy::{Credentials, ExtraFiles, Reference};
use crate::model::store::{StoreName, StoreSettings};
use crate::profile::mistake::Mistake;

mod directory;
mod keep;
mod rclone;
mod s3;

pub use directory::Directory;
pub use keep::KeepSection;
use rclone::RcloneSection;
pub use s3::{S3Credentials, S3Section};

/// Where backups are kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Destinations {
    /// A plain copy of the selected files below a local directory.
    pub mirror: Option<MirrorSection>,
    /// Encrypted archives in an S3 bucket.
    pub s3: Option<S3Section>,
    /// Encrypted archives in a directory: a NAS share, a removable disk, a tape.
    pub directory: Option<Directory>,
    /// Encrypted archives where the program rclone can store them: SFTP, WebDAV, Azure, B2 and
    /// others.
    pub rclone: Option<RcloneSection>,
}

impl Destinations {
    /// The sections of stores, in the order of [`StoreName`].
    pub fn stores(&self) -> Vec<&dyn StoreSection> {
        fn section(section: Option<&impl StoreSection>) -> Option<&dyn StoreSection> {
            section.map(|section| section as &dyn StoreSection)
        }
        let Destinations {
            mirror: _,
            s3,
            directory,
            rclone,
        } = self;
        let sections = [
            section(s3.as_ref()),
            section(directory.as_ref()),
            section(rclone.as_ref()),
        ];
        sections.into_iter().flatten().collect()
    }
}

/// The section of a kind of store.
pub trait StoreSection {
    /// The key of the section.
    fn name(&self) -> StoreName;

    /// The path of the directory that the store is. Its key is `path`.
    fn path(&self) -> Option<&str> {
        None
    }

    /// The store that the section describes. Mistakes are reported to `fields`.
    fn check(&self, fields: &mut dyn FieldChecks) -> Option<StoreSettings>;
}

/// The checks of single values that a section can ask for. Each reports its mistakes at the pointer
/// it is given.
pub trait FieldChecks {
    fn report(&mut self, mistake: Mistake);
    fn path(&mut self, pointer: &str, text: &str) -> Option<FullPath>;
    fn program(&mut self, pointer: &str, text: Option<&str>) -> Option<String>;
    fn reference(&mut self, pointer: &str, reference: &Reference);
    /// How the profile uses the line for uploads and for downloads.
    fn transfers(&self) -> (Transfers, Transfers);
    fn region(&mut self, pointer: &str, text: &str) -> String;
    fn endpoint(&mut self, pointer: &str, text: Option<&str>) -> Option<String>;
    fn span(&mut self, pointer: &str, span: Option<&Span>, default: Duration) -> Duration;
    fn credentials(&mut self, pointer: &str, given: Option<&S3Credentials>) -> Option<Credentials>;
}

/// A plain copy of the selected files below a local directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MirrorSection {
    /// Absolute path of the directory that contains the mirror.
    #[schemars(regex(pattern = PATH), example = &"/media/allen/backup/mirror", example = &r"F:\backup\mirror")]
    pub path: String,
    /// What happens to files in the mirror that are no longer in the source.
    #[serde(default)]
    pub extra_files: ExtraFiles,
    /// The most that one run may delete with `extra-files: delete`: a number of files (`100`) or a
    /// percentage of the files in the mirror (`25%`). A run that would delete more deletes nothing
    /// and fails. `25%` by default.
    #[serde(default)]
    pub max_delete: DeleteLimit,
    /// For a disk that is not always attached. While it is not attached, a run backs up to the other
    /// destinations and ends with a warning. If there is no other destination, the run fails.
    #[serde(default)]
    pub optional: bool,
    /// Windows only: whether copies get the access lists of their originals (`/COPY:DATS` of
    /// Robocopy). Otherwise they get that of the directory they are in. Archives keep none. On Unix,
    /// the mirror keeps access lists where its file system does. `false` by default.
    #[serde(default)]
    pub access_lists: bool,
}

/// A count of files, or a percentage such as `25%`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(example = &"25%", example = 100)]
#[serde(untagged)]
pub enum DeleteLimit {
    /// At most this many files.
    #[schemars(title = "Number of files")]
    Count(u64),
    /// At most this percentage of the files in the mirror.
    #[schemars(title = "Percentage")]
    Percent(#[schemars(regex(pattern = PERCENT))] String),
}

impl Default for DeleteLimit {
    fn default() -> DeleteLimit {
        DeleteLimit::Percent("25%".to_owned())
    }
}
