//! The secrets that a profile refers to: whether they are there, usable, and closed to others. None
//! is shown.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::credential::{describe, has_more_lines};
use crate::model::policy::Reference;
use crate::profile::check::{SHORT_KEY_HINT, check_key, is_short, short_key};

pub(super) fn secrets(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let job = visit.job;
    let mut found = Vec::new();
    if let Some(archive) = &job.archive {
        let key = "archive.encryption-key";
        let secret = visit.secret(&archive.encryption_key);
        if secret.as_ref().is_ok_and(is_short) {
            found.push(warning(short_key(key), SHORT_KEY_HINT));
        }
        let checked = secret.map(|secret| check_key(archive.format, &secret));
        found.push(match checked {
            Ok(Err(refused)) => problem(format!("{key}: {refused}"), "choose another key"),
            resolved => check_reference(key, &archive.encryption_key, resolved.map(drop)),
        });
        found.extend(open_to_others(&archive.encryption_key));
        if has_more_lines(&archive.encryption_key) {
            found.push(warning(
                format!(
                    "{key}: {} has several lines",
                    describe(&archive.encryption_key)
                ),
                "only the first line is the key: keep that line, or put the whole key on one line",
            ));
        }
    }
    let key = job.archive.as_ref().map(|archive| &archive.encryption_key);
    for (name, reference) in job.references() {
        if Some(reference) == key {
            continue;
        }
        let resolved = visit.secret(reference).map(drop);
        found.push(check_reference(&name, reference, resolved));
        // An id alone opens nothing.
        if !name.ends_with("access-key-id") {
            found.extend(open_to_others(reference));
        }
    }
    found
}

fn check_reference(key: &str, reference: &Reference, resolved: Result<(), String>) -> CheckAnswer {
    match resolved {
        Ok(()) => ok(format!("{key}: found in {}", describe(reference))),
        Err(error) => problem(
            format!("{key}: {error}"),
            "make it available to the account and environment that start runs",
        ),
    }
}

/// A secret's file that others can read.
fn open_to_others(reference: &Reference) -> Option<CheckAnswer> {
    let Reference::File(path) = reference else {
        return None;
    };
    readable_by_others(path).then(|| {
        warning(
            format!("{} can be read by others", describe(reference)),
            format!("chmod 600 '{path}'"),
        )
    })
}

#[cfg(unix)]
fn readable_by_others(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o044 != 0)
}

/// On Windows, the access list says who may read a file, but that says little without the members
/// of its groups.
#[cfg(not(unix))]
fn readable_by_others(_: &str) -> bool {
    false
}
