//! Which states there are, and their lists of files.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::adapters::seven_zip::SevenZip;
use crate::adapters::state::{State, base_directory};
use crate::adapters::store::{CachedStore, Store, StoreError, StoreErrorKind};
use crate::model::catalog::{Catalog, Set};
use crate::model::event::{Events, Section};
use crate::model::secret::Secret;
use crate::model::stamp::Stamp;
use crate::model::text::{count, size};
use crate::plan::restore::error::PlanError;
use crate::plan::restore::estimate::LEAST_DOLLARS;
use crate::plan::restore::plan::{RestoreOptions, RestorePlan};
use crate::plan::restore::point_in_time::PointInTime;
use crate::run::restore::downloads::Downloads;
use crate::run::restore::error::RestoreError;
use crate::run::restore::gather;
use crate::run::restore::manifests::Manifests;
use crate::run::restore::origin::RestoreOrigin;
use crate::run::restore::target::Target;
use crate::run::restore::tools::RestoreTools;
use crate::run::restore::work::RestoreSettings;
use crate::run::search::away;
use crate::run::search::lists::{List, OpenMount, OpenState, open_local};

/// A state that can be named, and where its lists are.
#[derive(Clone, Debug, Default)]
pub struct KnownState {
    /// Manifest files of this computer.
    pub local: Option<Vec<PathBuf>>,
    /// The first store that has it.
    store: Option<usize>,
}

/// All states of a location.
pub struct States<'a> {
    settings: &'a RestoreSettings<'a>,
    by_stamp: BTreeMap<Stamp, KnownState>,
    stores: Vec<(CachedStore<'a>, Catalog)>,
    opener: OnceCell<(SevenZip, Secret, String)>,
}

