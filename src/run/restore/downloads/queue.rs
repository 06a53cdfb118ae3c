//! Download and extraction at the same time (SPEC#restore): what is readable is downloaded in order
//! of use while the rest thaws, and an archive is extracted when it is its turn and its parts are
//! downloaded.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::adapters::store::StoreErrorKind;
use crate::model::cancel::Cancel;
use crate::model::event::Event;
use crate::model::object::ThawState;
use crate::plan::restore::estimate::VolumeState;
use crate::plan::restore::needed::{LocatedVolume, NeededPart, download_order};
use crate::plan::restore::parts::{PlannedArchive, PlannedVolume};
use crate::run::restore::error::RestoreError;
use crate::run::restore::thaw::Thawing;

use super::Downloads;

/// The parts of a restore that are being downloaded.
pub struct DownloadQueue<'a, 'p> {
    downloads: &'a Downloads<'a>,
    thawing: &'a Thawing<'a>,
    /// In order of use; each with the volume it belongs to.
    parts: Vec<(&'a LocatedVolume<'p>, &'a NeededPart<'p>)>,
    /// How many volumes there are.
    volumes: usize,
    progress: Mutex<QueueProgress>,
    changed: Condvar,
    /// Ends downloads that are no longer needed.
    stop: Cancel,
}

/// What the threads know of each other.
struct QueueProgress {
    /// Of every part.
    states: Vec<PartState>,
    error: Option<RestoreError>,
    /// Why parts are lost.
    lost: BTreeMap<usize, String>,
    over: bool,
    /// Bytes that the extraction at work may still write; `None` while it waits for downloads.
    extracting: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartState {
    /// Its volume is not readable yet.
    Thawing,
    Ready,
    Downloading,
    Here,
    /// It cannot be had.
    Lost,
}

impl PartState {
    fn is_settled(self) -> bool {
        matches!(self, PartState::Here | PartState::Lost)
    }

    fn of(volume: &LocatedVolume<'_>, part: &NeededPart<'_>) -> PartState {
        match volume.state {
            _ if part.is_here => PartState::Here,
            VolumeState::Frozen | VolumeState::Thawing => PartState::Thawing,
            VolumeState::Ready => PartState::Ready,
            VolumeState::Here => PartState::Here,
        }
    }
}

impl QueueProgress {
    fn is_all_settled(&self) -> bool {
        self.states.iter().all(|state| state.is_settled())
    }

    /// The readable part that is needed first.
    fn next(&self) -> Option<usize> {
        let is_ready = |state: &PartState| *state == PartState::Ready;
        self.states.iter().position(is_ready)
    }

    fn thawing(&self) -> Vec<usize> {
        (0..self.states.len())
            .filter(|i| self.states[*i] == PartState::Thawing)
            .collect()
    }
}

/// How often a waiting thread checks for an interrupt: no noticeable delay for a person, and no
/// load for the processor.
const TICK: Duration = Duration::from_millis(100);

impl<'a, 'p> DownloadQueue<'a, 'p> {
    pub fn new(
        downloads: &'a Downloads<'a>,
        thawing: &'a Thawing<'a>,
        volumes: &'a [LocatedVolume<'p>],
    ) -> DownloadQueue<'a, 'p> {
        let parts = download_order(volumes);
        let states = parts
            .iter()
            .map(|(volume, part)| PartState::of(volume, part));
        let progress = QueueProgress {
            states: states.collect(),
            error: None,
            lost: BTreeMap::new(),
            over: false,
            extracting: None,
        };
        DownloadQueue {
            downloads,
            thawing,
            parts,
            volumes: volumes.len(),
            progress: Mutex::new(progress),
            changed: Condvar::new(),
            stop: downloads.cancel.child(),
        }
    }

    /// Downloads in the background while `extract` runs, which asks for archives with
    /// [`DownloadQueue::wait_for`]. Without an error it ends when `extract` does.
    pub fn run<R>(
        &self,
        extract: impl FnOnce() -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        self.announce();
        std::thread::scope(|scope| {
            let thread = || std::thread::Builder::new();
            let (mut started, mut refused) = (0, None);
            for _ in 0..self.downloads.threads() {
                match thread().spawn_scoped(scope, || self.download()) {
                    Ok(_) => started += 1,
                    Err(error) => refused = Some(error),
                }
            }
            // Fewer threads are slower; without any, nothing would ever arrive.
            let refused = refused.filter(|_| started == 0);
            let polls = thread().spawn_scoped(scope, || self.poll());
            if let Some(error) = polls.err().or(refused) {
                self.fail(RestoreError::Threads(error));
            }
            let result = extract();
            self.progress().over = true;
            self.stop.set();
            self.changed.notify_all();
            result
        })
    }

    /// Says how much is still to be downloaded.
    fn announce(&self) {
        let progress = self.progress();
        let parts = self.parts.iter().zip(&progress.states);
        let missing = parts.filter(|(_, state)| **state != PartState::Here);
        let bytes = missing.map(|((_, part), _)| part.part.size()).sum();
        self.downloads.events.emit(Event::Ahead { bytes });
    }

