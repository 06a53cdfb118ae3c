//! The order for the stage of one mount: everything that the process inside the snapshot needs,
//! without secrets.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Facts;
use super::apart;
use super::scope::{Baseline, Scope};
use crate::model::file_system::FileSystem;
use crate::model::job::Job;
use crate::model::job::MaxDelete;
use crate::model::manifest::{Entry, EntryKind, Moment, RelPath, Stored};
use crate::model::mount::Mount;
use crate::model::name::{BackupId, Format};
use crate::model::name::{ObjectName, Part};
use crate::model::path::{Family, FullPath};
use crate::model::policy::{ExtraFiles, Transfer};
use crate::model::select::SelectionSpec;
use crate::model::stamp::Stamp;
use crate::model::text::one_line;
use chrono::TimeDelta;

/// What to do with one mount. Written to a file for the process that the snapshot program starts
/// (SPEC#run).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StageOrder {
    /// Number of the mount, from 1.
    pub number: usize,
    pub location: String,
    pub stamp: Stamp,
    /// When the backup started.
    pub started: Moment,
    pub mount: Mount,
    /// Where the mount can be read: itself, or where it or its snapshot is shown.
    pub shown_at: String,
    /// It is shown live, not as a snapshot.
    #[serde(default)]
    pub is_live: bool,
    /// The root directory of the tools, if they have one of their own.
    #[serde(default)]
    pub tools_root: Option<PathBuf>,
    pub selection: SelectionSpec,
    /// Listed sources of this mount that are missing: nothing below them is deleted or forgotten.
    pub missing: Vec<FullPath>,
    /// Directory of this mount's work files.
    pub work: FullPath,
    pub mirror: Option<MirrorOrder>,
    pub archive: Option<ArchiveOrder>,
    /// Program paths, final.
    pub seven_zip: String,
    pub copier: String,
}

impl StageOrder {
    /// Whether the mount is read through a snapshot of it.
    pub fn in_snapshot(&self) -> bool {
        !self.is_live && self.shown_at != self.mount.path.to_string()
    }

    /// Whether its archive is sent while it is made.
    pub fn is_streamed(&self) -> bool {
        let archive = self.archive.as_ref();
        archive.is_some_and(|archive| archive.transfer == Transfer::Stream)
    }

    /// A path below the mount, for messages, in the form of the mount's system.
    pub fn display_path(&self, path: &RelPath) -> String {
        self.mount.path.display_below(&one_line(&path.to_string()))
    }
}

/// How the mirror of one mount is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MirrorOrder {
    /// The mirror itself. It must exist, because a disk that is not attached must not be mistaken
    /// for an empty one.
    pub mirror: FullPath,
    /// The directory of this mount's copy in it.
    pub target: FullPath,
    /// Whether the disk of the mirror is attached. A mirror is not written anywhere else.
    pub is_attached: bool,
    /// `extra-files: delete`, with its guard.
    pub delete: Option<MaxDelete>,
    /// Robocopy copies access lists, if the file system keeps them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub access_lists: bool,
    /// The directory in which rsync keeps partial copies.
    #[serde(default)]
    pub half_copies: Option<FullPath>,
    /// What its file system can do. Determined when the stage begins.
    #[serde(default)]
    pub file_system: FileSystem,
}

/// How the archive of one mount is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArchiveOrder {
    pub backup: BackupId,
    /// File name of the volumes up to `.001`, and of the objects.
    pub stem: String,
    /// Key of the manifest object.
    pub manifest: String,
    /// Key of the marker.
    pub marker: String,
    pub format: Format,
    /// Bytes.
    pub volume_size: u64,
    /// 0 to 9.
    pub level: u8,
    #[serde(default)]
    pub transfer: Transfer,
    pub changes: Changes,
    /// The user names a source by a link above it, so 7-Zip must follow links. Otherwise it follows
    /// none, even if a file is replaced by a link meanwhile.
    #[serde(default)]
    pub follows_links: bool,
}

