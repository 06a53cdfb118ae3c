//! Download and extraction at the same time (SPEC#restore): what is readable is downloaded in order
//! of use while the rest thaws, and an archive is extracted as soon as its turn has come and its
//! volumes are here.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::adapters::store::StoreErrorKind;
use crate::model::cancel::Cancel;
use crate::model::event::Section;
use crate::model::object::ThawState;

use super::error::RestoreError;
use super::fetch::named;
use super::parallel::TRANSFERS;
use super::run::Restore;
use super::thaw::{Load, Piece};
use crate::plan::restore::estimate::VolumeState;
use crate::plan::restore::plan::{PlannedArchive, PlannedVolume};

/// What the threads know of each other.
struct Board {
    /// Of every load.
    states: Vec<State>,
    error: Option<RestoreError>,
    over: bool,
    /// Bytes that the extraction at work may still write; `None` while it waits for downloads.
    extracting: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Ready,
    Taken,
    Here,
}

/// The volumes of a restore on their way.
pub struct Line<'a, 'p> {
    restore: &'a Restore<'a>,
    /// What is downloaded, in order of use; each with the volume it belongs to.
    loads: Vec<(&'a Piece<'p>, &'a Load<'p>)>,
    /// How many volumes there are.
    objects: usize,
    board: Mutex<Board>,
    changed: Condvar,
    /// Ends downloads that nobody needs any more.
    stop: Cancel,
}

/// Room that is left for everything else.
pub const MARGIN: u64 = 16 << 20;

/// How often a thread that waits for others asks for an interrupt.
const TICK: Duration = Duration::from_millis(100);

