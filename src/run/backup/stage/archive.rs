//! After archiving: the archive is compared with the list, the manifest corrected and encrypted.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::BufWriter;
use std::path::Path;

use super::before::Before;
use super::content::{ArchiveContent, find_volumes};
use super::counts::WalkCounts;
use super::held::LookUp;
use super::manifest_object::Packer;
use super::{Archived, StageError};
use crate::adapters::manifest_file::FileReader;
use crate::adapters::seven_zip::SevenZipExit;
use crate::adapters::walk::meta_of;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, RelPath, Stored, Writer};
use crate::model::text;
use crate::plan::backup::{ArchiveOrder, Changes, StageOrder};
use crate::render::StageFiles;

/// Corrects the manifest to what the archive holds, and makes its object. `None` when the archive is
/// not what was asked for.
pub(super) fn finish(
    archive: &ArchiveOrder,
    order: &StageOrder,
    files: &StageFiles,
    content: Option<ArchiveContent>,
    prepared: &mut WalkCounts,
    packer: &Packer<'_>,
) -> Result<Option<Archived>, StageError> {
    let Packer {
        seven_zip,
        key,
        cancel,
        events,
    } = packer;
    let mut volumes = Vec::new();
    match content {
        Some(ArchiveContent::Entries { held, is_expected }) => {
            volumes = find_volumes(archive, files)?;
            let mut sizes = None;
            if let Some(first) = volumes.first().filter(|_| !is_expected) {
                let (mut all, family) = (HashMap::new(), order.mount.path.family());
                let exit = seven_zip.list(&first.path, key, cancel, &mut |entry| {
                    all.insert(family.fold(&entry.path), entry.size);
                })?;
                if exit != SevenZipExit::Ok {
                    not_read_back(archive, exit, events);
                    return Ok(None);
                }
                sizes = Some(all);
            }
            let amended = amend(archive, order, files, sizes.as_ref())?;
            report(&amended, order, events);
            prepared.skipped += amended.missing.len() as u64;
            prepared.archived_files = held.files;
            prepared.archived_bytes = held.bytes;
        }
        Some(ArchiveContent::NoVolume) => {
            let text = format!("7-Zip wrote no volume of '{}'", archive.stem);
            events.fail(Section::Tools, text, None);
            return Ok(None);
        }
        Some(ArchiveContent::Unreadable(exit)) => {
            not_read_back(archive, exit, events);
            return Ok(None);
        }
        // Nothing could be archived of what was listed.
        None if !prepared.nothing_archived() => {
            let amended = amend(archive, order, files, Some(&HashMap::new()))?;
            report(&amended, order, events);
            prepared.skipped += amended.missing.len() as u64;
            (prepared.archived_files, prepared.archived_bytes) = (0, 0);
        }
        None => {}
    }
    packer.archived(order, archive, files, prepared, volumes)
}

fn not_read_back(archive: &ArchiveOrder, exit: SevenZipExit, events: &Events<'_>) {
    let stem = &archive.stem;
    let text = format!("the new archive '{stem}' cannot be read back: {exit}");
    let hint = "the disk of the work directory may be full or failing";
    events.fail(Section::Tools, text, Some(hint.to_owned()));
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
