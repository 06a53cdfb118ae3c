//! The walk: every entry of a mount in walk order, judged by the selection rule (SPEC#selection).
//!
//! Streams: memory does not grow with the number of files, only with the size of the directories on
//! the way down. Directories ahead are read by worker threads; what comes out is in order all the
//! same. Follows no link, and opens each directory by the handle of the one above it: what is read
//! lies in the source, whatever is renamed meanwhile.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::model::cancel::Cancel;
use crate::model::exclusion::Exclusion;
use crate::model::manifest::RelPath;
use crate::model::path::{FullPath, verbatim};
use crate::model::select::{Kind, Location, Selection};

mod ahead;
#[cfg_attr(windows, path = "windows_details.rs")]
mod details;
#[cfg_attr(not(target_os = "linux"), path = "directory_by_path.rs")]
mod directory;
mod found;
mod listing;
mod meta;
mod walked_entry;

pub use listing::{native_name, source_problem};
pub use meta::{CaseTwin, InCloud, meta_of};

use ahead::{Ahead, Pending, guarded};
use directory::SourceDirectory;
use found::Found;
use listing::{Judged, Listing, Place, name_text};
pub use walked_entry::WalkedEntry;

/// One thing a walk came across.
#[derive(Debug)]
pub enum Item {
    /// A selected directory. It comes before everything in it.
    Directory {
        found: WalkedEntry,
        /// Whether there is nothing in it at all, not even anything left out: only then may 7-Zip
        /// be given its name.
        really_empty: bool,
    },
    /// A selected file.
    File { found: WalkedEntry },
    /// A selected symbolic link, which is not followed.
    Link { found: WalkedEntry },
    /// Left out by this exclusion; nothing below it is looked at.
    Excluded { kind: Kind, by: Exclusion },
    /// A special file, or a link where links are not stored: not followed, not copied.
    NotCopied { kind: Kind },
    /// A source that does not exist, or is not a directory.
    SourceMissing { why: String },
    /// Could not be read. A directory was told of before; nothing below it is known.
    Unreadable {
        why: std::io::Error,
        is_directory: bool,
    },
}

/// What to walk.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    pub selection: &'a Arc<Selection>,
    /// The mount, as the profile names it.
    pub mount: &'a FullPath,
    /// Where it can be read: the mount itself, or where its snapshot is shown.
    pub shown_at: &'a Path,
    /// Whether extended attributes and access lists are read of every entry, on all processors.
    /// Otherwise they are read when they are asked for, which costs nothing for an entry that has
    /// not changed.
    pub reads_attributes: bool,
    pub cancel: &'a Cancel,
}

impl Walk<'_> {
    /// Calls `each` for every entry in walk order, until it breaks or the walk is cancelled.
    pub fn run(&self, each: &mut dyn FnMut(&RelPath, Item) -> ControlFlow<()>) -> ControlFlow<()> {
        let root = self.mount.truncated(0);
        let mut location = self.selection.root_location(&root);
        let all = |by| Item::Excluded {
            kind: Kind::Directory,
            by,
        };
        if let Some(by) = self.selection.excluded_root(&root) {
            return each(&RelPath::root(), all(by));
        }
        for name in self.mount.parts() {
            if let Some(by) = self.selection.excludes(&location, name, Kind::Directory) {
                return each(&RelPath::root(), all(by));
            }
            location = location.enter(name);
        }
        directory::allow_many();
        ahead::with_workers(self.selection, self.reads_attributes, |ahead| {
            let here = Here {
                place: Place::At(verbatim(self.shown_at)),
                rel: RelPath::root(),
                location,
            };
            let is_source = here.location.is_source();
            Descent {
                walk: self,
                ahead,
                each,
                path: RelPath::root(),
            }
            .enter(here, is_source, None)
        })
    }
}

/// A directory about to be walked.
struct Here {
    place: Place,
    rel: RelPath,
    location: Location,
}

struct Descent<'a, 'w> {
    walk: &'a Walk<'a>,
    ahead: &'a Ahead<'w>,
    each: &'a mut dyn FnMut(&RelPath, Item) -> ControlFlow<()>,
    /// The path of the entry that is being told.
    path: RelPath,
}

/// Directories deeper than this ask for nothing ahead: each listing holds a handle.
const DEEP: usize = 48;

/// A directory being walked.
struct Frame {
    here: Here,
    /// `None` above the sources.
    directory: Option<Arc<SourceDirectory>>,
    entries: std::vec::IntoIter<(OsString, Judged)>,
    /// Listings of its first subdirectories, already asked for.
    pending: VecDeque<(OsString, Pending)>,
    /// The subdirectories that have not been asked for; the next one is the last.
    not_asked: Vec<OsString>,
}

