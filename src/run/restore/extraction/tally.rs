//! What a verification counts.

/// What the manifest was found to say of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub files: u64,
    pub directories: u64,
    /// Symbolic links.
    pub links: u64,
    pub bytes: u64,
    /// Listed, held by an archive, and not there as listed.
    pub different: u64,
    /// Removed, as `--exact` asks.
    pub removed: u64,
    /// Listed but in no archive: they could not be read when the backup was made.
    pub unsaved: u64,
    /// Of the different ones, those whose content is lost.
    pub in_lost: u64,
    /// Damaged archives.
    pub lost: u64,
}

impl Tally {
    /// Of two mounts together.
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            files: self.files + other.files,
            directories: self.directories + other.directories,
            links: self.links + other.links,
            bytes: self.bytes + other.bytes,
            different: self.different + other.different,
            removed: self.removed + other.removed,
            unsaved: self.unsaved + other.unsaved,
            in_lost: self.in_lost + other.in_lost,
            lost: self.lost + other.lost,
        }
    }
}
