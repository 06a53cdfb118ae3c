//! The `destinations` section of a profile: mirror, S3 bucket, directory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BUCKET, ENDPOINT, REGION, Span};
use crate::model::policy::{ExtraFiles, Reference, StorageClass};

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
}

impl Destinations {
    /// Whether a destination takes archives.
    pub fn makes_archives(&self) -> bool {
        self.s3.is_some() || self.directory.is_some()
    }
}

/// A plain copy of the selected files below a local directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MirrorSection {
    /// Absolute path of the directory that holds the mirror.
    pub path: String,
    /// What happens to files in the mirror that are no longer in the source.
    #[serde(default)]
    pub extra_files: ExtraFiles,
    /// The most that one run may delete with `extra-files: delete`: a number of files (`100`) or a
    /// percentage of the files in the mirror (`25%`). A run that would delete more deletes nothing
    /// and fails. `25%` by default.
    #[serde(default)]
    pub max_delete: DeleteLimit,
}

/// A count of files, or a percentage such as `25%`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DeleteLimit {
    /// At most this many files.
    Count(u64),
    /// At most this percentage of the files in the mirror.
    Percent(#[schemars(regex(pattern = r"^(100|[0-9]{1,2})%$"))] String),
}

impl Default for DeleteLimit {
    fn default() -> DeleteLimit {
        DeleteLimit::Percent("25%".to_owned())
    }
}

/// Encrypted archives in an S3 bucket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3Section {
    /// Name of the bucket.
    #[schemars(regex(pattern = BUCKET))]
    pub bucket: String,
    /// Region of the bucket, such as `us-east-1`.
    #[schemars(regex(pattern = REGION))]
    pub region: String,
    /// Address of an S3-compatible server, such as `http://127.0.0.1:5000`. Amazon S3 by default.
    #[schemars(regex(pattern = ENDPOINT))]
    pub endpoint: Option<String>,
    /// Storage class of archive volumes. Markers and manifests are always STANDARD.
    #[serde(default)]
    pub storage_class: StorageClass,
    /// How long the server may take to answer, including retries, before it counts as unreachable.
    /// Uploads and downloads may take longer. `100s` by default.
    pub give_up_after: Option<Span>,
    /// Access key. By default, the AWS SDK looks for one (environment, shared configuration,
    /// instance role).
    pub credentials: Option<S3Credentials>,
    /// Which sets `prune` keeps. Only for an access key that may delete; a lifecycle rule of the
    /// bucket is safer. By default, nothing is ever deleted.
    pub keep: Option<KeepSection>,
}

/// An access key, as references.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct S3Credentials {
    /// The access key id.
    pub access_key_id: Reference,
    /// The secret access key.
    pub secret_access_key: Reference,
    /// The session token of a temporary access key, such as that of a role.
    pub session_token: Option<Reference>,
}

/// Encrypted archives in a directory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Directory {
    /// Absolute path of the directory. It must exist, so that a disk that is not attached is not
    /// mistaken for an empty one.
    pub path: String,
    /// Which sets `prune` keeps. By default, nothing is ever deleted.
    pub keep: Option<KeepSection>,
}

/// Which sets stay in a store. A set stays if any rule covers it. Only whole sets are deleted, and
/// never the newest complete one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KeepSection {
    /// Number of months of which the newest set stays. Months without a set do not count. `0` by
    /// default.
    #[serde(default)]
    pub monthly: u32,
    /// Number of years of which the newest set stays. Years without a set do not count. `0` by
    /// default.
    #[serde(default)]
    pub yearly: u32,
    /// Number of newest sets that stay, however old they are. `2` by default.
    #[serde(default = "two")]
    #[schemars(range(min = 1))]
    pub at_least: u32,
    /// Whether every successful run prunes. Otherwise only `aam-backup prune` does, which asks.
    #[serde(default)]
    pub automatic: bool,
}

fn two() -> u32 {
    2
}
