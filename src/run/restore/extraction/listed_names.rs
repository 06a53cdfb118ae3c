//! Which entries of an archive are wanted, where that is not all of it.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::run::restore::error::RestoreError;

/// The names in a list for 7-Zip. Only a sum of each is kept. Another name with the same sum is
/// extracted too, and a newer archive or the manifest corrects that.
pub struct ListedNames {
    sums: HashSet<u64>,
    state: RandomState,
}

impl ListedNames {
    /// Reads a list.
    pub fn read(list: &Path) -> Result<ListedNames, RestoreError> {
        let failed = || RestoreError::disk("read", list);
        let state = RandomState::new();
        let mut input = BufReader::new(File::open(list).map_err(failed())?);
        let (mut sums, mut line) = (HashSet::new(), String::new());
        while input.read_line(&mut line).map_err(failed())? > 0 {
            let name = line.trim_end_matches('\n');
            let name = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
            sums.insert(state.hash_one(name.unwrap_or_default()));
            line.clear();
        }
        Ok(ListedNames { sums, state })
    }

    /// Whether an entry of the archive is in the list.
    pub fn has(&self, path: &str) -> bool {
        self.sums.contains(&self.state.hash_one(path))
    }
}
