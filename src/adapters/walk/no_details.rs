//! Where no more than sizes and times is recorded of an entry.

use std::fs::Metadata;
use std::path::Path;

use super::found::Found;
use super::meta::{is_encrypted, meta_of};
use crate::model::manifest::Details;

/// What is known of an entry.
///
/// # Errors
/// When not even its modification time can be had.
pub(super) fn found(_: &Path, metadata: &Metadata) -> std::io::Result<Found> {
    Ok(Found {
        meta: meta_of(metadata)?,
        details: Details::default(),
        is_encrypted: is_encrypted(metadata),
    })
}
