//! Watches a script for standstill: 7-Zip waits for ever when a pipe took the place of a file.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::StageError;
use super::held;
use crate::adapters::process::ToolError;
use crate::model::cancel::Cancel;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;

/// How long an archive may stop growing before the listed files are looked at. Looking costs
/// little.
const STANDSTILL: Duration = Duration::from_secs(2);

/// Runs a script. `None` when it was stopped because it waits for something that is not a file.
pub(super) fn watched(
    order: &StageOrder,
    files: &StageFiles,
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
            let mut last = None;
            while end.recv_timeout(STANDSTILL) == Err(RecvTimeoutError::Timeout) {
                let now = Some(written(&order.work.to_native()));
                let is_standing = now == last;
                last = now;
                if is_standing
                    && is_archiving(order, files)
                    && held::replaced(order, files).is_ok_and(|all| !all.is_empty())
                {
                    stopping.set();
                    return true;
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
