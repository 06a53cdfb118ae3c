//! Verification: the mirror compared with what was selected (SPEC#verification).

use super::StageError;
use super::mirror::native;
use crate::adapters::manifest_file::FileReader;
use crate::adapters::walk::meta_of;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, Meta, Moment};
use crate::model::path::{shown, verbatim};
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;
use std::fs::{self, File};
use std::io::{self};
use std::path::Path;

/// Times may differ by this much: FAT keeps them in steps of two seconds.
const TOLERANCE_NANOS: u128 = 2_000_000_000;

/// Checks that every selected file and directory is in the mirror with the same size and time.
/// `true` when it is.
pub(super) fn verify(
    order: &StageOrder,
    files: &StageFiles,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<bool, StageError> {
    let Some(mirror) = &order.mirror else {
        return Ok(true);
    };
    let target = verbatim(&mirror.target.to_native());
    let source = verbatim(Path::new(&order.shown_at));
    let (mut checked, mut different, mut unreadable) = (0_u64, 0_u64, 0_u64);
    let mut ignored = |entry: &Entry, why: String| {
        unreadable += 1;
        events.emit(Event::Ignored {
            path: order.display_path(&entry.path),
            why,
            severity: Some(Severity::Warning),
        });
    };
    for entry in FileReader::open(&files.manifest.to_native())? {
        let entry = entry?;
        if cancel.is_set() {
            return Err(StageError::Interrupted);
        }
        if entry.unseen {
            continue;
        }
        checked += 1;
        let (Some(copy), Some(original)) =
            (native(&target, &entry.path), native(&source, &entry.path))
        else {
            let why = "its name cannot be looked up, so its copy in the mirror is not checked";
            ignored(&entry, why.to_owned());
            continue;
        };
        let Some(what) = difference(&entry, &copy) else {
            continue;
        };
        match excuse(&entry, &original, order.started) {
            Some(Excuse::Changed) => {
                let path = shown(&original);
                let text = format!("'{path}' changed while it was copied, and does not count");
                events.note(Section::Verification, text);
            }
            Some(Excuse::Unreadable(why)) => ignored(&entry, why),
            None => {
                different += 1;
                let path = shown(&copy);
                events.emit(Event::Difference { path, what });
            }
        }
    }
    let mount = &order.mount.path;
    let text = format!(
        "{mount}: {checked} entries of the mirror checked, {different} differ, {unreadable} could not be read"
    );
    events.note(Section::Verification, text);
    Ok(different == 0)
}

/// How the copy differs from what was selected.
fn difference(entry: &Entry, copy: &Path) -> Option<String> {
    let metadata = match fs::symlink_metadata(copy) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some("it is missing".to_owned());
        }
        Err(error) => return Some(error.to_string()),
    };
    let Ok(meta) = meta_of(&metadata) else {
        return Some("its times cannot be read".to_owned());
    };
    match entry.kind {
        EntryKind::Directory if metadata.is_dir() => None,
        EntryKind::Directory => Some("it is not a directory".to_owned()),
        EntryKind::File if !metadata.is_file() => Some("it is not a file".to_owned()),
        EntryKind::File if meta.size != entry.meta.size => Some(format!(
            "it has {} bytes, the source {}",
            meta.size, entry.meta.size
        )),
        EntryKind::File if meta.modified.distance(entry.meta.modified) > TOLERANCE_NANOS => {
            Some("its modification time differs".to_owned())
        }
        EntryKind::File => None,
    }
}

/// Why a difference does not count.
enum Excuse {
    /// The source was modified after the backup started, or is gone: without a snapshot that is
    /// nobody's fault.
    Changed,
    /// The source cannot be read: a skipped file.
    Unreadable(String),
}

fn excuse(entry: &Entry, original: &Path, started: Moment) -> Option<Excuse> {
    if entry.meta.modified >= started {
        return Some(Excuse::Changed);
    }
    let now: Meta = match fs::symlink_metadata(original).and_then(|m| meta_of(&m)) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Excuse::Changed),
        Err(error) => return Some(Excuse::Unreadable(error.to_string())),
    };
    if now.modified >= started && now.differs(&entry.meta) {
        return Some(Excuse::Changed);
    }
    let opened = match entry.kind {
        EntryKind::File => File::open(original).map(drop),
        EntryKind::Directory => fs::read_dir(original).map(drop),
    };
    opened
        .err()
        .map(|error| Excuse::Unreadable(error.to_string()))
}
