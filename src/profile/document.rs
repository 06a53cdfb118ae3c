//! The profile as it is written: one YAML file, kebab-case keys, closed objects (SPEC#profile).
//!
//! These types are the source of `schemas/profile.schema.json`; their doc comments are what an
//! editor shows. Nothing here is checked beyond its shape: [`super::check`] turns a document into a
//! [`crate::model::job::Job`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::name::Format;
use crate::model::policy::{Every, ForceFull, Links, Reference, Tier, Transfer};
use crate::model::stamp::Zone;

mod destinations;
mod patterns;
mod reporting;
mod transfers;

pub use destinations::{DeleteLimit, Destinations, FieldChecks, MirrorSection, S3Credentials};
pub use reporting::*;
pub use transfers::TransferSection;

pub use patterns::in_words;
use patterns::{
    BUCKET, ENDPOINT, EXCLUSION, LIMIT, LOCATION, MOUNT, NAME, PATH, PERCENT, PROGRAM, REGION,
    REMOTE, SIZE, SOURCE, SPAN, TIME, URL,
};

/// The largest object of S3, 5 TiB.
pub const MAX_VOLUME: u64 = 5 << 40;
/// The smallest volume that 7-Zip makes.
pub const LEAST_VOLUME: u64 = 65536;

/// A backup profile of AAM Auto Backup: what to back up, where to, with which credentials, and
/// under which policy.
// serde does not refuse unknown keys beside flattened ones; the schema does.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct Document {
    /// Version of the profile format. Always 1.
    #[schemars(range(min = 1, max = 1), example = 1)]
    #[expect(dead_code, reason = "the schema takes no other")]
    pub version: u32,
    /// Path of a profile that this one extends, relative to the directory of this file. Keys are
    /// merged at every depth. A list replaces that of the base; `+sources` appends to it.
    #[schemars(example = &"_base.yaml")]
    #[expect(dead_code, reason = "merged before")]
    pub extends: Option<String>,
    /// Values for `${NAME}` in paths, before those of the environment.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"DATA": "/srv/data"}))]
    #[expect(dead_code, reason = "replaced before")]
    pub variables: BTreeMap<String, String>,
    /// Name of the profile, for commands such as `aam-backup run NAME`.
    #[schemars(regex(pattern = NAME), example = &"nightly")]
    pub name: String,
    /// Unique name of this computer or storage; every object name starts with it. It consists of
    /// letters, digits, `-`, `.`, `'` and spaces inside, without underscores.
    #[schemars(regex(pattern = LOCATION), example = &"office-pc")]
    pub location: String,
    /// Directories to back up: absolute paths without wildcards.
    #[schemars(length(min = 1), example = ["/home/allen", "/etc"], example = [r"C:\Users\Allen\Documents"])]
    pub sources: Vec<SourceEntry>,
    /// What to leave out.
    #[serde(default)]
    pub exclude: Exclude,
    /// If true, directories below a source where another file system is mounted are left out, as
    /// Linux's table of mounts lists them.
    #[serde(default)]
    pub one_file_system: bool,
    /// What becomes of symbolic links and junctions, in the mirror and in a restore. Mirrors of
    /// Windows never have any.
    #[serde(default)]
    pub links: Links,
    /// The snapshot from which files in use are read.
    pub snapshot: Option<SnapshotSection>,
    /// Where backups are kept. At least one destination is required.
    pub destinations: Destinations,
    /// How archives are made. Required for every destination but `mirror`.
    pub archive: Option<ArchiveSection>,
    /// How archives are uploaded.
    #[serde(default)]
    pub upload: TransferSection,
    /// How archives are downloaded by a restore.
    #[serde(default)]
    pub download: TransferSection,
    /// When to make a full backup although an incremental one is possible.
    #[serde(default)]
    pub force_full: ForceFull,
    /// How far back a store is searched for complete backups.
    #[serde(default)]
    pub catalog: CatalogPolicy,
    /// How archived objects are retrieved.
    #[serde(default)]
    pub restore: RestorePolicy,
    /// What to do while another backup is running on this computer.
    #[serde(default)]
    pub lock: LockPolicy,
    /// Who gets a report of a run, and where its log goes.
    #[serde(flatten)]
    pub reporting: ReportingSections,
    /// Paths of programs that are not found automatically.
    #[serde(default)]
    pub tools: ToolsSection,
    /// When `schedule install` lets regular runs start, if its options say nothing else.
    #[serde(default)]
    pub schedule: ScheduleSection,
    /// Clock of the stamps: `utc`, or `local` to continue a bucket written by v1.0.
    #[serde(default)]
    pub time_zone: Zone,
    /// Wait for a key press at the end of a run or restore, so that its window stays open.
    #[serde(default)]
    pub pause_at_end: bool,
}

