//! Reading directories ahead of a walk, on worker threads.
//!
//! Every directory on the way down keeps a few of its next subdirectories asked for, so memory is
//! bounded by depth, not by the size of the tree.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::directory::SourceDirectory;
use super::listing::{Listing, Place, name_text};
use crate::model::select::{Location, Selection};

/// How many listings each directory on the way down has asked for at the most: one for each of at
/// most eight workers. More would only fill memory.
const DEPTH: usize = 8;

/// A listing that was asked for.
pub(super) type Pending = mpsc::Receiver<io::Result<Listing>>;

struct Order {
    place: Place,
    location: Location,
    answer: mpsc::SyncSender<io::Result<Listing>>,
}

#[derive(Default)]
struct Queue {
    orders: VecDeque<Order>,
    closed: bool,
}

/// The queue the workers serve.
pub(super) struct Ahead<'a> {
    queue: &'a (Mutex<Queue>, Condvar),
    /// Without any, the walk reads every directory itself.
    has_workers: bool,
}

/// Runs `body` with workers beside it: one a core, two at least (waiting for a disk keeps no core
/// busy), eight at most. Where the system starts no more threads, with fewer or none.
pub(super) fn with_workers<T>(
    selection: &Arc<Selection>,
    reads_attributes: bool,
    body: impl FnOnce(&Ahead<'_>) -> T,
) -> T {
    let queue = (Mutex::new(Queue::default()), Condvar::new());
    let count = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
    std::thread::scope(|scope| {
        // Closes the queue also when `body` panics: the scope would wait for the workers for ever.
        let _closing = Closing(&queue);
        let start = |_: &usize| {
            let worker = || serve(&queue, selection, reads_attributes);
            std::thread::Builder::new()
                .spawn_scoped(scope, worker)
                .is_ok()
        };
        let has_workers = (0..count).filter(start).count() > 0;
        body(&Ahead {
            queue: &queue,
            has_workers,
        })
    })
}

struct Closing<'a>(&'a (Mutex<Queue>, Condvar));

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        queue.closed = true;
        queue.orders.clear();
        self.0.1.notify_all();
    }
}

fn serve((queue, ready): &(Mutex<Queue>, Condvar), selection: &Selection, reads_attributes: bool) {
    loop {
        let mut guard = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let order = loop {
            if guard.closed {
                return;
            }
            match guard.orders.pop_front() {
                Some(order) => break order,
                None => guard = ready.wait(guard).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(guard);
        // The walk may have gone away; then nobody wants the answer.
        let (place, location) = (&order.place, &order.location);
        let listing = guarded(|| Listing::read(place, location, selection, reads_attributes));
        let _ = order.answer.send(listing);
    }
}

/// Reads a listing. A fault of the program, or one of the system that the standard library panics
/// about, costs this directory only.
pub(super) fn guarded(read: impl FnOnce() -> io::Result<Listing>) -> io::Result<Listing> {
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(io::Error::other("reading it failed in an unexpected way")))
}

impl Ahead<'_> {
    /// Asks for more of a directory's subdirectories (`left`, last first), so that a few are always
    /// under way.
    pub(super) fn top_up(
        &self,
        parent: &Arc<SourceDirectory>,
        location: &Location,
        left: &mut Vec<OsString>,
        pending: &mut VecDeque<(OsString, Pending)>,
    ) {
        let mut orders = Vec::new();
        while self.has_workers && pending.len() < DEPTH {
            let Some(name) = left.pop() else { break };
            let (answer, answered) = mpsc::sync_channel(1);
            let location = location.enter(&name_text(&name));
            orders.push(Order {
                place: Place::In(parent.clone(), name.clone()),
                location,
                answer,
            });
            pending.push_back((name, answered));
        }
        if !orders.is_empty() {
            let (queue, ready) = self.queue;
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            // The newest orders are the deepest, and the walk wants those first.
            orders
                .into_iter()
                .rev()
                .for_each(|order| queue.orders.push_front(order));
            ready.notify_all();
        }
    }

    /// The listing of `name`, if it was asked for.
    pub(super) fn take(
        &self,
        pending: &mut VecDeque<(OsString, Pending)>,
        name: &OsStr,
    ) -> Option<Pending> {
        match pending.front() {
            Some((first, _)) if first == name => pending.pop_front().map(|(_, answer)| answer),
            _ => None,
        }
    }

    /// Waits for a listing.
    pub(super) fn wait(&self, pending: Pending) -> io::Result<Listing> {
        pending
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread reading it stopped")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_costs_one_listing() {
        let failed = guarded(|| panic!("unexpected error during closedir")).map(drop);
        let why = failed.unwrap_err().to_string();
        assert_eq!(why, "reading it failed in an unexpected way");
    }
}
