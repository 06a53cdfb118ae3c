//! The job: a profile that passed every check, in types that cannot hold a wrong one.
//!
//! Built only by [`crate::profile::check`]. Paths are parsed, all of one family; defaults are
//! filled in; credentials are still references, resolved when a run needs them. A job holds no
//! clock, no file system and no secret.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::bandwidth::Transfers;
use crate::model::name::Format;
use crate::model::policy::{ExtraFiles, ForceFull, Reference, StorageClass, Tier};
use crate::model::stamp::Zone;

mod reporting;

pub use reporting::{Email, Hooks, Log, Ping, Program, Reporting};

use crate::model::mount::{Mount, MountError, mounts};
use crate::model::name::{MAX_KEY_BYTES, ObjectName};
use crate::model::path::{Family, FullPath};
use crate::model::select::Selection;

/// The longest file name that common file systems take, in bytes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// Why a job's sources cannot have object names.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error(transparent)]
    Same(#[from] Box<MountError>),
    #[error(
        "the object names of the mount '{mount}' would be {bytes} bytes long; {store} takes {limit} at most"
    )]
    Long {
        mount: FullPath,
        bytes: usize,
        store: &'static str,
        limit: usize,
    },
}

/// A checked profile.
#[derive(Clone, Debug)]
pub struct Job {
    /// The profile's own name.
    pub name: String,
    /// First field of every object name; no underscore.
    pub location: String,
    /// The file it came from, for messages and for `when-profile-changes` without local state
    /// (SPEC#scope).
    pub profile: PathBuf,
    /// Windows or Unix: that of every path in the job.
    pub family: Family,
    /// The directories listed, in the profile's order.
    pub sources: Vec<JobSource>,
    /// The selection rule: sources and exclusions (SPEC#missing-sources).
    pub selection: Selection,
    /// How mounts are snapshot; `None` reads the live files.
    pub snapshot: Option<Snapshot>,
    pub mirror: Option<Mirror>,
    pub s3: Option<S3>,
    /// Directory store.
    pub directory: Option<FullPath>,
    /// Present whenever `s3` or `directory` is.
    pub archive: Option<Archive>,
    pub force_full: ForceFull,
    pub lookback_months: NonZeroU32,
    pub restore: Restore,
    pub lock: Lock,
    pub reporting: Reporting,
    pub tools: Tools,
    pub zone: Zone,
    pub pause_at_end: bool,
}

impl Job {
    /// Whether the job makes archives at all.
    pub fn has_store(&self) -> bool {
        self.s3.is_some() || self.directory.is_some()
    }

    /// Every reference to a secret that its profile has.
    pub fn secrets(&self) -> Vec<&Reference> {
        let key = self.archive.as_ref().map(|archive| &archive.encryption_key);
        let s3 = self.s3.as_ref().and_then(|s3| s3.credentials.as_ref());
        let email = self.reporting.email.as_ref();
        let email = email.and_then(|email| email.credentials.as_ref());
        let pairs = s3.into_iter().chain(email).flat_map(|keys| {
            let Credentials {
                access_key_id,
                secret_access_key,
                session_token,
            } = keys;
            [access_key_id, secret_access_key]
                .into_iter()
                .chain(session_token)
        });
        key.into_iter().chain(pairs).collect()
    }

    /// The destinations it has.
    pub fn destinations(&self) -> Vec<Destination> {
        let has = |destination: &Destination| match destination {
            Destination::Mirror => self.mirror.is_some(),
            Destination::S3 => self.s3.is_some(),
            Destination::Directory => self.directory.is_some(),
        };
        Destination::ALL.into_iter().filter(has).collect()
    }

    /// The same job to some of its destinations only (backups to one destination).
    ///
    /// # Errors
    /// The destination that it does not have.
    pub fn only_to(mut self, wanted: &[Destination]) -> Result<Job, Destination> {
        let has = self.destinations();
        if let Some(missing) = wanted.iter().find(|d| !has.contains(d)) {
            return Err(*missing);
        }
        let keeps = |destination| wanted.is_empty() || wanted.contains(&destination);
        self.mirror = self.mirror.filter(|_| keeps(Destination::Mirror));
        self.s3 = self.s3.filter(|_| keeps(Destination::S3));
        self.directory = self.directory.filter(|_| keeps(Destination::Directory));
        Ok(self)
    }

    /// The mounts of the sources (SPEC#mounts).
    ///
    /// # Errors
    /// When two would have the same object names, or a name would be too long for a store.
    pub fn mounts(&self) -> Result<Vec<Mount>, NameError> {
        let sources: Vec<FullPath> = self.sources.iter().map(|s| s.path.clone()).collect();
        let mounts = mounts(&sources)?;
        let Some(archive) = &self.archive else {
            return Ok(mounts);
        };
        // A file name has 255 bytes at most, a key 1024.
        let (store, limit) = match &self.directory {
            Some(_) => ("a directory store", MAX_FILE_NAME_BYTES),
            None => ("S3", MAX_KEY_BYTES),
        };
        let longest =
            |mount: &Mount| ObjectName::longest(&self.location, &mount.name, archive.format);
        match mounts
            .iter()
            .find(|mount| self.has_store() && longest(mount) > limit)
        {
            Some(mount) => Err(NameError::Long {
                mount: mount.path.clone(),
                bytes: longest(mount),
                store,
                limit,
            }),
            None => Ok(mounts),
        }
    }

