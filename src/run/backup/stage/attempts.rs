//! Making the archive again without what spoils it: a file that cannot be read, or an entry that
//! is something else by now (SPEC#run).

use std::collections::BTreeSet;
use std::fs;

use super::StageError;
use super::content::{ArchiveContent, find_volumes, look_into};
use super::held;
use super::outlet::Outlet;
use super::script::{self, ToolCodes};
use super::{WalkCounts, bytes};
use crate::adapters::seven_zip::SevenZipExit;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{EntryKind, RelPath};
use crate::model::secret::Secret;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;

/// How often an archive is made at the most: a source that changes faster than this cannot be
/// archived without a snapshot.
const ATTEMPTS: usize = 4;

/// The result of the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Archive(ArchiveContent),
    /// Nothing was left to archive.
    Nothing,
    /// It failed, which was reported.
    Failed,
}

/// Looks at what 7-Zip made, and has it made again without what spoils it.
pub(super) fn make(
    order: &StageOrder,
    prepared: &WalkCounts,
    mut status: ToolCodes,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Made, StageError> {
    if order.archive.is_none() {
        return Ok(Made::Nothing);
    }
    let files = StageFiles::of(order);
    let mut order = order.clone();
    order.mirror = None;
    // The manifest has them still.
    let mut taken = BTreeSet::new();
    for attempt in 1.. {
        if !script::was_taken(&status) {
            return Ok(no_archive(&order, NOT_TAKEN, events));
        }
        let nothing = (ArchiveContent::NoVolume, BTreeSet::new());
        let (content, mut unfit) = match (script::archive_exit(&status), key) {
            (Some(SevenZipExit::Ok | SevenZipExit::Warning), Some(key)) => {
                look_into(&order, &files, key, cancel)?
            }
            // It waits for a pipe, or met a file that it could not read to its end.
            (exit, _) if attempt < ATTEMPTS => {
                let replaced = held::replaced(&order, &files)?;
                let unfit = match replaced.is_empty() && exit == Some(SevenZipExit::Fatal) {
                    true => held::unreadable(&order, &files, cancel)?,
                    false => replaced,
                };
                (nothing.0, unfit)
            }
            _ => nothing,
        };
        if cancel.is_set() {
            return Err(StageError::Interrupted);
        }
        unfit.retain(|path| !taken.contains(path));
        if unfit.is_empty() {
            return Ok(match script::archiver_finished(&status, &order, events) {
                true => Made::Archive(content),
                false => Made::Failed,
            });
        }
        if attempt == ATTEMPTS {
            return Ok(no_archive(&order, CHANGES, events));
        }
        report(&order, &files, &unfit, events)?;
        remove_volumes(&order, &files)?;
        if !held::take_out(&order, &files, &unfit)? {
            return Ok(Made::Nothing);
        }
        taken.append(&mut unfit);
        status = script::run(&order, &[], bytes(prepared), key, outlet, cancel, events)?;
    }
    Ok(Made::Failed)
}

/// Why no archive was made, and what helps.
type Reason = (&'static str, Option<&'static str>);

const NOT_TAKEN: Reason = ("no store takes the archive any more", None);
const CHANGES: Reason = (
    "it changes while it is archived",
    Some("use a snapshot, or back it up when nothing writes there"),
);

fn no_archive(order: &StageOrder, (why, hint): Reason, events: &Events<'_>) -> Made {
    let text = format!("no archive of '{}' was made: {why}", order.mount.path);
    events.fail(Section::Tools, text, hint.map(str::to_owned));
    Made::Failed
}

fn remove_volumes(order: &StageOrder, files: &StageFiles) -> Result<(), StageError> {
    for volumes in order.archive.iter().map(|a| find_volumes(a, files)) {
        for volume in volumes? {
            fs::remove_file(&volume.path).map_err(StageError::io("deleting", &volume.path))?;
        }
    }
    Ok(())
}

/// Files are named when the manifest is compared with the archive; directories only here.
fn report(
    order: &StageOrder,
    files: &StageFiles,
    unfit: &BTreeSet<RelPath>,
    events: &Events<'_>,
) -> Result<(), StageError> {
    held::each_expected(order, files, &mut |entry| {
        if entry.kind == EntryKind::Directory && unfit.contains(&entry.path) {
            events.emit(Event::Ignored {
                path: order.display_path(&entry.path),
                why: "it changed while it was archived; what is new in it is not in this archive"
                    .to_owned(),
                severity: Some(Severity::Warning),
            });
        }
        Ok(())
    })?;
    let text = format!(
        "{}: archiving again without {} of the listed paths",
        order.mount.path,
        unfit.len()
    );
    events.note(Section::Tools, text);
    Ok(())
}
