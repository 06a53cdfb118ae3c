//! Carries out the retention (SPEC#retention): lists a store, and deletes what the plan says.

use chrono::{DateTime, Utc};

use crate::adapters::state::State;
use crate::adapters::store::open::Stores;
use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::catalog::Catalog;
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::marker::{self, Marker};
use crate::model::policy::Keep;
use crate::model::stamp::{Stamp, Zone};
use crate::model::text::{count, size};
use crate::plan::prune::{LastStates, Needed, PrunePlan, newest_first, plan};
use crate::run::restore::gather;

/// What would go from a store.
///
/// # Errors
/// When it cannot be listed, or a set would go and the markers cannot be read that say which sources
/// the others have.
pub fn look(
    store: &dyn Store,
    job: &Job,
    keep: &Keep,
    now: DateTime<Utc>,
) -> Result<PrunePlan, StoreError> {
    let catalog = gather::catalog(store, &job.location)?;
    decide(store, job, &catalog, keep, now)
}

/// What would go of what was listed.
///
/// # Errors
/// As [`look`], but for the list.
pub fn decide(
    store: &dyn Store,
    job: &Job,
    catalog: &Catalog,
    keep: &Keep,
    now: DateTime<Utc>,
) -> Result<PrunePlan, StoreError> {
    let unfinished = State::of(&job.location).unfinished();
    let now = Stamp::new(now, Zone::Utc);
    let mut needed = Needed {
        pinned: unfinished.iter().map(|u| u.backup.full).collect(),
        ..Needed::default()
    };
    let plan = |needed: &Needed| plan(store.label(), &job.location, catalog, keep, needed, now);
    let by_rules = plan(&needed);
    if by_rules.going().next().is_none() {
        return Ok(by_rules);
    }
    let mut states = LastStates::of(job.sources.iter().map(|s| s.path.clone()).collect());
    for (set, backup) in newest_first(catalog, now) {
        let markers = backup.archives.values().filter_map(|a| a.marker.as_ref());
        for object in markers {
            if states.is_complete() {
                break;
            }
            let bytes = store.read_listed(object, marker::MAX_BYTES)?;
            // One that cannot be understood says nothing.
            if let Ok(marker) = Marker::parse(&object.key, &bytes) {
                states.take(set, marker.as_ref());
            }
        }
    }
    needed.last_states = states.into_found();
    Ok(plan(&needed))
}

/// Deletes what a plan says, set by set.
///
/// # Errors
/// When an object cannot be deleted. What is left of its set has no marker, and the next prune
/// deletes it.
pub fn delete(
    store: &dyn Store,
    plan: &PrunePlan,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<(), StoreError> {
    for row in plan.going() {
        for key in &row.keys {
            // Between two objects is as good a place to stop as between two sets.
            if cancel.is_set() {
                return Err(StoreError {
                    store: store.label().to_owned(),
                    what: "deleting old sets".to_owned(),
                    why: "interrupted".to_owned(),
                    kind: StoreErrorKind::Interrupted,
                    hint: String::new(),
                });
            }
            store.remove(key)?;
        }
        let objects = count(row.objects as u64, "object");
        let text = format!(
            "{}: deleted the set {}: {objects}, {} ({})",
            store.label(),
            row.set,
            size(row.bytes),
            row.why
        );
        events.note(Section::CleanUp, text);
    }
    Ok(())
}

/// Prunes the stores of a job whose retention is automatic, after a successful run.
pub fn automatic(
    job: &Job,
    stores: &Stores,
    now: DateTime<Utc>,
    cancel: &Cancel,
    events: &Events<'_>,
) {
    for (name, store) in stores {
        let store = &**store;
        let Some(keep) = job.keep(*name).filter(|keep| keep.automatic) else {
            continue;
        };
        let pruned =
            look(store, job, keep, now).and_then(|plan| delete(store, &plan, cancel, events));
        if let Err(error) = pruned {
            let text = format!("old sets are not deleted: {error}");
            let hint = Some(error.hint).filter(|hint| !hint.is_empty());
            events.warn(Section::CleanUp, text, hint);
        }
    }
}

/// What a person can do when a store is full.
pub fn advice(job: &Job, stores: &Stores, error: &StoreError) -> Option<String> {
    let mut all = stores.iter();
    let (name, store) = all.find(|(_, store)| store.label() == error.store)?;
    if error.kind != StoreErrorKind::Full {
        return None;
    }
    let Some(keep) = job.keep(*name) else {
        return Some(format!(
            "`keep` in destinations.{name} says which old sets `aam-backup prune {}` may delete",
            job.name
        ));
    };
    let plan = look(&**store, job, keep, Utc::now()).ok()?;
    let sets = count(plan.going().count() as u64, "old set");
    Some(format!(
        "`aam-backup prune {}` would free {} ({sets})",
        job.name,
        size(plan.bytes())
    ))
}
