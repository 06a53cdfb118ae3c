//! Profiles: YAML text -> span tree -> JSON Schema -> document -> checked [`crate::job::Job`] (SPEC §2).
//!
//! [`load`] is the way in. Every problem of a profile is found in one pass and shown at its place in the text.

pub mod check;
pub mod credential;
pub mod diagnose;
pub mod document;
pub mod find;
mod mask;
mod repair;
pub mod schema;
mod suggest;
mod unpick;
mod yaml;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use diagnose::{Diagnostic, Diagnostics};
pub use find::Search;

use crate::job::Job;
use yaml::{MAX_BYTES, Places};

/// Reads and checks the profile in a file.
///
/// # Errors
/// Everything that is wrong with it, sorted by place.
pub fn load(path: &Path) -> Result<Job, Diagnostics> {
    load_bytes(path, &read(path)?)
}

/// Checks a profile already read; `path` is what messages call it.
///
/// # Errors
/// As [`load`].
pub fn load_bytes(path: &Path, bytes: &[u8]) -> Result<Job, Diagnostics> {
    let none = Places::default();
    let text = yaml::decode(bytes).map_err(|finding| Diagnostics::new(path, "", &none, vec![finding]))?;
    let tree = yaml::parse(text).map_err(|finding| Diagnostics::new(path, text, &none, vec![finding]))?;
    let shape = unpick::validate(&tree.value);
    let mut findings = tree.duplicates;
    let (job, logical) = match repair::document(tree.value, &shape) {
        Some((document, broken)) => check::check(path, &document, &broken),
        None => (None, Vec::new()),
    };
    findings.extend(shape.findings);
    // A pattern of the schema is for editors; where a check says the same in words, the words are enough.
    findings.extend(shape.patterns.into_iter().filter(|p| logical.iter().all(|l| l.pointer != p.pointer)));
    findings.extend(logical);
    match job {
        Some(job) if findings.is_empty() => Ok(job),
        _ => Err(Diagnostics::new(path, text, &tree.places, findings)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    let unreadable = |error: std::io::Error| Diagnostics::file(path, format!("cannot be read: {error}"), None);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(Diagnostics::file(path, "is a directory, not a profile", None));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("is larger than {} KiB, too large for a profile", MAX_BYTES / 1024);
        return Err(Diagnostics::file(path, message, None));
    }
    Ok(bytes)
}
