//! Which store to restore from.

use crate::adapters::store::Store;
use crate::cli::place::{Candidate, Place};
use crate::model::catalog::Catalog;
use crate::model::event::{Events, Section};
use crate::plan::restore::at::At;
use crate::plan::restore::choose::newest_state;
use crate::run::restore::error::RestoreError;
use crate::run::restore::{self, gather};

/// The store to restore from: of those that can be asked, that with the newest backup.
pub fn newest<'a>(
    place: &'a Place,
    at: Option<&At>,
    events: &Events<'_>,
) -> Result<(&'a dyn Store, Catalog), RestoreError> {
    let mut found: Vec<(&dyn Store, Catalog)> = Vec::new();
    let mut failed = Vec::new();
    let ask = |candidate: &'a Candidate| {
        let store = candidate.store.as_deref().map_err(Clone::clone)?;
        Ok((store, gather::catalog(store, &place.location)?))
    };
    for candidate in &place.candidates {
        match ask(candidate) {
            Ok(asked) => found.push(asked),
            Err(error) => failed.push(error),
        }
    }
    let state = |catalog: &Catalog| newest_state(catalog, at);
    // The first of equal ones.
    let best = found.into_iter().reduce(|best, next| if state(&next.1) > state(&best.1) { next } else { best });
    match (best, failed) {
        (None, failed) => Err(failed.into_iter().next().map_or(RestoreError::NoStore, RestoreError::Store)),
        (Some(best), failed) => {
            for error in failed {
                let text = format!("{error}; a newer backup may be there");
                events.warn(Section::LatestBackups, text, Some(error.hint).filter(|h| !h.is_empty()));
            }
            if place.candidates.len() > 1 {
                let text = format!("{} holds the newest backup that can be restored", best.0.label());
                events.note(Section::LatestBackups, text);
            }
            if best.1.ignored > 0 {
                let text = format!("{}: {} other objects ignored", best.0.label(), best.1.ignored);
                events.note(Section::LatestBackups, text);
            }
            Ok(best)
        }
    }
}

/// A wrong location is the most likely slip on a bare computer.
pub fn tell_locations(error: &RestoreError, store: &dyn Store, events: &Events<'_>) {
    let RestoreError::Plan(plan) = error else { return };
    if !matches!(**plan, restore::PlanError::NoBackup { .. }) {
        return;
    }
    match gather::locations(store) {
        Ok(locations) if !locations.is_empty() => {
            let names: Vec<String> = locations.into_iter().collect();
            let text = format!("{} holds backups of: {}", store.label(), names.join(", "));
            events.note(Section::LatestBackups, text);
        }
        _ => {}
    }
}
