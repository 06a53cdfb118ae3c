//! What the credentials of a bucket may do, and what the bucket does with old objects.
//!
//! An access key that is kept on a computer for years may be stolen with it. A key that can neither
//! delete nor read cannot harm the backups.

use chrono::{DateTime, TimeDelta, Utc};

use super::stores::{missing, refused};
use super::visit::{ListedStore, Visit, VisitedStore};
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::store::{S3Store, Store, StoreError, StoreErrorKind, UploadRight, Versioning};
use crate::model::catalog::{Catalog, Set};
use crate::model::lifecycle::{Lifecycle, LifecycleRule};
use crate::model::policy::StorageClass;
use crate::model::store::StoreSettings;
use crate::model::text::count;
use crate::plan::restore::sets::day;

/// Days for which an object in Deep Archive is billed, however early it is deleted.
const PAID_DAYS: u32 = 180;

/// Where the rights that a backup needs are written down.
const PAGE: &str = "see docs/aws.md for the rights that a backup needs";

/// The bucket, when its credentials are known there: one that does not answer, or is elsewhere,
/// would give the same error again and again.
fn reached<'v>(visit: &'v Visit<'_>) -> Option<Bucket<'v>> {
    let known = |error: &StoreError| error.kind == StoreErrorKind::Forbidden;
    let bucket = |(settings, opened): &'v (StoreSettings, VisitedStore)| {
        let ListedStore { store, catalog } = opened.as_ref().ok()?;
        catalog.as_ref().err().is_none_or(known).then_some(())?;
        Some(Bucket {
            class: settings.storage_class(),
            store: store.as_s3()?,
            catalog: catalog.as_ref().ok(),
        })
    };
    visit.stores().iter().find_map(bucket)
}

/// A bucket that was reached.
struct Bucket<'v> {
    class: Option<StorageClass>,
    store: &'v S3Store,
    catalog: Option<&'v Catalog>,
}

fn unknown(what: &str, error: &StoreError) -> CheckAnswer {
    ok(format!("{what} is not known: {}", error.why))
}

pub(super) fn upload(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(Bucket { store, .. }) = reached(visit) else {
        return Vec::new();
    };
    let label = store.label();
    vec![match store.may_upload(&missing(visit)) {
        Ok(UploadRight::Full) => ok(format!("the credentials may write to {label}")),
        Ok(UploadRight::WithoutAbort) => warning(
            format!(
                "the credentials may write to {label}, but not abort an upload: the parts of an interrupted upload stay and are charged"
            ),
            format!("grant s3:AbortMultipartUpload; {PAGE}"),
        ),
        Ok(UploadRight::None) => problem(
            format!("the credentials may not write to {label}"),
            format!("grant s3:PutObject; {PAGE}"),
        ),
        Err(error) => refused(&error),
    }]
}

pub(super) fn delete(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(Bucket { store, .. }) = reached(visit) else {
        return Vec::new();
    };
    let (label, key) = (store.label(), missing(visit));
    let tried = store
        .may_delete(&key)
        .and_then(|one| Ok((one, store.may_delete_versions(&key)?)));
    let text = match tried {
        Err(error) => return vec![unknown("whether the credentials may delete", &error)],
        Ok((false, false)) => {
            return vec![ok(format!("the credentials may not delete from {label}"))];
        }
        Ok((_, true)) => {
            format!(
                "the credentials may permanently delete backups from {label}, and so may anyone who steals them"
            )
        }
        Ok((true, false)) => {
            format!("the credentials may delete from {label}, and so may anyone who steals them")
        }
    };
    vec![warning(
        text,
        format!("use credentials without s3:DeleteObject and s3:DeleteObjectVersion; {PAGE}"),
    )]
}

pub(super) fn read(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(Bucket { store, catalog, .. }) = reached(visit) else {
        return Vec::new();
    };
    let label = store.label();
    // A marker, which is small and in no archive class.
    let sets = catalog.iter().flat_map(|catalog| &catalog.sets);
    let markers = sets
        .flat_map(|set| set.backups())
        .flat_map(|backup| backup.archives.values());
    let marker = markers.filter_map(|archive| archive.marker.as_ref()).last();
    let key = marker.map_or_else(|| missing(visit), |object| object.key.clone());
    vec![match store.may_read(&key) {
        Ok(false) => ok(format!("the credentials may not read from {label}")),
        Ok(true) => warning(
            format!("the credentials may read from {label}, which only a restore needs"),
            format!(
                "use credentials without s3:GetObject for backups, and others for a restore; {PAGE}"
            ),
        ),
        Err(error) => unknown("whether the credentials may read", &error),
    }]
}

pub(super) fn lifecycle(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(bucket) = reached(visit) else {
        return Vec::new();
    };
    let Bucket {
        class,
        store,
        catalog,
    } = bucket;
    match store.lifecycle() {
        Err(error) => vec![unknown("when objects expire", &error)],
        Ok(rules) => {
            let deep = class == Some(StorageClass::DeepArchive);
            let mut found = judge(
                &rules,
                &format!("{}_", visit.job.location),
                visit.job.lookback_months.get(),
                deep,
            );
            let rules = Lifecycle::Rules(rules);
            let sets = catalog.iter().flat_map(|catalog| &catalog.sets);
            let expiring = sets.filter(|set| set.is_restorable()).map(|set| {
                let expiry = rules.expiry(set, visit.job.zone);
                (set, expiry)
            });
            found.extend(expiries(&expiring.collect::<Vec<_>>(), visit.now));
            found
        }
    }
}

