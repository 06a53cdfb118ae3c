//! What came into an archive, as 7-Zip reads it back (SPEC#manifest).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::StageError;
use super::held::{self, EntrySum, LookUp};
use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::listed::Listed;
use crate::model::manifest::{EntryKind, RelPath};
use crate::model::secret::Secret;
use crate::model::upload_record::WorkFile;
use crate::plan::backup::{ArchiveOrder, StageOrder};
use crate::render::StageFiles;

/// What an archive holds, as 7-Zip reads it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArchiveContent {
    Entries {
        held: EntrySum,
        /// Names and sizes are those of the manifest.
        is_expected: bool,
    },
    /// 7-Zip wrote no volume.
    NoVolume,
    Unreadable(SevenZipExit),
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

/// What the archive holds, and the listed paths through which something came into it that is not in
/// the manifest: links, entries of another kind, the content of a directory that was empty, and the
/// target of a link.
pub(super) fn look_into(
    order: &StageOrder,
    files: &StageFiles,
    key: &Secret,
    cancel: &Cancel,
) -> Result<(ArchiveContent, BTreeSet<RelPath>), StageError> {
    let mut unfit = BTreeSet::new();
    let volumes = order.archive.iter().map(|a| find_volumes(a, files)).next();
    let volumes = volumes.transpose()?.unwrap_or_default();
    let Some(first) = volumes.first() else {
        return Ok((ArchiveContent::NoVolume, unfit));
    };
    let seven_zip = SevenZip::locate(Some(&order.seven_zip))?;
    let (mut expected, mut held) = (EntrySum::default(), EntrySum::default());
    let mut paths = LookUp::new(order);
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
    if exit != SevenZipExit::Ok {
        return Ok((ArchiveContent::Unreadable(exit), unfit));
    }
    let is_expected = expected == held;
    let content = ArchiveContent::Entries { held, is_expected };
    if is_expected && !is_linked {
        return Ok((content, unfit));
    }
    let list = |each: &mut dyn FnMut(Listed)| seven_zip.list(&first.path, key, cancel, each);
    unfit.append(&mut ways_in(order, files, list)?);
    Ok((content, unfit))
}

/// The listed paths through which entries came that are not in the manifest.
fn ways_in(
    order: &StageOrder,
    files: &StageFiles,
    list: impl Fn(&mut dyn FnMut(Listed)) -> Result<SevenZipExit, ToolError>,
) -> Result<BTreeSet<RelPath>, StageError> {
    let (paths, family) = (LookUp::new(order), order.mount.path.family());
    let mut kinds = HashMap::new();
    held::each_expected(order, files, &mut |entry| {
        if let Some(path) = paths.key(&entry.path) {
            kinds.insert(path, (entry.kind == EntryKind::Directory, entry.path));
        }
        Ok(())
    })?;
    let (mut odd, mut ways) = (HashSet::new(), BTreeSet::new());
    list(&mut |entry| {
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
        ways.extend(above.find_map(listed));
    }
    Ok(ways)
}
