//! The stores: reachable, with room; and their clocks.

use chrono::{DateTime, TimeDelta, Utc};

use super::visit::{ListedStore, Visit, VisitedStore};
use super::{CheckAnswer, ok, places, problem};
use crate::adapters::destination_id;
use crate::adapters::file_system;
use crate::adapters::store::StoreError;
use crate::adapters::store::StoreErrorKind::{Denied, Forbidden};
use crate::model::catalog::Catalog;
use crate::model::path::FullPath;
use crate::model::store::{StoreName, StoreSettings};
use crate::model::text;

/// S3 refuses requests whose time is off by more than 15 minutes. At a third of that, there is
/// still time to set the clock.
const LARGEST_SKEW: TimeDelta = TimeDelta::minutes(5);

/// A store's error as a finding.
pub(super) fn refused(error: &StoreError) -> CheckAnswer {
    let hint = if error.hint.is_empty() {
        "see destinations in the profile"
    } else {
        &error.hint
    };
    problem(error.to_string(), hint)
}

fn holds(label: &str, catalog: &Catalog) -> String {
    let newest = catalog
        .latest_restorable()
        .and_then(|set| set.chain().last().map(|b| b.id.stamp()));
    match newest {
        Some(stamp) => format!("{label} can be listed; newest complete backup {stamp}"),
        None => {
            format!("{label} can be listed; no complete backup in the months that a run searches")
        }
    }
}

/// Whether a store can be listed, and what it contains.
fn listed(settings: &StoreSettings, opened: &VisitedStore) -> Result<CheckAnswer, CheckAnswer> {
    let ListedStore { store, catalog } = opened.as_ref().map_err(refused)?;
    let holds = holds(store.label(), catalog.as_ref().map_err(refused)?);
    Ok(ok(match settings.detail() {
        Some(detail) => format!("{holds}, {detail}"),
        None => holds,
    }))
}

pub(super) fn directory(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let stores = visit.stores().iter();
    let found = stores.flat_map(|(settings, opened)| match settings.path() {
        None => Vec::new(),
        Some(path) if settings.is_optional() && destination_id::is_away(&path.to_native()) => {
            vec![places::not_attached(path)]
        }
        Some(path) => match listed(settings, opened) {
            Ok(listed) => [listed].into_iter().chain(room(visit, path)).collect(),
            Err(refused) => vec![refused],
        },
    });
    found.collect()
}

/// Whether a directory store can be written, and has room for volumes and for a backup.
fn room(visit: &Visit<'_>, path: &FullPath) -> Vec<CheckAnswer> {
    let directory = path.to_native();
    let traits = match file_system::probe(&directory) {
        Ok(traits) => traits,
        Err(error) => {
            return vec![problem(
                format!("{path} cannot be written: {error}"),
                "let the account that runs the backup write there",
            )];
        }
    };
    let mut found = Vec::new();
    let archive = visit.job.archive.as_ref();
    let volume = archive.map_or(0, |archive| archive.volume_size);
    if traits.small_files_only && volume > u64::from(u32::MAX) {
        let size = text::size(volume);
        found.push(problem(
            format!("{path} is on FAT, which cannot hold a volume of {size}"),
            "set archive.volume-size to 4000000000 or less",
        ));
    }
    let hint = "remove old backups or attach a larger disk";
    let bytes = visit.walked().archived_bytes;
    found.push(places::space(visit, &directory, "a run now", bytes, hint));
    found
}

pub(super) fn bucket(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let stores = visit.stores().iter();
    let buckets = stores.filter(|(settings, _)| settings.name() == StoreName::S3);
    let found = buckets.map(|(settings, opened)| listed(settings, opened));
    found
        .map(|found| found.unwrap_or_else(|refused| refused))
        .collect()
}

/// A store that is neither a directory nor a bucket: it says itself whether it can be written.
pub(super) fn other(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let of_others =
        |settings: &StoreSettings| settings.path().is_none() && settings.name() != StoreName::S3;
    let mut found = Vec::new();
    for (settings, opened) in visit.stores().iter().filter(|(s, _)| of_others(s)) {
        found.push(listed(settings, opened).unwrap_or_else(|refused| refused));
        if let Ok(ListedStore {
            store,
            catalog: Ok(_),
        }) = opened
        {
            found.push(match store.try_writing(&missing(visit)) {
                Ok(()) => ok(format!("{} can be written", store.label())),
                Err(error) => refused(&error),
            });
        }
    }
    found
}

/// A key that no object has: unmistakable, below the location's prefix, and new each time.
pub(super) fn missing(visit: &Visit<'_>) -> String {
    format!(
        "{}_aam-backup-doctor-probe-{}",
        visit.job.location,
        visit.now.format("%Y%m%d%H%M%S%6f")
    )
}

pub(super) fn clock(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let hint = "set the clock of this computer, and synchronize it over the network";
    let mut found = Vec::new();
    if let Some(newest) = newest(visit).filter(|newest| *newest > visit.now) {
        found.push(problem(
            format!(
                "the clock of this computer says {} UTC, but a backup was made at {} UTC",
                date(visit.now),
                date(newest)
            ),
            hint,
        ));
    } else {
        found.push(ok(format!(
            "the clock of this computer says {} UTC",
            date(visit.now)
        )));
    }
    // A store that did not answer has been reported, and would only be waited for again. One that
    // refused may have done so because of the time.
    let stores = visit
        .stores()
        .iter()
        .filter_map(|(_, opened)| opened.as_ref().ok());
    let answered = |listed: &&ListedStore| {
        listed
            .catalog
            .as_ref()
            .err()
            .is_none_or(|e| matches!(e.kind, Denied | Forbidden))
    };
    for ListedStore { store, .. } in stores.filter(answered) {
        if let Some(bucket) = store.as_s3() {
            found.push(compare(store.label(), bucket.clock_ahead(), hint));
        }
    }
    found
}

fn compare(label: &str, ahead: Result<TimeDelta, StoreError>, hint: &str) -> CheckAnswer {
    match ahead {
        Err(error) => ok(format!("the clock of {label} is not known: {}", error.why)),
        Ok(ahead) if ahead.abs() > LARGEST_SKEW => {
            let (minutes, word) = (
                ahead.num_minutes().abs(),
                if ahead > TimeDelta::zero() {
                    "behind"
                } else {
                    "ahead of"
                },
            );
            let text = format!(
                "the clock of this computer is {minutes} minutes {word} the clock of {label}"
            );
            problem(
                text,
                format!("{hint}; S3 refuses all requests if it is off by more than 15 minutes"),
            )
        }
        Ok(_) => ok(format!("this computer and {label} have the same time")),
    }
}

fn date(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M").to_string()
}

/// When the newest backup that is known of was made.
fn newest(visit: &Visit<'_>) -> Option<DateTime<Utc>> {
    let zone = visit.job.zone;
    let stored = visit
        .catalogs()
        .flat_map(|catalog| &catalog.sets)
        .flat_map(|set| set.backups())
        .map(|b| b.id.stamp());
    let remembered = visit
        .surveyed()
        .0
        .remembered
        .iter()
        .map(|backup| backup.stamp);
    stored
        .chain(remembered)
        .map(|stamp| stamp.moment(zone))
        .max()
}
