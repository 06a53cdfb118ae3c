//! Walking a mount and writing what the tools will read: lists, manifest, script.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StageError;
use super::before::Before;
use super::copies;
use crate::adapters::fs;
use crate::adapters::walk::{Item, Walk};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, Header, Meta, RelPath, Stored, Writer};
use crate::model::path::{Family, FullPath};
use crate::model::select::{Kind, Selection};
use crate::plan::backup::{Changes, StageOrder};
use crate::render::robocopy::{CopyCommand, LeftOut};
use crate::render::{StageFiles, rsync_entry, script, seven_zip_line};

/// What a walk found, in counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WalkCounts {
    /// Selected files, directories, and bytes of the files.
    pub files: u64,
    pub directories: u64,
    pub bytes: u64,
    /// What goes into the archive: files, their bytes, and directories that are really empty.
    pub archived_files: u64,
    pub archived_bytes: u64,
    pub archived_directories: u64,
    /// Entries left out by an exclusion; what is in a directory left out is not counted.
    pub excluded: u64,
    pub links: u64,
    pub special: u64,
    /// Entries that could not be read, or that 7-Zip cannot take.
    pub skipped: u64,
    /// Carried over from the last manifest, because they could not be looked at.
    pub unseen: u64,
    /// Paths whose content is not known today: missing sources, unreadable directories.
    pub unknown: Vec<RelPath>,
    /// The Robocopy commands of a Windows mirror.
    #[serde(skip)]
    pub copies: Vec<CopyCommand>,
}

impl WalkCounts {
    /// Whether there is nothing to back up today, not even an empty directory.
    pub fn nothing_selected(&self) -> bool {
        self.files == 0 && self.directories == 0
    }

    /// Whether the archive has nothing to hold, and so no volume.
    pub fn nothing_archived(&self) -> bool {
        self.archived_files == 0 && self.archived_directories == 0
    }

    /// Whether a path lies below one that could not be looked at.
    pub(super) fn is_unknown(&self, path: &RelPath, family: Family) -> bool {
        self.unknown
            .iter()
            .any(|unknown| path.lies_in(unknown, family))
    }
}

/// Where [`prepare`] reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct StagePaths<'a> {
    /// Where the mount can be read.
    pub read: &'a Path,
    /// The directory the files go to; `None` writes nothing and only counts.
    pub write: Option<&'a Path>,
}

/// Walks the mount and writes everything the order's script needs. The files say the order's own
/// paths, wherever they are written: a preview renders the very files of a run.
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
    let mut out = Outputs::create(order, place, &files)?;
    let before_path = match order.archive.as_ref().map(|a| &a.changes) {
        Some(Changes::SinceManifest { path }) => Some(Path::new(path)),
        _ => None,
    };
    let mut before = Before::open(before_path)?;
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
        cancel,
    };
    let flow = walk.run(&mut |path, item| match take(
        order,
        &mut out,
        &mut before,
        &mut prepared,
        events,
        path,
        item,
    ) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if cancel.is_set() || flow.is_break() {
        return Err(StageError::Interrupted);
    }
    before.rest(&mut |entry| out.carry_over(entry, &mut prepared))?;
    let left_out = out.finish()?;
    if let Some(work) = place.write {
        prepared.copies = copies::commands(order, &left_out, &files.manifest.inside(work))?;
        let path = files.script.inside(work);
        std::fs::write(&path, script(order, &prepared.copies)?)
            .map_err(StageError::io("writing", &path))?;
    }
    Ok(prepared)
}