impl<'a, 'p> Line<'a, 'p> {
    pub fn new(restore: &'a Restore<'a>, pieces: &'a [Piece<'p>]) -> Line<'a, 'p> {
        let loads = in_order(pieces);
        let state = |(piece, load): &(&Piece<'_>, &Load<'_>)| match piece.state {
            _ if load.here => State::Here,
            VolumeState::Frozen | VolumeState::Thawing => State::Waiting,
            VolumeState::Ready => State::Ready,
            VolumeState::Here => State::Here,
        };
        let board = Board {
            states: loads.iter().map(state).collect(),
            error: None,
            over: false,
            extracting: None,
        };
        let (board, stop) = (Mutex::new(board), restore.cancel.child());
        Line {
            restore,
            loads,
            objects: pieces.len(),
            board,
            changed: Condvar::new(),
            stop,
        }
    }

    /// Downloads in the background while `extract` runs, which asks for archives with
    /// [`Line::wait_for`]. Without an error it ends when `extract` does.
    pub fn run<R>(
        &self,
        extract: impl FnOnce() -> Result<R, RestoreError>,
    ) -> Result<R, RestoreError> {
        std::thread::scope(|scope| {
            for _ in 0..TRANSFERS {
                scope.spawn(|| self.download());
            }
            scope.spawn(|| self.poll());
            let result = extract();
            self.board().over = true;
            self.stop.set();
            self.changed.notify_all();
            result
        })
    }

    /// Waits until more than `have` of an archive's portions are here, in the order in which they
    /// arrive; says how many.
    ///
    /// # Errors
    /// When any download failed, or the user interrupts.
    pub fn wait_for(&self, archive: &PlannedArchive, have: usize) -> Result<usize, RestoreError> {
        let is_of = |i: &usize| std::ptr::eq(self.loads[*i].0.archive, archive);
        let of_archive: Vec<usize> = (0..self.loads.len()).filter(is_of).collect();
        let mut board = self.board();
        board.extracting = None;
        loop {
            if let Some(error) = board.error.take() {
                return Err(error);
            }
            if self.restore.cancel.is_set() {
                return Err(RestoreError::Interrupted);
            }
            let here = of_archive
                .iter()
                .take_while(|i| board.states[**i] == State::Here)
                .count();
            if here == of_archive.len() || here > have {
                let all = of_archive.len();
                // Who has all of it waits for no part.
                let left = if have < all { all - have } else { all };
                board.extracting = Some(archive.bytes() / all.max(1) as u64 * left as u64);
                return Ok(here);
            }
            board = self.pause(board);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause<'g>(&self, board: MutexGuard<'g, Board>) -> MutexGuard<'g, Board> {
        self.changed
            .wait_timeout(board, TICK)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Whether a download would take the room that the extraction at work needs. It deletes what it
    /// has used, and so makes room for the next.
    fn is_crowded(&self, board: &Board, load: &Load<'_>) -> bool {
        let Some(extraction) = board.extracting else {
            return false;
        };
        let needed = load
            .portion
            .size()
            .saturating_add(extraction)
            .saturating_add(MARGIN);
        // Some file systems do not know and say 0.
        self.restore
            .target
            .free()
            .is_some_and(|free| free > 0 && free < needed)
    }

    fn stopped(&self, board: &Board) -> bool {
        board.over || board.error.is_some() || self.restore.cancel.is_set()
    }

    fn fail(&self, error: RestoreError) {
        let mut board = self.board();
        // The first one is the cause of the others.
        board.error.get_or_insert(error);
        drop(board);
        self.changed.notify_all();
    }

    /// A thread that dies of a bug must not leave the others waiting.
    fn alarm(&self) -> Alarm<'_, 'a, 'p> {
        Alarm(self)
    }

    /// One downloading thread: always the readable portion that is needed first.
    fn download(&self) {
        let _alarm = self.alarm();
        loop {
            // Chooses only when the line is free: another one may be needed first by then.
            let line = self.restore.line();
            let mut board = self.board();
            if self.stopped(&board) || board.states.iter().all(|s| *s == State::Here) {
                return;
            }
            let next = board.states.iter().position(|state| *state == State::Ready);
            let Some(next) = next.filter(|next| !self.is_crowded(&board, self.loads[*next].1))
            else {
                // The extraction may need the line.
                drop(line);
                drop(self.pause(board));
                continue;
            };
            board.states[next] = State::Taken;
            drop(board);
            let (piece, load) = self.loads[next];
            let state = match self
                .restore
                .object(&load.portion, &load.place, &self.stop, line)
            {
                Ok(()) => State::Here,
                // Its days were over before its turn came.
                Err(RestoreError::Store(error)) if error.kind == StoreErrorKind::Frozen => {
                    State::Waiting
                }
                Err(error) => return self.fail(named(error, &piece.archive.volumes, piece.volume)),
            };
            self.board().states[next] = state;
            self.changed.notify_all();
        }
    }

    /// The polling thread.
    fn poll(&self) {
        let _alarm = self.alarm();
        let thaw = &self.restore.thaw;
        loop {
            let mut board = self.board();
            let waiting: Vec<usize> = loop {
                if self.stopped(&board) || board.states.iter().all(|s| *s == State::Here) {
                    return;
                }
                let waiting = (0..self.loads.len())
                    .filter(|i| board.states[*i] == State::Waiting)
                    .collect::<Vec<_>>();
                if !waiting.is_empty() {
                    break waiting;
                }
                board = self.pause(board);
            };
            drop(board);
            let mut volumes: Vec<&PlannedVolume> =
                waiting.iter().map(|i| self.loads[*i].0.volume).collect();
            volumes.dedup_by(|a, b| std::ptr::eq(*a, *b));
            let text = format!(
                "{} of {} objects are not readable yet; looking again in {}",
                volumes.len(),
                self.objects,
                humantime::format_duration(thaw.poll_every)
            );
            self.restore.events.note(Section::Restore, text);
            thaw.clock
                .wait(thaw.poll_every, &|| self.stopped(&self.board()));
            if self.stopped(&self.board()) {
                return;
            }
            match self.look(&volumes) {
                Ok(states) => {
                    let ready: HashSet<&str> = volumes
                        .iter()
                        .zip(states)
                        .filter_map(|(volume, state)| {
                            (state == ThawState::Ready).then_some(volume.key.as_str())
                        })
                        .collect();
                    let mut board = self.board();
                    for i in waiting
                        .into_iter()
                        .filter(|i| ready.contains(self.loads[*i].0.volume.key.as_str()))
                    {
                        board.states[i] = State::Ready;
                    }
                    drop(board);
                    self.changed.notify_all();
                }
                Err(error) => return self.fail(error),
            }
        }
    }

    /// A network that is away for a while must not end a wait of two days: the next look will tell.
    fn look(&self, volumes: &[&PlannedVolume]) -> Result<Vec<ThawState>, RestoreError> {
        let states = match self.restore.look_again(volumes) {
            Err(error) if error.kind == StoreErrorKind::Unreachable => {
                self.restore
                    .events
                    .note(Section::Restore, format!("{error}; still waiting"));
                return Ok(vec![ThawState::Thawing; volumes.len()]);
            }
            states => states?,
        };
        let frozen = volumes
            .iter()
            .zip(&states)
            .filter(|(_, state)| **state == ThawState::Frozen);
        let frozen: Vec<&PlannedVolume> = frozen.map(|(volume, _)| *volume).collect();
        if !frozen.is_empty() {
            self.restore.request_again(&frozen)?;
        }
        Ok(states)
    }
}

/// Every load, in order of use.
fn in_order<'a, 'p>(pieces: &'a [Piece<'p>]) -> Vec<(&'a Piece<'p>, &'a Load<'p>)> {
    let of_archives = pieces.chunk_by(|a, b| std::ptr::eq(a.archive, b.archive));
    of_archives
        .flat_map(|pieces| {
            let loads: Vec<_> = pieces
                .iter()
                .flat_map(|p| p.loads.iter().map(move |load| (p, load)))
                .collect();
            pieces[0]
                .archive
                .arrival()
                .into_iter()
                .map(move |i| loads[i])
        })
        .collect()
}

/// Tells the others.
struct Alarm<'l, 'a, 'p>(&'l Line<'a, 'p>);

impl Drop for Alarm<'_, '_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(RestoreError::Interrupted);
        }
    }
}
