//! After archiving: the archive is compared with the list, the manifest corrected and encrypted.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::before::Before;
use super::counts::WalkCounts;
use super::{Archived, StageError};
use crate::adapters::manifest_file::FileReader;
use crate::adapters::process::Invocation;
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, RelPath, Stored, Writer};
use crate::model::secret::Secret;
use crate::model::upload_record::WorkFile;
use crate::plan::backup::{ArchiveOrder, Changes, StageOrder};
use crate::render::{StageFiles, switches};

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
        let (mut count, mut bytes) = (0, 0);
        let exit = seven_zip.list(&first.path, key, cancel, &mut |entry| {
            if !entry.is_directory {
                count += 1;
                bytes += entry.size;
            }
        })?;
        if exit != SevenZipExit::Ok {
            let text = format!(
                "the new archive '{}' cannot be read back: {exit}",
                archive.stem
            );
            events.fail(
                Section::Tools,
                text,
                Some("the disk of the work directory may be full or failing".to_owned()),
            );
            return Ok(None);
        }
        if count != prepared.archived_files || bytes != prepared.archived_bytes {
            let mut held = HashMap::new();
            seven_zip.list(&first.path, key, cancel, &mut |entry| {
                held.insert(entry.path, entry.size);
            })?;
            let amended = amend(archive, order, files, &held)?;
            report(&amended, order, events);
            prepared.skipped += amended.missing.len() as u64;
        }
        prepared.archived_files = count;
        prepared.archived_bytes = bytes;
    }
    let manifest = encrypt_manifest(archive, &seven_zip, files, key, cancel, events)?;
    Ok(manifest.map(|manifest| Archived {
        volumes,
        manifest,
        files: prepared.archived_files,
        bytes: prepared.archived_bytes,
    }))
}

fn report(amended: &Amended, order: &StageOrder, events: &Events<'_>) {
    for path in &amended.missing {
        events.emit(Event::Ignored {
            path: order.display_path(path),
            why: "7-Zip could not read it; it is not in this archive".to_owned(),
            severity: Some(Severity::Warning),
        });
    }
    if amended.resized > 0 {
        let text = format!(
            "{}: {} files changed while they were archived",
            order.mount.path, amended.resized
        );
        events.note(Section::Tools, text);
    }
}

/// The volumes in the work directory, by number.
fn find_volumes(archive: &ArchiveOrder, files: &StageFiles) -> Result<Vec<WorkFile>, StageError> {
    let mut volumes = Vec::new();
    for number in 1_u32.. {
        let key = format!("{}.{number:03}", archive.stem);
        let path = files.archive.to_native().with_file_name(&key);
        match std::fs::metadata(&path) {
            Ok(metadata) => volumes.push(WorkFile {
                key,
                path,
                size: metadata.len(),
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
    /// Files the archive does not hold.
    missing: Vec<RelPath>,
    /// Files that had another size when they were archived.
    resized: u64,
}

/// Makes the manifest say what the archive holds (`held`: sizes by path). Only asked when counts or
/// bytes differ, because it keeps all names in memory. Of a file the archive does not hold, an
/// older state stays listed as unseen, so that it is restored, and tried again by the next backup.
fn amend(
    archive: &ArchiveOrder,
    order: &StageOrder,
    files: &StageFiles,
    held: &HashMap<String, u64>,
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
    for entry in reader {
        let mut entry = entry?;
        let last = before.up_to(&entry.path, &mut |_| Ok(()))?;
        if entry.kind == EntryKind::File && entry.stored == Some(Stored::In(order.stamp)) {
            match entry.path.as_str().and_then(|path| held.get(path)) {
                Some(size) if *size == entry.meta.size => {}
                Some(size) => {
                    amended.resized += 1;
                    entry.meta.size = *size;
                }
                None => {
                    amended.missing.push(entry.path.clone());
                    entry = match last {
                        Some(last) if last.kind == EntryKind::File => Entry {
                            unseen: true,
                            ..last
                        },
                        _ => Entry {
                            stored: None,
                            ..entry
                        },
                    };
                }
            }
        }
        writer.write(&entry).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    std::fs::rename(&new, &path).map_err(failed)?;
    Ok(amended)
}

/// The manifest as its object: names are private.
fn encrypt_manifest(
    archive: &ArchiveOrder,
    seven_zip: &SevenZip,
    files: &StageFiles,
    key: &Secret,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Option<WorkFile>, StageError> {
    let target = files.encrypted_manifest.to_native();
    let plain = files.manifest.to_native();
    let mut said = Vec::new();
    let code = Invocation::new(seven_zip.program())
        .args(["a", &format!("-t{}", archive.format.extension())])
        .args(switches(archive.format).split(' '))
        .args(["-mx=5", "-spd", "-bd", "-sccUTF-8", "-p", "--"])
        .arg(&target)
        .arg(&plain)
        .run(Some(key), cancel, &mut |line| said.push(line.to_owned()))?;
    let exit = SevenZipExit::of(code);
    if exit != SevenZipExit::Ok {
        for line in said {
            events.emit(Event::ToolOutput {
                tool: "7-Zip".to_owned(),
                line,
            });
        }
        events.fail(
            Section::Tools,
            format!(
                "the manifest '{}' could not be encrypted: {exit}",
                archive.manifest
            ),
            None,
        );
        return Ok(None);
    }
    let size = std::fs::metadata(&target)
        .map_err(StageError::io("looking at", &target))?
        .len();
    Ok(Some(WorkFile {
        key: archive.manifest.clone(),
        path: target,
        size,
    }))
}