/// Which of the selected files go into the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Changes {
    /// All of them.
    Everything,
    /// Those that differ from this manifest, a file in local state.
    SinceManifest { path: String },
    /// Those with any time at or after this moment.
    SinceMoment { moment: Moment },
}

impl Changes {
    /// Whether an entry is archived; `last` is what the last manifest says of it (SPEC#changes).
    pub fn include(&self, new: &Entry, last: Option<&Entry>) -> bool {
        match (self, last) {
            (Changes::Everything, _) => true,
            (Changes::SinceMoment { moment }, _) => new.meta.touched_since(*moment),
            (Changes::SinceManifest { .. }, None) => true,
            (Changes::SinceManifest { .. }, Some(last)) if new.kind == EntryKind::Directory => {
                last.kind != EntryKind::Directory
            }
            (Changes::SinceManifest { .. }, Some(last)) => {
                // It must be known that an archive holds it.
                let is_held = matches!(last.stored, Some(Stored::In(_)));
                last.kind != EntryKind::File
                    || !is_held
                    || last.details.racy
                    || new.meta.differs(&last.meta)
            }
        }
    }
}

/// How the name of [`MirrorOrder::half_copies`] begins.
pub const HALF_COPIES: &str = ".aam-backup-copying-";

#[allow(clippy::too_many_arguments)] // private: the pieces of `Plan::new`
pub(super) fn stage(
    job: &Job,
    facts: &Facts,
    stamp: Stamp,
    scope: Option<&Scope>,
    mount: &Mount,
    index: usize,
    work: &FullPath,
    missing: &[FullPath],
) -> StageOrder {
    StageOrder {
        number: index + 1,
        location: job.location.clone(),
        stamp,
        started: Moment::from(facts.now),
        is_live: false,
        tools_root: None,
        shown_at: match &job.snapshot {
            // If all sources of the mount are missing, no snapshot is needed.
            Some(snapshot) if !mount.sources.iter().all(|s| missing.contains(s)) => {
                snapshot.mount.root()
            }
            _ => mount.path.to_string(),
        },
        selection: apart::selection(
            job.selection.spec(),
            job.one_file_system,
            &facts.apart,
            Some(work),
        ),
        missing: missing
            .iter()
            .filter(|p| p.starts_with(&mount.path))
            .cloned()
            .collect(),
        work: work.join(&(index + 1).to_string()),
        mirror: job.mirror.as_ref().map(|mirror| MirrorOrder {
            mirror: mirror.path.clone(),
            target: mirror_target(&mirror.path, &mount.path),
            is_attached: facts.mirror_attached,
            delete: (mirror.extra_files == ExtraFiles::Delete).then_some(mirror.max_delete),
            access_lists: mirror.access_lists,
            // Locations differ between the computers that may share a mirror.
            half_copies: (job.family == Family::Unix)
                .then(|| format!("{HALF_COPIES}{}", job.location))
                .map(|name| mirror_target(&mirror.path, &mount.path).join(&name)),
            file_system: FileSystem::default(),
        }),
        archive: archive_order(job, facts, stamp, scope, mount),
        mount: mount.clone(),
        seven_zip: facts.seven_zip.clone(),
        copier: facts.copier.clone(),
    }
}

/// How the archive of a mount is made; `None` when nothing is archived.
fn archive_order(
    job: &Job,
    facts: &Facts,
    stamp: Stamp,
    scope: Option<&Scope>,
    mount: &Mount,
) -> Option<ArchiveOrder> {
    match (scope, &job.archive) {
        (Some(scope), Some(archive)) => {
            let backup = scope.backup(stamp);
            let named = |part| ObjectName {
                location: job.location.clone(),
                backup,
                mount: mount.name.clone(),
                part,
            };
            Some(ArchiveOrder {
                backup,
                stem: ObjectName::archive_stem(&job.location, backup, &mount.name, archive.format),
                manifest: named(Part::Manifest(archive.format.into())).to_string(),
                marker: named(Part::Marker).to_string(),
                format: archive.format,
                volume_size: archive.volume_size,
                level: archive.compression_level,
                transfer: archive.transfer,
                changes: changes(job, facts, scope, mount),
                follows_links: facts
                    .links_above
                    .iter()
                    .any(|link| link.starts_with(&mount.path) && !mount.path.starts_with(link)),
            })
        }
        _ => None,
    }
}

