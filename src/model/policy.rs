//! Choices that a profile makes and a job carries: the words of both (SPEC#profile).

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name that every shell can set.
pub const VARIABLE: &str = r"^[A-Za-z_][A-Za-z0-9_]*$";

/// A full path of either family.
pub const SECRET_FILE: &str = r"^((~[\\/]|\$\{[A-Za-z_][A-Za-z0-9_]*\})[^\x00-\x1f]*|/[^\x00-\x1f]*|[A-Za-z]:[\\/][^\x00-\x1f]*|\\\\[^\x00-\x1f]+)$";

/// Where a secret is kept. The secret itself is never written in a profile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "Where a secret is kept")]
pub enum Reference {
    /// Name of an environment variable.
    #[schemars(title = "Secret in an environment variable")]
    Env(#[schemars(regex(pattern = VARIABLE), example = &"AAM_BACKUP_KEY")] String),
    /// Path of a file whose first line is the secret. Only the user who runs the backup should be
    /// able to read it.
    #[schemars(title = "Secret in a file")]
    File(
        #[schemars(regex(pattern = SECRET_FILE), example = &"/etc/aam-backup/archive.key")] String,
    ),
    /// Program and arguments; the first line of its output is the secret.
    #[schemars(title = "Secret from a program")]
    Command(#[schemars(length(min = 1), example = ["pass", "show", "backup"])] Vec<String>),
    /// An entry in the keyring of the operating system.
    #[schemars(title = "Secret in the keyring")]
    Keyring(Keyring),
}

/// An entry in the keyring of the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Keyring {
    /// Name of the service.
    #[schemars(example = &"aam-backup")]
    pub service: String,
    /// Name of the user.
    #[schemars(example = &"allen")]
    pub user: String,
}

/// Which sets of a store stay (SPEC#retention).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest set of each of the last months that have one: up to this many months.
    pub monthly: u32,
    /// The newest set of each of the last years that have one: up to this many years.
    pub yearly: u32,
    /// The newest sets, however old. At least 1.
    pub at_least: u32,
    /// A successful run prunes.
    pub automatic: bool,
}

/// How long a service may take to answer if the profile says nothing: a run finds out within two
/// minutes that a store cannot be reached (SPEC#scope).
pub const UNREACHABLE_AFTER: Duration = Duration::from_secs(100);

/// An access key, by reference.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key_id: Reference,
    pub secret_access_key: Reference,
    /// Of a temporary key.
    pub session_token: Option<Reference>,
}

impl Credentials {
    /// Its references, by their key in a profile.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, &Reference)> {
        let Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        } = self;
        [
            ("access-key-id", Some(access_key_id)),
            ("secret-access-key", Some(secret_access_key)),
            ("session-token", session_token.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, reference)| Some((key, reference?)))
    }
}

/// What becomes of symbolic links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// They are backed up and restored as links. What they lead to is not followed.
    #[default]
    Keep,
    /// They are left out.
    Skip,
}

impl Links {
    pub fn are_kept(&self) -> bool {
        *self == Links::Keep
    }
}

/// When to make a full backup although an incremental one is possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForceFull {
    /// Only when the month has no complete full backup.
    Never,
    /// Every time.
    Always,
    /// Also when sources, exclusions or location changed since the last backup.
    #[default]
    WhenProfileChanges,
}

/// Retrieval speed and cost.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
pub enum Tier {
    /// Within 48 hours; the cheapest tier.
    #[default]
    Bulk,
    /// Within 12 hours.
    Standard,
}

/// What happens to files in the mirror that are no longer in the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExtraFiles {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted, within `max-delete`.
    Delete,
}

/// How archives reach the stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transfer {
    /// They are made in the work directory, then uploaded.
    #[default]
    Spool,
    /// They are uploaded while they are made, and need next to no space in the work directory.
    Stream,
}

/// Storage class of archive volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StorageClass {
    /// Read at once.
    Standard,
    /// Read at once; cheaper to store, more expensive to read.
    StandardIa,
    /// Like STANDARD_IA, but in one availability zone.
    OnezoneIa,
    /// Amazon chooses the class by how often objects are read.
    IntelligentTiering,
    /// Read at once; for files that are read once a quarter.
    GlacierIr,
    /// Readable after minutes to hours of thawing.
    Glacier,
    /// Readable after 12 to 48 hours of thawing; the cheapest to store.
    #[default]
    DeepArchive,
}

impl fmt::Display for StorageClass {
    /// As a profile has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// After which runs a report is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// After every run.
    #[default]
    Always,
    /// After every run that did not succeed. Use it together with `ping`, because no email can also mean that no run took place.
    OnProblem,
}

/// How much a report says about the files of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DetailLevel {
    /// Outcome, counts and sizes, without the names of files, directories and stores.
    Counts,
    /// Also destinations, errors and warnings in words, which name files and directories.
    #[default]
    Paths,
}

/// How often a schedule runs: what all schedulers can do.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// Every hour, at the minute of the time.
    Hour,
    /// Every day.
    #[default]
    Day,
    /// Every Monday.
    Monday,
    /// Every Tuesday.
    Tuesday,
    /// Every Wednesday.
    Wednesday,
    /// Every Thursday.
    Thursday,
    /// Every Friday.
    Friday,
    /// Every Saturday.
    Saturday,
    /// Every Sunday.
    Sunday,
}
