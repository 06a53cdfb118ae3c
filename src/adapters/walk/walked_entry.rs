//! What a walk gives of an entry: what was found, and how the rest can be read.

use std::ffi::OsString;
use std::sync::Arc;

use super::directory::SourceDirectory;
use super::found::Found;
use crate::model::manifest::{Details, Entry, EntryKind, Meta, RelPath};

/// What was found of an entry.
#[derive(Debug)]
pub struct WalkedEntry {
    pub meta: Meta,
    /// Windows keeps its content encrypted for one user (EFS).
    pub is_encrypted: bool,
    details: Details,
    /// Its directory and its name there, while its attributes have not been read.
    unread: Option<(Arc<SourceDirectory>, OsString)>,
}

impl WalkedEntry {
    /// `unread`: its attributes have not been read.
    pub(super) fn new(
        found: Found,
        unread: Option<(Arc<SourceDirectory>, OsString)>,
    ) -> WalkedEntry {
        let Found {
            meta,
            details,
            is_encrypted,
        } = found;
        WalkedEntry {
            meta,
            is_encrypted,
            details,
            unread,
        }
    }

    /// The entry of a manifest, with its attributes. Those of an entry that was not touched since
    /// the last manifest are taken from there: its change time would have moved.
    pub fn entry(self, path: &RelPath, kind: EntryKind, last: Option<&Entry>) -> Entry {
        let mut details = self.details;
        if let Some((directory, name)) = &self.unread {
            let untouched = last.filter(|last| is_untouched(&self.meta, kind, last));
            details.attributes = match untouched {
                Some(last) => last.details.attributes.clone(),
                None => directory.attributes(name),
            };
        }
        Entry::new(path, kind, self.meta, None).with(details)
    }
}

/// Whether nothing of an entry can have changed since a manifest that knows its attributes.
fn is_untouched(meta: &Meta, kind: EntryKind, last: &Entry) -> bool {
    let knows_attributes = last.details.owner.is_some();
    last.kind == kind
        && last.meta == *meta
        && meta.changed.is_some()
        && knows_attributes
        && !last.unseen
        && !last.details.racy
}
