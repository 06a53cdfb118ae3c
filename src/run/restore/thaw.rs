//! The owner of **thawing**: where every volume is, what the rest costs, who agrees, what is
//! requested, and whether it is readable by now (SPEC#thawing).

use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::event::{Event, Events, Section, Work};
use crate::model::object::ThawState;
use crate::model::stamp::Stamp;
use crate::model::text;
use crate::plan::restore::estimate::{Estimate, EstimateTerms, EstimatedVolume, VolumeState};
use crate::plan::restore::needed::{LocatedVolume, NeededVolume};
use crate::plan::restore::parts::PlannedVolume;
use crate::plan::restore::plan::RestorePlan;

use super::error::RestoreError;
use super::target::Target;
use super::tools::{RestoreTools, ThawPolicy};
use crate::run::parallel::{QUESTIONS, each};

/// Brings archived objects back.
pub struct Thawing<'a> {
    store: &'a dyn Store,
    policy: ThawPolicy<'a>,
    events: &'a Events<'a>,
    target: &'a Target,
}

/// Asks the store for the state of every volume that is not here.
pub fn locate<'p>(
    store: &dyn Store,
    needed: Vec<NeededVolume<'p>>,
) -> Result<Vec<LocatedVolume<'p>>, StoreError> {
    let states = each(&needed, QUESTIONS, |volume| match volume.is_here() {
        true => Ok(VolumeState::Here),
        // To be found lost when its turn comes.
        false if volume.volume.lost.is_some() => Ok(VolumeState::Ready),
        false => store.thaw_state(&volume.volume.key).map(VolumeState::from),
    })
    .map_err(|(_, error)| error)?;
    let located = needed
        .into_iter()
        .zip(states)
        .map(|(needed, state)| LocatedVolume { needed, state });
    Ok(located.collect())
}

impl ThawPolicy<'_> {
    /// What is ahead; `done` says which archives are extracted.
    pub fn estimate(
        &self,
        plan: &RestorePlan,
        volumes: &[LocatedVolume<'_>],
        disk_free: Option<u64>,
        done: impl Fn(usize, Stamp) -> bool,
    ) -> Estimate {
        let volumes: Vec<EstimatedVolume> = volumes.iter().map(LocatedVolume::estimated).collect();
        let (files, room) = (plan.file_bytes(&done), plan.room(&done));
        Estimate::new(&volumes, self.terms(files, room, disk_free))
    }

    /// The terms of an estimate.
    pub fn terms(&self, files: (u64, u64), room: u64, disk_free: Option<u64>) -> EstimateTerms<'_> {
        EstimateTerms {
            prices: self.prices,
            tier: self.tier,
            keep_days: self.keep_days,
            files,
            room,
            disk_free,
        }
    }
}

