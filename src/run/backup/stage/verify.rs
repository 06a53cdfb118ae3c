//! Verification: the mirror compared with what was selected (SPEC#verification).

use super::StageError;
use super::fitting::Fitting;
use super::held::LookUp;
use crate::adapters::compare::{Comparison, compare};
use crate::adapters::manifest_file::FileReader;
use crate::adapters::walk::meta_of;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Severity};
use crate::model::manifest::{Entry, EntryKind, Meta, RelPath};
use crate::model::path::{shown, verbatim};
use crate::model::text;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;
use crate::run::native::native;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What a verification found.
pub(super) struct Verified {
    /// Every selected file and directory is in the mirror.
    pub(super) is_same: bool,
    /// Files of which the mirror may hold an older content, though nothing shows it.
    pub(super) not_copied: Vec<RelPath>,
}

/// Checks that every selected file and directory is in the mirror with the same size and time, but
/// for those that it cannot hold. Where the copier had trouble (`clean` is false), what it compared
/// by content is compared again.
pub(super) fn verify(
    order: &StageOrder,
    files: &StageFiles,
    fitting: &Fitting,
    clean: bool,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Verified, StageError> {
    let mut verified = Verified {
        is_same: true,
        not_copied: Vec::new(),
    };
    let Some(mirror) = &order.mirror else {
        return Ok(verified);
    };
    let by_content = match clean {
        true => HashSet::new(),
        false => listed(&files.content_list.to_native())?,
    };
    let pair = Pair {
        target: verbatim(&mirror.target.to_native()),
        source: verbatim(Path::new(&order.shown_at)),
        tolerance: mirror.file_system.tolerance(),
        in_snapshot: order.in_snapshot(),
        by_content,
    };
    report_links(order, fitting, events);
    let mut paths = LookUp::new(order);
    let (mut checked, mut different, mut unreadable) = (0_u64, 0_u64, 0_u64);
    for entry in FileReader::open(&files.manifest.to_native())? {
        let entry = entry?;
        if cancel.is_set() {
            return Err(StageError::Interrupted);
        }
        let is_left_out = entry.kind == EntryKind::Link && !mirror.file_system.links;
        if entry.unseen || is_left_out || fitting.leaves_out(&entry.path) {
            continue;
        }
        checked += 1;
        let Some(finding) = pair.check(&entry, cancel) else {
            continue;
        };
        let path = order.display_path(&entry.path);
        match finding {
            Finding::Changed if paths.is_reached(&entry.path) => {
                let text = format!("'{path}' changed while it was copied, and does not count");
                events.note(Section::Verification, text);
            }
            Finding::Changed | Finding::LinkAbove => {
                unreadable += 1;
                let why = pair.take_back(&entry);
                let severity = Some(Severity::Warning);
                events.emit(Event::Ignored {
                    path,
                    why,
                    severity,
                });
            }
            Finding::Unreadable(why) => {
                unreadable += 1;
                let severity = Some(Severity::Warning);
                events.emit(Event::Ignored {
                    path,
                    why,
                    severity,
                });
            }
            Finding::Different { path, what } => {
                different += 1;
                events.emit(Event::Difference { path, what });
            }
        }
        verified.not_copied.push(entry.path);
    }
    let mount = &order.mount.path;
    let text = format!(
        "{mount}: {checked} entries of the mirror checked, {different} differ, {unreadable} could not be read"
    );
    events.note(Section::Verification, text);
    verified.is_same = different == 0;
    Ok(verified)
}

/// Says once that the mirror has no links.
fn report_links(order: &StageOrder, fitting: &Fitting, events: &Events<'_>) {
    if fitting.links_left_out > 0 {
        let text = format!(
            "{}: {} not copied to the mirror: its file system has none",
            order.mount.path,
            text::count(fitting.links_left_out, "symbolic link")
        );
        events.warn(Section::Ignored, text, None);
    }
}

/// A mount and its copy.
struct Pair {
    target: PathBuf,
    source: PathBuf,
    tolerance: u128,
    in_snapshot: bool,
    /// Paths whose contents are compared as well.
    by_content: HashSet<Vec<u8>>,
}

/// What is to be said of an entry whose copy is not like it.
enum Finding {
    Changed,
    LinkAbove,
    Unreadable(String),
    Different { path: String, what: String },
}

impl Pair {
    fn check(&self, entry: &Entry, cancel: &Cancel) -> Option<Finding> {
        let copy = native(&self.target, &entry.path);
        let (Some(copy), Some(original)) = (copy, native(&self.source, &entry.path)) else {
            let why = "its name cannot be looked up, so its copy in the mirror is not checked";
            return Some(Finding::Unreadable(why.to_owned()));
        };
        let by_content =
            entry.kind == EntryKind::File && self.by_content.contains(entry.path.as_bytes());
        let what = difference(entry, &copy, self.tolerance).or_else(|| {
            let same = || {
                matches!(
                    compare(&original, &copy, cancel),
                    Ok(Comparison::Same | Comparison::Interrupted)
                )
            };
            let differs = by_content && !same();
            differs.then(|| "its content differs".to_owned())
        })?;
        Some(match excuse(entry, &original, self.in_snapshot) {
            Some(Excuse::Changed) => Finding::Changed,
            Some(Excuse::LinkAbove) => Finding::LinkAbove,
            Some(Excuse::Unreadable(why)) => Finding::Unreadable(why),
            None => Finding::Different {
                path: shown(&copy),
                what,
            },
        })
    }
}

const LINK_ABOVE: &str = "a link replaced a directory above it while it was copied";

impl Pair {
    /// Removes the copy of a file to which a link leads by now: rsync may have read it through that
    /// link, and it is not the file that was selected. Returns what is to be said of it.
    fn take_back(&self, entry: &Entry) -> String {
        let why = LINK_ABOVE;
        let copy = native(&self.target, &entry.path).filter(|copy| {
            entry.kind == EntryKind::File
                && fs::symlink_metadata(copy).is_ok_and(|found| found.is_file())
        });
        match copy.map(fs::remove_file) {
            None => why.to_owned(),
            Some(Ok(())) => format!("{why}; its copy was removed from the mirror"),
            Some(Err(error)) => format!("{why}; its copy cannot be removed: {error}"),
        }
    }
}

/// The paths of a list for rsync, or for [`super::stale`].
pub(super) fn listed(list: &Path) -> Result<HashSet<Vec<u8>>, StageError> {
    let text = match fs::read(list) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(StageError::io("reading", list)(error)),
    };
    let paths = text.split(|byte| *byte == 0);
    let named = paths.filter(|path| !path.is_empty());
    let plain = named.map(|path| path.strip_prefix(b"./").unwrap_or(path).to_vec());
    Ok(plain.collect())
}

