//! Which entries of a selection the mirror can hold, in walk order (SPEC#mirror): names that its
//! file system refuses or does not distinguish, links in the mirror, and copies that are compared
//! by content. It changes nothing.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::fitting::Fitting;
use crate::adapters::mirror_record::{MirrorRecord, selection_name};
use crate::adapters::walk::meta_of;
use crate::model::event::{Events, Section};
use crate::model::manifest::{Entry, EntryKind, Meta, Moment, RelPath};
use crate::model::path::{Family, shown, verbatim};
use crate::plan::backup::{MirrorOrder, StageOrder};
use crate::run::native::native;

/// Clocks of file systems tick late, and those of servers differ a little.
const SLACK: i128 = 10_000_000_000;

/// What happens to an entry in the mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It is copied if its size or time differs.
    Copy,
    /// Its content is compared as well.
    ByContent,
    /// It is not in the mirror, and this was reported.
    LeaveOut,
}

/// A directory on the way down.
struct Level {
    path: RelPath,
    /// Names in the source so far, folded.
    taken: HashMap<String, RelPath>,
    /// Names in the mirror, folded, as they are there.
    held: HashMap<String, Vec<u8>>,
}

/// Judges one entry after the other.
pub(super) struct Fit<'a> {
    order: &'a StageOrder,
    mirror: &'a MirrorOrder,
    target: PathBuf,
    source: PathBuf,
    levels: Vec<Level>,
    /// A directory that was moved or changed itself since the last copy: nothing in it says so.
    moved: Option<RelPath>,
    pub(super) found: Fitting,
}

impl<'a> Fit<'a> {
    /// `None` if there is no mirror, or if Robocopy copies. `began`: when the walk begins, by the
    /// clock of change times.
    pub(super) fn new(order: &'a StageOrder, read: &Path, began: Option<Moment>) -> Option<Self> {
        let mirror = order.mirror.as_ref();
        let mirror = mirror.filter(|_| order.mount.path.family() == Family::Unix)?;
        let record = began.map(|now| MirrorRecord::read(&mirror.mirror.to_native(), now));
        Some(Fit {
            order,
            mirror,
            target: verbatim(&mirror.target.to_native()),
            source: verbatim(read),
            levels: Vec::new(),
            moved: None,
            found: Fitting {
                last: record.map(|record| record.last(&copied_selection(order))),
                began,
                ..Fitting::default()
            },
        })
    }

    /// Judges the next entry. `last` is what the last manifest says of it.
    pub(super) fn judge(
        &mut self,
        new: &Entry,
        last: Option<&Entry>,
        events: &Events<'_>,
    ) -> Treatment {
        let (path, kind, meta) = (&new.path, new.kind, &new.meta);
        if path.is_root() {
            return Treatment::Copy;
        }
        let out = self.found.left_out.last();
        if out.is_some_and(|out| path.starts_with(out)) {
            return Treatment::LeaveOut;
        }
        if let Some(why) = self.refusal(path, kind, meta) {
            let name = self.order.display_path(path);
            let hint = "rename it, or use another file system for the mirror".to_owned();
            let text = format!("'{name}' is not copied to the mirror: {why}");
            events.warn(Section::Ignored, text, Some(hint));
            return self.leave_out(path);
        }
        let copy = native(&self.target, path);
        match kind {
            EntryKind::Directory => {
                let link = copy.filter(|copy| is_link(copy) && !is_copied_link(copy, last));
                if let Some(link) = link {
                    events.fail(
                        Section::Verification,
                        format!(
                            "'{}' in the mirror is a link where a directory should be, and nothing is copied through it",
                            shown(&link)
                        ),
                        Some("replace the link by the directory it leads to, or delete it: the next run then copies the directory again".to_owned()),
                    );
                    return self.leave_out(path);
                }
                self.note_move(path, meta);
                Treatment::Copy
            }
            EntryKind::File => self.judge_file(path, copy.as_deref(), meta, last),
            EntryKind::Link if !self.mirror.file_system.links => {
                self.found.links_left_out += 1;
                Treatment::LeaveOut
            }
            EntryKind::Link => {
                if copy.is_some_and(|copy| copy.is_dir() && !is_link(&copy)) {
                    self.found.in_the_way.push(path.clone());
                }
                Treatment::Copy
            }
        }
    }

    fn leave_out(&mut self, path: &RelPath) -> Treatment {
        self.found.left_out.push(path.clone());
        Treatment::LeaveOut
    }

