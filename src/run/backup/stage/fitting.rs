//! What the mirror needs before files are copied, and what it does not hold.

use crate::adapters::mirror_record::LastCopy;
use crate::model::manifest::{Moment, RelPath};

/// What the mirror needs before files are copied, and what it does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitting {
    /// Copies that have another name in case only, and their new names. A directory comes before
    /// what is in it.
    pub(super) renames: Vec<(RelPath, RelPath)>,
    /// Copies that are directories where files should be.
    pub(super) in_the_way: Vec<RelPath>,
    /// Selected entries that are not in the mirror, with everything below.
    pub(super) left_out: Vec<RelPath>,
    /// Symbolic links that are not in it, because its file system has none.
    pub(super) links_left_out: u64,
    /// The last copy before this one. `None`: nothing is remembered here.
    pub(super) last: Option<LastCopy>,
    /// When this walk began.
    pub(super) began: Option<Moment>,
}

impl Fitting {
    /// Whether a path is in the mirror, or below one that is not.
    pub(super) fn leaves_out(&self, path: &RelPath) -> bool {
        self.left_out.iter().any(|out| path.starts_with(out))
    }
}
