//! Profiles: YAML text -> span tree, merged with what it extends -> JSON Schema -> document -> checked
//! [`crate::model::job::Job`] (SPEC#profile).
//!
//! [`load`] is the entry point. Every problem of a profile is found in one pass and shown at its place
//! in the text.

pub mod check;
mod compose;
pub mod diagnose;
pub mod document;
pub mod find;
mod mask;
mod mistake;
mod origin;
mod placeholders;
mod position;
pub mod schema;
mod schema_errors;
mod suggest;
mod variables;
mod yaml;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

pub use diagnose::{Diagnostic, Diagnostics};
pub use find::Search;

use crate::model::job::{Job, Reporting};
use check::Checked;
use compose::compose;
use mistake::Mistake;
use position::{Positions, SourceText};
use yaml::MAX_BYTES;

pub use origin::{Effective, Origin, effective, ordered};
pub use yaml::child;

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
    let composed = compose(path, decoded(path, bytes)?)?;
    let Inspected {
        checked, findings, ..
    } = inspect(path, composed.value, composed.findings);
    match checked.and_then(|checked| checked.job) {
        Some(job) if findings.is_empty() => Ok(job),
        _ => Err(Diagnostics::new(
            &composed.texts,
            &composed.places,
            findings,
        )),
    }
}

/// The text of a file that a person wrote: UTF-8, with or without a byte order mark.
///
/// # Errors
/// When it is anything else; says where, and what to do.
pub fn decoded<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, Diagnostics> {
    yaml::decode(bytes).map_err(|finding| {
        let file = SourceText {
            path: path.to_owned(),
            ..SourceText::default()
        };
        Diagnostics::new(&[file], &Positions::default(), vec![finding])
    })
}

/// What can be read from a profile that is otherwise invalid, so that a report can be sent.
#[derive(Debug, Default)]
pub struct Readable {
    pub name: Option<String>,
    pub location: Option<String>,
    pub reporting: Reporting,
}

/// The parts of a profile nothing is wrong with. A file that cannot be read has none.
pub fn readable(path: &Path) -> Readable {
    let bytes = read(path).unwrap_or_default();
    let Some(composed) = yaml::decode(&bytes)
        .ok()
        .and_then(|text| compose(path, text).ok())
    else {
        return Readable::default();
    };
    let Inspected {
        checked,
        findings,
        name,
        location,
    } = inspect(path, composed.value, composed.findings);
    let good = |part: &str| {
        findings.iter().all(|f| {
            f.pointer
                .strip_prefix(part)
                .is_none_or(|r| !r.is_empty() && !r.starts_with('/'))
        })
    };
    let Some(Checked { reporting, .. }) = checked else {
        return Readable::default();
    };
    Readable {
        name: name.filter(|_| good("/name")),
        location: location.filter(|_| good("/location")),
        reporting: reporting.only(good),
    }
}

/// A profile after every check.
struct Inspected {
    /// `None`: too little is right.
    checked: Option<Checked>,
    findings: Vec<Mistake>,
    name: Option<String>,
    location: Option<String>,
}

fn inspect(path: &Path, mut value: Value, mut findings: Vec<Mistake>) -> Inspected {
    findings.extend(variables::expand(&mut value));
    let shape = schema_errors::validate(&value);
    let mut checked = None;
    let (mut name, mut location) = (None, None);
    if let Some((document, broken)) = placeholders::document(value, &shape) {
        checked = Some(check::check(path, &document, &broken));
        (name, location) = (Some(document.name), Some(document.location));
    }
    let logical = checked
        .as_ref()
        .map(|c| c.findings.clone())
        .unwrap_or_default();
    findings.extend(shape.findings);
    // A pattern of the schema is for editors. If a check says the same in words, the words are
    // enough.
    findings.extend(
        shape
            .patterns
            .into_iter()
            .filter(|p| logical.iter().all(|l| l.pointer != p.pointer)),
    );
    findings.extend(logical);
    Inspected {
        checked,
        findings,
        name,
        location,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    let unreadable =
        |error: std::io::Error| Diagnostics::file(path, format!("cannot be read: {error}"), None);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(Diagnostics::file(
            path,
            "is a directory, not a profile",
            None,
        ));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!(
            "is larger than {} KiB, too large for a profile",
            MAX_BYTES / 1024
        );
        return Err(Diagnostics::file(path, message, None));
    }
    Ok(bytes)
}
