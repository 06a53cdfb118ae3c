//! Execution: carries out the steps of a plan in order and reports what happens (SPEC#run). It
//! chooses nothing.
//!
//! A failed step stops only what depends on it: a failing mount stops uploads and markers, not the
//! mirrors of the other mounts; a failing store stops its own uploads and its markers.

use std::collections::{BTreeMap, BTreeSet};

use crate::adapters::destination_id;
use crate::adapters::store::StoreError;
use crate::adapters::store::open::Stores;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section};
use crate::model::job::{Destination, Job};
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::manifest::RelPath;
use crate::model::marker::MarkerWriter;
use crate::model::path::FullPath;
use crate::model::secret::Secret;
use crate::model::stamp::Stamp;
use crate::model::store::StoreName;
use crate::model::upload_record::Unfinished;
use crate::plan::backup::{Plan, PlanStep, StageOrder};
use crate::run::backup::stage::{self, NoOutlet, StageResult};
use crate::run::prune;
use snapshot::Failure;

mod cutter;
mod leftovers;
#[cfg(windows)]
mod own_copies;
mod proof;
mod put;
mod snapshot;
mod streaming;
mod traces;
mod upload;

use streaming::HeldVolumes;

pub use traces::Traces;

pub use snapshot::{KEY_VARIABLE, run_order_file};

/// Everything that a run needs besides its plan.
pub struct Execution<'a> {
    pub job: &'a Job,
    pub plan: &'a Plan,
    pub stores: &'a Stores,
    /// The archive key, when archives are made.
    pub key: Option<&'a Secret>,
    /// Interrupted uploads of earlier runs.
    pub unfinished: Vec<Unfinished>,
    /// The fingerprint of the key, for state and markers.
    pub fingerprint: Option<KeyFingerprint>,
    pub writer: MarkerWriter,
    /// The sets that each store held when the run began, by the store's label.
    pub listed: Vec<(String, BTreeSet<Stamp>)>,
    /// Versions of the tools, for the markers.
    pub tools: Vec<String>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
    pub traces: Traces,
}

/// What has been done so far.
#[derive(Default)]
struct StepsDone<'a> {
    results: Vec<Option<StageResult>>,
    /// A stage failed: nothing of this backup is sent.
    broken: bool,
    failed_stores: BTreeSet<StoreName>,
    /// What stores have received of each mount and do not show yet.
    streamed: BTreeMap<(StoreName, usize), HeldVolumes<'a>>,
    /// The uploads, by the stamp of the backup: that of this run when its archives are complete,
    /// and older ones.
    unfinished: BTreeMap<Stamp, Unfinished>,
    marked: BTreeSet<StoreName>,
    remembered: bool,
    #[cfg(windows)]
    copies: own_copies::OwnCopies,
}

impl<'a> Execution<'a> {
    /// Marks what is written to for the first time, so that it is known again.
    fn mark_destinations(&self) {
        let is_attached = |s: &StageOrder| s.mirror.as_ref().is_some_and(|m| m.is_attached);
        let mirror = self.job.mirror.as_ref();
        if let Some(mirror) = mirror.filter(|_| self.plan.stages.iter().any(is_attached)) {
            destination_id::mark(&mirror.path.to_native());
        }
        let stores = self.stores.values().filter_map(|store| store.directory());
        stores.for_each(destination_id::mark);
    }