fn changes(job: &Job, facts: &Facts, scope: &Scope, mount: &Mount) -> Changes {
    let Scope::Incremental {
        since, baseline, ..
    } = scope
    else {
        return Changes::Everything;
    };
    let known = facts.remembered.iter().find(|r| r.stamp == *since);
    let path = known.and_then(|r| r.manifests.iter().find(|(name, _)| *name == mount.name));
    match (baseline, path) {
        (Baseline::Manifest, Some((_, path))) => Changes::SinceManifest { path: path.clone() },
        // FAT stores times in steps of two seconds.
        _ => Changes::SinceMoment {
            moment: Moment::from(since.moment(job.zone) - TimeDelta::seconds(2)),
        },
    }
}

/// `<mirror>\<drive letter>\<path>` or `<mirror>/<absolute path>`: the full path is kept
/// (SPEC#run).
pub fn mirror_target(mirror: &FullPath, mount: &FullPath) -> FullPath {
    let top = match mount.drive() {
        Some(letter) => mirror.join(&letter.to_ascii_lowercase().to_string()),
        None => mirror.clone(),
    };
    mount.parts().iter().fold(top, |path, name| path.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::Meta;

    fn entry(kind: EntryKind, times: [i128; 3], size: u64) -> Entry {
        let meta = Meta {
            size,
            modified: Moment(times[0]),
            created: Some(Moment(times[1])),
            changed: Some(Moment(times[2])),
            mode: None,
        };
        let stamp = "20261101_100000.000000".parse().unwrap();
        Entry::new(
            &RelPath::from_bytes("a"),
            kind,
            meta,
            Some(Stored::In(stamp)),
        )
    }

    #[test]
    fn what_an_archive_is_known_to_hold_is_not_archived_again() {
        let file = || entry(EntryKind::File, [5, 6, 7], 1);
        let changes = Changes::SinceManifest {
            path: String::new(),
        };
        let with = |change: fn(&mut Entry)| {
            let mut last = file();
            change(&mut last);
            changes.include(&file(), Some(&last))
        };
        assert!(!with(|_| ()));
        assert!(!with(|last| last.unseen = true));
        assert!(!with(|last| last.meta.changed = None), "not known");
        assert!(with(|last| last.stored = Some(Stored::EARLIER)));
        assert!(with(|last| last.stored = None), "in no archive");
        assert!(with(|last| last.details.racy = true));
        assert!(with(|last| last.kind = EntryKind::Directory));
        assert!(with(|last| last.kind = EntryKind::Link));
        assert!(with(|last| last.meta.size = 2));
        assert!(with(|last| last.meta.modified = Moment(4)));
        assert!(with(|last| last.meta.created = Some(Moment(5))));
        assert!(with(|last| last.meta.changed = Some(Moment(8))));
        assert!(changes.include(&file(), None));
        let directory = |times| entry(EntryKind::Directory, times, 0);
        let new = directory([9, 9, 9]);
        assert!(!changes.include(&new, Some(&directory([1, 1, 1]))));
        assert!(changes.include(&new, Some(&file())));
        assert!(changes.include(&new, None));
    }

    #[test]
    fn without_a_manifest_times_decide() {
        let since = |moment| Changes::SinceMoment {
            moment: Moment(moment),
        };
        for (times, expected) in [
            ([5, 6, 7], false),
            ([8, 6, 7], true),
            ([5, 8, 7], true),
            ([5, 6, 8], true),
            ([5, 6, 9], true),
        ] {
            for kind in [EntryKind::File, EntryKind::Directory] {
                let new = entry(kind, times, 1);
                assert_eq!(since(8).include(&new, Some(&new)), expected, "{times:?}");
            }
        }
        let old = entry(EntryKind::File, [1, 1, 1], 1);
        assert!(Changes::Everything.include(&old, Some(&old)));
    }
}