    /// Why the file system of the mirror cannot hold an entry beside the others.
    fn refusal(&mut self, path: &RelPath, kind: EntryKind, meta: &Meta) -> Option<String> {
        let name = path.names().last().unwrap_or_default();
        let size = match kind {
            EntryKind::File => meta.size,
            EntryKind::Directory | EntryKind::Link => 0,
        };
        let file_system = &self.mirror.file_system;
        let refused = file_system.refusal(&String::from_utf8_lossy(name), size);
        if refused.is_some() || !file_system.folds_case {
            return refused;
        }
        let folded = folded(name);
        let level = self.level(&path.parent());
        let held = level.held.get(&folded).cloned();
        let mut other = level.taken.get(&folded).cloned();
        if let Some(held) = held.filter(|held| other.is_none() && held != name) {
            let held = path.parent().join(&held);
            if self.is_another(path, &held) {
                // A copy that is already in the mirror stays.
                other = Some(held);
            } else {
                self.found.renames.push((held, path.clone()));
            }
        }
        if let Some(other) = other {
            return Some(format!(
                "the file system of the mirror does not distinguish its name from '{other}'"
            ));
        }
        let level = self.level(&path.parent());
        level.taken.insert(folded, path.clone());
        None
    }

    /// The directory on the way down that holds the next entry.
    fn level(&mut self, parent: &RelPath) -> &mut Level {
        let is_above = |level: &Level| parent.starts_with(&level.path);
        while self.levels.last().is_some_and(|level| !is_above(level)) {
            self.levels.pop();
        }
        if self.levels.last().is_none_or(|level| level.path != *parent) {
            let held = native(&self.target, parent)
                .and_then(|directory| fs::read_dir(directory).ok())
                .into_iter()
                .flatten()
                .flatten();
            let held = held.map(|one| one.file_name().into_encoded_bytes());
            self.levels.push(Level {
                path: parent.clone(),
                taken: HashMap::new(),
                held: held.map(|name| (folded(&name), name)).collect(),
            });
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// Whether two names of the source are two things in it.
    fn is_another(&self, one: &RelPath, other: &RelPath) -> bool {
        let look = |path| native(&self.source, path).and_then(|at| fs::symlink_metadata(at).ok());
        match (look(one), look(other)) {
            (Some(one), Some(other)) => identity(&one) != identity(&other),
            _ => false,
        }
    }

    /// Notes a directory that was itself touched after what is in it: it may have been moved here.
    fn note_move(&mut self, path: &RelPath, meta: &Meta) {
        let inside = self.moved.as_ref().is_some_and(|top| path.starts_with(top));
        if inside {
            return;
        }
        let itself = meta.changed.is_some_and(|changed| changed > meta.modified);
        self.moved = (itself && self.is_touched(path, meta)).then(|| path.clone());
    }

    fn is_touched(&self, path: &RelPath, meta: &Meta) -> bool {
        let Some(last) = &self.found.last else {
            return false;
        };
        let Some(since) = last.of(path) else {
            return true;
        };
        let since = Moment(since.0.saturating_sub(SLACK));
        let mut times = [meta.changed, meta.created].into_iter().flatten();
        times.any(|time| time >= since)
    }

    /// Size and time say nothing of a file that was touched since its last copy.
    fn judge_file(
        &mut self,
        path: &RelPath,
        copy: Option<&Path>,
        meta: &Meta,
        last: Option<&Entry>,
    ) -> Treatment {
        let moved = self.moved.as_ref().is_some_and(|top| path.starts_with(top));
        let by_manifest = last.is_some_and(|last| meta.differs(&last.meta));
        if !moved && !by_manifest && !self.is_touched(path, meta) {
            return Treatment::Copy;
        }
        let Some(found) = copy.and_then(|copy| fs::symlink_metadata(copy).ok()) else {
            return Treatment::Copy;
        };
        if found.is_dir() {
            self.found.in_the_way.push(path.clone());
            return Treatment::Copy;
        }
        let tolerance = self.mirror.file_system.tolerance();
        let seems_same = found.is_file()
            && meta_of(&found).is_ok_and(|held| {
                held.size == meta.size && held.modified.distance(meta.modified) <= tolerance
            });
        if seems_same {
            Treatment::ByContent
        } else {
            Treatment::Copy
        }
    }
}

fn copied_selection(order: &StageOrder) -> String {
    let (mount, selection) = (&order.mount.path, &order.selection);
    selection_name(&order.location, mount, selection, &order.work)
}

/// A name as a file system that folds case sees it.
fn folded(name: &[u8]) -> String {
    Family::Windows.fold(&String::from_utf8_lossy(name))
}

/// Whether a link in the mirror is the copy of the link that the last manifest has in its place.
fn is_copied_link(copy: &Path, last: Option<&Entry>) -> bool {
    let target = last.and_then(|last| Some(&last.details.link.as_ref()?.target));
    let present = fs::read_link(copy).map(|target| target.into_os_string().into_encoded_bytes());
    present.is_ok_and(|present| target.is_some_and(|target| *target == present))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