impl<'a> States<'a> {
    /// Lists the states in the stores, or with `local` only those that this computer knows. A store
    /// that is away is replaced by the lists of this computer.
    ///
    /// # Errors
    /// When no state is known, or no store can be reached and this computer has no lists.
    pub fn gather(
        settings: &'a RestoreSettings<'a>,
        local: bool,
    ) -> Result<States<'a>, RestoreError> {
        let location = &settings.origin.location;
        let mut states = States {
            settings,
            by_stamp: BTreeMap::new(),
            stores: Vec::new(),
            opener: OnceCell::new(),
        };
        let away = match local {
            true => None,
            false => states.ask()?,
        };
        for (stamp, files) in State::of(location).states() {
            match states.by_stamp.get_mut(&stamp) {
                Some(known) => known.local = Some(files),
                // A list without a backup is useless, but nobody knows here what the backups are.
                None if local || away.is_some() => {
                    let known = KnownState {
                        local: Some(files),
                        store: None,
                    };
                    states.by_stamp.insert(stamp, known);
                }
                None => {}
            }
        }
        if states.by_stamp.is_empty() {
            if let Some(error) = away.filter(|_| states.stores.is_empty()) {
                return Err(error.into());
            }
            let store = match states.stores.first() {
                Some((store, _)) => store.label().to_owned(),
                None => "local state".to_owned(),
            };
            let location = location.clone();
            return Err(Box::new(PlanError::NoBackup { location, store }).into());
        }
        Ok(states)
    }

    /// Lists what the stores have. Returns why one of them cannot be asked.
    fn ask(&mut self) -> Result<Option<StoreError>, RestoreError> {
        let location = &self.settings.origin.location;
        let directory = base_directory().join("cache").join(location);
        let mut failed = None;
        for candidate in &self.settings.origin.candidates {
            let store = candidate.store.as_deref().map_err(Clone::clone);
            let asked = store.and_then(|store| Ok((store, gather::catalog(store, location)?)));
            let (store, catalog) = match asked {
                Ok(asked) => asked,
                Err(error) if error.kind == StoreErrorKind::Interrupted => {
                    return Err(RestoreError::Interrupted);
                }
                Err(error) => {
                    away::report(self.settings, &candidate.label, &error);
                    failed = Some(error);
                    continue;
                }
            };
            let store = CachedStore::new(store, &directory);
            store.retain(catalog.index_keys());
            let number = self.stores.len();
            for backup in catalog.sets.iter().flat_map(Set::chain) {
                let known = self.by_stamp.entry(backup.id.stamp()).or_default();
                known.store.get_or_insert(number);
            }
            self.stores.push((store, catalog));
        }
        match failed {
            None if self.stores.is_empty() => Err(RestoreError::NoStore),
            failed => Ok(failed),
        }
    }

    /// Where they come from.
    pub fn origin(&self) -> &RestoreOrigin {
        self.settings.origin
    }

    /// All of them, oldest first.
    pub fn all(&self) -> impl Iterator<Item = (Stamp, &KnownState)> {
        self.by_stamp.iter().map(|(stamp, known)| (*stamp, known))
    }

    /// The newest state, or the newest at or before a point in time.
    ///
    /// # Errors
    /// When the state does not exist.
    pub fn choose(&self, at: Option<&PointInTime>) -> Result<(Stamp, &KnownState), RestoreError> {
        let covered = |stamp: &Stamp| at.is_none_or(|at| at.covers(*stamp));
        let found = self.by_stamp.iter().rev().find(|(stamp, _)| covered(stamp));
        match (found, self.by_stamp.keys().next(), at) {
            (Some((stamp, known)), ..) => Ok((*stamp, known)),
            (None, Some(oldest), Some(at)) => Err(Box::new(PlanError::NothingAt {
                location: self.settings.origin.location.clone(),
                store: self.store_label(),
                at: at.to_string(),
                oldest: *oldest,
            })
            .into()),
            _ => Err(RestoreError::NoStore),
        }
    }

    fn store_label(&self) -> String {
        let candidates = &self.settings.origin.candidates;
        let labels: Vec<&str> = candidates.iter().map(|c| c.label.as_str()).collect();
        labels.join(" and ")
    }

    /// Says what will be read from a store elsewhere, and what it costs.
    pub fn announce(&self, states: &[(Stamp, &KnownState)]) {
        for (number, (store, catalog)) in self.stores.iter().enumerate() {
            let is_read = |stamp: Stamp| {
                let read = |(s, known): &&(Stamp, &KnownState)| {
                    *s == stamp && known.local.is_none() && known.store == Some(number)
                };
                states.iter().any(|state| read(&state))
            };
            let objects = catalog.sets.iter().flat_map(Set::chain);
            let objects: Vec<_> = objects
                .filter(|backup| is_read(backup.id.stamp()))
                .flat_map(|backup| backup.archives.values())
                .filter_map(|archive| archive.manifest.as_ref())
                .filter(|object| !store.has(&object.key))
                .collect();
            if objects.is_empty() {
                continue;
            }
            let bytes: u64 = objects.iter().map(|object| object.size).sum();
            let prices = self.settings.thaw.prices;
            // Each manifest comes with a marker.
            let requests = 2.0 * objects.len() as f64 / 1000.0 * prices.get_per_thousand;
            let dollars = bytes as f64 / 1e9 * prices.transfer_per_gb + requests;
            let mut text = format!(
                "reading {} ({}) from {} once",
                count(objects.len() as u64, "manifest"),
                size(bytes),
                store.label(),
            );
            if dollars >= LEAST_DOLLARS {
                text.push_str(&format!(
                    "; at Amazon's prices that costs about ${dollars:.2}"
                ));
            }
            self.settings.events.note(Section::Objects, text);
        }
    }

    /// Opens the lists of a state. `None` for a backup by v1.0, which has none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn open(
        &self,
        stamp: Stamp,
        known: &KnownState,
    ) -> Result<Option<OpenState>, RestoreError> {
        if let Some(files) = &known.local {
            match open_local(stamp, files) {
                Ok(open) => return Ok(Some(open)),
                Err(error) if known.store.is_none() => return Err(error),
                // The store has it too.
                Err(_) => {}
            }
        }
        self.open_stored(stamp, known)
    }

    /// The same from a store alone.
    ///
    /// # Errors
    /// When they cannot be read, or no store has them.
    pub fn open_stored(
        &self,
        stamp: Stamp,
        known: &KnownState,
    ) -> Result<Option<OpenState>, RestoreError> {
        match known.store.and_then(|number| self.stores.get(number)) {
            Some((store, catalog)) => self.fetch(stamp, store, catalog),
            None => Err(RestoreError::NoStore),
        }
    }

    fn fetch(
        &self,
        stamp: Stamp,
        store: &CachedStore<'a>,
        catalog: &Catalog,
    ) -> Result<Option<OpenState>, RestoreError> {
        let RestoreSettings { cancel, thaw, .. } = *self.settings;
        let options = RestoreOptions {
            location: self.settings.origin.location.clone(),
            store: store.label().to_owned(),
            at: Some(stamp.into()),
            // A state whose manifest is lost is not the same as one that v1.0 wrote.
            exact: true,
            ..RestoreOptions::default()
        };
        let quiet = Events::default();
        let plan = gather::plan(store, catalog, &options, &quiet)?;
        if plan.state != stamp || plan.mounts.iter().any(|mount| mount.manifest.is_none()) {
            return Ok(None);
        }
        let (seven_zip, key, key_from) = self.opener()?;
        let tools = RestoreTools {
            store,
            seven_zip,
            key,
            key_from,
            thaw,
            cancel,
            events: &quiet,
        };
        let opened = fetch_lists(&plan, &tools);
        if opened.is_err() {
            // A copy may be damaged; the next search reads the store.
            store.retain(std::iter::empty());
        }
        opened.map(Some)
    }

    fn opener(&self) -> Result<&(SevenZip, Secret, String), RestoreError> {
        if let Some(opener) = self.opener.get() {
            return Ok(opener);
        }
        let seven_zip = self.settings.origin.seven_zip()?;
        let (key, from) = (self.settings.key)()?;
        Ok(self.opener.get_or_init(|| (seven_zip, key, from)))
    }
}

/// Brings the lists of a planned state here, and opens them with the key.
fn fetch_lists(plan: &RestorePlan, tools: &RestoreTools<'_>) -> Result<OpenState, RestoreError> {
    let scratch = tempfile::Builder::new().prefix("aam-search-").tempdir();
    let scratch = scratch.map_err(RestoreError::disk(
        "create a directory in",
        &std::env::temp_dir(),
    ))?;
    let target = Target::open(&scratch.path().join("lists"), false, plan)?;
    let downloads = Downloads::new(tools, &target);
    let manifests = Manifests::new(tools, &downloads, &target);
    let mut mounts = Vec::new();
    for mount in &plan.mounts {
        let (Some(path), Some(manifest)) = (&mount.path, &mount.manifest) else {
            continue;
        };
        mounts.push(OpenMount {
            number: mount.number,
            path: path.clone(),
            list: List::Fetched(manifests.open(mount, manifest)?),
        });
    }
    Ok(OpenState {
        stamp: plan.state,
        mounts,
        _scratch: Some(scratch),
    })
}
