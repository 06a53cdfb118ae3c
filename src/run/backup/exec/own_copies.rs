//! Stages inside shadow copies of our own: those of all mounts are made at one moment, where
//! Windows does so (SPEC#snapshot).

use std::path::PathBuf;

use super::Execution;
use super::snapshot::{Failure, RETRY_AFTER, say_that_it_waits};
use crate::adapters::wait::wait;
use crate::model::event::Section;
use crate::model::job::Snapshot;
use crate::model::secret::Secret;
use crate::plan::backup::StageOrder;
use crate::run::backup::stage::{self, NoOutlet, StageResult};
use crate::run::shadow::{ShadowError, ShadowSet};

/// The shadow copies of a run.
#[derive(Default)]
pub(super) enum OwnCopies {
    #[default]
    NotYet,
    /// Of all mounts.
    Common(ShadowSet),
    /// Each mount gets one when its turn has come.
    Single,
}

impl From<ShadowError> for Failure {
    fn from(error: ShadowError) -> Failure {
        Failure(error.to_string(), Some(error.hint().to_owned()))
    }
}

impl OwnCopies {
    /// Runs a stage.
    pub(super) fn stage(
        &mut self,
        run: &Execution<'_>,
        snapshot: &Snapshot,
        order: &StageOrder,
        key: Option<&Secret>,
    ) -> Result<StageResult, Failure> {
        let letter = snapshot.mount.to_string();
        if let OwnCopies::NotYet = self {
            *self = OwnCopies::of_all(run, &letter);
        }
        let source = order.mount.path.to_native();
        let inside = |set: &ShadowSet| {
            let _shown = set.show(&source)?;
            stage::run(order, key, &mut NoOutlet, run.cancel, run.events)
                .map_err(|error| Failure(error.to_string(), error.hint()))
        };
        match self {
            OwnCopies::Common(set) if set.has(&source) => inside(set),
            _ => {
                let set = patiently(run, std::slice::from_ref(&source), &letter)?;
                let result = inside(&set);
                set.end(run.events);
                result
            }
        }
    }

    /// Those of all mounts, if there are several.
    fn of_all(run: &Execution<'_>, letter: &str) -> OwnCopies {
        let orders = run.plan.stages.iter().filter(|order| order.in_snapshot());
        let sources: Vec<PathBuf> = orders.map(|order| order.mount.path.to_native()).collect();
        if sources.len() < 2 {
            return OwnCopies::Single;
        }
        match patiently(run, &sources, letter) {
            Ok(set) => {
                let text = "the shadow copies of all mounts were made at one moment";
                run.events.note(Section::Tools, text.to_owned());
                OwnCopies::Common(set)
            }
            Err(error) => {
                let text = format!("each mount gets a shadow copy of its own: {error}");
                run.events.note(Section::Tools, text);
                OwnCopies::Single
            }
        }
    }

    /// Takes down what there is. Uploads can take days.
    pub(super) fn end(&mut self, run: &Execution<'_>) {
        if let OwnCopies::Common(set) = std::mem::take(self) {
            set.end(run.events);
        }
    }
}

/// Waits once if another program is making a shadow copy.
fn patiently(
    run: &Execution<'_>,
    sources: &[PathBuf],
    letter: &str,
) -> Result<ShadowSet, ShadowError> {
    let attempt = || ShadowSet::of(sources, letter, run.cancel, run.events);
    match attempt() {
        Err(ShadowError::Busy { .. }) => {
            say_that_it_waits(run.events);
            wait(RETRY_AFTER, run.cancel);
            attempt()
        }
        made => made,
    }
}