/// A directory to back up: its path, or its path with options.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SourceEntry {
    /// Absolute path of the directory.
    #[schemars(title = "Path")]
    Path(#[schemars(regex(pattern = SOURCE), example = &"/home/allen")] String),
    /// A path with options.
    #[schemars(title = "Path with options")]
    Detailed(DetailedSource),
}

/// A directory to back up, with options.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DetailedSource {
    /// Absolute path of the directory.
    #[schemars(regex(pattern = SOURCE), example = &"/media/camera", example = &r"E:\Scans")]
    pub path: String,
    /// If true, a missing source is a warning, not a failure. For disks that are not always
    /// attached.
    #[serde(default)]
    pub optional: bool,
    /// If true, the source may become empty. By default, a source that held files and has none now
    /// counts as missing, because its disk may not be attached.
    #[serde(default)]
    pub allow_empty: bool,
}

/// What to leave out: names with `*` and `?`, or full paths without wildcards.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exclude {
    /// Directories left out with everything in them: a name (`node_modules`, `cache*`) or a full
    /// path.
    #[serde(default)]
    #[schemars(inner(regex(pattern = EXCLUSION)), example = ["node_modules", "cache*", "/home/allen/Downloads"])]
    pub directories: Vec<String>,
    /// Files left out: a name (`~WRL*.tmp`) or a full path.
    #[serde(default)]
    #[schemars(inner(regex(pattern = EXCLUSION)), example = ["*.tmp", "~$*"])]
    pub files: Vec<String>,
}

/// The program that makes a snapshot, and where the snapshot is shown.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SnapshotSection {
    /// Program called as `PROGRAM SOURCE MOUNT COMMAND…`. Windows: `aam-backup shadow` by default.
    /// Unix: none by default.
    #[schemars(regex(pattern = PROGRAM), example = &"/usr/local/bin/with-snapshot")]
    pub program: Option<String>,
    /// Where the snapshot is shown: a free drive letter on Windows (`Q:` by default), an empty
    /// directory on Unix.
    #[schemars(regex(pattern = MOUNT), example = &"Q:", example = &"/mnt/snapshot")]
    pub mount: Option<String>,
}

/// How archives are made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArchiveSection {
    /// The key that encrypts archives (AES-256). Nothing can be restored without it, so keep a copy
    /// elsewhere.
    pub encryption_key: Reference,
    /// `zip` opens everywhere; `7z` also hides file names and is faster with many small files.
    #[serde(default)]
    pub format: Format,
    /// Size of one volume: `4 GB`, `500MB`, or a number of bytes.
    #[serde(default)]
    pub volume_size: VolumeSize,
    /// 0 does not compress, 9 compresses most.
    #[serde(default = "default_compression_level")]
    #[schemars(range(min = 0, max = 9), example = 5)]
    pub compression_level: u8,
    /// `spool` makes archives in the work directory and then uploads them. `stream` uploads them while
    /// they are made, to all stores at once, and needs next to no space; an interrupted upload starts
    /// anew. Only for `format: zip` on Unix without a snapshot.
    #[serde(default)]
    pub transfer: Transfer,
    /// Directory where archives wait until they are uploaded. Windows: `C:\ProgramData\AAM Auto Backup\work` by default. Unix:
    /// `/var/tmp` by default.
    #[schemars(regex(pattern = PATH), example = &"/var/tmp", example = &r"D:\backup work")]
    pub work_directory: Option<String>,
}

