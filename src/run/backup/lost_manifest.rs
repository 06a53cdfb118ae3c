//! The manifests of the last backup, if local state has lost them: they are read back from a store,
//! so that the next backup builds on them (SPEC#changes).

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::adapters::state::State;
use crate::adapters::store::open::open_stores;
use crate::model::cancel::Cancel;
use crate::model::catalog::{Catalog, Set};
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::name::MountName;
use crate::model::secret::Secret;
use crate::model::stamp::Stamp;
use crate::plan::cost::price::Prices;
use crate::run::restore::origin::{Candidate, RestoreOrigin};
use crate::run::restore::tools::ThawPolicy;
use crate::run::restore::work::RestoreSettings;
use crate::run::search::states::States;

use super::survey::Survey;

/// Brings the manifests of the newest backup that every store has back into local state. Whether
/// that was needed and done; a run goes on without them.
pub(super) fn read_back(
    job: &Job,
    surveyed: &Survey,
    key: &Secret,
    cancel: &Cancel,
    events: &Events<'_>,
) -> bool {
    let Some(stamp) = lost(job, surveyed) else {
        return false;
    };
    let done = fetch(job, surveyed, stamp, key, cancel);
    let text = match &done {
        Ok(()) => format!("the manifest of the backup {stamp} was read back from a store"),
        Err(why) => format!("the manifest of the backup {stamp} cannot be read back: {why}"),
    };
    events.note(Section::LatestBackups, text);
    done.is_ok()
}

/// The backup that this one can build on and whose manifests are not on this computer.
fn lost(job: &Job, surveyed: &Survey) -> Option<Stamp> {
    let facts = &surveyed.facts;
    if facts.foreign.is_some() || facts.force_full || facts.new_key {
        return None;
    }
    let now = Stamp::new(facts.now, job.zone);
    let complete = |catalog: &Catalog| -> BTreeSet<Stamp> {
        let backups = catalog.sets.iter().flat_map(Set::chain);
        let stamps = backups.map(|backup| backup.id.stamp());
        stamps.filter(|stamp| !stamp.is_future(now)).collect()
    };
    let catalogs = facts.stores.iter();
    let catalogs = catalogs.filter_map(|(_, store)| store.catalog.as_ref().ok());
    let common = catalogs
        .map(complete)
        .reduce(|known, next| known.intersection(&next).copied().collect())?;
    let newest = common.last().copied()?;
    let is_known = facts.remembered.iter().any(|known| known.stamp == newest);
    (!is_known).then_some(newest)
}

fn fetch(
    job: &Job,
    surveyed: &Survey,
    stamp: Stamp,
    key: &Secret,
    cancel: &Cancel,
) -> Result<(), String> {
    let stores = open_stores(job, cancel).into_iter();
    let candidates = stores
        .filter(|(name, ..)| surveyed.stores.contains_key(name))
        .map(|(_, label, store)| Candidate { label, store });
    let origin = RestoreOrigin {
        location: job.location.clone(),
        candidates: candidates.collect(),
        job: Some(job.clone()),
    };
    let prices = Prices::default();
    let key = || Ok((key.clone(), "archive.encryption-key".to_owned()));
    let settings = RestoreSettings {
        origin: &origin,
        thaw: ThawPolicy::look_only(&prices),
        key: &key,
        cancel,
        events: &Events::default(),
    };
    let states = States::gather(&settings, false).map_err(|why| why.to_string())?;
    let known = states.all().find(|(known, _)| *known == stamp);
    let (_, known) = known.ok_or("no store has it")?;
    // The list of this computer is the one that is lost.
    let opened = states.open_stored(stamp, known);
    let opened = opened.map_err(|why| why.to_string())?;
    let opened = opened.ok_or("a backup of v1.0 has none")?;
    let lists = opened.mounts.iter();
    let lists: Vec<(MountName, PathBuf)> = lists
        .map(|mount| (MountName::of(&mount.path), mount.file().to_path_buf()))
        .collect();
    State::of(&job.location)
        .remember(stamp, None, None, &lists)
        .map_err(|why| why.to_string())
}
