//! Execution: carries out a plan's steps in order and tells what happens (SPEC §8). It chooses nothing.
//!
//! A failed step stops only what depends on it: a failing mount stops uploads and markers, not the mirrors of the other
//! mounts; a failing store stops its own uploads and its markers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cancel::Cancel;
use crate::event::{Event, Events, Outcome, Section};
use crate::job::Job;
use crate::marker::Marker;
use crate::name::MountName;
use crate::plan::{Changes, Plan, Scope, StageOrder, Step, StoreName};
use crate::render::StageFiles;
use crate::secret::Secret;
use crate::stage::{self, Archived, StageResult};
use crate::state::State;
use crate::store::{Purpose, Store, StoreError, Stored};
use crate::survey::Stores;

mod leftovers;
mod snapshot;

pub use snapshot::{KEY_VARIABLE, run_order_file};

/// Everything a run needs beside its plan.
pub struct Execution<'a> {
    pub job: &'a Job,
    pub plan: &'a Plan,
    pub stores: &'a Stores,
    /// The archive key, when archives are made.
    pub key: Option<&'a Secret>,
    /// Versions of the tools, for the markers.
    pub tools: Vec<String>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// What has been done so far.
#[derive(Default)]
struct Progress {
    results: Vec<Option<StageResult>>,
    /// A stage failed: nothing is sent.
    broken: bool,
    failed_stores: BTreeSet<StoreName>,
    /// What each store holds now, by mount: volumes, then the manifest.
    sent: Vec<(StoreName, usize, Vec<Stored>, Stored)>,
    marked: BTreeSet<StoreName>,
    remembered: bool,
}

