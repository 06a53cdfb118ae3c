//! The order for one mount's stage: all that the process inside the snapshot needs, final, and
//! without a secret.

use serde::{Deserialize, Serialize};

use crate::model::job::MaxDelete;
use crate::model::manifest::{Moment, RelPath};
use crate::model::mount::Mount;
use crate::model::name::{BackupId, Format};
use crate::model::path::FullPath;
use crate::model::select::SelectionSpec;
use crate::model::stamp::Stamp;

/// What to do with one mount. Written to a file for the process that the snapshot program starts
/// (SPEC#run).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StageOrder {
    /// Number of the mount, from 1.
    pub number: usize,
    pub location: String,
    pub stamp: Stamp,
    /// When the backup started: the mirror's differences newer than this do not count (SPEC#run).
    pub started: Moment,
    pub mount: Mount,
    /// Where the mount can be read: itself, or where its snapshot is shown.
    pub shown_at: String,
    pub selection: SelectionSpec,
    /// Listed sources of this mount that are not there: nothing below them is deleted or forgotten.
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
        self.shown_at != self.mount.path.to_string()
    }

    /// A path below the mount, for messages, as the mount's system writes it.
    pub fn said(&self, path: &RelPath) -> String {
        self.mount.path.said_with(&path.to_string())
    }
}

/// How the mirror of one mount is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MirrorOrder {
    /// The mirror itself: it must exist, for a disk that is not attached must not be taken for an
    /// empty one.
    pub mirror: FullPath,
    /// Where this mount's copy lies in it.
    pub target: FullPath,
    /// `extra-files: delete`, with its guard.
    pub delete: Option<MaxDelete>,
}

/// How the archive of one mount is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub changes: Changes,
}

/// Which of the selected files go into the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Changes {
    /// All of them.
    Everything,
    /// Those that differ from this manifest, a file in local state.
    SinceManifest { path: String },
    /// Those with any time at or after this moment.
    SinceMoment { moment: Moment },
}
