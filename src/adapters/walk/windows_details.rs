//! What a walk records of an entry of Windows beside size and times: attributes, and where a link
//! leads. The listing of a directory holds the attributes; only a link costs a call.

use std::fs::Metadata;
use std::os::windows::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde_bytes::ByteBuf;

use super::found::Found;
use super::meta::{is_encrypted, meta_of};
use crate::model::manifest::Details;
use crate::model::manifest::details::{Link, LinkKind, WINDOWS_ATTRIBUTES};

/// What is known of an entry.
///
/// # Errors
/// When not even its modification time can be had.
pub(super) fn found(path: &Path, metadata: &Metadata) -> std::io::Result<Found> {
    Ok(Found {
        meta: meta_of(metadata)?,
        details: details(path, metadata),
        is_encrypted: is_encrypted(metadata),
    })
}

fn details(path: &Path, metadata: &Metadata) -> Details {
    let kind = metadata.file_type();
    // Where a reparse point of another kind leads is not known: it is not stored.
    let target = kind.is_symlink().then(|| std::fs::read_link(path).ok());
    let link = target.flatten().map(|target| Link {
        target: ByteBuf::from(target.into_os_string().into_encoded_bytes()),
        // The listing of the directory tells a junction from a link to a directory.
        kind: match kind.is_symlink_dir() {
            true => LinkKind::Directory,
            false => LinkKind::Symbolic,
        },
    });
    Details {
        link,
        windows: Some(metadata.file_attributes() & WINDOWS_ATTRIBUTES),
        ..Details::default()
    }
}
