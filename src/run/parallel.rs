//! Doing the same to many objects, a few at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::adapters::store::PIECE;

/// How many local files are hashed at a time: one is read while the other is hashed.
pub const CHECKS: usize = 2;
/// How many small questions a store is asked at a time. They wait for answers, not for the line.
pub const QUESTIONS: usize = 8;

/// Calls `work` for every item; the answers are in the order of the items. The first failure, by
/// that order, stops all.
///
/// # Errors
/// As `work`, with the index of the item.
pub fn each<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, (usize, E)> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let failed = Mutex::new(Vec::new());
    let worker = || {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            match work(item) {
                Ok(answer) => done
                    .lock()
                    .unwrap_or_else(|e| e.into_inner())
                    .push((index, answer)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed
                        .lock()
                        .unwrap_or_else(|e| e.into_inner())
                        .push((index, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            scope.spawn(worker);
        }
    });
    let failed = failed.into_inner().unwrap_or_else(|e| e.into_inner());
    if let Some(first) = failed.into_iter().min_by_key(|(index, _)| *index) {
        return Err(first);
    }
    let mut done = done.into_inner().unwrap_or_else(|e| e.into_inner());
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, answer)| answer).collect())
}

/// The right to transfer content: a large object uses all connections of a store, small ones share
/// them.
pub struct Turns {
    /// In pieces.
    all: usize,
    free: Mutex<usize>,
    changed: Condvar,
}

impl Turns {
    /// For this many pieces under way, 1 at least.
    pub fn new(pieces: usize) -> Turns {
        let all = pieces.max(1);
        Turns {
            all,
            free: Mutex::new(all),
            changed: Condvar::new(),
        }
    }

    /// Waits until an object of this many bytes may go.
    pub fn wait(&self, bytes: u64) -> Turn<'_> {
        let pieces = usize::try_from(bytes.div_ceil(PIECE)).unwrap_or(usize::MAX);
        let pieces = pieces.clamp(1, self.all);
        let mut free = self.free();
        while *free < pieces {
            free = self
                .changed
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *free -= pieces;
        Turn {
            turns: self,
            pieces,
        }
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Given back when dropped.
pub struct Turn<'t> {
    turns: &'t Turns,
    pieces: usize,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.turns.free() += self.pieces;
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_objects_go_alone_and_small_ones_together() {
        let turns = Turns::new(4);
        let large = turns.wait(u64::MAX);
        assert_eq!(*turns.free(), 0);
        drop(large);
        let small: Vec<Turn<'_>> = [0, 1, PIECE].map(|bytes| turns.wait(bytes)).into();
        assert_eq!(*turns.free(), 1);
        let waits = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.wait(PIECE + 1).pieces);
            drop(small);
            waiting.join()
        });
        assert_eq!(waits.ok(), Some(2));
        assert_eq!(*turns.free(), 4);
        assert_eq!(*Turns::new(0).free(), 1);
    }
}
