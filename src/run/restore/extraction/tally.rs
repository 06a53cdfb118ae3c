//! What a verification counts.

use crate::model::text;

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

    /// "2 files (3 bytes), 1 directory and 1 symbolic link".
    fn names(&self) -> String {
        let files = text::count(self.files, "file");
        let mut names = format!("{files} ({})", text::size(self.bytes));
        let others = [
            (self.directories, "directory"),
            (self.links, "symbolic link"),
        ];
        let mut others = others
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .peekable();
        while let Some((number, what)) = others.next() {
            let joint = if others.peek().is_some() {
                ", "
            } else {
                " and "
            };
            names.push_str(joint);
            names.push_str(&text::count(number, what));
        }
        names
    }

    /// For people: what is there of a mount.
    pub fn sentence(&self, mount: &str) -> String {
        format!(
            "{mount}: {} {} there as listed{}",
            self.names(),
            match self.files + self.directories + self.links {
                1 => "is",
                _ => "are",
            },
            match self.different {
                0 => String::new(),
                1 => ", 1 is not".to_owned(),
                different => format!(", {different} are not"),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_their_verbs() {
        let mut tally = Tally {
            files: 1,
            bytes: 1,
            different: 1,
            ..Tally::default()
        };
        let one = "/a: 1 file (1 byte) is there as listed, 1 is not";
        assert_eq!(tally.sentence("/a"), one);
        (tally.directories, tally.different) = (2, 0);
        let more = "/a: 1 file (1 byte) and 2 directories are there as listed";
        assert_eq!(tally.sentence("/a"), more);
        tally.links = 1;
        let all = "/a: 1 file (1 byte), 2 directories and 1 symbolic link are there as listed";
        assert_eq!(tally.sentence("/a"), all);
    }
}
