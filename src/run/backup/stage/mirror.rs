//! The mirror of one mount: what is deleted from it, and whether it is what it should be
//! (SPEC#mirror).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StageError;
use super::before::Before;
use super::counts::WalkCounts;
use super::half_copies;
use super::make_way;
use crate::adapters::destination_id;
use crate::adapters::file_system;
use crate::adapters::mirror_record::{self, MirrorRecord};
use crate::adapters::walk::{Item, Walk};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section};
use crate::model::manifest::{EntryKind, RelPath};
use crate::model::path::{shown, verbatim};
use crate::model::select::{Selection, SelectionSpec};
use crate::plan::backup::{HALF_COPIES, MirrorOrder, StageOrder};
use crate::render::StageFiles;
use crate::run::native::native;

/// Finds out what the file system of a mirror can do. A mirror that cannot be written is reported
/// later.
fn probe(mirror: &mut MirrorOrder) {
    let (root, target) = (mirror.mirror.to_native(), mirror.target.to_native());
    if refusal(mirror, &root).is_some() {
        return;
    }
    let mut places = target.ancestors().filter(|place| place.starts_with(&root));
    let place = places.find(|place| place.is_dir());
    if let Some(found) = place.and_then(|place| file_system::probe(&verbatim(place)).ok()) {
        mirror.file_system = found;
    }
}

/// Probes a mirror that can be used, and removes what an interrupted run left in it.
pub(super) fn begin(mirror: &mut MirrorOrder, events: &Events<'_>) {
    probe(mirror);
    if refusal(mirror, &mirror.mirror.to_native()).is_none() {
        half_copies::remove(mirror, events);
    }
    if mirror.access_lists && !mirror.file_system.access_lists {
        let text = format!(
            "access lists are not copied to the mirror '{}': its file system has none",
            mirror.mirror
        );
        let hint = "use NTFS, or remove destinations.mirror.access-lists";
        events.warn(Section::Tools, text, Some(hint.to_owned()));
    }
}

/// Notes in the mirror what was copied, so that the next run compares by content what is touched
/// from now on. Without the note it compares more.
pub(super) fn remember(order: &StageOrder, prepared: &WalkCounts, not_copied: Vec<RelPath>) {
    let fitting = &prepared.fitting;
    let (Some(mirror), Some(last), Some(began)) = (&order.mirror, &fitting.last, fitting.began)
    else {
        return;
    };
    let unknown = prepared.unknown.iter().chain(&fitting.left_out).cloned();
    let not_copied = unknown.chain(not_copied).collect();
    let root = mirror.mirror.to_native();
    let _ = MirrorRecord::add(&root, last.then(began, not_copied), began);
}