/// How many sets are named.
const NAMED: usize = 3;

/// Whoever makes no full backup for so long may lose the last one.
const SOON: TimeDelta = TimeDelta::days(30);

/// When complete sets are deleted, oldest first.
fn expiries(sets: &[(&Set, Option<DateTime<Utc>>)], now: DateTime<Utc>) -> Option<CheckAnswer> {
    let expiring: Vec<_> = sets
        .iter()
        .filter_map(|(set, expiry)| Some((set.stamp, (*expiry)?)))
        .collect();
    let (_, last) = expiring.last()?;
    let named: Vec<String> = expiring
        .iter()
        .take(NAMED)
        .map(|(set, expiry)| format!("{set} on {}", day(*expiry)))
        .collect();
    let more = match expiring.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {} by {}", count(more as u64, "more set"), day(*last)),
    };
    let text = format!(
        "the lifecycle rule deletes the sets {}{more}",
        named.join(", ")
    );
    let is_last = expiring.len() == sets.len() && *last - now < SOON;
    Some(match is_last {
        true => warning(
            format!("{text}; there is no other complete backup"),
            "make a full backup before that: `run --force-full`",
        ),
        false => ok(text),
    })
}

/// Rules that apply to objects of a location, whose names begin with `prefix`.
fn judge(
    rules: &[LifecycleRule],
    prefix: &str,
    lookback_months: u32,
    deep_archive: bool,
) -> Vec<CheckAnswer> {
    let ours =
        |rule: &&LifecycleRule| prefix.starts_with(&rule.prefix) || rule.prefix.starts_with(prefix);
    let least =
        |days: fn(&LifecycleRule) -> Option<u32>| rules.iter().filter(ours).filter_map(days).min();
    // A month at its shortest would be wrong by little: 6 months are 180 days in the bucket's rule,
    // too.
    let searched = lookback_months * 30;
    let days_in_words = |days: u32| count(days.into(), "day");
    let expiry = match least(|rule| rule.expires_after) {
        None => ok("objects never expire and are charged until somebody deletes them"),
        Some(days) if days < searched => warning(
            format!(
                "objects expire after {}, but runs build on full backups of the last {}",
                days_in_words(days),
                count(lookback_months.into(), "month")
            ),
            format!("keep them for {searched} days or more, or lower catalog.lookback-months"),
        ),
        Some(days) if deep_archive && days <= PAID_DAYS => warning(
            format!(
                "objects expire after {}, but Deep Archive charges for at least {PAID_DAYS} days",
                days_in_words(days)
            ),
            format!("keep them for {} days or more", PAID_DAYS + 1),
        ),
        Some(days) => ok(format!("objects expire after {}", days_in_words(days))),
    };
    let unfinished = match least(|rule| rule.aborts_uploads_after) {
        Some(days) => ok(format!(
            "unfinished uploads are removed after {}",
            days_in_words(days)
        )),
        None => warning(
            "unfinished uploads are never removed: they are invisible but charged",
            "add a lifecycle rule that aborts incomplete multipart uploads after 7 days",
        ),
    };
    vec![expiry, unfinished]
}

pub(super) fn versioning(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(Bucket { store, .. }) = reached(visit) else {
        return Vec::new();
    };
    let label = store.label();
    vec![match store.versioning() {
        Ok(Versioning::Enabled) => ok(format!("{label} keeps old versions of overwritten objects")),
        Ok(Versioning::Suspended | Versioning::Off) => warning(
            format!(
                "{label} does not keep old versions, so anyone who steals the credentials can overwrite backups"
            ),
            "enable versioning, and let old versions expire by a lifecycle rule",
        ),
        Err(error) => unknown("whether old versions are kept", &error),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::CheckLevel;
    use super::*;

    #[test]
    fn lifecycles() {
        let rule = |prefix: &str, expires_after, aborts_uploads_after| LifecycleRule {
            prefix: prefix.to_owned(),
            expires_after,
            aborts_uploads_after,
            ..LifecycleRule::default()
        };
        let (fine, bad) = (CheckLevel::Ok, CheckLevel::Warning);
        for (rules, lookback, deep, expected) in [
            (vec![], 6, true, [fine, bad]),
            (vec![rule("", Some(181), Some(7))], 6, true, [fine, fine]),
            (
                vec![rule("pc_", Some(180), None), rule("", None, Some(7))],
                6,
                true,
                [bad, fine],
            ),
            (vec![rule("", Some(180), Some(7))], 6, false, [fine, fine]),
            (vec![rule("", Some(365), None)], 13, true, [bad, bad]),
            (vec![rule("other_", Some(1), Some(1))], 6, true, [fine, bad]),
            (
                vec![rule("pc_2026", Some(1), Some(1))],
                6,
                true,
                [bad, fine],
            ),
        ] {
            let levels: Vec<CheckLevel> = judge(&rules, "pc_", lookback, deep)
                .iter()
                .map(|found| found.0)
                .collect();
            assert_eq!(levels, expected, "{rules:?}");
        }
    }
}
