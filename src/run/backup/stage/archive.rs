//! After archiving: the archive is compared with the list, the manifest corrected and encrypted.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::BufWriter;
use std::path::Path;

use super::before::Before;
use super::counts::WalkCounts;
use super::held::{self, EntrySum, LookUp};
use super::manifest_object::Packer;
use super::{Archived, StageError};
use crate::adapters::manifest_file::FileReader;
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::adapters::walk::meta_of;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, RelPath, Stored, Writer};
use crate::model::secret::Secret;
use crate::model::text;
use crate::model::upload_record::WorkFile;
use crate::plan::backup::{ArchiveOrder, Changes, StageOrder};
use crate::render::StageFiles;

/// Checks what 7-Zip wrote, and makes the manifest object. `None` when the archive is not what was
/// asked for.
pub(super) fn finish(
    archive: &ArchiveOrder,
    order: &StageOrder,
    files: &StageFiles,
    key: &Secret,
    prepared: &mut WalkCounts,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Option<Archived>, StageError> {
    let seven_zip = SevenZip::locate(Some(&order.seven_zip))?;
    let mut volumes = Vec::new();
    if order.archive.is_some() {
        volumes = find_volumes(archive, files)?;
        let Some(first) = volumes.first() else {
            events.fail(
                Section::Tools,
                format!("7-Zip wrote no volume of '{}'", archive.stem),
                None,
            );
            return Ok(None);
        };
        let (mut held, family) = (EntrySum::default(), order.mount.path.family());
        let exit = seven_zip.list(&first.path, key, cancel, &mut |entry| {
            held.add(
                &family.fold(&entry.path),
                (!entry.is_directory).then_some(entry.size),
            );
        })?;
        if exit != SevenZipExit::Ok {
            not_read_back(archive, exit, events);
            return Ok(None);
        }
        let mut sizes = None;
        if held != expected(order, files)? {
            let mut all = HashMap::new();
            seven_zip.list(&first.path, key, cancel, &mut |entry| {
                all.insert(family.fold(&entry.path), entry.size);
            })?;
            sizes = Some(all);
        }
        let amended = amend(archive, order, files, sizes.as_ref())?;
        report(&amended, order, events);
        prepared.skipped += amended.missing.len() as u64;
        prepared.archived_files = held.files;
        prepared.archived_bytes = held.bytes;
    } else if wanted(order, prepared) {
        // Nothing could be archived of what was listed.
        let amended = amend(archive, order, files, Some(&HashMap::new()))?;
        report(&amended, order, events);
        prepared.skipped += amended.missing.len() as u64;
        (prepared.archived_files, prepared.archived_bytes) = (0, 0);
    }
    let packer = Packer {
        seven_zip: &seven_zip,
        key,
        cancel,
        events,
    };
    packer.archived(order, archive, files, prepared, volumes)
}

fn not_read_back(archive: &ArchiveOrder, exit: SevenZipExit, events: &Events<'_>) {
    let stem = &archive.stem;
    let text = format!("the new archive '{stem}' cannot be read back: {exit}");
    let hint = "the disk of the work directory may be full or failing";
    events.fail(Section::Tools, text, Some(hint.to_owned()));
}

/// Whether anything was to be archived.
fn wanted(order: &StageOrder, prepared: &WalkCounts) -> bool {
    order.archive.is_none() && !prepared.nothing_archived()
}

/// The expected content of the archive.
fn expected(order: &StageOrder, files: &StageFiles) -> Result<EntrySum, StageError> {
    let mut expected = EntrySum::default();
    held::each_expected(order, files, &mut |entry| {
        if let Some(path) = entry.path.as_str() {
            expected.add(
                &order.mount.path.family().fold(path),
                (entry.kind == EntryKind::File).then_some(entry.meta.size),
            );
        }
        Ok(())
    })?;
    Ok(expected)
}

fn report(amended: &Amended, order: &StageOrder, events: &Events<'_>) {
    let lacking = |path: &RelPath, why: &str| {
        events.emit(Event::Ignored {
            path: order.display_path(path),
            why: format!("{why}; it is not in this archive"),
            severity: Some(Severity::Warning),
        });
    };
    for (path, why) in &amended.missing {
        lacking(path, why);
    }
    for path in &amended.changed {
        events.warn(
            Section::Tools,
            format!(
                "'{}' changed while it was archived; the next backup archives it again",
                order.display_path(path)
            ),
            None,
        );
    }
    if amended.vanished > 0 {
        let text = format!(
            "{}: {} vanished before they were archived",
            order.mount.path,
            text::count(amended.vanished, "path")
        );
        events.note(Section::Tools, text);
    }
}

/// The volumes in the work directory, by number.
pub(super) fn find_volumes(
    archive: &ArchiveOrder,
    files: &StageFiles,
) -> Result<Vec<WorkFile>, StageError> {
    let mut volumes = Vec::new();
    for number in 1_u32.. {
        let key = format!("{}.{number:03}", archive.stem);
        let path = files.archive.to_native().with_file_name(&key);
        match std::fs::metadata(&path) {
            Ok(metadata) => volumes.push(WorkFile {
                key,
                path,
                size: metadata.len(),
                made: None,
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(why) => {
                return Err(StageError::Io {
                    doing: "looking at",
                    path,
                    why,
                });
            }
        }
    }
    Ok(volumes)
}

/// How a manifest was corrected.
#[derive(Default)]
struct Amended {
    /// Files that are not in the archive, and why.
    missing: Vec<(RelPath, String)>,
    /// Files that are not as they were when the walk saw them.
    changed: Vec<RelPath>,
    /// Files and directories that were deleted before they were archived.
    vanished: u64,
}

/// Corrects the manifest to the content of the archive. `held` has sizes by path; `None` if names
/// and sizes are as listed. If a file is not in the archive, its older state stays listed as
/// unseen, so that it is restored, and the next backup tries again.
fn amend(
    archive: &ArchiveOrder,
    order: &StageOrder,
    files: &StageFiles,
    held: Option<&HashMap<String, u64>>,
) -> Result<Amended, StageError> {
    let path = files.manifest.to_native();
    let new = path.with_extension("amended");
    let before_path = match &archive.changes {
        Changes::SinceManifest { path } => Some(Path::new(path)),
        _ => None,
    };
    let mut before = Before::open(before_path)?;
    let failed = |why| StageError::Io {
        doing: "writing",
        path: new.clone(),
        why,
    };
    let reader = FileReader::open(&path)?;
    let out = BufWriter::new(File::create(&new).map_err(failed)?);
    let mut writer = Writer::new(out, reader.header()).map_err(failed)?;
    let mut amended = Amended::default();
    let look = LookUp::new(order);
    for entry in reader {
        let entry = entry?;
        let last = before.up_to(&entry.path, &mut |_| Ok(()))?;
        let is_archived = entry.kind == EntryKind::File
            && !entry.unseen
            && entry.stored == Some(Stored::In(order.stamp));
        let entry = match is_archived {
            true => amended.file(entry, last, held, &look),
            false if held.is_some() => amended.directory(entry, &look),
            false => Some(entry),
        };
        if let Some(entry) = entry {
            writer.write(&entry).map_err(failed)?;
        }
    }
    writer.finish().map_err(failed)?;
    std::fs::rename(&new, &path).map_err(failed)?;
    Ok(amended)
}

impl Amended {
    /// What the manifest says of a file that was to be archived.
    fn file(
        &mut self,
        mut entry: Entry,
        last: Option<Entry>,
        held: Option<&HashMap<String, u64>>,
        look: &LookUp,
    ) -> Option<Entry> {
        let now = look.metadata(&entry.path);
        let size = match held {
            Some(held) => look
                .key(&entry.path)
                .and_then(|path| held.get(&path))
                .copied(),
            None => Some(entry.meta.size),
        };
        if let Some(size) = size {
            let is_same = |now: &Metadata| {
                now.is_file() && meta_of(now).is_ok_and(|now| !now.differs(&entry.meta))
            };
            // A file that was archived before it was deleted is complete.
            if size != entry.meta.size || now.is_ok_and(|now| !is_same(&now)) {
                self.changed.push(entry.path.clone());
            }
            entry.meta.size = size;
            return Some(entry);
        }
        let why = match now {
            Err(why) if is_gone(&why) => {
                self.vanished += 1;
                return None;
            }
            Err(why) => why.to_string(),
            Ok(now) if !now.is_file() => "it is no longer a file".to_owned(),
            Ok(_) => "7-Zip could not read it".to_owned(),
        };
        self.missing.push((entry.path.clone(), why));
        Some(match last {
            Some(last) if last.kind == EntryKind::File => Entry {
                unseen: true,
                ..last
            },
            _ => Entry {
                stored: None,
                ..entry
            },
        })
    }

    /// A directory that was deleted meanwhile is not in the state. Its name may be used by what
    /// replaced it.
    fn directory(&mut self, entry: Entry, look: &LookUp) -> Option<Entry> {
        let is_deleted = entry.kind == EntryKind::Directory
            && !entry.unseen
            && look.metadata(&entry.path).is_err_and(|why| is_gone(&why));
        self.vanished += u64::from(is_deleted);
        (!is_deleted).then_some(entry)
    }
}

fn is_gone(why: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    matches!(why.kind(), NotFound | NotADirectory)
}
