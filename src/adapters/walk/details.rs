//! What a walk records of an entry beside size and times: link, owner, extended attributes, access
//! lists, hard links, holes (SPEC#formats).

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;
use serde_bytes::ByteBuf;

use super::found::Found;
use super::meta::{kind_of, meta_of};
use crate::adapters::accounts;
use crate::model::manifest::Details;
use crate::model::manifest::details::{Attribute, Attributes, Link, LinkKind, is_restored};
use crate::model::select::Kind;

/// What a look at an entry said.
pub(super) struct LookedAt {
    pub kind: Kind,
    pub uid: u32,
    pub gid: u32,
    /// How many names it has.
    pub names: u64,
    /// Its number in the file system.
    pub number: u64,
    pub size: u64,
    /// Room that it takes, in units of 512 bytes.
    pub blocks: u64,
}

impl LookedAt {
    #[cfg(target_os = "linux")]
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)] // Widths differ by platform.
    pub fn of_stat(kind: Kind, found: &rustix::fs::Stat) -> LookedAt {
        LookedAt {
            kind,
            uid: found.st_uid,
            gid: found.st_gid,
            names: found.st_nlink as u64,
            number: found.st_ino as u64,
            size: u64::try_from(found.st_size).unwrap_or(0),
            blocks: u64::try_from(found.st_blocks).unwrap_or(0),
        }
    }
}

/// What is known of an entry at a path.
///
/// # Errors
/// When not even its modification time can be had.
pub(super) fn found(path: &Path, metadata: &Metadata) -> io::Result<Found> {
    let looked = LookedAt {
        kind: kind_of(metadata.file_type()),
        uid: metadata.uid(),
        gid: metadata.gid(),
        names: metadata.nlink(),
        number: metadata.ino(),
        size: metadata.len(),
        blocks: metadata.blocks(),
    };
    let target = || Ok(std::fs::read_link(path)?.into_os_string().into_vec());
    let mut details = details(&looked, target)?;
    if matches!(looked.kind, Kind::File | Kind::Directory) {
        details.attributes = attributes(path).map(Arc::new);
    }
    Ok(Found {
        meta: meta_of(metadata)?,
        details,
        is_encrypted: false,
    })
}

/// A file below this size has no room for a hole.
const SMALLEST_SPARSE: u64 = 4096;

/// The details of an entry, but its attributes.
///
/// # Errors
/// When the target of a link cannot be read.
pub(super) fn details(
    looked: &LookedAt,
    target: impl FnOnce() -> io::Result<Vec<u8>>,
) -> io::Result<Details> {
    let link = match looked.kind {
        Kind::Special => return Ok(Details::default()),
        Kind::Link => Some(Link {
            target: ByteBuf::from(target()?),
            kind: LinkKind::Symbolic,
        }),
        Kind::File | Kind::Directory => None,
    };
    let is_file = looked.kind == Kind::File;
    let has_names = looked.kind != Kind::Directory && looked.names > 1;
    Ok(Details {
        owner: Some(accounts::owner(looked.uid, looked.gid)),
        link,
        links: has_names.then_some(looked.number),
        sparse: is_file
            && looked.size >= SMALLEST_SPARSE
            && looked.blocks.saturating_mul(512) < looked.size,
        ..Details::default()
    })
}

/// Room for the names of the attributes of nearly every entry.
const NAMES: usize = 1024;

/// The extended attributes that are restored. `None`: there are none, or the system does not tell. A
/// link in the place of the path is not followed.
pub(super) fn attributes(path: &Path) -> Option<Attributes> {
    let mut names = vec![0; NAMES];
    let length = loop {
        match rustix::fs::llistxattr(path, &mut names[..]) {
            Ok(0) => return None,
            Ok(length) => break length,
            Err(Errno::RANGE) if names.len() < LARGEST => names.resize(names.len() * 4, 0),
            Err(_) => return None,
        }
    };
    names.truncate(length);
    let names = names.split(|byte| *byte == 0);
    let mut found: Vec<Attribute> = names
        .filter(|name| is_restored(name))
        .filter_map(|name| {
            let value = value(path, OsStr::from_bytes(name))?;
            Some(Attribute {
                name: ByteBuf::from([b"xattr.", name].concat()),
                value: ByteBuf::from(value),
            })
        })
        .collect();
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    (!found.is_empty()).then_some(Attributes(found))
}

/// The kernel takes no list of names and no value that is larger.
const LARGEST: usize = 1 << 16;

fn value(path: &Path, name: &OsStr) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    loop {
        match rustix::fs::lgetxattr(path, name, &mut value[..]) {
            Ok(length) => {
                value.truncate(length);
                return Some(value);
            }
            Err(Errno::RANGE) if value.len() < LARGEST => value.resize(LARGEST, 0),
            Err(_) => return None,
        }
    }
}
