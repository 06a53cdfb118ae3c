//! Making the archive again without what spoils it: a file that cannot be read, or an entry that
//! is something else by now (SPEC#run).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;

use super::StageError;
use super::archive::find_volumes;
use super::held::{self, EntrySum, LookUp};
use super::outlet::Outlet;
use super::script::{self, ToolCodes};
use super::{WalkCounts, bytes};
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
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
    Archive,
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
        let mut unfit = match script::archive_exit(&status) {
            Some(SevenZipExit::Ok | SevenZipExit::Warning) => {
                intruders(&order, &files, key, cancel)?
            }
            // It waits for a pipe, or met a file that it could not read to its end.
            exit if attempt < ATTEMPTS => {
                let unfit = held::replaced(&order, &files)?;
                match unfit.is_empty() && exit == Some(SevenZipExit::Fatal) {
                    true => held::unreadable(&order, &files, cancel)?,
                    false => unfit,
                }
            }
            _ => BTreeSet::new(),
        };
        if cancel.is_set() {
            return Err(StageError::Interrupted);
        }
        unfit.retain(|path| !taken.contains(path));
        if unfit.is_empty() {
            return Ok(match script::archiver_finished(&status, &order, events) {
                true => Made::Archive,
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

/// Listed paths through which something came into the archive that is not in the manifest: links,
/// entries of another kind, the content of a directory that was empty, and the target of a link.
fn intruders(
    order: &StageOrder,
    files: &StageFiles,
    key: Option<&Secret>,
    cancel: &Cancel,
) -> Result<BTreeSet<RelPath>, StageError> {
    let (Some(archive), Some(key)) = (&order.archive, key) else {
        return Ok(BTreeSet::new());
    };
    let volumes = find_volumes(archive, files)?;
    let Some(first) = volumes.first() else {
        return Ok(BTreeSet::new());
    };
    let seven_zip = SevenZip::locate(Some(&order.seven_zip))?;
    let (mut expected, mut held) = (EntrySum::default(), EntrySum::default());
    let (mut unfit, mut paths) = (BTreeSet::new(), LookUp::new(order));
    let family = order.mount.path.family();
    held::each_expected(order, files, &mut |entry| {
        if !paths.is_reached(&entry.path) {
            unfit.insert(entry.path.clone());
        }
        if let Some(path) = paths.key(&entry.path) {
            expected.add(
                &path,
                (entry.kind == EntryKind::File).then_some(entry.meta.size),
            );
        }
        Ok(())
    })?;
    let mut is_linked = false;
    let exit = seven_zip.list(&first.path, key, cancel, &mut |entry| {
        is_linked |= entry.is_link;
        held.add(
            &family.fold(&entry.path),
            (!entry.is_directory).then_some(entry.size),
        );
    })?;
    if exit != SevenZipExit::Ok || (expected == held && !is_linked) {
        return Ok(unfit);
    }
    let mut kinds = HashMap::new();
    held::each_expected(order, files, &mut |entry| {
        if let Some(path) = paths.key(&entry.path) {
            kinds.insert(path, (entry.kind == EntryKind::Directory, entry.path));
        }
        Ok(())
    })?;
    let mut odd = HashSet::new();
    seven_zip.list(&first.path, key, cancel, &mut |entry| {
        let path = family.fold(&entry.path);
        let kind = kinds.get(&path).map(|(is_directory, _)| *is_directory);
        if entry.is_link || kind != Some(entry.is_directory) {
            odd.insert(path);
        }
    })?;
    for path in odd {
        // The listed path that brought it: itself, or the nearest above it.
        let path = RelPath::from_bytes(path);
        let depths = (1..=path.names().count()).rev();
        let mut above = depths.map(|depth| path.truncated(depth));
        let listed = |path: RelPath| Some(kinds.get(path.as_str()?)?.1.clone());
        unfit.extend(above.find_map(listed));
    }
    Ok(unfit)
}
