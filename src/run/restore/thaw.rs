//! Before money is spent, and spending it: where every volume is, what the rest costs, who agrees,
//! what is requested (SPEC#thawing).

use std::path::PathBuf;
use std::time::Duration;

use crate::adapters::store::StoreError;
use crate::model::event::Section;
use crate::model::object::ThawState;
use crate::model::policy::Tier;
use crate::plan::cost::price::Prices;

use super::clock::Clock;
use super::error::RestoreError;
use super::parallel::{QUESTIONS, each};
use super::run::Restore;
use crate::plan::restore::estimate::{self, Estimate, Terms, VolumeState};
use crate::plan::restore::plan::{PlannedArchive, PlannedVolume, RestorePlan};
use crate::plan::restore::portion::Portion;

/// How archived objects are brought back.
#[derive(Clone, Copy)]
pub struct Thawing<'a> {
    pub keep_days: u32,
    pub tier: Tier,
    pub poll_every: Duration,
    pub prices: &'a Prices,
    pub clock: &'a dyn Clock,
    /// Asks whoever pays.
    pub agree: &'a (dyn Fn(&Estimate) -> bool + Sync),
}

/// One volume of the plan, and where it is.
pub struct Piece<'a> {
    pub archive: &'a PlannedArchive,
    pub volume: &'a PlannedVolume,
    pub state: VolumeState,
    /// In order.
    pub loads: Vec<Load<'a>>,
}

/// A portion of a volume, and the file for it.
pub struct Load<'a> {
    pub portion: Portion<'a>,
    pub place: PathBuf,
    /// Needs no download.
    pub here: bool,
}

