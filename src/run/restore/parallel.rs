//! Doing the same to many objects, a few at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How many objects are fetched and hashed at a time: one uses the line while the other is hashed.
pub const TRANSFERS: usize = 2;
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