    /// Where work files go, also those of a job with a mirror only.
    pub fn work_directory(&self) -> FullPath {
        match &self.archive {
            Some(archive) => archive.work_directory.clone(),
            None => default_work_directory(self.family),
        }
    }
}

/// `C:\temp`, short on purpose, or `/var/tmp`, which is on a disk where `/tmp` may
/// be in memory.
pub fn default_work_directory(family: Family) -> FullPath {
    FullPath::top(
        family,
        match family {
            Family::Windows => "temp",
            Family::Unix => "var/tmp",
        },
    )
}

/// One kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Destination {
    Mirror,
    S3,
    Directory,
}

impl Destination {
    /// All of them.
    pub const ALL: [Destination; 3] =
        [Destination::Mirror, Destination::S3, Destination::Directory];
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Destination::Mirror => "mirror",
            Destination::S3 => "s3",
            Destination::Directory => "directory",
        })
    }
}

/// One listed directory.
#[derive(Clone, Debug)]
pub struct JobSource {
    pub path: FullPath,
    /// Missing is a warning, not a failure.
    pub optional: bool,
    /// A source without files is taken as it is, not as a disk that is not attached.
    pub allow_empty: bool,
}

/// How mounts are snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Program with ShadowSpawn's contract: `PROGRAM SOURCE MOUNT COMMAND…`. `None`: this program
    /// itself, as `aam-backup shadow`.
    pub program: Option<String>,
    /// Where it shows the snapshot: `Q:` or a directory.
    pub mount: MountPoint,
}

/// Where a snapshot is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountPoint {
    /// A drive letter, upper case.
    Drive(char),
    /// A directory.
    Directory(FullPath),
}

impl MountPoint {
    /// The directory at which the snapshot's files are: `Q:` alone would be that drive's current
    /// directory.
    pub fn root(&self) -> String {
        match self {
            MountPoint::Drive(letter) => format!("{letter}:\\"),
            MountPoint::Directory(path) => path.to_string(),
        }
    }
}

impl std::fmt::Display for MountPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MountPoint::Drive(letter) => write!(f, "{letter}:"),
            MountPoint::Directory(path) => write!(f, "{path}"),
        }
    }
}

/// The mirror destination.
#[derive(Clone, Debug)]
pub struct Mirror {
    pub path: FullPath,
    pub extra_files: ExtraFiles,
    pub max_delete: MaxDelete,
}

/// The guard of `extra-files: delete` (SPEC#run).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaxDelete {
    /// At most this many files.
    Count(u64),
    /// At most this many of a hundred files in the mirror, 0 to 100.
    Percent(u8),
}

impl MaxDelete {
    /// Whether deleting `extra` of `present` mirror files is allowed.
    pub fn allows(self, extra: u64, present: u64) -> bool {
        match self {
            MaxDelete::Count(most) => extra <= most,
            MaxDelete::Percent(share) => {
                u128::from(extra) * 100 <= u128::from(present) * u128::from(share)
            }
        }
    }
}

/// How long a service may take to answer when the profile says nothing: a run learns within two
/// minutes that a store cannot be reached (SPEC#scope).
pub const UNREACHABLE_AFTER: Duration = Duration::from_secs(100);

/// The S3 destination.
#[derive(Clone, Debug)]
pub struct S3 {
    pub bucket: String,
    pub region: String,
    pub endpoint: Option<String>,
    pub storage_class: StorageClass,
    /// How long a small request may take, with all tries.
    pub give_up_after: Duration,
    pub credentials: Option<Credentials>,
    pub upload: Transfers,
    pub download: Transfers,
}

/// An access key, by reference.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub access_key_id: Reference,
    pub secret_access_key: Reference,
    /// Of a temporary key.
    pub session_token: Option<Reference>,
}

/// How archives are made.
#[derive(Clone, Debug)]
pub struct Archive {
    pub encryption_key: Reference,
    pub format: Format,
    /// Bytes.
    pub volume_size: u64,
    /// 0 to 9.
    pub compression_level: u8,
    pub work_directory: FullPath,
}

/// How archived objects are retrieved.
#[derive(Clone, Debug)]
pub struct Restore {
    pub keep_days: u32,
    pub tier: Tier,
    pub poll_every: Duration,
}

/// How to wait for another backup on this computer.
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    pub retry_every: Duration,
    pub give_up_after: Duration,
}

/// Programs as the profile names them; `None` is looked for on the search path.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    pub seven_zip: Option<String>,
    pub robocopy: Option<String>,
    pub rsync: Option<String>,
}
