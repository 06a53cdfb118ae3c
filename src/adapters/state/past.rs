//! Manifests of earlier backups, which no backup rests on any more: `find`, `versions`, `ls` and
//! `diff` read them without asking a store (SPEC#search).

use std::fs;
use std::path::{Path, PathBuf};

use super::State;
use crate::adapters::fs::create_private_directory;
use crate::model::stamp::Stamp;

/// Directory in the state of a location.
const DIRECTORY: &str = "past";
/// A year of nights.
const MOST_STATES: usize = 400;
/// Bytes of all of them. A backup of 200,000 files has a manifest of 40 MB.
const MOST_BYTES: u64 = 1 << 30;

impl State {
    /// The backups whose manifests are here, oldest first, with the directory of each.
    pub fn states(&self) -> Vec<(Stamp, Vec<PathBuf>)> {
        let mut found = stamped(&self.directory);
        found.extend(stamped(&self.directory.join(DIRECTORY)));
        found.sort();
        found.dedup_by_key(|(stamp, _)| *stamp);
        let files = |place: &Path| super::record(place).map(|record| record.files(place));
        found
            .into_iter()
            .filter_map(|(stamp, place)| Some((stamp, files(&place)?)))
            .collect()
    }

    /// Keeps the manifests of a backup that no other rests on any more.
    pub(super) fn keep_past(&self, place: &Path) {
        let past = self.directory.join(DIRECTORY);
        let moved = create_private_directory(&past)
            .and_then(|()| fs::rename(place, past.join(place.file_name().unwrap_or_default())));
        if moved.is_err() {
            // What stays is tried again by the next run.
            let _ = fs::remove_dir_all(place);
        }
    }

    /// Removes what is more than is kept, the oldest first.
    pub(super) fn limit_past(&self) {
        let mut bytes = 0;
        let all = stamped(&self.directory.join(DIRECTORY));
        for (number, (_, place)) in all.into_iter().rev().enumerate() {
            bytes += size(&place);
            if number >= MOST_STATES || bytes > MOST_BYTES {
                let _ = fs::remove_dir_all(place);
            }
        }
    }
}

/// The directories that are named by a stamp, oldest first.
fn stamped(directory: &Path) -> Vec<(Stamp, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<(Stamp, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    found.sort();
    found
}

fn size(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|e| Some(e.metadata().ok()?.len())).sum()
}
