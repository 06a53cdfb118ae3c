//! What the program keeps for itself is in no backup: a key beside what it opens is worth nothing,
//! and everybody who gets a mirror would have it (SPEC#selection).

use crate::model::exclusion::Exclusion;
use crate::model::path::FullPath;
use crate::model::select::SelectionSpec;

/// Files with secrets; directories with profiles, state and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPlaces {
    pub files: Vec<FullPath>,
    pub directories: Vec<FullPath>,
}

impl OwnPlaces {
    /// The selection without them. A directory that is a source, or holds one, was asked for.
    pub fn left_out_of(&self, selection: &SelectionSpec) -> SelectionSpec {
        let mut selection = selection.clone();
        let sources = selection.sources.clone();
        let is_below = |path: &&FullPath| sources.iter().any(|source| path.starts_with(source));
        let is_asked_for = |path: &FullPath| sources.iter().any(|source| source.starts_with(path));
        let exclusion = |path: &FullPath| Exclusion::Path(path.clone());
        let directories = self.directories.iter().filter(is_below);
        let directories = directories
            .filter(|path| !is_asked_for(path))
            .map(exclusion);
        selection.directories.extend(directories);
        let is_in_named = |path: &FullPath| {
            let named = |directory: &&FullPath| is_asked_for(directory);
            let mut named = self.directories.iter().filter(named);
            named.any(|directory| path.starts_with(directory))
        };
        let files = self.files.iter().filter(is_below);
        let files = files.filter(|path| !is_in_named(path)).map(exclusion);
        selection.files.extend(files);
        selection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::path::Family;
    use crate::model::select::{Kind, Selection, Verdict};

    #[test]
    fn own_places_are_left_out_unless_they_are_sources() {
        let full = |path: &str| FullPath::parse(path).unwrap();
        let own = OwnPlaces {
            files: vec![full("/home/ada/keys/backup.key"), full("/home/ada/p/n.key")],
            directories: vec![full("/home/ada/p"), full("/var/lib/aam-backup/state")],
        };
        for (source, path, is_in) in [
            ("/home", "/home/ada/keys/backup.key", false),
            ("/home", "/home/ada/keys/other.key", true),
            ("/home/ada/keys", "/home/ada/keys/backup.key", false),
            ("/home", "/home/ada/p/n.yaml", false),
            ("/home", "/home/ada/p/n.key", false),
            ("/home/ada/p", "/home/ada/p/n.yaml", true),
            ("/home/ada/p", "/home/ada/p/n.key", true),
            ("/", "/var/lib/aam-backup/state/pc/x", false),
            ("/", "/var/lib/aam-backup/machine", true),
        ] {
            let spec = SelectionSpec {
                family: Family::Unix,
                sources: vec![full(source)],
                directories: Vec::new(),
                files: Vec::new(),
            };
            let selection = Selection::new(own.left_out_of(&spec));
            let verdict = selection.verdict(&full(path), Kind::File);
            let found = matches!(verdict, Verdict::Selected { .. });
            assert_eq!(found, is_in, "{source}: {path}");
        }
    }
}
