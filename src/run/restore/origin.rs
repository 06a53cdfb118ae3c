//! Where a restore comes from: a location, the stores that may hold it, and which of them is used.

use chrono::Utc;

use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::SevenZip;
use crate::adapters::store::Opened;
use crate::adapters::store::{Store, StoreError};
use crate::model::catalog::Catalog;
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::path::Family;
use crate::model::policy::Reference;
use crate::model::stamp::{Stamp, Zone};
use crate::model::text;
use crate::plan::restore::choose::{with_newest_state, without_future};
use crate::plan::restore::error::PlanError;
use crate::plan::restore::plan::RestoreOptions;
use crate::plan::restore::point_in_time::PointInTime;
use crate::run::restore::error::RestoreError;
use crate::run::restore::gather;

/// The store to restore from: of those that can be asked, that with the newest backup.
pub fn newest<'a>(
    origin: &'a RestoreOrigin,
    options: &RestoreOptions,
    events: &Events<'_>,
) -> Result<(&'a dyn Store, Catalog), RestoreError> {
    let at = options.at.as_ref();
    let mut found: Vec<(&dyn Store, Catalog)> = Vec::new();
    let mut failed = Vec::new();
    for candidate in &origin.candidates {
        match ask(candidate, &origin.location, options, events) {
            Ok(asked) => found.push(asked),
            Err(error) => failed.push(error),
        }
    }
    let best = with_newest_state(found, at);
    match (best, failed) {
        (None, failed) => Err(failed
            .into_iter()
            .next()
            .map_or(RestoreError::NoStore, RestoreError::Store)),
        (Some(best), failed) => {
            for error in failed {
                let text = format!("{error}; a newer backup may be there");
                events.warn(
                    Section::LatestBackups,
                    text,
                    Some(error.hint).filter(|h| !h.is_empty()),
                );
            }
            if origin.candidates.len() > 1 {
                let text = format!(
                    "{} holds the newest backup that can be restored",
                    best.0.label()
                );
                events.note(Section::LatestBackups, text);
            }
            if best.1.ignored > 0 {
                let others = text::count(best.1.ignored, "other object");
                let text = format!("{}: {others} ignored", best.0.label());
                events.note(Section::LatestBackups, text);
            }
            Ok(best)
        }
    }
}

/// What a store holds of a location, as far as it counts.
fn ask<'a>(
    candidate: &'a Candidate,
    location: &str,
    options: &RestoreOptions,
    events: &Events<'_>,
) -> Result<(&'a dyn Store, Catalog), StoreError> {
    let store = candidate.store.as_deref().map_err(Clone::clone)?;
    let (catalog, said) = gather::catalog_before(store, location, options.written_before)?;
    for text in said {
        events.note(Section::LatestBackups, text);
    }
    let catalog = dated(catalog, options.at.as_ref(), store.label(), events);
    Ok((store, catalog))
}

/// Backups dated in the future are restored if `--at` names them, or if there are no others, and
/// always with a warning.
fn dated(catalog: Catalog, at: Option<&PointInTime>, label: &str, events: &Events<'_>) -> Catalog {
    let now = Stamp::new(Utc::now(), Zone::Utc);
    if at.is_some() {
        return catalog;
    }
    let (past, future) = without_future(catalog, now);
    if let Some(last) = future.iter().max() {
        let text = format!(
            "{label} holds backups that are dated in the future, up to {last}: the clock that made \
             them was wrong, or that of this computer is"
        );
        let hint = "check the clock of this computer; --at STAMP restores one of them".to_owned();
        events.warn(Section::LatestBackups, text, Some(hint));
    }
    past
}

/// A wrong location is the most likely slip on a bare computer.
pub fn report_locations(error: &RestoreError, store: &dyn Store, events: &Events<'_>) {
    let RestoreError::Plan(plan) = error else {
        return;
    };
    if !matches!(**plan, PlanError::NoBackup { .. }) {
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

/// A store that can be asked, or why not.
pub struct Candidate {
    pub label: String,
    pub store: Opened,
}

/// The location to restore, and the stores it may be restored from.
pub struct RestoreOrigin {
    pub location: String,
    /// Local stores first: of two equal ones, the nearer.
    pub candidates: Vec<Candidate>,
    pub job: Option<Job>,
}

impl RestoreOrigin {
    /// A point in time among the stamps of this location.
    pub fn at(&self, at: Option<&PointInTime>) -> Option<PointInTime> {
        at.cloned().map(|at| at.among(self.zone()))
    }

    /// The clock of its stamps.
    pub fn zone(&self) -> Zone {
        self.job.as_ref().map(|job| job.zone).unwrap_or_default()
    }

    /// 7-Zip, where the profile says it is, if that profile is of this kind of computer.
    pub fn seven_zip(&self) -> Result<SevenZip, ToolError> {
        let job = self.job.as_ref().filter(|job| job.family == Family::HOST);
        SevenZip::locate(job.and_then(|job| job.tools.seven_zip.as_deref()))
    }

    /// Where the profile says the archive key is.
    pub fn key(&self) -> Option<&Reference> {
        self.job
            .as_ref()?
            .archive
            .as_ref()
            .map(|a| &a.encryption_key)
    }
}
