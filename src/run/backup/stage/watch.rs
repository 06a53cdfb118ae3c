//! Watches a script for standstill: 7-Zip waits for ever when a pipe took the place of a file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::StageError;
use super::held;
use crate::adapters::process::ToolError;
use crate::model::cancel::Cancel;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;

/// How long an archive may stop growing before the listed files are looked at.
const STANDSTILL: Duration = Duration::from_secs(2);

/// The share of the time that looking at the listed files may take. 7-Zip writes nothing for a
/// while when files are tiny or compress well, and a look at a million files takes seconds.
const LOOKING: u32 = 50;

/// What became of an archive that goes to the stores while it is made.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes that 7-Zip gave.
    given: AtomicU64,
    /// A store is waited for. 7-Zip stands still meanwhile, and nothing is wrong with its files.
    is_held_up: AtomicBool,
}

impl Flow {
    /// Hands bytes on, which may take long.
    pub fn pass<T>(&self, bytes: usize, on: impl FnOnce() -> T) -> T {
        self.given.fetch_add(bytes as u64, Ordering::Relaxed);
        self.is_held_up.store(true, Ordering::Relaxed);
        let passed = on();
        self.is_held_up.store(false, Ordering::Relaxed);
        passed
    }

    /// Whether nothing has moved since `last`, and not because a store is waited for.
    fn stands_still(&self, written: u64, last: &mut Option<u64>) -> bool {
        let now = self.given.load(Ordering::Relaxed) + written;
        let moved = last.replace(now) != Some(now);
        !moved && !self.is_held_up.load(Ordering::Relaxed)
    }
}

/// Runs a script. `None` when it was stopped because it waits for something that is not a file.
pub(super) fn watched(
    order: &StageOrder,
    files: &StageFiles,
    flow: &Flow,
    cancel: &Cancel,
    run: impl FnOnce(&Cancel) -> Result<i32, ToolError>,
) -> Result<Option<i32>, StageError> {
    if order.archive.is_none() {
        return Ok(run(cancel).map(Some)?);
    }
    let stop = cancel.child();
    let stopping = stop.clone();
    let (ended, end) = mpsc::channel::<()>();
    let (code, was_stuck) = std::thread::scope(|scope| {
        let watch = std::thread::Builder::new().spawn_scoped(scope, move || {
            let (mut last, mut pause) = (None, STANDSTILL);
            while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = STANDSTILL;
                if flow.stands_still(written(&order.work.to_native()), &mut last)
                    && is_archiving(order, files)
                {
                    let began = Instant::now();
                    if held::replaced(order, files).is_ok_and(|all| !all.is_empty()) {
                        stopping.set();
                        return true;
                    }
                    pause = pause_after(began.elapsed());
                }
            }
            false
        });
        let code = run(&stop);
        drop(ended);
        // Without a thread nothing is watched.
        let was_stuck = watch.is_ok_and(|watch| watch.join().unwrap_or(false));
        (code, was_stuck)
    });
    match code {
        Err(ToolError::Interrupted) if was_stuck && !cancel.is_set() => Ok(None),
        code => Ok(code.map(Some)?),
    }
}

/// How long to wait after a look that took this long and found nothing.
fn pause_after(look: Duration) -> Duration {
    STANDSTILL.max(look * LOOKING)
}

/// Whether the copier is done, if there is one.
fn is_archiving(order: &StageOrder, files: &StageFiles) -> bool {
    let status = || std::fs::read_to_string(files.status.to_native()).unwrap_or_default();
    order.mirror.is_none() || status().contains("mirror ")
}

/// The bytes in a work directory.
fn written(work: &Path) -> u64 {
    let entries = std::fs::read_dir(work).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_waited_for_is_no_standstill() {
        let (flow, mut last) = (Flow::default(), None);
        assert!(!flow.stands_still(7, &mut last), "the first look");
        assert!(flow.stands_still(7, &mut last));
        assert!(!flow.stands_still(8, &mut last), "the work directory grows");
        flow.pass(5, || {
            assert!(!flow.stands_still(8, &mut last), "bytes were given");
            assert!(!flow.stands_still(8, &mut last), "they are not taken yet");
        });
        assert!(flow.stands_still(8, &mut last));
    }

    #[test]
    fn a_long_look_is_seldom_repeated() {
        assert_eq!(pause_after(Duration::from_millis(5)), STANDSTILL);
        let long = Duration::from_secs(3);
        assert!(pause_after(long) >= long * 40, "a few percent of the time");
    }
}
