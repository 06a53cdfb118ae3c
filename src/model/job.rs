//! The job: a profile that passed every check, in types that cannot hold a wrong one.
//!
//! Built only by [`crate::profile::check`]. Paths are parsed, all of one family; defaults are
//! filled in; credentials are still references, resolved when a run needs them. A job holds no
//! clock, no file system and no secret.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::NaiveTime;
use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::model::name::Format;
use crate::model::policy::{Every, ExtraFiles, ForceFull, Keep, Reference, Tier, Transfer};
use crate::model::stamp::Zone;

mod reporting;

pub use reporting::*;

use crate::model::mount::{Mount, MountError, mounts};
use crate::model::name::ObjectName;
use crate::model::path::{Family, FullPath};
use crate::model::select::Selection;
use crate::model::store::{JobStores, KeyLimit, StoreName, StoreSettings};

/// Why a job's sources cannot have object names.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error(transparent)]
    Same(#[from] Box<MountError>),
    #[error(
        "the object names of the mount '{mount}' would be {bytes} bytes long; {} takes {} at most", limit.store, limit.bytes
    )]
    Long {
        mount: FullPath,
        bytes: usize,
        limit: KeyLimit,
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
    /// Other file systems that are mounted below a source are left out.
    pub one_file_system: bool,
    /// How mounts are snapshot; `None` reads the live files.
    pub snapshot: Option<Snapshot>,
    pub mirror: Option<Mirror>,
    /// The stores and what is archived to them.
    pub archive: Option<Archive>,
    /// Where work files go, also those of a job with a mirror only.
    pub work_directory: FullPath,
    /// Every reference to a secret that its profile has, also those of destinations that a run
    /// leaves out.
    pub secrets: Vec<Reference>,
    /// The labels of all stores of its profile, also of those that a run leaves out.
    pub known_stores: Vec<String>,
    pub force_full: ForceFull,
    pub lookback_months: NonZeroU32,
    pub restore: Restore,
    pub lock: Lock,
    pub reporting: Reporting,
    pub tools: Tools,
    /// When regular runs start.
    pub schedule: Times,
    pub zone: Zone,
    pub pause_at_end: bool,
}

impl Job {
    /// Whether the job makes archives at all.
    pub fn has_store(&self) -> bool {
        self.archive.is_some()
    }

    /// Its stores, in the order of uploads.
    pub fn stores(&self) -> impl Iterator<Item = &StoreSettings> {
        self.archive.iter().flat_map(|a| a.stores.iter())
    }

    /// Whether a run may do without a destination while its disk is not attached.
    pub fn is_optional(&self, destination: Destination) -> bool {
        match destination {
            Destination::Mirror => self.mirror.as_ref().is_some_and(|mirror| mirror.optional),
            Destination::Store(name) => self.stores().any(|s| s.name() == name && s.is_optional()),
        }
    }

    /// Which sets of a store are kept, if it is pruned.
    pub fn keep(&self, store: StoreName) -> Option<&Keep> {
        self.stores().find(|s| s.name() == store)?.keep()
    }

    /// The secrets that a run needs, with their keys in the profile.
    pub fn references(&self) -> Vec<(String, &Reference)> {
        let archive = self.archive.iter();
        let key = archive.map(|a| ("archive.encryption-key".to_owned(), &a.encryption_key));
        let of_stores = self.stores().flat_map(|store| {
            let name = store.name();
            let secrets = store.secrets().into_iter();
            secrets.map(move |(key, reference)| (format!("destinations.{name}.{key}"), reference))
        });
        key.chain(of_stores)
            .chain(self.reporting.references())
            .collect()
    }

