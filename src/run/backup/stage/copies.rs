//! The Robocopy commands of a Windows mount, from what its walk left out.

use std::path::Path;

use super::StageError;
use crate::adapters::manifest_file::FileReader;
use crate::model::manifest::{EntryKind, RelPath};
use crate::model::path::Family;
use crate::plan::backup::StageOrder;
use crate::render::copy_room;
use crate::render::robocopy::{Children, CopyCommand, LeftOut, copy_commands};

/// The commands that mirror every source of the mount. None where rsync copies.
pub(super) fn commands(
    order: &StageOrder,
    left_out: &LeftOut,
    manifest: &Path,
) -> Result<Vec<CopyCommand>, StageError> {
    if order.mount.path.family() == Family::Unix || order.mirror.is_none() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for source in &order.mount.sources {
        let Some(source) = RelPath::below(source, &order.mount.path) else {
            continue;
        };
        let is_in = |other: &RelPath| source.lies_in(other, Family::Windows);
        let gone = order
            .missing
            .iter()
            .filter_map(|m| RelPath::below(m, &order.mount.path))
            .any(|m| is_in(&m));
        if gone || left_out.directories.iter().any(is_in) {
            continue;
        }
        let source = as_walked(source, left_out);
        all.extend(copy_commands(
            &source,
            left_out,
            copy_room(order),
            &mut |of| children(manifest, of),
        )?);
    }
    Ok(all)
}

/// The source as the walk spells it, which is not always as the profile does: the first source of a
/// directory decides.
fn as_walked(source: RelPath, left_out: &LeftOut) -> RelPath {
    let mut all = left_out.directories.iter().chain(&left_out.files);
    let inside = all.find(|path| path.lies_in(&source, Family::Windows));
    inside.map_or_else(
        || source.clone(),
        |path| path.truncated(source.names().count()),
    )
}

/// The entries that the manifest lists directly in a directory. Called rarely, because each call
/// reads the whole manifest.
fn children(manifest: &Path, of: &RelPath) -> Result<Children, StageError> {
    let mut held = Children::default();
    for entry in FileReader::open(manifest)? {
        let entry = entry?;
        if entry.unseen || entry.path.is_root() || entry.path.parent() != *of {
            continue;
        }
        match entry.kind {
            EntryKind::Directory => held.directories.push(entry.path),
            EntryKind::File => held.files.push(entry.path),
            // Robocopy leaves links out.
            EntryKind::Link => {}
        }
    }
    Ok(held)
}
