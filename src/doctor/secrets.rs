//! The secrets that a profile refers to: whether they are there, usable, and closed to others. None
//! is shown.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::credential::{describe, has_more_lines};
use crate::model::policy::Credentials;
use crate::model::policy::Reference;
use crate::profile::check::check_key;

pub(super) fn secrets(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let job = visit.job;
    let mut found = Vec::new();
    if let Some(archive) = &job.archive {
        let key = "archive.encryption-key";
        found.push(
            match visit
                .secret(&archive.encryption_key)
                .map(|secret| check_key(archive.format, &secret))
            {
                Ok(Err(refused)) => problem(format!("{key}: {refused}"), "choose another key"),
                resolved => check_reference(key, &archive.encryption_key, resolved.map(drop)),
            },
        );
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
    for store in job.stores() {
        let section = format!("destinations.{}", store.name());
        for (key, reference) in store.secrets() {
            found.extend(check_secret(visit, &format!("{section}.{key}"), reference));
        }
    }
    let email = job.reporting.email.as_ref();
    let email = email.and_then(|email| email.credentials.as_ref());
    for (key, reference) in email.into_iter().flat_map(Credentials::references) {
        let key = format!("email.credentials.{key}");
        found.extend(check_secret(visit, &key, reference));
    }
    found
}

fn check_secret(visit: &Visit<'_>, key: &str, reference: &Reference) -> Vec<CheckAnswer> {
    let found = check_reference(key, reference, visit.secret(reference).map(drop));
    [found]
        .into_iter()
        .chain(open_to_others(reference))
        .collect()
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

/// Who may read a file of Windows is in its access list, which tells little without the members of
/// its groups.
#[cfg(not(unix))]
fn readable_by_others(_: &str) -> bool {
    false
}