    /// The destinations it has.
    pub fn destinations(&self) -> Vec<Destination> {
        let mirror = self.mirror.iter().map(|_| Destination::Mirror);
        let stores = self.stores().map(|s| Destination::Store(s.name()));
        mirror.chain(stores).collect()
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
        self.archive = self.archive.and_then(|archive| {
            let stores = archive
                .stores
                .only(|name| keeps(Destination::Store(name)))?;
            Some(Archive { stores, ..archive })
        });
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
        let limits = archive.stores.iter().map(|store| store.longest_key());
        let Some(limit) = limits.min_by_key(|limit| limit.bytes) else {
            return Ok(mounts);
        };
        let longest =
            |mount: &Mount| ObjectName::longest(&self.location, &mount.name, archive.format);
        match mounts.iter().find(|mount| longest(mount) > limit.bytes) {
            Some(mount) => Err(NameError::Long {
                mount: mount.path.clone(),
                bytes: longest(mount),
                limit,
            }),
            None => Ok(mounts),
        }
    }
}

/// On Windows, the program's own directory, because every user can write to `C:\temp`. Elsewhere
/// `/var/tmp`, which is on a disk, while `/tmp` may be in memory.
pub fn default_work_directory(family: Family) -> FullPath {
    FullPath::top(
        family,
        match family {
            Family::Windows => "ProgramData/AAM Auto Backup/work",
            Family::Unix => "var/tmp",
        },
    )
}

/// One kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    Mirror,
    Store(StoreName),
}

impl Destination {
    /// All of them, as a hint names them: `` `mirror`, `s3` or `directory` ``.
    pub fn all_in_words() -> String {
        let names: Vec<String> = Destination::value_variants()
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        match names.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl ValueEnum for Destination {
    fn value_variants<'a>() -> &'a [Destination] {
        static ALL: LazyLock<Vec<Destination>> = LazyLock::new(|| {
            let stores = StoreName::value_variants().iter();
            let stores = stores.map(|name| Destination::Store(*name));
            [Destination::Mirror].into_iter().chain(stores).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Destination::Mirror => Some(PossibleValue::new("mirror")),
            Destination::Store(name) => name.to_possible_value(),
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::Mirror => f.write_str("mirror"),
            Destination::Store(name) => name.fmt(f),
        }
    }
}

/// One listed directory.
#[derive(Clone, Debug)]
pub struct JobSource {
    pub path: FullPath,
    /// Missing is a warning, not a failure.
    pub optional: bool,
    /// A source without files counts as empty, not as a disk that is not attached.
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
    /// A run may do without it while its disk is not attached.
    pub optional: bool,
    /// Windows: copies get the access lists of their originals.
    pub access_lists: bool,
}

/// When and under which conditions a scheduler starts runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// Local times of day; at least one.
    pub at: Vec<NaiveTime>,
    pub every: Every,
    /// Time after which the scheduler stops a run.
    pub limit: Duration,
    /// Whether a run also starts while the computer has no mains power.
    pub on_battery: bool,
    /// Whether the computer stays awake while a run goes on.
    pub keep_awake: bool,
    /// Where the disk for the backup is mounted. A run starts when it is attached, and none without
    /// it.
    pub when_attached: Option<FullPath>,
}

impl Default for Times {
    /// Every night, half an hour after midnight, when few people work. A first full backup over a
    /// slow line takes days.
    fn default() -> Times {
        Times {
            at: vec![NaiveTime::from_hms_opt(0, 30, 0).unwrap_or_default()],
            every: Every::Day,
            limit: Duration::from_secs(72 * 60 * 60),
            on_battery: true,
            keep_awake: false,
            when_attached: None,
        }
    }
}

/// The guard of `extra-files: delete` (SPEC#run).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MaxDelete {
    /// At most this many files.
    Count(u64),
    /// At most this percentage of the files in the mirror, 0 to 100.
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

/// How archives are made, and where they go.
#[derive(Clone, Debug)]
pub struct Archive {
    pub encryption_key: Reference,
    pub format: Format,
    /// Bytes.
    pub volume_size: u64,
    /// 0 to 9.
    pub compression_level: u8,
    pub transfer: Transfer,
    pub stores: JobStores,
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

/// Programs as the profile names them. If `None`, the search path is used.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    pub seven_zip: Option<String>,
    pub robocopy: Option<String>,
    pub rsync: Option<String>,
}