impl<'a> Thawing<'a> {
    pub fn new(tools: &RestoreTools<'a>, target: &'a Target) -> Thawing<'a> {
        Thawing {
            store: tools.store,
            policy: tools.thaw,
            events: tools.events,
            target,
        }
    }

    /// Shows the estimate and asks, unless the user agreed when the restore was started.
    pub fn agree(
        &self,
        plan: &RestorePlan,
        volumes: &[LocatedVolume<'_>],
    ) -> Result<(), RestoreError> {
        let estimate = self
            .policy
            .estimate(plan, volumes, self.target.free(), |mount, stamp| {
                self.target.extracted(mount, stamp).is_some()
            });
        self.events.note(
            Section::Restore,
            format!("from {}: {}", plan.store, estimate.to_text()),
        );
        if estimate.too_small() {
            let path = self.target.path.display();
            self.events.note(
                Section::Restore,
                format!("'{path}' probably has too little space for all of it"),
            );
        }
        let agreed = {
            let journal = self.target.journal();
            journal.agreed && !(journal.requested && estimate.frozen.objects > 0)
        };
        if !estimate.needs_consent() || agreed {
            return Ok(());
        }
        self.ask(&estimate)?;
        self.target.change(|journal| journal.agreed = true)
    }

    fn ask(&self, estimate: &Estimate) -> Result<(), RestoreError> {
        match (self.policy.agree)(estimate) {
            true => Ok(()),
            false => Err(RestoreError::NotAgreed {
                dollars: estimate.dollars.total,
                hours: estimate.hours,
            }),
        }
    }

    /// Requests what was not requested yet. Requests remain valid, whatever happens here.
    pub fn request(&self, volumes: &mut [LocatedVolume<'_>]) -> Result<(), RestoreError> {
        let frozen: Vec<&PlannedVolume> = volumes
            .iter()
            .filter(|volume| volume.state == VolumeState::Frozen)
            .map(|volume| volume.needed.volume)
            .collect();
        if frozen.is_empty() {
            return Ok(());
        }
        self.target.change(|journal| journal.requested = false)?;
        self.request_each(&frozen)?;
        for volume in volumes {
            if volume.state == VolumeState::Frozen {
                volume.state = VolumeState::Thawing;
            }
        }
        self.target.change(|journal| journal.requested = true)?;
        let (tier, days) = (self.policy.tier, self.policy.keep_days);
        let text = format!(
            "{} requested ({tier:?}); they will be readable for {}",
            text::count(frozen.len() as u64, "object"),
            text::count(u64::from(days), "day")
        );
        self.events.note(Section::Restore, text);
        Ok(())
    }

    fn request_each(&self, volumes: &[&PlannedVolume]) -> Result<(), StoreError> {
        each(volumes, QUESTIONS, |volume| {
            let (days, tier) = (self.policy.keep_days, self.policy.tier);
            self.store.thaw(&volume.key, days, tier)?;
            let text = format!("requested '{}'", volume.key);
            self.events.note(Section::Objects, text);
            Ok(())
        })
        .map(drop)
        .map_err(|(_, error)| error)
    }

    /// Waits until it is time to look again, or until `stop` says so. Says first how many of all
    /// volumes are waited for.
    pub fn wait(&self, waiting: usize, all: usize, stop: &dyn Fn() -> bool) {
        let poll_every = self.policy.poll_every;
        let text = format!(
            "{waiting} of {all} objects are not readable yet; checking again in {}",
            humantime::format_duration(poll_every)
        );
        self.events.note(Section::Restore, text);
        let readable = all.saturating_sub(waiting) * 100 / all.max(1);
        self.events.emit(Event::Progress {
            work: Work::Thawing,
            percent: u8::try_from(readable).ok(),
            of: None,
        });
        self.policy.clock.wait(poll_every, stop);
    }

    /// Asks for the states of objects that were requested; what is archived again is requested
    /// again. A temporary network failure must not end a wait of two days: the next check will
    /// show.
    pub fn look(&self, volumes: &[&PlannedVolume]) -> Result<Vec<ThawState>, RestoreError> {
        let asked = each(volumes, QUESTIONS, |volume| {
            self.store.thaw_state(&volume.key)
        });
        let states = match asked {
            Err((_, error)) if error.kind == StoreErrorKind::Unreachable => {
                self.events
                    .note(Section::Restore, format!("{error}; still waiting"));
                return Ok(vec![ThawState::Thawing; volumes.len()]);
            }
            states => states.map_err(|(_, error)| error)?,
        };
        let frozen: Vec<&PlannedVolume> = volumes
            .iter()
            .zip(&states)
            .filter(|(_, state)| **state == ThawState::Frozen)
            .map(|(volume, _)| *volume)
            .collect();
        if !frozen.is_empty() {
            self.request_again(&frozen)?;
        }
        Ok(states)
    }

    /// Objects that were readable and are archived again: requesting them again costs again.
    fn request_again(&self, frozen: &[&PlannedVolume]) -> Result<(), RestoreError> {
        let volumes: Vec<EstimatedVolume> = frozen
            .iter()
            .map(|volume| EstimatedVolume {
                size: volume.size,
                state: VolumeState::Frozen,
            })
            .collect();
        let estimate = Estimate::new(&volumes, self.policy.terms((0, 0), 0, self.target.free()));
        for volume in frozen {
            let text = format!(
                "'{}' is archived again: the requested days are over",
                volume.key
            );
            self.events.note(Section::Restore, text);
        }
        self.events.note(
            Section::Restore,
            format!("to be requested again: {}", estimate.to_text()),
        );
        self.ask(&estimate)?;
        Ok(self.request_each(frozen)?)
    }
}