/// The size of a volume: a number of bytes, or a number with a unit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(example = &"4 GB", example = &"500MB", example = 4_000_000_000_u64)]
pub enum VolumeSize {
    /// Bytes.
    #[schemars(title = "Bytes")]
    Bytes(#[schemars(range(min = LEAST_VOLUME, max = MAX_VOLUME))] u64),
    /// A number with a unit, such as `4 GB`.
    #[schemars(title = "Size with a unit")]
    Text(#[schemars(regex(pattern = SIZE))] String),
}

impl Default for VolumeSize {
    fn default() -> VolumeSize {
        VolumeSize::Bytes(default_volume_size())
    }
}

/// 4000000000 bytes.
pub fn default_volume_size() -> u64 {
    4_000_000_000
}

/// 7-Zip's own default.
pub fn default_compression_level() -> u8 {
    5
}

/// How far back a store is searched for complete backups.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CatalogPolicy {
    /// Number of months, including the current one.
    #[serde(default = "default_lookback_months")]
    #[schemars(range(min = 1, max = 120), example = 6)]
    pub lookback_months: u32,
}

fn default_lookback_months() -> u32 {
    6
}

impl Default for CatalogPolicy {
    fn default() -> CatalogPolicy {
        CatalogPolicy {
            lookback_months: default_lookback_months(),
        }
    }
}

/// How archived objects are retrieved.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RestorePolicy {
    /// Number of days that a thawed object stays readable. 2 by default.
    #[schemars(range(min = 1, max = 365), example = 2)]
    pub keep_days: Option<u32>,
    /// Retrieval speed and cost.
    #[serde(default)]
    pub tier: Tier,
    /// How often to check whether objects are thawed, such as `1h`. `30m` by default.
    pub poll_every: Option<Span>,
}

/// A time span, such as `90s`, `10m`, `2h` or `1h 30m`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Span(
    #[schemars(regex(pattern = SPAN), example = &"90s", example = &"10m", example = &"1h 30m")]
    pub String,
);

/// What to do while another backup is running on this computer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockPolicy {
    /// How often a waiting run says that it waits. `10m` by default.
    pub retry_every: Option<Span>,
    /// Time after which the run gives up and fails. `2h` by default.
    pub give_up_after: Option<Span>,
}

/// When regular runs start. It takes effect with `aam-backup schedule install`, after every change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScheduleSection {
    /// Local time of day, or several. `00:30` by default.
    #[schemars(example = &"02:30", example = ["02:30", "14:30"])]
    pub at: Option<TimesOfDay>,
    /// How often to run.
    #[serde(default)]
    pub every: Every,
    /// Time after which the scheduler stops a run. launchd has no such limit. `72h` by default.
    pub time_limit: Option<Span>,
    /// Whether a run also starts while the computer runs on battery. cron and launchd cannot tell.
    #[serde(default = "default_true")]
    pub on_battery: bool,
    /// Whether the computer stays awake while a scheduled run goes on.
    #[serde(default)]
    pub keep_awake: bool,
    /// Directory or drive at which the disk for the backup is mounted. A run starts when it is
    /// attached, and a scheduled run is skipped while it is not. cron starts runs by time only.
    #[schemars(regex(pattern = PATH), example = &"/media/allen/backup", example = &r"E:\")]
    pub when_attached: Option<String>,
}

impl Default for ScheduleSection {
    fn default() -> ScheduleSection {
        ScheduleSection {
            at: None,
            every: Every::default(),
            time_limit: None,
            on_battery: true,
            keep_awake: false,
            when_attached: None,
        }
    }
}

fn default_true() -> bool {
    true
}

/// Local times of day.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TimesOfDay {
    /// One time.
    #[schemars(title = "Time of day")]
    One(#[schemars(regex(pattern = TIME), example = &"02:30")] String),
    /// Several times.
    #[schemars(title = "Times of day")]
    Several(
        #[schemars(length(min = 1), inner(regex(pattern = TIME)), example = ["02:30", "14:30"])]
        Vec<String>,
    ),
}

/// Paths of programs that are not found automatically.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolsSection {
    /// 7-Zip: `7z.exe` on Windows, `7zz` on Unix.
    #[serde(rename = "7z")]
    #[schemars(regex(pattern = PROGRAM), example = &"/opt/7zip/7zz", example = &r"C:\Program Files\7-Zip\7z.exe")]
    pub seven_zip: Option<String>,
    /// Robocopy, on Windows.
    #[schemars(regex(pattern = PROGRAM), example = &r"C:\Windows\System32\robocopy.exe")]
    pub robocopy: Option<String>,
    /// rsync, on Unix.
    #[schemars(regex(pattern = PROGRAM), example = &"/usr/bin/rsync")]
    pub rsync: Option<String>,
}
