//! The stores: reachable, with room; and their clocks.

use chrono::{DateTime, TimeDelta, Utc};

use super::visit::{ListedStore, Visit};
use super::{CheckAnswer, ok, places, problem};
use crate::adapters::file_system;
use crate::adapters::store::StoreErrorKind::Denied;
use crate::adapters::store::{Store, StoreError};
use crate::model::catalog::Catalog;
use crate::model::text;

/// S3 refuses requests whose time is 15 minutes off. At a third of that there is time to set the
/// clock.
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

pub(super) fn directory(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let (Some(opened), Some(path)) = (visit.directory(), &visit.job.directory) else {
        return Vec::new();
    };
    let mut found = match opened {
        Ok(ListedStore {
            store,
            catalog: Ok(catalog),
        }) => vec![ok(holds(store.label(), catalog))],
        Err(error)
        | Ok(ListedStore {
            catalog: Err(error),
            ..
        }) => return vec![refused(error)],
    };
    let directory = path.to_native();
    match file_system::probe(&directory) {
        Err(error) => found.push(problem(
            format!("{path} cannot be written: {error}"),
            "let the account that runs the backup write there",
        )),
        Ok(traits) => {
            let volume = visit
                .job
                .archive
                .as_ref()
                .map_or(0, |archive| archive.volume_size);
            if traits.small_files_only && volume > u64::from(u32::MAX) {
                found.push(problem(
                    format!(
                        "{path} is on FAT, which cannot hold a volume of {}",
                        text::size(volume)
                    ),
                    "set archive.volume-size to 4000000000 or less",
                ));
            }
            let hint = "remove old backups or attach a larger disk";
            found.push(places::space(
                visit,
                &directory,
                "a run now",
                visit.walked().archived_bytes,
                hint,
            ));
        }
    }
    found
}

pub(super) fn bucket(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let (Some(opened), Some(s3)) = (visit.s3(), &visit.job.s3) else {
        return Vec::new();
    };
    vec![match opened {
        Err(error)
        | Ok(ListedStore {
            catalog: Err(error),
            ..
        }) => refused(error),
        Ok(ListedStore {
            store,
            catalog: Ok(catalog),
        }) => ok(format!(
            "{}, region {}",
            holds(store.label(), catalog),
            s3.region
        )),
    }]
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
    match visit.s3() {
        Some(Ok(ListedStore { store, catalog }))
            if catalog.as_ref().err().is_none_or(|e| e.kind == Denied) =>
        {
            found.push(compare(store.label(), store.clock_ahead(), hint));
        }
        _ => {}
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
