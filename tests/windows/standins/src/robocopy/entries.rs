//! What a directory holds, and how it differs from what another holds.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::time::Duration;

use super::options::Options;
use super::pattern::sort_key;

/// What entries are told apart and listed by.
pub type Key = (Vec<(bool, char)>, usize, String);

/// Entries of a directory, in the order they are listed.
pub type Entries = BTreeMap<Key, Entry>;

pub struct Entry {
    pub name: String,
    /// Of what a link leads to.
    pub meta: Metadata,
    pub link: bool,
}

/// Reads a directory. Junctions are taken for what they lead to, unless they are to be left out;
/// one that leads nowhere is not there.
pub fn entries(directory: &str, options: &Options) -> io::Result<Entries> {
    let mut entries = Entries::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let link = entry.file_type()?.is_symlink();
        let meta = match fs::metadata(entry.path()) {
            Ok(meta) => meta,
            Err(_) if link => continue,
            // The listing has it all the same.
            Err(_) => entry.metadata()?,
        };
        if link && meta.is_dir() && options.without_junctions {
            continue;
        }
        let (letters, hyphens) = sort_key(&name);
        entries.insert(
            (letters, hyphens, name.to_lowercase()),
            Entry { name, meta, link },
        );
    }
    Ok(entries)
}

/// How a file differs from the one in the destination; `None` when it does not.
pub fn difference(here: &Metadata, there: &Metadata, coarse: bool) -> Option<&'static str> {
    let tolerance = if coarse {
        Duration::from_secs(2)
    } else {
        Duration::ZERO
    };
    let (here_time, there_time) = (here.modified().ok()?, there.modified().ok()?);
    match here_time.duration_since(there_time) {
        Ok(later) if later > tolerance => Some("Newer"),
        Err(earlier) if earlier.duration() > tolerance => Some("Older"),
        _ => (here.len() != there.len()).then_some("Changed"),
    }
}