/// Makes the mirror ready for the script: it must be there; extra files are deleted, if asked for
/// and allowed. `false`: the mirror step is refused, and this was reported.
pub(super) fn make_ready(
    mirror: &MirrorOrder,
    order: &StageOrder,
    work: &Path,
    prepared: &WalkCounts,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<bool, StageError> {
    if !is_usable(mirror, events) {
        return Ok(false);
    }
    let fitting = &prepared.fitting;
    let is_renamed = make_way::rename(mirror, fitting, events);
    if let Some(guard) = mirror.delete.filter(|_| is_renamed) {
        let Extra { extra, present } = list_extra(mirror, order, work, prepared, cancel, events)?;
        if !guard.allows(extra, present) {
            events.fail(
                Section::Tools,
                format!(
                    "the mirror of '{}' is left as it is: {extra} of its {present} files would be deleted, more than max-delete allows",
                    order.mount.path
                ),
                Some(format!(
                    "if that is right, raise destinations.mirror.max-delete (to {extra}, say) for one run; if not, something happened to the source"
                )),
            );
            return Ok(false);
        }
        delete_extra(
            mirror,
            &StageFiles::of(order).extra_list.inside(work),
            cancel,
            events,
        )?;
    }
    if mirror.delete.is_none() {
        make_way::set_aside(mirror, order, fitting, events);
    }
    if prepared.nothing_selected() {
        return Ok(true);
    }
    let target = mirror.target.to_native();
    match make_target(mirror, order) {
        Ok(()) => Ok(true),
        Err(error) => {
            events.fail(
                Section::Tools,
                format!("the directory '{}' cannot be made: {error}", shown(&target)),
                None,
            );
            Ok(false)
        }
    }
}

/// Whether the mirror can be written to. If not, the reason is reported.
pub fn is_usable(mirror: &MirrorOrder, events: &Events<'_>) -> bool {
    let Some((why, hint)) = refusal(mirror, &mirror.mirror.to_native()) else {
        return true;
    };
    let text = format!("the mirror '{}' {why}", mirror.mirror);
    events.fail(Section::Tools, text, Some(hint.to_owned()));
    false
}

/// Why a mirror is not used, and what to do.
fn refusal(mirror: &MirrorOrder, root: &Path) -> Option<(&'static str, &'static str)> {
    match fs::metadata(root) {
        Ok(found) if found.is_dir() && mirror.is_attached => None,
        Ok(found) if found.is_dir() => Some((destination_id::PROBLEM, destination_id::HINT)),
        Ok(_) => Some((
            "is not a directory",
            "name a directory in destinations.mirror.path",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some((
            "does not exist",
            "attach its disk; if it is new, create the directory once, so that a detached disk is never mistaken for an empty one",
        )),
        Err(_) => Some(("cannot be read", "check its disk and its permissions")),
    }
}

/// Makes the directories down to the copy of the mount, as private as they are in the source: what
/// is private in the source must not be readable in the mirror. Those further down are rsync's.
#[cfg(unix)]
fn make_target(mirror: &MirrorOrder, order: &StageOrder) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
    let mut here = mirror.mirror.to_native();
    let depth = order.mount.path.parts().len();
    for (i, name) in order.mount.path.parts().iter().enumerate() {
        here.push(name);
        let is_mount = i + 1 == depth;
        let original = if is_mount {
            PathBuf::from(&order.shown_at)
        } else {
            order.mount.path.truncated(i + 1).to_native()
        };
        let original = fs::metadata(original).ok();
        // Writable for us, whatever the source is.
        let mode = original
            .as_ref()
            .map_or(0o777, |original| original.mode() & 0o7777 | 0o700);
        let takes_modes = mirror.file_system.modes == crate::model::file_system::Modes::Kept;
        let made_now = match fs::DirBuilder::new().mode(mode).create(&here) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && here.is_dir() => false,
            Err(error) => return Err(error),
        };
        if let (Some(original), true) = (original, made_now || is_mount) {
            // As for rsync: only root can give a directory away.
            let _ = chown(&here, Some(original.uid()), Some(original.gid()));
            if takes_modes {
                fs::set_permissions(&here, fs::Permissions::from_mode(mode))?;
            }
        }
    }
    Ok(())
}

/// Robocopy copies the attributes of a directory, and the root of a drive is hidden and system: its
/// copy would not be seen in Explorer.
#[cfg(windows)]
pub(super) fn show_copied_root(order: &StageOrder, events: &Events<'_>) {
    let Some(mirror) = order.mirror.as_ref() else {
        return;
    };
    let target = mirror.target.to_native();
    if !order.mount.path.parts().is_empty() || !target.is_dir() {
        return;
    }
    if let Err(error) = crate::adapters::windows::show(&verbatim(&target)) {
        let text = format!("'{}' stays hidden: {error}", shown(&target));
        events.warn(Section::Verification, text, None);
    }
}

#[cfg(not(windows))]
pub(super) fn show_copied_root(_: &StageOrder, _: &Events<'_>) {}

#[cfg(not(unix))]
fn make_target(mirror: &MirrorOrder, _order: &StageOrder) -> io::Result<()> {
    fs::create_dir_all(verbatim(&mirror.target.to_native()))
}

/// Files in a mirror, below the sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Extra {
    /// Those the selection does not have.
    pub extra: u64,
    /// All of them.
    pub present: u64,
}

/// Writes the list of extra files in the mirror below the sources into `work`, where the manifest
/// of the selection is, and counts them. Nothing below a path that could not be looked at today is
/// listed.
///
/// # Errors
/// When the list cannot be written, the manifest cannot be read, or it is interrupted.
pub fn list_extra(
    mirror: &MirrorOrder,
    order: &StageOrder,
    work: &Path,
    prepared: &WalkCounts,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Extra, StageError> {
    let files = StageFiles::of(order);
    let list = files.extra_list.inside(work);
    let mut out = BufWriter::new(File::create(&list).map_err(StageError::io("creating", &list))?);
    let (mut extra, mut present) = (0, 0);
    let target = verbatim(&mirror.target.to_native());
    if !target.exists() {
        return Ok(Extra::default());
    }
    // The same sources without exclusions: what is excluded today is extra.
    let spec = SelectionSpec {
        directories: Vec::new(),
        files: Vec::new(),
        ..order.selection.clone()
    };
    let everything = Arc::new(Selection::new(spec));
    let mut selected = Before::open(Some(&files.manifest.inside(work)))?;
    let mut failed = None;
    let walk = Walk {
        selection: &everything,
        mount: &order.mount.path,
        shown_at: &target,
        reads_attributes: false,
        cancel,
    };
    let flow = walk.run(&mut |path, item| {
        let Some(is_file) = present_file(mirror, path, item, events) else {
            return ControlFlow::Continue(());
        };
        present += u64::from(is_file);
        let wanted = match selected.up_to(path, &mut |_| Ok(())) {
            // A file where a directory is to be, or the other way round, has to make way.
            // It holds no links: what is there was copied when it was a file.
            Ok(Some(entry)) if entry.kind == EntryKind::Link && !mirror.file_system.links => false,
            Ok(Some(entry)) => (entry.kind != EntryKind::Directory) == is_file,
            Ok(None) => false,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        // The mirror of `/` holds what the program keeps in a mirror.
        let ours = [destination_id::NAME, mirror_record::NAME];
        let name = path.names().next().unwrap_or_default();
        let is_ours = name.starts_with(HALF_COPIES.as_bytes())
            || mirror.target == mirror.mirror && ours.contains(&path.as_str().unwrap_or(""));
        if wanted || is_ours || prepared.is_unknown(path, order.mount.path.family()) {
            return ControlFlow::Continue(());
        }
        extra += u64::from(is_file);
        let line = [path.as_bytes(), b"\0"].concat();
        match out.write_all(&line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                failed = Some(StageError::Io {
                    doing: "writing",
                    path: list.clone(),
                    why,
                });
                ControlFlow::Break(())
            }
        }
    });
    match failed {
        Some(error) => return Err(error),
        None if flow.is_break() => return Err(StageError::Interrupted),
        None => {}
    }
    out.flush().map_err(StageError::io("writing", &list))?;
    Ok(Extra { extra, present })
}

/// Whether something in the mirror is a file; `None` when it is neither file nor directory, or
/// nothing is known of it.
fn present_file(
    mirror: &MirrorOrder,
    path: &RelPath,
    item: Item,
    events: &Events<'_>,
) -> Option<bool> {
    match item {
        Item::Directory { .. } => Some(false),
        Item::File { .. } | Item::Link { .. } | Item::NotCopied { .. } => Some(true),
        // A source that was never mirrored, or nothing to do with today's selection.
        Item::SourceMissing { .. } | Item::Excluded { .. } => None,
        Item::Unreadable { why, .. } => {
            let text = format!(
                "'{}' in the mirror cannot be read, and nothing in it is deleted: {why}",
                mirror.target.display_below(&path.to_string())
            );
            events.warn(Section::Verification, text, None);
            None
        }
    }
}

/// Deletes what [`list_extra`] listed: files as they come, then directories, deepest first, and
/// only empty ones.
fn delete_extra(
    mirror: &MirrorOrder,
    list: &Path,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<(), StageError> {
    let input = File::open(list).map_err(StageError::io("reading", list))?;
    let target = verbatim(&mirror.target.to_native());
    let mut directories = Vec::new();
    let remove = |path: PathBuf| {
        let removed = make_way::writable_above(&path, || crate::adapters::fs::remove(&path));
        let path = shown(&path);
        match removed {
            Ok(()) => events.emit(Event::Deleted { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => events.fail(
                Section::Verification,
                format!("'{path}' is no longer in the source, but cannot be deleted from the mirror: {error}"),
                None,
            ),
        }
    };
    for path in BufReader::new(input).split(0) {
        if cancel.is_set() {
            return Err(StageError::Interrupted);
        }
        let path = path.map_err(StageError::io("reading", list))?;
        let Some(path) = native(&target, &RelPath::from_bytes(path)) else {
            continue;
        };
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => directories.push(path),
            Ok(_) => remove(path),
            Err(_) => {}
        }
    }
    directories.into_iter().rev().for_each(remove);
    Ok(())
}