    /// Waits until more than `have` parts of an archive are downloaded, in their order of arrival.
    /// Returns how many.
    ///
    /// # Errors
    /// When a part of it is lost and no other is being downloaded, when a download failed for
    /// another reason, or when the user interrupts.
    pub fn wait_for(&self, archive: &PlannedArchive, have: usize) -> Result<usize, RestoreError> {
        let is_of = |i: &usize| std::ptr::eq(self.parts[*i].0.needed.archive, archive);
        let of_archive: Vec<usize> = (0..self.parts.len()).filter(is_of).collect();
        let mut progress = self.progress();
        progress.extracting = None;
        loop {
            if let Some(error) = progress.error.take() {
                return Err(error);
            }
            if self.downloads.cancel.is_set() {
                return Err(RestoreError::Interrupted);
            }
            let here = of_archive
                .iter()
                .take_while(|i| progress.states[**i] == PartState::Here)
                .count();
            if here == of_archive.len() || here > have {
                let all = of_archive.len();
                // Who has all of it waits for no part.
                let left = if have < all { all - have } else { all };
                progress.extracting = Some(archive.bytes() / all.max(1) as u64 * left as u64);
                return Ok(here);
            }
            let is_settled = |i: &usize| progress.states[*i].is_settled();
            if of_archive.iter().all(is_settled) {
                let why = of_archive.iter().find_map(|i| progress.lost.get(i));
                let why = why.map_or_else(String::new, Clone::clone);
                return Err(RestoreError::Lost(why));
            }
            progress = self.pause(progress);
        }
    }

    fn progress(&self) -> MutexGuard<'_, QueueProgress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause<'g>(&self, progress: MutexGuard<'g, QueueProgress>) -> MutexGuard<'g, QueueProgress> {
        self.changed
            .wait_timeout(progress, TICK)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Whether a download would take the room that the extraction at work needs. It deletes what it
    /// has used, and so makes room for the next.
    fn is_crowded(&self, progress: &QueueProgress, part: &NeededPart<'_>) -> bool {
        progress.extracting.is_some_and(|extraction| {
            let needed = part.part.size().saturating_add(extraction);
            !self.downloads.target.has_room(needed)
        })
    }

    fn is_stopped(&self, progress: &QueueProgress) -> bool {
        progress.over || progress.error.is_some() || self.downloads.cancel.is_set()
    }

    fn fail(&self, error: RestoreError) {
        // The first one is the cause of the others.
        self.progress().error.get_or_insert(error);
        self.changed.notify_all();
    }

    /// One downloading thread: always the readable part that is needed first.
    fn download(&self) {
        let _alarm = Alarm(self);
        loop {
            let progress = self.progress();
            let size = progress
                .next()
                .map_or(0, |next| self.parts[next].1.part.size());
            drop(progress);
            let turn = self.downloads.turn(size);
            // Chooses only when it is its turn, because another part may then be needed first.
            let mut progress = self.progress();
            if self.is_stopped(&progress) || progress.is_all_settled() {
                return;
            }
            let next = progress.next();
            let Some(next) = next.filter(|next| !self.is_crowded(&progress, self.parts[*next].1))
            else {
                // The extraction may have something to download.
                drop(turn);
                drop(self.pause(progress));
                continue;
            };
            progress.states[next] = PartState::Downloading;
            drop(progress);
            let (volume, part) = self.parts[next];
            let fetched = self
                .downloads
                .fetch_needed(&volume.needed, part, &self.stop, turn);
            let state = match fetched {
                Ok(()) => PartState::Here,
                // Its days were over before its turn came.
                Err(RestoreError::Store(error)) if error.kind == StoreErrorKind::Frozen => {
                    PartState::Thawing
                }
                Err(error) if error.is_loss() => {
                    self.progress().lost.insert(next, error.to_string());
                    PartState::Lost
                }
                Err(error) => return self.fail(error),
            };
            self.progress().states[next] = state;
            self.changed.notify_all();
        }
    }

    /// The thread that looks what is readable by now.
    fn poll(&self) {
        let _alarm = Alarm(self);
        while let Some(thawing) = self.next_thawing() {
            let mut volumes: Vec<&PlannedVolume> = thawing
                .iter()
                .map(|i| self.parts[*i].0.needed.volume)
                .collect();
            volumes.dedup_by(|a, b| std::ptr::eq(*a, *b));
            self.thawing.wait(volumes.len(), self.volumes, &|| {
                self.is_stopped(&self.progress())
            });
            if self.is_stopped(&self.progress()) {
                return;
            }
            let states = match self.thawing.look(&volumes) {
                Ok(states) => states,
                Err(error) => return self.fail(error),
            };
            let ready: HashSet<&str> = volumes
                .iter()
                .zip(states)
                .filter(|(_, state)| *state == ThawState::Ready)
                .map(|(volume, _)| volume.key.as_str())
                .collect();
            let mut progress = self.progress();
            for i in thawing {
                if ready.contains(self.parts[i].0.needed.volume.key.as_str()) {
                    progress.states[i] = PartState::Ready;
                }
            }
            drop(progress);
            self.changed.notify_all();
        }
    }

    /// Waits until some parts are not readable; `None` when there is nothing left to wait for.
    fn next_thawing(&self) -> Option<Vec<usize>> {
        let mut progress = self.progress();
        loop {
            if self.is_stopped(&progress) || progress.is_all_settled() {
                return None;
            }
            let thawing = progress.thawing();
            if !thawing.is_empty() {
                return Some(thawing);
            }
            progress = self.pause(progress);
        }
    }
}

/// A thread that dies of a bug must not leave the others waiting.
struct Alarm<'l, 'a, 'p>(&'l DownloadQueue<'a, 'p>);

impl Drop for Alarm<'_, '_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(RestoreError::Interrupted);
        }
    }
}
