//! Content that an archive has more than once, because files have several names (hard links).

use std::collections::HashSet;

use crate::model::text;

/// Numbers of files take 16 bytes of memory. Beyond this many, more is not counted.
const MOST: usize = 500_000;

/// What an archive has of hard-linked files after the first name of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HardLinked {
    /// The hard-link groups of which a name goes into the archive. Empty after the walk.
    seen: HashSet<u64>,
    pub names: u64,
    pub bytes: u64,
}

impl HardLinked {
    /// Counts a file that goes into the archive; `group` is `None` if it has one name.
    pub(super) fn note(&mut self, group: Option<u64>, size: u64) {
        let Some(group) = group else { return };
        if self.seen.contains(&group) {
            self.names += 1;
            self.bytes += size;
        } else if self.seen.len() < MOST {
            self.seen.insert(group);
        }
    }

    /// The end of the walk.
    pub(super) fn close(&mut self) {
        self.seen = HashSet::new();
    }

    /// What it means, for people. `None` if there is nothing.
    pub fn sentence(&self) -> Option<String> {
        (self.bytes > 0).then(|| {
            let names = text::count(self.names, "further name");
            let size = text::size(self.bytes);
            format!(
                "{names} of hard-linked files: an archive has the content of each name, {size} more in all; a restore \
                 on Linux links them again"
            )
        })
    }
}
