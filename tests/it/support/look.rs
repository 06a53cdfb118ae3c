//! Looking at a tree on disk, and comparing two.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub kind: &'static str,
    /// Of a file; where a link leads.
    pub content: Vec<u8>,
    /// Nanoseconds since 1970.
    pub modified: i128,
    pub mode: u32,
}

/// A tree: every path below its root, as bytes.
pub type Seen = BTreeMap<Vec<u8>, Found>;

/// Reads everything below `root`, which may be missing.
pub fn look(root: &Path) -> Seen {
    let mut seen = Seen::new();
    let mut open = vec![PathBuf::new()];
    while let Some(directory) = open.pop() {
        let entries = match fs::read_dir(root.join(&directory)) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && directory.as_os_str().is_empty() =>
            {
                return seen;
            }
            entries => {
                entries.unwrap_or_else(|e| panic!("{}: {e}", root.join(&directory).display()))
            }
        };
        for entry in entries {
            let rel = directory.join(entry.unwrap().file_name());
            // What a destination is known again by is no part of what was copied.
            if [".aam-backup-destination", ".aam-backup-mirror"]
                .map(Path::new)
                .contains(&&*rel)
            {
                continue;
            }
            let found = one(&root.join(&rel));
            if found.kind == "directory" {
                open.push(rel.clone());
            }
            seen.insert(rel.into_os_string().into_vec(), found);
        }
    }
    seen
}

pub fn one(path: &Path) -> Found {
    let metadata = fs::symlink_metadata(path).unwrap();
    let (kind, content) = match metadata.file_type() {
        t if t.is_dir() => ("directory", Vec::new()),
        t if t.is_file() => ("file", fs::read(path).unwrap_or_default()),
        t if t.is_symlink() => (
            "link",
            fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec(),
        ),
        t if t.is_fifo() => ("fifo", Vec::new()),
        _ => ("other", Vec::new()),
    };
    Found {
        kind,
        content,
        modified: modified(&metadata),
        mode: metadata.mode() & 0o7777,
    }
}

fn modified(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// How two trees differ, a line each; the first is what was expected.
pub fn differences(expected: &Seen, found: &Seen) -> Vec<String> {
    let shown = |path: &Vec<u8>| {
        OsString::from_vec(path.clone())
            .to_string_lossy()
            .escape_debug()
            .to_string()
    };
    let mut lines = Vec::new();
    for (path, there) in expected {
        match found.get(path) {
            None => lines.push(format!("missing: {} ({})", shown(path), there.kind)),
            Some(here) if here != there => lines.push(format!(
                "differs: {}: {there:?}, found {here:?}",
                shown(path)
            )),
            Some(_) => {}
        }
    }
    lines.extend(
        found
            .iter()
            .filter(|(p, _)| !expected.contains_key(*p))
            .map(|(p, f)| format!("too much: {} ({})", shown(p), f.kind)),
    );
    lines
}
