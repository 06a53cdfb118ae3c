//! What takes the space of a mount, and what each exclusion leaves out; for `plan`.

use std::collections::BTreeMap;

use crate::model::exclusion::Exclusion;
use crate::model::manifest::RelPath;

/// Directories are told apart so far below the mount.
const DEPTH: usize = 2;

/// More directories than a person looks at are not told apart: memory does not depend on them.
const MOST: usize = 10_000;

/// The selected files of a directory, those of the directories below it included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub files: u64,
    pub bytes: u64,
}

impl Share {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// How a mount is made up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    directories: BTreeMap<RelPath, Share>,
    /// Entries that each exclusion leaves out, by its text.
    pub rules: BTreeMap<String, u64>,
}

impl Shares {
    /// Counts a selected file.
    pub(super) fn file(&mut self, path: &RelPath, bytes: u64) {
        let directories = path.names().count().saturating_sub(1);
        for depth in 1..=directories.min(DEPTH) {
            let directory = path.truncated(depth);
            let is_full = self.directories.len() >= MOST;
            match self.directories.get_mut(&directory) {
                Some(share) => share.add(bytes),
                None if is_full => {}
                None => self.directories.entry(directory).or_default().add(bytes),
            }
        }
    }

    /// Counts an entry that is left out.
    pub(super) fn excluded(&mut self, by: &Exclusion) {
        *self.rules.entry(by.to_string()).or_default() += 1;
    }

    /// The biggest directories in a directory, at most `most`, the biggest first.
    pub fn biggest(&self, of: &RelPath, most: usize) -> Vec<(&RelPath, Share)> {
        let depth = of.names().count() + 1;
        let is_in = |path: &RelPath| path.names().count() == depth && path.parent() == *of;
        let found = self.directories.iter().filter(|(path, _)| is_in(path));
        let mut found: Vec<(&RelPath, Share)> = found.map(|(p, share)| (p, *share)).collect();
        found.sort_by_key(|(path, share)| (std::cmp::Reverse(share.bytes), *path));
        found.truncate(most);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_biggest_directories_come_first() {
        let mut shares = Shares::default();
        for (path, bytes) in [
            ("top", 100),
            ("a/x", 1),
            ("b/c/d/y", 5),
            ("b/c/z", 6),
            ("b/e/z", 2),
        ] {
            shares.file(&RelPath::from_bytes(path), bytes);
        }
        let shown = |of: &RelPath, most| -> Vec<(String, u64, u64)> {
            let all = shares.biggest(of, most).into_iter();
            let text = |path: &RelPath| path.as_str().unwrap().to_owned();
            all.map(|(path, share)| (text(path), share.files, share.bytes))
                .collect()
        };
        let root = RelPath::root();
        assert_eq!(
            shown(&root, 9),
            [("b".to_owned(), 3, 13), ("a".to_owned(), 1, 1)]
        );
        assert_eq!(shown(&root, 1).len(), 1);
        let in_b = shown(&RelPath::from_bytes("b"), 9);
        assert_eq!(in_b, [("b/c".to_owned(), 2, 11), ("b/e".to_owned(), 1, 2)]);
    }
}
