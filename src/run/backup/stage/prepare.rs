//! Walking a mount and writing what the tools will read: lists, manifest, script.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::StageError;
use super::before::Before;
use super::copies;
use super::counts::WalkCounts;
use super::outputs::Outputs;
use crate::adapters::fs;
use crate::adapters::walk::{CaseTwin, InCloud, Item, Walk};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, RelPath, Stored};
use crate::model::select::{Kind, Selection};
use crate::plan::backup::{Changes, StageOrder};
use crate::render::{StageFiles, script};

/// Where [`prepare`] reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct StagePaths<'a> {
    /// Where the mount can be read.
    pub read: &'a Path,
    /// The directory the files go to; `None` writes nothing and only counts.
    pub write: Option<&'a Path>,
}

/// Walks the mount and writes everything that the script of the order needs. The files contain the
/// paths of the order, regardless of where they are written, so a preview renders the same files as
/// a run.
///
/// # Errors
/// When a work file cannot be written, the last manifest cannot be read, or the walk is
/// interrupted.
pub fn prepare(
    order: &StageOrder,
    place: StagePaths<'_>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<WalkCounts, StageError> {
    let files = StageFiles::of(order);
    if let Some(work) = place.write {
        fs::create_private_directory(work)
            .map_err(StageError::io("creating the directory", work))?;
    }
    let mut out = Outputs::create(order, place.read, place.write, &files)?;
    let mut before = Before::open(last_manifest(order))?;
    let selection = Arc::new(Selection::new(order.selection.clone()));
    let mut prepared = WalkCounts::default();
    let missing = order.missing.iter();
    let missing = missing.filter_map(|path| RelPath::below(path, &order.mount.path));
    prepared.unknown.extend(missing);

    let mut failed = None;
    let walk = Walk {
        selection: &selection,
        mount: &order.mount.path,
        shown_at: place.read,
        reads_attributes: last_manifest(order).is_none(),
        cancel,
    };
    let mut items = 0_u64;
    let flow = walk.run(&mut |path, item| {
        items += 1;
        show_walk(items, &prepared, events);
        let counts = &mut prepared;
        match take(order, &mut out, &mut before, counts, events, path, item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if cancel.is_set() || flow.is_break() {
        return Err(StageError::Interrupted);
    }
    prepared.hard_linked.close();
    before.rest(&mut |entry| out.carry_over(entry, &mut prepared))?;
    prepared.is_as_before = last_manifest(order).is_some() && out.is_as(before.count);
    let left_out;
    (left_out, prepared.fitting) = out.finish()?;
    if let Some(work) = place.write {
        prepared.copies = copies::commands(order, &left_out, &files.manifest.inside(work))?;
        let path = files.script.inside(work);
        std::fs::write(&path, script(order, &prepared.copies)?)
            .map_err(StageError::io("writing", &path))?;
    }
    Ok(prepared)
}

/// Up to this many paths that are not stored are named in a plan. The log of a run names all.
const EXAMPLES: usize = 5;

/// After how many items of a walk a progress display hears of it.
const SHOWN_EVERY: u64 = 1000;

fn show_walk(items: u64, counts: &WalkCounts, events: &Events<'_>) {
    let (files, bytes) = (counts.files, counts.bytes);
    if items.is_multiple_of(SHOWN_EVERY) {
        events.emit(Event::Walked { files, bytes });
    }
}

/// The manifest that the order compares with.
fn last_manifest(order: &StageOrder) -> Option<&Path> {
    match order.archive.as_ref().map(|a| &a.changes) {
        Some(Changes::SinceManifest { path }) => Some(Path::new(path)),
        _ => None,
    }
}

/// One item of the walk.
fn take(
    order: &StageOrder,
    out: &mut Outputs<'_>,
    before: &mut Before,
    prepared: &mut WalkCounts,
    events: &Events<'_>,
    path: &RelPath,
    item: Item,
) -> Result<(), StageError> {
    let shown = || order.display_path(path);
    let mut last = before.up_to(path, &mut |entry| out.carry_over(entry, prepared))?;
    match item {
        Item::Directory {
            found,
            really_empty,
        } => {
            let new = found.entry(path, EntryKind::Directory, last.as_ref());
            take_directory(order, out, prepared, events, &new, really_empty, last)
        }
        Item::File { found } => {
            prepared.encrypted.note(found.is_encrypted, shown);
            let new = found.entry(path, EntryKind::File, last.as_ref());
            take_file(order, out, prepared, events, new, last)
        }
        Item::Link { found } => {
            prepared.kept_links += 1;
            let new = found.entry(path, EntryKind::Link, last.as_ref());
            out.mirror(&new, last.as_ref(), events)?;
            out.manifest(&new, last.as_ref())
        }
        Item::Excluded { kind, by } => {
            prepared.excluded += 1;
            prepared.shares.excluded(&by);
            out.leave_out(path, kind);
            Ok(())
        }
        Item::NotCopied { kind } => {
            let (count, what) = match kind {
                Kind::Link => (&mut prepared.links, "symbolic link"),
                _ => (&mut prepared.special, "special file"),
            };
            *count += 1;
            if prepared.not_stored.len() < EXAMPLES {
                prepared.not_stored.push((path.clone(), what));
            }
            if kind == Kind::Special {
                out.leave_out(path, kind);
            }
            events.emit(Event::Ignored {
                path: shown(),
                why: what.to_owned(),
                severity: None,
            });
            Ok(())
        }
        Item::SourceMissing { why } => {
            // The plan has reported it, unless it went missing since.
            let family = order.mount.path.family();
            let above = |unknown: &RelPath| unknown.lies_in(path, family);
            if !prepared.is_unknown(path, family) && !prepared.unknown.iter().any(above) {
                let text = format!("source '{}' is not backed up: {why}", shown());
                events.fail(Section::Sources, text, None);
            }
            prepared.unknown.push(path.clone());
            last.take()
                .map_or(Ok(()), |entry| out.carry_over(entry, prepared))
        }
        Item::Unreadable { why, is_directory } => {
            prepared.skipped += 1;
            if let Some(kind) = left_out_as(&why) {
                out.leave_out(path, kind);
            }
            events.emit(Event::Ignored {
                path: shown(),
                why: why.to_string(),
                severity: Some(Severity::Warning),
            });
            prepared.unknown.push(path.clone());
            // A directory's own entry has been written.
            last.take_if(|_| !is_directory)
                .map_or(Ok(()), |entry| out.carry_over(entry, prepared))
        }
    }
}

/// What the tools are told to leave out, although they could try to read it.
fn left_out_as(why: &std::io::Error) -> Option<Kind> {
    let why = why.get_ref()?;
    let twin = why.downcast_ref::<CaseTwin>().map(|twin| twin.kind);
    twin.or(why.is::<InCloud>().then_some(Kind::File))
}

/// A selected directory.
fn take_directory(
    order: &StageOrder,
    out: &mut Outputs<'_>,
    prepared: &mut WalkCounts,
    events: &Events<'_>,
    new: &Entry,
    really_empty: bool,
    last: Option<Entry>,
) -> Result<(), StageError> {
    prepared.directories += 1;
    // Only an empty directory is archived for itself; the others come with their files.
    let alone = really_empty && !new.path.is_root() && order.archive.is_some();
    if alone && is_changed(order, new, last.as_ref()) && out.archive(&new.path)? {
        prepared.archived_directories += 1;
    }
    out.mirror(new, last.as_ref(), events)?;
    out.manifest(new, last.as_ref())
}

/// A selected file; `last` is what the last manifest says of it.
fn take_file(
    order: &StageOrder,
    out: &mut Outputs<'_>,
    prepared: &mut WalkCounts,
    events: &Events<'_>,
    mut new: Entry,
    last: Option<Entry>,
) -> Result<(), StageError> {
    prepared.files += 1;
    prepared.bytes += new.meta.size;
    prepared.shares.file(&new.path, new.meta.size);
    new.details.racy = out.is_racy(&new.meta);
    out.mirror(&new, last.as_ref(), events)?;
    if order.archive.is_some() {
        if !is_changed(order, &new, last.as_ref()) {
            // Without a manifest nobody knows which archive holds it, if any does: a restore looks
            // in all of them, and the next run archives it.
            new.stored = last
                .as_ref()
                .map_or(Some(Stored::EARLIER), |entry| entry.stored);
        } else if out.archive(&new.path)? {
            prepared.archived_files += 1;
            prepared.archived_bytes += new.meta.size;
            prepared.hard_linked.note(new.details.links, new.meta.size);
            new.stored = Some(Stored::In(order.stamp));
        } else {
            prepared.skipped += 1;
            let why =
                "7-Zip cannot take this name (a line break, or not UTF-8); it is in no archive";
            events.emit(Event::Ignored {
                path: order.display_path(&new.path),
                why: why.to_owned(),
                severity: Some(Severity::Warning),
            });
        }
    }
    out.manifest(&new, last.as_ref())
}

/// Whether an entry is to be archived (SPEC#changes).
fn is_changed(order: &StageOrder, new: &Entry, last: Option<&Entry>) -> bool {
    let archive = order.archive.as_ref();
    archive.is_none_or(|archive| archive.changes.include(new, last))
}
