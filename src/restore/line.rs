//! Download and extraction at the same time (SPEC §9): what is readable is downloaded in order of use while the rest
//! thaws, and an archive is extracted as soon as its turn has come and its volumes are here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::event::Section;
use crate::store::{StoreErrorKind, ThawState};

use super::error::RestoreError;
use super::estimate::VolumeState;
use super::fetch::named;
use super::parallel::TRANSFERS;
use super::plan::{PlannedArchive, PlannedVolume};
use super::run::Restore;
use super::thaw::Piece;

/// What the threads know of each other.
struct Board {
    states: Vec<State>,
    error: Option<RestoreError>,
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Ready,
    Taken,
    Here,
}

/// The volumes of a restore on their way.
pub(super) struct Line<'a, 'p> {
    restore: &'a Restore<'a>,
    pieces: &'a [Piece<'p>],
    /// In which order they are downloaded.
    order: Vec<usize>,
    board: Mutex<Board>,
    changed: Condvar,
    /// Ends downloads that nobody needs any more.
    stop: Cancel,
}

/// How often a thread that waits for others asks for an interrupt.
const TICK: Duration = Duration::from_millis(100);

impl<'a, 'p> Line<'a, 'p> {
    pub(super) fn new(restore: &'a Restore<'a>, pieces: &'a [Piece<'p>]) -> Line<'a, 'p> {
        let state = |piece: &Piece<'_>| match piece.state {
            VolumeState::Frozen | VolumeState::Thawing => State::Waiting,
            VolumeState::Ready => State::Ready,
            VolumeState::Here => State::Here,
        };
        let board = Board { states: pieces.iter().map(state).collect(), error: None, over: false };
        let (board, stop) = (Mutex::new(board), restore.cancel.child());
        Line { restore, pieces, order: order(pieces), board, changed: Condvar::new(), stop }
    }

    /// Downloads in the background while `extract` runs, which asks for archives with [`Line::wait_for`]. Without an
    /// error it ends when `extract` does.
    pub(super) fn run<R>(&self, extract: impl FnOnce() -> Result<R, RestoreError>) -> Result<R, RestoreError> {
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

    /// Waits until more than `have` of an archive's volumes are here, in the order in which they arrive; says how many.
    ///
    /// # Errors
    /// When any download failed, or the user interrupts.
    pub(super) fn wait_for(&self, archive: &PlannedArchive, have: usize) -> Result<usize, RestoreError> {
        let of_archive: Vec<usize> =
            self.order.iter().copied().filter(|i| std::ptr::eq(self.pieces[*i].archive, archive)).collect();
        let mut board = self.board();
        loop {
            if let Some(error) = board.error.take() {
                return Err(error);
            }
            if self.restore.cancel.is_set() {
                return Err(RestoreError::Interrupted);
            }
            let here = of_archive.iter().take_while(|i| board.states[**i] == State::Here).count();
            if here == of_archive.len() || here > have {
                return Ok(here);
            }
            board = self.pause(board);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause<'g>(&self, board: MutexGuard<'g, Board>) -> MutexGuard<'g, Board> {
        self.changed.wait_timeout(board, TICK).unwrap_or_else(PoisonError::into_inner).0
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

    /// One downloading thread: always the readable volume that is needed first.
    fn download(&self) {
        let _alarm = self.alarm();
        // Chooses only when the line is free: another volume may be needed first by then.
        let mut line = self.restore.line();
        let mut board = self.board();
        loop {
            if self.stopped(&board) || board.states.iter().all(|s| *s == State::Here) {
                return;
            }
            let Some(next) = self.order.iter().copied().find(|i| board.states[*i] == State::Ready) else {
                board = self.pause(board);
                continue;
            };
            board.states[next] = State::Taken;
            drop(board);
            let piece = &self.pieces[next];
            let state = match self.restore.object(piece.volume, &piece.place, &self.stop, line) {
                Ok(()) => State::Here,
                // Its days were over before its turn came.
                Err(RestoreError::Store(error)) if error.kind == StoreErrorKind::Frozen => State::Waiting,
                Err(error) => return self.fail(named(error, &piece.archive.volumes, piece.index)),
            };
            self.board().states[next] = state;
            self.changed.notify_all();
            line = self.restore.line();
            board = self.board();
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
                let waiting = (0..self.pieces.len()).filter(|i| board.states[*i] == State::Waiting).collect::<Vec<_>>();
                if !waiting.is_empty() {
                    break waiting;
                }
                board = self.pause(board);
            };
            drop(board);
            let text = format!(
                "{} of {} objects are not readable yet; looking again in {}",
                waiting.len(),
                self.pieces.len(),
                humantime::format_duration(thaw.poll_every)
            );
            self.restore.events.note(Section::Restore, text);
            thaw.clock.wait(thaw.poll_every, &|| self.stopped(&self.board()));
            if self.stopped(&self.board()) {
                return;
            }
            let volumes: Vec<&PlannedVolume> = waiting.iter().map(|i| self.pieces[*i].volume).collect();
            match self.look(&volumes) {
                Ok(states) => {
                    let mut board = self.board();
                    for (i, state) in waiting.into_iter().zip(states) {
                        if state == ThawState::Ready {
                            board.states[i] = State::Ready;
                        }
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
                self.restore.events.note(Section::Restore, format!("{error}; still waiting"));
                return Ok(vec![ThawState::Thawing; volumes.len()]);
            }
            states => states?,
        };
        let frozen = volumes.iter().zip(&states).filter(|(_, state)| **state == ThawState::Frozen);
        let frozen: Vec<&PlannedVolume> = frozen.map(|(volume, _)| *volume).collect();
        if !frozen.is_empty() {
            self.restore.request_again(&frozen)?;
        }
        Ok(states)
    }
}

/// In order of use.
fn order(pieces: &[Piece<'_>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(pieces.len());
    for of_archive in pieces.chunk_by(|a, b| std::ptr::eq(a.archive, b.archive)) {
        let (begin, arrival) = (order.len(), of_archive[0].archive.arrival());
        order.extend(arrival.into_iter().map(|i| begin + i));
    }
    order
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