impl Restore<'_> {
    /// Every volume of the plan in order of use.
    pub fn pieces<'p>(&self, plan: &'p RestorePlan) -> Result<Vec<Piece<'p>>, RestoreError> {
        let mut pieces = Vec::new();
        for (mount, archive) in plan.archives() {
            let here = self.in_place(archive)
                || self.target.extracted(mount.number, archive.stamp).is_some();
            let used = self.target.journal().used(mount.number, archive.stamp);
            for (index, portion) in archive.portions().into_iter().enumerate() {
                let place = self.target.portion(mount.number, archive, index);
                let load = Load {
                    here: here || used.contains(&index) || place.is_file(),
                    place,
                    portion,
                };
                match pieces.last_mut() {
                    Some(Piece { volume, loads, .. })
                        if std::ptr::eq(*volume, load.portion.volume) =>
                    {
                        loads.push(load)
                    }
                    _ => {
                        let (volume, state) = (load.portion.volume, VolumeState::Frozen);
                        pieces.push(Piece {
                            archive,
                            volume,
                            state,
                            loads: vec![load],
                        });
                    }
                }
            }
        }
        let states = each(&pieces, QUESTIONS, |piece| {
            match piece.loads.iter().all(|load| load.here) {
                true => Ok(VolumeState::Here),
                false => self
                    .store
                    .thaw_state(&piece.volume.key)
                    .map(VolumeState::from),
            }
        });
        for (piece, state) in pieces.iter_mut().zip(states.map_err(|(_, error)| error)?) {
            piece.state = state;
        }
        Ok(pieces)
    }

    /// What is ahead.
    pub fn estimate(&self, plan: &RestorePlan, pieces: &[Piece<'_>]) -> Estimate {
        let load = |p: &Piece<'_>| estimate::Load {
            size: p.volume.size,
            state: p.state,
        };
        let loads: Vec<estimate::Load> = pieces.iter().map(load).collect();
        let files = plan.least_bytes(|mount, stamp| self.target.extracted(mount, stamp).is_some());
        let room = plan.room(|mount, stamp| self.target.extracted(mount, stamp).is_some());
        Estimate::new(&loads, self.terms(files, room))
    }

    fn terms(&self, files: u64, room: u64) -> Terms<'_> {
        Terms {
            prices: self.thaw.prices,
            tier: self.thaw.tier,
            keep_days: self.thaw.keep_days,
            files,
            room,
            disk_free: self.target.free(),
        }
    }

    /// Says what is ahead and asks, unless somebody agreed when the restore was begun.
    pub fn agree(&self, plan: &RestorePlan, estimate: &Estimate) -> Result<(), RestoreError> {
        self.events.note(
            Section::Restore,
            format!("from {}: {}", plan.store, estimate.to_text()),
        );
        if estimate.too_small() {
            let path = self.target.path.display();
            self.events.note(
                Section::Restore,
                format!("'{path}' will probably be too small for all of it"),
            );
        }
        let agreed = {
            let journal = self.target.journal();
            journal.agreed && !(journal.requested && estimate.frozen.objects > 0)
        };
        if !estimate.needs_consent() || agreed {
            return Ok(());
        }
        self.ask(estimate)?;
        self.target.change(|journal| journal.agreed = true)
    }

    fn ask(&self, estimate: &Estimate) -> Result<(), RestoreError> {
        match (self.thaw.agree)(estimate) {
            true => Ok(()),
            false => Err(RestoreError::NotAgreed {
                dollars: estimate.dollars.total,
                hours: estimate.hours,
            }),
        }
    }

    /// Objects that were readable and are archived again: ordering them once more costs once more.
    pub fn request_again(&self, volumes: &[&PlannedVolume]) -> Result<(), RestoreError> {
        let load = |v: &&PlannedVolume| estimate::Load {
            size: v.size,
            state: VolumeState::Frozen,
        };
        let loads: Vec<estimate::Load> = volumes.iter().map(load).collect();
        let estimate = Estimate::new(&loads, self.terms(0, 0));
        for volume in volumes {
            let text = format!(
                "'{}' is archived again: the days it was asked for are over",
                volume.key
            );
            self.events.note(Section::Restore, text);
        }
        self.events.note(
            Section::Restore,
            format!("to be requested again: {}", estimate.to_text()),
        );
        self.ask(&estimate)?;
        each(volumes, QUESTIONS, |volume| self.request_one(&volume.key))
            .map(drop)
            .map_err(|(_, error)| error.into())
    }

    /// Requests what nobody requested yet. What is requested stays so, whatever happens here.
    pub fn request(&self, pieces: &mut [Piece<'_>]) -> Result<(), RestoreError> {
        let frozen: Vec<usize> = (0..pieces.len())
            .filter(|i| pieces[*i].state == VolumeState::Frozen)
            .collect();
        if frozen.is_empty() {
            return Ok(());
        }
        self.target.change(|journal| journal.requested = false)?;
        let shared: &[Piece<'_>] = pieces;
        each(&frozen, QUESTIONS, |i| {
            self.request_one(&shared[*i].volume.key)
        })
        .map_err(|(_, error)| error)?;
        for i in &frozen {
            pieces[*i].state = VolumeState::Thawing;
        }
        self.target.change(|journal| journal.requested = true)?;
        let (count, tier, days) = (frozen.len(), self.thaw.tier, self.thaw.keep_days);
        let text =
            format!("{count} objects requested ({tier:?}); they will be readable for {days} days");
        self.events.note(Section::Restore, text);
        Ok(())
    }

    fn request_one(&self, key: &str) -> Result<(), StoreError> {
        self.store.thaw(key, self.thaw.keep_days, self.thaw.tier)?;
        self.events
            .note(Section::Objects, format!("requested '{key}'"));
        Ok(())
    }

    /// Asks for the states of objects that were requested.
    pub fn look_again(&self, volumes: &[&PlannedVolume]) -> Result<Vec<ThawState>, StoreError> {
        each(volumes, QUESTIONS, |volume| {
            self.store.thaw_state(&volume.key)
        })
        .map_err(|(_, error)| error)
    }
}
