//! How the records of version 2 are written: postcard, each with its length before it
//! (SPEC#formats). A path is written as the length of the prefix that it shares with the one
//! before it, and the rest.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;

use super::details::{Attributes, Details, Link, Owner};
use super::rel_path::{shared, walk_order};
use super::{Entry, EntryKind, Meta, Moment, RelPath, Stored};
use crate::model::stamp::Stamp;

/// The first bytes of a manifest, before the number of its version and a line end.
pub(super) const MAGIC: &[u8] = b"AAMMAN";

/// The longest record.
pub(super) const MAX_RECORD: usize = 16 << 20;

/// The longest path. Windows has at most 98,301 bytes of WTF-8.
const MAX_PATH: usize = 1 << 20;

/// Stamps that `in` of a manifest may refer to: a set of one backup a minute for a month has fewer.
pub(super) const MAX_STAMPS: usize = 1 << 16;

/// The order of these types is written, not their names: add new ones at the end, and raise the
/// version.
#[allow(clippy::large_enum_variant)] // Nearly all are entries.
#[derive(Serialize, Deserialize)]
pub(super) enum WireRecord<'a> {
    /// JSON, so that keys may be added.
    Header(#[serde(borrow)] &'a Bytes),
    /// The next number that `in` refers to, from 0.
    Backup(&'a str),
    Entry(WireEntry<'a>),
    Removed(WirePath<'a>),
    End {
        entries: u64,
        removed: u64,
    },
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct WirePath<'a> {
    shared: u32,
    #[serde(borrow)]
    rest: &'a Bytes,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireEntry<'a> {
    #[serde(borrow)]
    pub path: WirePath<'a>,
    kind: EntryKind,
    size: u64,
    modified: i128,
    /// As differences from `modified`.
    created: Option<i128>,
    changed: Option<i128>,
    mode: Option<u32>,
    stored: WireStored,
    flags: u8,
    details: Option<WireDetails>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum WireStored {
    Nowhere,
    Unknown,
    This,
    Backup(u32),
}

/// Fields that few entries have.
#[derive(Default, Serialize, Deserialize)]
struct WireDetails {
    link: Option<Link>,
    owner: Repeated<Owner>,
    attributes: Repeated<Attributes>,
    windows: Option<u32>,
    links: Option<u64>,
    crc: Option<u32>,
}

/// A value that most entries share with the one before.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
enum Repeated<T> {
    #[default]
    Absent,
    /// As it was written last.
    Same,
    New(T),
}

impl<T: Clone + PartialEq> Repeated<T> {
    fn of(value: Option<&Arc<T>>, last: &mut Option<Arc<T>>) -> Repeated<T> {
        match value {
            None => Repeated::Absent,
            Some(value) if last.as_ref() == Some(value) => Repeated::Same,
            Some(value) => {
                *last = Some(Arc::clone(value));
                Repeated::New(T::clone(value))
            }
        }
    }

    /// Puts the value in `value`, which is that of the entry before or absent.
    fn replace(
        self,
        last: &mut Option<Arc<T>>,
        value: &mut Option<Arc<T>>,
    ) -> Result<(), &'static str> {
        match self {
            Repeated::Absent => *value = None,
            Repeated::New(new) => {
                *last = Some(Arc::new(new));
                value.clone_from(last);
            }
            Repeated::Same if last.is_none() => return Err("it repeats what was never written"),
            // Most entries: it need not be counted again.
            Repeated::Same if value.is_some() => {}
            Repeated::Same => value.clone_from(last),
        }
        Ok(())
    }
}

const UNSEEN: u8 = 1;
const SPARSE: u8 = 2;
const RACY: u8 = 4;

/// What both sides remember from one record to the next. Its size does not depend on the number
/// of entries.
#[derive(Default)]
pub(super) struct Context {
    /// Stamp of the backup that the manifest describes.
    pub this: Option<Stamp>,
    /// Stamps by number.
    pub stamps: Vec<Stamp>,
    path: Vec<u8>,
    owner: Option<Arc<Owner>>,
    attributes: Option<Arc<Attributes>>,
}

impl Context {
    pub fn new(this: Option<Stamp>) -> Context {
        Context {
            this,
            ..Context::default()
        }
    }

    /// A path as it is written after the last one.
    pub fn shorten<'a>(&mut self, path: &'a RelPath) -> WirePath<'a> {
        let bytes = path.as_bytes();
        let shared = shared(&self.path, bytes);
        self.path.truncate(shared);
        self.path.extend_from_slice(&bytes[shared..]);
        WirePath {
            // The reader refuses a longer path.
            shared: u32::try_from(shared).unwrap_or(u32::MAX),
            rest: Bytes::new(&bytes[shared..]),
        }
    }

    /// Puts the path that was written in `path`, and says where it is from the one before it.
    pub fn restore(
        &mut self,
        wire: WirePath<'_>,
        path: &mut RelPath,
    ) -> Result<Ordering, &'static str> {
        let shared = wire.shared as usize;
        let Some(before) = self.path.get(shared..) else {
            return Err("its path shares more than the path before it has");
        };
        if shared + wire.rest.len() > MAX_PATH {
            return Err("its path is too long");
        }
        let order = walk_order(wire.rest, before);
        self.path.truncate(shared);
        self.path.extend_from_slice(wire.rest);
        path.replace(&self.path);
        Ok(order)
    }

    /// An entry as it is written. Its backup has a number already.
    pub fn encode<'a>(&mut self, entry: &'a Entry) -> WireEntry<'a> {
        let (meta, details) = (&entry.meta, &entry.details);
        let from_modified = |time: Moment| time.0.wrapping_sub(meta.modified.0);
        let Details {
            link,
            owner,
            attributes,
            windows,
            links,
            crc,
            sparse,
            racy,
        } = details;
        let has_more = link.is_some()
            || owner.is_some()
            || attributes.is_some()
            || windows.is_some()
            || links.is_some()
            || crc.is_some();
        let more = has_more.then(|| WireDetails {
            link: link.clone(),
            owner: Repeated::of(owner.as_ref(), &mut self.owner),
            attributes: Repeated::of(attributes.as_ref(), &mut self.attributes),
            windows: *windows,
            links: *links,
            crc: *crc,
        });
        WireEntry {
            path: self.shorten(&entry.path),
            kind: entry.kind,
            size: meta.size,
            modified: meta.modified.0,
            created: meta.created.map(from_modified),
            changed: meta.changed.map(from_modified),
            mode: meta.mode,
            stored: self.stored(entry.stored),
            flags: flag(entry.unseen, UNSEEN) | flag(*sparse, SPARSE) | flag(*racy, RACY),
            details: more,
        }
    }

    fn stored(&self, stored: Option<Stored>) -> WireStored {
        match stored {
            None => WireStored::Nowhere,
            Some(Stored::Earlier(_)) => WireStored::Unknown,
            Some(Stored::In(stamp)) if self.this == Some(stamp) => WireStored::This,
            Some(Stored::In(stamp)) => match self.number(stamp) {
                Some(number) => WireStored::Backup(number),
                None => WireStored::Unknown,
            },
        }
    }

    /// The number of a stamp, if it has one.
    pub fn number(&self, stamp: Stamp) -> Option<u32> {
        let found = self.stamps.iter().rposition(|known| *known == stamp)?;
        u32::try_from(found).ok()
    }

    /// Puts the entry that was written in `entry`, and says where its path is from the one before
    /// it.
    pub fn decode(
        &mut self,
        wire: WireEntry<'_>,
        entry: &mut Entry,
    ) -> Result<Ordering, &'static str> {
        if wire.flags > (UNSEEN | SPARSE | RACY) {
            return Err("it has unknown flags");
        }
        let modified = wire.modified;
        let from_modified = |difference: i128| Moment(modified.wrapping_add(difference));
        let order = self.restore(wire.path, &mut entry.path)?;
        entry.kind = wire.kind;
        entry.meta = Meta {
            size: wire.size,
            modified: Moment(modified),
            created: wire.created.map(from_modified),
            changed: wire.changed.map(from_modified),
            mode: wire.mode,
        };
        entry.stored = match wire.stored {
            WireStored::Nowhere => None,
            WireStored::Unknown => Some(Stored::EARLIER),
            WireStored::This => Some(Stored::In(
                self.this.ok_or("it is in a backup that has no stamp")?,
            )),
            WireStored::Backup(number) => {
                let stamp = self.stamps.get(number as usize);
                Some(Stored::In(
                    *stamp.ok_or("it is in a backup without a stamp")?,
                ))
            }
        };
        entry.unseen = wire.flags & UNSEEN != 0;
        let more = wire.details.unwrap_or_default();
        more.owner
            .replace(&mut self.owner, &mut entry.details.owner)?;
        let attributes = &mut entry.details.attributes;
        more.attributes.replace(&mut self.attributes, attributes)?;
        entry.details.link = more.link;
        entry.details.windows = more.windows;
        entry.details.links = more.links;
        entry.details.crc = more.crc;
        entry.details.sparse = wire.flags & SPARSE != 0;
        entry.details.racy = wire.flags & RACY != 0;
        Ok(order)
    }
}

fn flag(is_set: bool, bit: u8) -> u8 {
    if is_set { bit } else { 0 }
}