impl Execution<'_> {
    /// Carries out the plan. Whatever happens, work files are removed.
    pub fn run(&self) -> Outcome {
        let mut progress = Progress { results: vec![None; self.plan.stages.len()], ..Progress::default() };
        for name in &self.plan.destinations {
            self.events.tell(Event::Destination { name: name.clone(), complete: false });
        }
        leftovers::remove(self.job, self.plan, self.events);
        for step in &self.plan.steps {
            if self.cancel.is_set() && *step != Step::CleanUp {
                continue;
            }
            match step {
                Step::Stage { mount } => self.stage(*mount, &mut progress),
                Step::Upload { store, mount } => self.upload(*store, *mount, &mut progress),
                Step::Remember => self.remember(&mut progress),
                Step::Mark { store } => self.mark(*store, &mut progress),
                Step::CleanUp => self.clean_up(&progress),
            }
        }
        if self.cancel.is_set() { Outcome::Interrupted } else { self.events.outcome() }
    }

    /// Whether a destination has all of this backup: every mirror verified, or the markers are there. A source that had
    /// to be there and is not is in none.
    fn has_all(&self, destination: &str, progress: &Progress) -> bool {
        let missing = |path| self.job.sources.iter().any(|s| !s.optional && s.path.same(path));
        if self.plan.stages.iter().flat_map(|s| &s.missing).any(missing) {
            return false;
        }
        match self.stores.iter().find(|(_, store)| store.label() == destination) {
            Some((name, _)) => progress.marked.contains(name),
            // A store that could not be opened is not among them, and has no mirror either.
            None => {
                Plan::mirror_name(self.job).as_deref() == Some(destination)
                    && progress.results.iter().all(|r| r.as_ref().is_some_and(|r| r.mirror == Some(true)))
            }
        }
    }

    fn stage(&self, mount: usize, progress: &mut Progress) {
        let mut order = self.plan.stages[mount].clone();
        if progress.broken {
            // No archive will be sent: making one would only cost time.
            order.archive = None;
            if order.mirror.is_none() {
                return;
            }
        }
        self.events.note(Section::Ignored, format!("mount {}: {}", order.number, order.mount.path));
        let key = self.key.filter(|_| order.archive.is_some());
        let done = match self.job.snapshot.as_ref().filter(|_| order.in_snapshot()) {
            None => stage::run(&order, key, self.cancel, self.events).map_err(|e| (e.to_string(), e.hint())),
            Some(snapshot) => snapshot::run(snapshot, &order, key, self.cancel, self.events),
        };
        let wanted = self.plan.stages[mount].archive.is_some();
        match done {
            Ok(result) => {
                if wanted && result.archive.is_none() && !progress.broken {
                    self.stop_uploads(&order, progress);
                }
                progress.results[mount] = Some(result);
            }
            Err(_) if self.cancel.is_set() => {}
            Err((why, hint)) => {
                self.events.fail(Section::Tools, format!("mount '{}' failed: {why}", order.mount.path), hint);
                if wanted {
                    self.stop_uploads(&order, progress);
                }
            }
        }
    }

    fn stop_uploads(&self, order: &StageOrder, progress: &mut Progress) {
        progress.broken = true;
        self.events.fail(
            Section::Objects,
            format!(
                "nothing is uploaded: there is no archive of '{}', and a backup without it would be incomplete",
                order.mount.path
            ),
            Some("the last complete backup stays the one to restore; run again when the cause is mended".to_owned()),
        );
    }

    fn upload(&self, name: StoreName, mount: usize, progress: &mut Progress) {
        if progress.broken || progress.failed_stores.contains(&name) {
            return;
        }
        let archived = progress.results[mount].as_ref().and_then(|r| r.archive.clone());
        let (Some(archived), Some(store)) = (archived, self.stores.get(&name)) else {
            progress.failed_stores.insert(name);
            return;
        };
        match self.send(store.as_ref(), &archived) {
            Ok((volumes, manifest)) => progress.sent.push((name, mount, volumes, manifest)),
            Err(error) => {
                progress.failed_stores.insert(name);
                self.store_failed(&error);
            }
        }
    }

    fn store_failed(&self, error: &StoreError) {
        if !self.cancel.is_set() {
            let hint = (!error.hint.is_empty()).then(|| error.hint.clone());
            self.events.fail(Section::Objects, error.to_string(), hint);
        }
    }

    fn send(&self, store: &dyn Store, archived: &Archived) -> Result<(Vec<Stored>, Stored), StoreError> {
        let progress = |bytes| self.events.tell(Event::Transferred { bytes });
        let put = |file: &stage::WorkFile, purpose| {
            let (label, key) = (store.label().to_owned(), file.key.clone());
            self.events.tell(Event::Uploading { store: label.clone(), key: key.clone(), size: file.size });
            let stored = store.put(&key, &file.path, purpose, &progress)?;
            let (size, sha256) = (stored.size, stored.sha256.clone());
            self.events.tell(Event::Uploaded { store: label, key, size, sha256 });
            Ok(stored)
        };
        let volumes = archived.volumes.iter().map(|v| put(v, Purpose::Archive)).collect::<Result<Vec<_>, _>>()?;
        let manifest = put(&archived.manifest, Purpose::Index)?;
        Ok((volumes, manifest))
    }

    /// Before any marker: a backup that exists in a store must be known here, or the next goes by times only.
    fn remember(&self, progress: &mut Progress) {
        if progress.broken || progress.sent.is_empty() {
            return;
        }
        let manifests: Vec<(MountName, PathBuf)> = self
            .plan
            .stages
            .iter()
            .map(|order| (order.mount.name.clone(), StageFiles::of(order).manifest.to_native()))
            .collect();
        let state = State::of(&self.plan.location);
        match state.remember(self.plan.stamp, &self.plan.remember, &manifests) {
            Ok(()) => progress.remembered = true,
            Err(error) => self.events.warn(
                Section::CleanUp,
                error.to_string(),
                Some("the next incremental backup will go by times only".to_owned()),
            ),
        }
    }

    fn mark(&self, name: StoreName, progress: &mut Progress) {
        let Some(store) = self.stores.get(&name) else { return };
        if progress.broken || progress.failed_stores.contains(&name) {
            return;
        }
        for (_, mount, volumes, manifest) in progress.sent.iter().filter(|(store, ..)| *store == name) {
            let (Some(marker), Some(archive)) =
                (self.marker(*mount, volumes, manifest, progress), self.plan.stages[*mount].archive.as_ref())
            else {
                continue;
            };
            let bytes = marker.to_bytes();
            let (label, key, size) = (store.label().to_owned(), archive.marker.clone(), bytes.len() as u64);
            self.events.tell(Event::Uploading { store: label.clone(), key: key.clone(), size });
            match store.put_bytes(&key, &bytes, Purpose::Index) {
                Ok(stored) => {
                    let sha256 = stored.sha256;
                    self.events.tell(Event::Uploaded { store: label, key, size, sha256 });
                }
                Err(error) => {
                    progress.failed_stores.insert(name);
                    self.store_failed(&error);
                    return;
                }
            }
        }
        progress.marked.insert(name);
        let what = self.plan.scope().map_or("", Scope::word);
        self.events
            .note(Section::Objects, format!("{}: the {what} backup {} is complete", store.label(), self.plan.stamp));
    }

    fn marker(&self, mount: usize, volumes: &[Stored], manifest: &Stored, progress: &Progress) -> Option<Marker> {
        let order = &self.plan.stages[mount];
        let archive = order.archive.as_ref()?;
        let archived = progress.results[mount].as_ref()?.archive.as_ref()?;
        Some(Marker {
            version: 1,
            program: format!("aam-backup {}", env!("CARGO_PKG_VERSION")),
            location: self.plan.location.clone(),
            backup: archive.backup,
            zone: self.job.zone,
            mount: order.mount.path.clone(),
            mounts: self.plan.stages.iter().map(|s| s.mount.clone()).collect(),
            format: archive.format,
            volumes: volumes.to_vec(),
            manifest: manifest.clone(),
            files: archived.files,
            bytes: archived.bytes,
            selection: self.plan.selection.clone(),
            since: match (self.plan.scope()?, &archive.changes) {
                (Scope::Incremental { since, .. }, Changes::SinceManifest { .. } | Changes::SinceMoment { .. }) => {
                    Some(*since)
                }
                _ => None,
            },
            tools: self.tools.clone(),
        })
    }

    fn clean_up(&self, progress: &Progress) {
        for name in self.plan.destinations.iter().filter(|name| self.has_all(name, progress)) {
            self.events.tell(Event::Destination { name: name.clone(), complete: true });
        }
        leftovers::remove_work(&self.plan.work, self.events);
        if progress.remembered && !progress.marked.is_empty() {
            let mut keep = vec![self.plan.stamp];
            // A store that failed today still knows the backup before.
            if let Some(Scope::Incremental { since, .. }) =
                self.plan.scope().filter(|_| !progress.failed_stores.is_empty())
            {
                keep.push(*since);
            }
            State::of(&self.plan.location).forget_all_but(&keep);
        }
    }
}
