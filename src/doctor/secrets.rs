//! The secrets that a profile refers to: whether they are there, usable, and closed to others. None
//! is shown.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::credential::{describe, has_more_lines};
use crate::model::job::Credentials;
use crate::model::policy::Reference;
use crate::profile::check::check_key;

pub(super) fn secrets(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let job = visit.job;
    let mut found = Vec::new();
    if let Some(archive) = job.archive.as_ref().filter(|_| job.has_store()) {
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
    let s3 = job.s3.as_ref().and_then(|s3| s3.credentials.as_ref());
    let email = job
        .reporting
        .email
        .as_ref()
        .and_then(|email| email.credentials.as_ref());
    for (section, credentials) in [
        ("destinations.s3.credentials", s3),
        ("email.credentials", email),
    ] {
        found.extend(
            credentials
                .into_iter()
                .flat_map(|keys| access_key(visit, section, keys)),
        );
    }
    found
}

fn access_key(visit: &Visit<'_>, section: &str, keys: &Credentials) -> Vec<CheckAnswer> {
    let mut found = Vec::new();
    let token = keys
        .session_token
        .as_ref()
        .map(|token| ("session-token", token));
    for (name, reference) in [
        ("access-key-id", &keys.access_key_id),
        ("secret-access-key", &keys.secret_access_key),
    ]
    .into_iter()
    .chain(token)
    {
        found.push(check_reference(
            &format!("{section}.{name}"),
            reference,
            visit.secret(reference).map(drop),
        ));
    }
    found.extend(open_to_others(&keys.secret_access_key));
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

/// Who may read a file of Windows is in its access list, which tells little without the members of
/// its groups.
#[cfg(not(unix))]
fn readable_by_others(_: &str) -> bool {
    false
}