/// How the copy differs from what was selected.
fn difference(entry: &Entry, copy: &Path, tolerance: u128) -> Option<String> {
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
        EntryKind::File if meta.modified.distance(entry.meta.modified) > tolerance => {
            Some("its modification time differs".to_owned())
        }
        EntryKind::Link if !metadata.is_symlink() => Some("it is not a link".to_owned()),
        EntryKind::Link if !leads_as_listed(entry, copy) => {
            Some("it leads to something else".to_owned())
        }
        EntryKind::File | EntryKind::Link => None,
    }
}

fn leads_as_listed(entry: &Entry, copy: &Path) -> bool {
    let target = fs::read_link(copy).map(|target| target.into_os_string().into_encoded_bytes());
    let listed = entry.details.link.as_ref();
    target.is_ok_and(|target| listed.is_some_and(|link| link.target == target))
}

/// Why a difference does not count.
enum Excuse {
    /// The source was touched since the walk, or is gone: without a snapshot that is nobody's
    /// fault.
    Changed,
    /// A link stands where a directory above it was. Windows is not asked.
    #[cfg_attr(windows, allow(dead_code))]
    LinkAbove,
    /// The source cannot be read: a skipped file.
    Unreadable(String),
}

fn excuse(entry: &Entry, original: &Path, in_snapshot: bool) -> Option<Excuse> {
    let now: Meta = match fs::symlink_metadata(original).and_then(|m| meta_of(&m)) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return (!in_snapshot).then_some(Excuse::Changed);
        }
        Err(error) => return Some(unreadable(&error)),
    };
    if !in_snapshot && now.differs(&entry.meta) {
        return Some(Excuse::Changed);
    }
    let opened = match entry.kind {
        EntryKind::File => File::open(original).map(drop),
        EntryKind::Directory => fs::read_dir(original).map(drop),
        EntryKind::Link => fs::read_link(original).map(drop),
    };
    opened.err().map(|error| unreadable(&error))
}

/// Where the system follows no link, it says so.
fn unreadable(error: &io::Error) -> Excuse {
    #[cfg(unix)]
    if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP) {
        return Excuse::LinkAbove;
    }
    Excuse::Unreadable(error.to_string())
}
