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
use crate::model::manifest::{Details, Meta, RelPath};
use crate::model::path::{FullPath, verbatim};
use crate::model::select::{Kind, Location, Selection};

mod ahead;
#[cfg_attr(not(unix), path = "no_details.rs")]
mod details;
#[cfg_attr(not(target_os = "linux"), path = "directory_by_path.rs")]
mod directory;
mod found;
mod listing;
mod meta;

pub use listing::{native_name, source_problem};
pub use meta::{CaseTwin, InCloud, meta_of};

use ahead::{Ahead, Pending};
use directory::SourceDirectory;
use found::Found;
use listing::{Judged, Listing, Place, name_text};

/// One thing a walk came across.
#[derive(Debug)]
pub enum Item {
    /// A selected directory. It comes before everything in it.
    Directory {
        meta: Meta,
        details: Details,
        /// Whether there is nothing in it at all, not even anything left out: only then may 7-Zip
        /// be given its name.
        really_empty: bool,
    },
    /// A selected file.
    File {
        meta: Meta,
        details: Details,
        /// Windows keeps its content encrypted for one user (EFS).
        is_encrypted: bool,
    },
    /// A selected symbolic link, which is not followed.
    Link { meta: Meta, details: Details },
    /// Left out by this exclusion; nothing below it is looked at.
    Excluded { kind: Kind },
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
    pub cancel: &'a Cancel,
}

impl Walk<'_> {
    /// Calls `each` for every entry in walk order, until it breaks or the walk is cancelled.
    pub fn run(&self, each: &mut dyn FnMut(&RelPath, Item) -> ControlFlow<()>) -> ControlFlow<()> {
        let root = self.mount.truncated(0);
        let mut location = self.selection.root_location(&root);
        if self.selection.excluded_root(&root).is_some() {
            return each(
                &RelPath::root(),
                Item::Excluded {
                    kind: Kind::Directory,
                },
            );
        }
        for name in self.mount.parts() {
            if self
                .selection
                .excludes(&location, name, Kind::Directory)
                .is_some()
            {
                return each(
                    &RelPath::root(),
                    Item::Excluded {
                        kind: Kind::Directory,
                    },
                );
            }
            location = location.enter(name);
        }
        directory::allow_many();
        ahead::with_workers(self.selection, |ahead| {
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
    fn enter(&mut self, here: Here, is_source: bool, found: Option<Found>) -> ControlFlow<()> {
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
            let item = match found {
                Judged::File(Found {
                    meta,
                    details,
                    is_encrypted,
                }) => Item::File {
                    meta,
                    details,
                    is_encrypted,
                },
                Judged::Link(Found { meta, details, .. }) => Item::Link { meta, details },
                Judged::Excluded(kind) => Item::Excluded { kind },
                Judged::NotCopied(kind) => Item::NotCopied { kind },
                Judged::Unreadable(why) => Item::Unreadable {
                    why,
                    is_directory: false,
                },
                Judged::Missing(why) => Item::SourceMissing { why },
                Judged::Directory(found) => {
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
        found: Option<Found>,
        pending: Option<Pending>,
        may_ask: bool,
    ) -> ControlFlow<(), Option<Frame>> {
        let found = match (found, &here.place) {
            (Some(found), _) => found,
            // Only the mount itself comes without: nothing was listed to find it.
            (None, Place::At(path)) => match listing::source(path, is_source) {
                Ok(found) => found,
                Err(why) if is_source => {
                    (self.each)(&here.rel, Item::SourceMissing { why })?;
                    return ControlFlow::Continue(None);
                }
                // Above the sources: each source below is then found missing by itself.
                Err(_) => Found::unknown(),
            },
            (None, Place::In(..)) => Found::unknown(),
        };
        let (location, selection) = (&here.location, self.walk.selection);
        let inside = location.inside_source();
        let listing = match (&here.place, pending) {
            (Place::At(path), _) if !inside => {
                Ok(Listing::towards_sources(path, location, selection))
            }
            (_, Some(pending)) => self.ahead.wait(pending),
            (place, None) => Listing::read(place, location, selection),
        };
        let really_empty = listing.as_ref().is_ok_and(Listing::really_empty);
        if inside || listing.is_err() {
            (self.each)(&here.rel, found.directory(really_empty))?;
        }
        let listing = match listing {
            Ok(listing) => listing,
            Err(why) => {
                let is_directory = true;
                (self.each)(&here.rel, Item::Unreadable { why, is_directory })?;
                return ControlFlow::Continue(None);
            }
        };
        let mut not_asked = if inside {
            listing.directories()
        } else {
            Vec::new()
        };
        not_asked.reverse();
        let mut frame = Frame {
            here,
            directory: listing.directory.clone(),
            entries: listing.into_entries(),
            pending: VecDeque::new(),
            not_asked,
        };
        frame.ask(self.ahead, may_ask);
        ControlFlow::Continue(Some(frame))
    }
}

impl Frame {
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
