//! Whether a destination is the disk that it was (SPEC#mirror): the mount point of a disk that is
//! not attached is an empty directory of another disk.
//!
//! A small file in the destination contains an id. It is made once; local state remembers the ids
//! seen at a path. Several disks may take turns at one path: each has its own id.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::fs::{create_private_directory, read_plain};
use crate::adapters::state::{base_directory, checked};

/// The file in a destination.
pub const NAME: &str = ".aam-backup-destination";

/// In local state.
const FILE: &str = "destinations.json";

/// What is wrong with a destination that is not the one that it was.
pub const PROBLEM: &str = "is not the destination that it was: its disk is not attached";

/// What to do when a destination is not the one that it was.
pub const HINT: &str =
    "attach its disk; if a new disk or directory takes its place, run once with --new-destination";

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct KnownDestinations {
    version: u32,
    /// The ids seen at each path.
    paths: BTreeMap<PathBuf, BTreeSet<String>>,
}

#[derive(Serialize, Deserialize)]
struct DestinationMark {
    id: String,
}

/// Why nothing may be written to a destination. It is only looked at.
pub fn problem(path: &Path) -> Option<&'static str> {
    let known = known().paths.remove(path).unwrap_or_default();
    let is_missing = !known.is_empty() && id_in(path).is_none();
    is_missing.then_some(PROBLEM)
}

/// Whether its disk is not attached, as far as can be told: it is not there, or not the one that it
/// was.
pub fn is_away(path: &Path) -> bool {
    let found = fs::metadata(path);
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) || problem(path).is_some()
}

/// Marks a destination at its first use, and remembers the mark. What cannot be written is left: a
/// destination without a mark is used as it is.
pub fn mark(path: &Path) {
    let id = match id_in(path) {
        Some(id) => id,
        None => {
            let mut bytes = [0; 16];
            if getrandom::fill(&mut bytes).is_err() {
                return;
            }
            let id = hex::encode(bytes);
            let text = serde_json::to_vec(&DestinationMark { id: id.clone() });
            if text
                .map_err(io::Error::from)
                .and_then(|text| write_new(&path.join(NAME), &text))
                .is_err()
            {
                return;
            }
            id
        }
    };
    let mut known = known();
    known.version = 1;
    if known.paths.entry(path.to_owned()).or_default().insert(id) {
        keep(&known);
    }
}

/// Forgets what was seen at a path: another disk takes its place.
pub fn forget(path: &Path) {
    let mut known = known();
    if known.paths.remove(path).is_some() {
        keep(&known);
    }
}

/// The id in a destination. Only a plain, small file is read: a link would lead elsewhere, and a
/// pipe would never end.
fn id_in(path: &Path) -> Option<String> {
    const MOST_BYTES: u64 = 1000;
    let text = read_plain(&path.join(NAME), MOST_BYTES).ok()?;
    Some(serde_json::from_slice::<DestinationMark>(&text).ok()?.id)
}

/// Writes the mark where there is nothing of its name, so never through a link.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    io::Write::write_all(&mut options.write(true).create_new(true).open(path)?, text)
}

/// Where the ids that were seen are recorded.
pub fn record() -> PathBuf {
    base_directory().join(FILE)
}

fn known() -> KnownDestinations {
    let read = checked::read(&record());
    read.filter(|known: &KnownDestinations| known.version == 1)
        .unwrap_or_default()
}

fn keep(known: &KnownDestinations) {
    let directory = base_directory();
    // Without the note the next run takes the destination as it finds it.
    let _ = create_private_directory(&directory)
        .and_then(|()| checked::write(&directory.join(FILE), known));
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_file_is_a_mark() {
        let place = tempfile::tempdir().unwrap();
        let (mark, elsewhere) = (place.path().join(NAME), place.path().join("elsewhere"));
        fs::write(&elsewhere, r#"{"id": "1"}"#).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &mark).unwrap();
        assert_eq!(id_in(place.path()), None, "a link");
        assert!(write_new(&mark, b"through the link").is_err());
        assert_eq!(fs::read(&elsewhere).unwrap(), br#"{"id": "1"}"#);
        fs::remove_file(&mark).unwrap();
        write_new(&mark, br#"{"id": "2"}"#).unwrap();
        assert_eq!(id_in(place.path()), Some("2".to_owned()));
    }
}