    /// Carries out the plan. Work files are always removed, except archives that a store still
    /// lacks.
    pub fn run(&self) -> Outcome {
        self.mark_destinations();
        let mut progress: StepsDone<'a> = StepsDone {
            results: vec![None; self.plan.stages.len()],
            ..StepsDone::default()
        };
        for (_, name) in &self.plan.destinations {
            self.events.emit(Event::Destination {
                name: name.clone(),
                complete: false,
            });
        }
        let kept = self
            .unfinished
            .iter()
            .filter(|u| self.plan.keep.contains(&u.backup.stamp()));
        progress.unfinished = kept.map(|u| (u.backup.stamp(), u.clone())).collect();
        leftovers::remove(self.job, self.plan, &self.unfinished, self.events);
        self.remove_traces();
        if !self.plan.stages.is_empty() && !leftovers::make_work(self.plan, self.events) {
            return Outcome::Failure;
        }
        let of = self.plan.steps.len();
        for (number, step) in (1..).zip(&self.plan.steps) {
            let what = self.what(step);
            self.events.emit(Event::Step { number, of, what });
            #[cfg(windows)]
            if !matches!(step, PlanStep::Stage { .. }) {
                progress.copies.end(self);
            }
            if self.cancel.is_set() && *step != PlanStep::CleanUp {
                continue;
            }
            match step {
                PlanStep::Stage { mount } => self.stage(*mount, &mut progress),
                PlanStep::Remember => self.remember(&mut progress),
                PlanStep::Finish { upload } => self.finish(*upload, &mut progress),
                PlanStep::Upload { store, mount } => self.upload(*store, *mount, &mut progress),
                PlanStep::Mark { store } => self.mark(*store, &mut progress),
                PlanStep::CleanUp => self.clean_up(&mut progress),
            }
        }
        if self.cancel.is_set() {
            Outcome::Interrupted
        } else {
            self.events.outcome()
        }
    }

    /// What a step is about, for people.
    fn what(&self, step: &PlanStep) -> String {
        let store = |name: &StoreName| match self.stores.get(name) {
            Some(store) => store.label().to_owned(),
            None => name.to_string(),
        };
        match step {
            PlanStep::Stage { mount } => self.plan.stages[*mount].mount.path.to_string(),
            PlanStep::Remember => "records of this backup".to_owned(),
            PlanStep::Finish { .. } => "an interrupted upload".to_owned(),
            PlanStep::Upload { store: name, .. } => format!("to {}", store(name)),
            PlanStep::Mark { store: name } => format!("markers to {}", store(name)),
            PlanStep::CleanUp => "cleaning up".to_owned(),
        }
    }

    fn is_required(&self, path: &FullPath) -> bool {
        let mut sources = self.job.sources.iter();
        sources.any(|source| !source.optional && source.path.same(path))
    }

    /// Whether a source that had to be there could not be looked at, as the plan knew or as the walk
    /// found.
    fn lacks_source(&self, progress: &StepsDone<'_>) -> bool {
        let mut stages = self.plan.stages.iter().zip(&progress.results);
        stages.any(|(stage, result)| {
            let unknown = result.iter().flat_map(|result| &result.prepared.unknown);
            let mount = &stage.mount;
            let is_unknown = |path: &FullPath| {
                let path = RelPath::below(path, &mount.path);
                path.is_some_and(|path| unknown.clone().any(|unknown| *unknown == path))
            };
            let mut missing = stage.missing.iter();
            let mut sources = mount.sources.iter();
            missing.any(|path| self.is_required(path))
                || sources.any(|path| is_unknown(path) && self.is_required(path))
        })
    }

    /// Whether a destination has all of this backup: every mirror verified, or the markers are
    /// there. A source that had to be there and is not is in none.
    fn has_all(&self, destination: Destination, progress: &StepsDone<'_>) -> bool {
        if self.lacks_source(progress) {
            return false;
        }
        let mirrored = |result: &Option<StageResult>| {
            result
                .as_ref()
                .is_some_and(|result| result.mirror == Some(true))
        };
        match destination {
            Destination::Store(name) => progress.marked.contains(&name),
            Destination::Mirror => progress.results.iter().all(mirrored),
        }
    }

    fn stage(&self, mount: usize, progress: &mut StepsDone<'a>) {
        let mut order = self.plan.stages[mount].clone();
        if progress.broken {
            // No archive will be sent: making one would only cost time.
            order.archive = None;
            if order.mirror.is_none() {
                return;
            }
        }
        self.events.note(
            Section::Ignored,
            format!("mount {}: {}", order.number, order.mount.path),
        );
        let key = self.key.filter(|_| order.archive.is_some());
        let done = self.stage_inside(mount, &order, key, progress);
        let wanted = self.plan.stages[mount].archive.is_some();
        match done {
            Ok(result) => {
                if wanted && result.archive.is_none() && !progress.broken {
                    self.stop_uploads(&order, progress);
                }
                progress.results[mount] = Some(result);
            }
            Err(_) if self.cancel.is_set() => {}
            Err(Failure(why, hint)) => {
                self.events.fail(
                    Section::Tools,
                    format!("mount '{}' failed: {why}", order.mount.path),
                    hint,
                );
                if wanted {
                    self.stop_uploads(&order, progress);
                }
            }
        }
    }

    /// Runs a stage where its mount is to be read.
    #[cfg_attr(not(windows), allow(unused_variables))]
    fn stage_inside(
        &self,
        mount: usize,
        order: &StageOrder,
        key: Option<&Secret>,
        progress: &mut StepsDone<'a>,
    ) -> Result<StageResult, Failure> {
        let snapshot = self.job.snapshot.as_ref().filter(|_| order.in_snapshot());
        let program = snapshot.and_then(|snapshot| snapshot.program.as_deref());
        match (snapshot, program) {
            (Some(snapshot), Some(program)) => {
                snapshot::run(program, snapshot, order, key, self.cancel, self.events)
            }
            #[cfg(windows)]
            (Some(snapshot), None) => progress.copies.stage(self, snapshot, order, key),
            _ if order.is_streamed() => self
                .stage_streamed(mount, order, progress)
                .map_err(|error| Failure(error.to_string(), error.hint())),
            _ => stage::run(order, key, &mut NoOutlet, self.cancel, self.events)
                .map_err(|error| Failure(error.to_string(), error.hint())),
        }
    }

    fn stop_uploads(&self, order: &StageOrder, progress: &mut StepsDone<'_>) {
        progress.broken = true;
        self.events.fail(
            Section::Objects,
            format!(
                "nothing is uploaded: there is no archive of '{}', and a backup without it would be incomplete",
                order.mount.path
            ),
            Some("the last complete backup can still be restored; fix the cause, then run again".to_owned()),
        );
    }

    /// Reports the failure of a store, and what the next run does about it.
    fn store_failed(&self, error: &StoreError) {
        if !self.cancel.is_set() {
            let is_streamed = self.plan.stages.iter().any(StageOrder::is_streamed);
            let goes_on = match is_streamed {
                true => "the next run archives again what this store lacks",
                false => "the next run resumes the upload",
            };
            let advice = prune::advice(self.job, self.stores, error);
            let hints = [Some(error.hint.clone()), advice, Some(goes_on.to_owned())];
            let hints = hints.into_iter().flatten().filter(|hint| !hint.is_empty());
            let hint = hints.collect::<Vec<String>>().join("; ");
            self.events
                .fail(Section::Objects, error.to_string(), Some(hint));
        }
    }
}