impl Descent<'_, '_> {
    /// Walks one directory and everything in it, with a stack of its own: depth costs no thread
    /// stack.
    fn enter(
        &mut self,
        here: Here,
        is_source: bool,
        found: Option<WalkedEntry>,
    ) -> ControlFlow<()> {
        let is_lazy = !self.walk.reads_attributes;
        let mut stack: Vec<Frame> = Vec::new();
        stack.extend(self.open(here, is_source, found, None, true)?);
        loop {
            let may_ask = stack.len() < DEEP;
            let Some(frame) = stack.last_mut() else {
                return ControlFlow::Continue(());
            };
            if self.walk.cancel.is_set() {
                return ControlFlow::Break(());
            }
            let Some((name, found)) = frame.entries.next() else {
                stack.pop();
                continue;
            };
            self.path.set(&frame.here.rel, name.as_encoded_bytes());
            // What has been read already is not read again.
            let unread = |name: OsString| {
                let directory = frame.directory.as_ref().filter(|_| is_lazy)?;
                Some((directory.clone(), name))
            };
            let item = match found {
                Judged::File(found) => Item::File {
                    found: WalkedEntry::new(found, unread(name)),
                },
                Judged::Link(found) => Item::Link {
                    found: WalkedEntry::new(found, None),
                },
                Judged::Excluded(kind, by) => Item::Excluded { kind, by },
                Judged::NotCopied(kind) => Item::NotCopied { kind },
                Judged::Unreadable(why) => Item::Unreadable {
                    why,
                    is_directory: false,
                },
                Judged::Missing(why) => Item::SourceMissing { why },
                Judged::Directory(found) => {
                    let found = WalkedEntry::new(found, unread(name.clone()));
                    let here = Here {
                        place: frame.place_of(&name),
                        rel: self.path.clone(),
                        location: frame.here.location.enter(&name_text(&name)),
                    };
                    let is_source = here.location.is_source();
                    let pending = self.ahead.take(&mut frame.pending, &name);
                    frame.ask(self.ahead, may_ask);
                    stack.extend(self.open(here, is_source, Some(found), pending, may_ask)?);
                    continue;
                }
            };
            (self.each)(&self.path, item)?;
        }
    }

    /// Reads a directory and says what it is. `None` when there is nothing to walk in it.
    fn open(
        &mut self,
        here: Here,
        is_source: bool,
        found: Option<WalkedEntry>,
        pending: Option<Pending>,
        may_ask: bool,
    ) -> ControlFlow<(), Option<Frame>> {
        let found = match (found, &here.place) {
            (Some(found), _) => found,
            // Only the mount itself comes without: nothing was listed to find it.
            (None, Place::At(path)) => match listing::source(path, is_source) {
                Ok(found) => WalkedEntry::new(found, None),
                Err(why) if is_source => {
                    (self.each)(&here.rel, Item::SourceMissing { why })?;
                    return ControlFlow::Continue(None);
                }
                // Above the sources: each source below is then found missing by itself.
                Err(_) => WalkedEntry::new(Found::unknown(), None),
            },
            (None, Place::In(..)) => WalkedEntry::new(Found::unknown(), None),
        };
        let (location, selection) = (&here.location, self.walk.selection);
        let inside = location.inside_source();
        let listing = match (&here.place, pending) {
            (Place::At(path), _) if !inside => {
                Ok(Listing::towards_sources(path, location, selection))
            }
            (_, Some(pending)) => self.ahead.wait(pending),
            (place, None) => {
                guarded(|| Listing::read(place, location, selection, self.walk.reads_attributes))
            }
        };
        let really_empty = listing.as_ref().is_ok_and(Listing::really_empty);
        if inside || listing.is_err() {
            let item = Item::Directory {
                found,
                really_empty,
            };
            (self.each)(&here.rel, item)?;
        }
        let listing = match listing {
            Ok(listing) => listing,
            Err(why) => {
                let is_directory = true;
                (self.each)(&here.rel, Item::Unreadable { why, is_directory })?;
                return ControlFlow::Continue(None);
            }
        };
        let mut frame = Frame::new(here, listing);
        frame.ask(self.ahead, may_ask);
        ControlFlow::Continue(Some(frame))
    }
}

impl Frame {
    fn new(here: Here, listing: Listing) -> Frame {
        let mut not_asked = match here.location.inside_source() {
            true => listing.directories(),
            false => Vec::new(),
        };
        not_asked.reverse();
        Frame {
            here,
            directory: listing.directory.clone(),
            entries: listing.into_entries(),
            pending: VecDeque::new(),
            not_asked,
        }
    }

    /// Where a directory in this one is.
    fn place_of(&self, name: &OsStr) -> Place {
        match (&self.directory, &self.here.place) {
            (Some(directory), _) => Place::In(directory.clone(), name.to_owned()),
            (None, Place::At(path)) => Place::At(path.join(name)),
            (None, place @ Place::In(..)) => place.clone(),
        }
    }

    /// Asks for the next of its subdirectories.
    fn ask(&mut self, ahead: &Ahead<'_>, may_ask: bool) {
        if let (Some(directory), true) = (&self.directory, may_ask) {
            let (location, left) = (&self.here.location, &mut self.not_asked);
            ahead.top_up(directory, location, left, &mut self.pending);
        }
    }
}