/// One item of the walk.
fn take(
    order: &StageOrder,
    out: &mut Outputs,
    before: &mut Before,
    prepared: &mut WalkCounts,
    events: &Events<'_>,
    path: &RelPath,
    item: Item,
) -> Result<(), StageError> {
    let shown = || order.display_path(path);
    let mut last = before.up_to(path, &mut |entry| out.carry_over(entry, prepared))?;
    match item {
        Item::Directory { meta, really_empty } => {
            prepared.directories += 1;
            // Only an empty directory is archived for itself; the others come with their files.
            let alone = really_empty && !path.is_root() && order.archive.is_some();
            if alone && is_changed(order, &meta, last.as_ref(), true) && out.archive(path)? {
                prepared.archived_directories += 1;
            }
            out.mirror(path)?;
            let kind = EntryKind::Directory;
            out.manifest(&Entry::new(path, kind, meta, None))
        }
        Item::File { meta } => take_file(order, out, prepared, events, path, meta, last),
        Item::Excluded { kind, .. } => {
            prepared.excluded += 1;
            out.leave_out(path, kind);
            Ok(())
        }
        Item::NotCopied { kind } => {
            let (count, what) = match kind {
                Kind::Link => (&mut prepared.links, "symbolic link"),
                _ => (&mut prepared.special, "special file"),
            };
            *count += 1;
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

/// A selected file; `last` is what the last manifest says of it.
fn take_file(
    order: &StageOrder,
    out: &mut Outputs,
    prepared: &mut WalkCounts,
    events: &Events<'_>,
    path: &RelPath,
    meta: Meta,
    last: Option<Entry>,
) -> Result<(), StageError> {
    prepared.files += 1;
    prepared.bytes += meta.size;
    out.mirror(path)?;
    let mut stored = None;
    if order.archive.is_some() {
        if !is_changed(order, &meta, last.as_ref(), false) {
            stored = last
                .and_then(|entry| entry.stored)
                .or(Some(Stored::EARLIER));
        } else if out.archive(path)? {
            prepared.archived_files += 1;
            prepared.archived_bytes += meta.size;
            stored = Some(Stored::In(order.stamp));
        } else {
            prepared.skipped += 1;
            let why =
                "7-Zip cannot take this name (a line break, or not UTF-8); it is in no archive";
            events.emit(Event::Ignored {
                path: order.display_path(path),
                why: why.to_owned(),
                severity: Some(Severity::Warning),
            });
        }
    }
    out.manifest(&Entry::new(path, EntryKind::File, meta, stored))
}

/// Whether an entry is to be archived (SPEC#changes).
fn is_changed(order: &StageOrder, meta: &Meta, last: Option<&Entry>, directory: bool) -> bool {
    match order.archive.as_ref().map(|a| &a.changes) {
        None | Some(Changes::Everything) => true,
        Some(Changes::SinceMoment { moment }) => meta.touched_since(*moment),
        Some(Changes::SinceManifest { .. }) => match last {
            None => true,
            Some(last) if directory => last.kind != EntryKind::Directory,
            Some(last) => {
                last.kind != EntryKind::File || last.stored.is_none() || meta.differs(&last.meta)
            }
        },
    }
}

/// The files a walk writes; none of them in a preview that only counts.
struct Outputs {
    manifest: Option<Writer<BufWriter<File>>>,
    archive: Option<BufWriter<File>>,
    mirror: MirrorList,
    family: Family,
}

/// What the copier of a mirror is given.
enum MirrorList {
    /// No mirror is made, or only counted.
    Nothing,
    /// rsync: what to copy.
    Copied(BufWriter<File>),
    /// Robocopy, which takes no list of what to copy: what not to copy.
    LeftOut(LeftOut),
}

impl Outputs {
    fn create(
        order: &StageOrder,
        place: StagePaths<'_>,
        files: &StageFiles,
    ) -> Result<Outputs, StageError> {
        let create = |wanted: bool, path: &FullPath| {
            let Some(work) = place.write.filter(|_| wanted) else {
                return Ok(None);
            };
            let path = path.inside(work);
            File::create(&path)
                .map(BufWriter::new)
                .map(Some)
                .map_err(StageError::io("creating", path))
        };
        let header = Header {
            version: 1,
            location: order.location.clone(),
            mount: order.mount.path.clone(),
            backup: order.archive.as_ref().map(|a| a.backup),
            format: order.archive.as_ref().map(|a| a.format),
        };
        let manifest = create(true, &files.manifest)?;
        let family = order.mount.path.family();
        let mirror = match create(
            order.mirror.is_some() && family == Family::Unix,
            &files.mirror_list,
        )? {
            Some(list) => MirrorList::Copied(list),
            None if order.mirror.is_some() && family == Family::Windows => {
                MirrorList::LeftOut(LeftOut::default())
            }
            None => MirrorList::Nothing,
        };
        Ok(Outputs {
            manifest: manifest
                .map(|out| Writer::new(out, &header))
                .transpose()
                .map_err(writing)?,
            archive: create(order.archive.is_some(), &files.archive_list)?,
            mirror,
            family,
        })
    }

    fn leave_out(&mut self, path: &RelPath, kind: Kind) {
        match (&mut self.mirror, kind) {
            (MirrorList::LeftOut(list), Kind::Directory) => list.directories.push(path.clone()),
            (MirrorList::LeftOut(list), _) => list.files.push(path.clone()),
            (MirrorList::Nothing | MirrorList::Copied(_), _) => {}
        }
    }

    fn manifest(&mut self, entry: &Entry) -> Result<(), StageError> {
        self.manifest
            .as_mut()
            .map_or(Ok(()), |out| out.write(entry))
            .map_err(writing)
    }

    /// Lists a path for 7-Zip. `false` when no list can hold it.
    fn archive(&mut self, path: &RelPath) -> Result<bool, StageError> {
        let Some(line) = seven_zip_line(path, self.family) else {
            return Ok(false);
        };
        self.archive
            .as_mut()
            .map_or(Ok(()), |out| out.write_all(line.as_bytes()))
            .map_err(writing)?;
        Ok(true)
    }

    fn mirror(&mut self, path: &RelPath) -> Result<(), StageError> {
        match (&mut self.mirror, rsync_entry(path)) {
            (MirrorList::Copied(out), Some(entry)) => out.write_all(&entry).map_err(writing),
            _ => Ok(()),
        }
    }

    /// An entry of the last manifest that today's walk does not have: kept when it could not be
    /// looked at, else gone.
    fn carry_over(&mut self, entry: Entry, prepared: &mut WalkCounts) -> Result<(), StageError> {
        if !prepared.is_unknown(&entry.path, self.family) {
            return Ok(());
        }
        prepared.unseen += 1;
        self.manifest(&Entry {
            unseen: true,
            ..entry
        })
    }

    /// Returns what Robocopy leaves out.
    fn finish(self) -> Result<LeftOut, StageError> {
        if let Some(manifest) = self.manifest {
            manifest.finish().map_err(writing)?;
        }
        if let Some(mut list) = self.archive {
            list.flush().map_err(writing)?;
        }
        match self.mirror {
            MirrorList::Nothing => Ok(LeftOut::default()),
            MirrorList::LeftOut(left_out) => Ok(left_out),
            MirrorList::Copied(mut list) => {
                list.flush().map_err(writing)?;
                Ok(LeftOut::default())
            }
        }
    }
}

fn writing(why: std::io::Error) -> StageError {
    StageError::Lists(why)
}
