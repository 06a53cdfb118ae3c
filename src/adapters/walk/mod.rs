//! The walk: every entry of a mount in walk order, judged by the selection rule (SPEC#selection).
//!
//! Streams: memory does not grow with the number of files, only with the size of the directories on
//! the way down. Directories ahead are read by worker threads; what comes out is in order all the
//! same. Never follows a link.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::cancel::Cancel;
use crate::model::manifest::{Meta, RelPath};
use crate::model::path::{FullPath, verbatim};
use crate::model::select::{Kind, Location, Selection};

mod ahead;
mod listing;
mod meta;

pub use listing::{native_name, source_problem};
pub use meta::meta_of;

use ahead::{Ahead, Pending};
use listing::{Judged, Listing, name_text};

/// One thing a walk came across.
#[derive(Debug)]
pub enum Item {
    /// A selected directory. It comes before everything in it.
    Directory {
        meta: Meta,
        /// Whether there is nothing in it at all, not even anything left out: only then may 7-Zip
        /// be given its name.
        really_empty: bool,
    },
    /// A selected file.
    File { meta: Meta },
    /// Left out by this exclusion; nothing below it is looked at.
    Excluded { kind: Kind },
    /// A link or special file: not followed, not copied.
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
        ahead::with_workers(self.selection, |ahead| {
            let here = Here {
                path: verbatim(self.shown_at),
                rel: RelPath::root(),
                location,
            };
            let is_source = here.location.is_source();
            Descent {
                walk: self,
                ahead,
                each,
            }
            .enter(here, is_source, None)
        })
    }
}

/// A directory about to be walked.
struct Here {
    path: PathBuf,
    rel: RelPath,
    location: Location,
}

struct Descent<'a, 'w> {
    walk: &'a Walk<'a>,
    ahead: &'a Ahead<'w>,
    each: &'a mut dyn FnMut(&RelPath, Item) -> ControlFlow<()>,
}

/// A directory being walked.
struct Frame {
    here: Here,
    entries: std::vec::IntoIter<(OsString, Judged)>,
    /// Listings of its first subdirectories, already asked for.
    pending: std::collections::VecDeque<(OsString, Pending)>,
    /// The subdirectories that have not been asked for; the next one is the last.
    not_asked: Vec<OsString>,
}

impl Descent<'_, '_> {
    /// Walks one directory and everything in it, with a stack of its own: depth costs no thread
    /// stack.
    fn enter(&mut self, here: Here, is_source: bool, meta: Option<Meta>) -> ControlFlow<()> {
        let mut stack = Vec::new();
        stack.extend(self.open(here, is_source, meta, None)?);
        while let Some(frame) = stack.last_mut() {
            if self.walk.cancel.is_set() {
                return ControlFlow::Break(());
            }
            let Some((name, found)) = frame.entries.next() else {
                stack.pop();
                continue;
            };
            let rel = frame.here.rel.join(name.as_encoded_bytes());
            match found {
                Judged::File(meta) => (self.each)(&rel, Item::File { meta })?,
                Judged::Excluded(kind) => (self.each)(&rel, Item::Excluded { kind })?,
                Judged::NotCopied(kind) => (self.each)(&rel, Item::NotCopied { kind })?,
                Judged::Unreadable(why) => (self.each)(
                    &rel,
                    Item::Unreadable {
                        why,
                        is_directory: false,
                    },
                )?,
                Judged::Missing(why) => (self.each)(&rel, Item::SourceMissing { why })?,
                Judged::Directory(meta) => {
                    let location = frame.here.location.enter(&name_text(&name));
                    let here = Here {
                        path: frame.here.path.join(&name),
                        rel,
                        location,
                    };
                    let is_source = here.location.is_source();
                    let pending = self.ahead.take(&mut frame.pending, &name);
                    self.ahead.top_up(
                        &frame.here.path,
                        &frame.here.location,
                        &mut frame.not_asked,
                        &mut frame.pending,
                    );
                    stack.extend(self.open(here, is_source, Some(meta), pending)?);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads a directory and says what it is. `None` when there is nothing to walk in it.
    fn open(
        &mut self,
        here: Here,
        is_source: bool,
        meta: Option<Meta>,
        pending: Option<Pending>,
    ) -> ControlFlow<(), Option<Frame>> {
        let inside = here.location.inside_source();
        let meta = match meta {
            Some(meta) => meta,
            // Only the mount itself comes without: nothing was listed to find it.
            None => match listing::source(&here.path, is_source) {
                Ok(meta) => meta,
                Err(why) if is_source => {
                    (self.each)(&here.rel, Item::SourceMissing { why })?;
                    return ControlFlow::Continue(None);
                }
                // Above the sources: each source below is then found missing by itself.
                Err(_) => Meta::unknown(),
            },
        };
        let (path, location, selection) = (&here.path, &here.location, self.walk.selection);
        let listing = match pending {
            _ if !inside => Ok(Listing::towards_sources(path, location, selection)),
            Some(pending) => self.ahead.wait(pending),
            None => Listing::read(path, location, selection),
        };
        let really_empty = listing.as_ref().is_ok_and(Listing::really_empty);
        if inside || listing.is_err() {
            (self.each)(&here.rel, Item::Directory { meta, really_empty })?;
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
        let mut pending = std::collections::VecDeque::new();
        self.ahead
            .top_up(&here.path, &here.location, &mut not_asked, &mut pending);
        ControlFlow::Continue(Some(Frame {
            here,
            entries: listing.into_entries(),
            pending,
            not_asked,
        }))
    }
}
