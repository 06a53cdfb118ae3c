//! Where no more than sizes and times is recorded of an entry.

use std::fs::Metadata;
use std::path::Path;

use super::meta::meta_of;
use crate::model::manifest::{Details, Meta};

/// What was found of an entry.
#[derive(Debug)]
pub(super) struct Found {
    pub meta: Meta,
    pub details: Details,
}

impl Found {
    /// Of an entry that could not be looked at.
    pub fn unknown() -> Found {
        Found {
            meta: Meta::unknown(),
            details: Details::default(),
        }
    }
}

/// What is known of an entry.
///
/// # Errors
/// When not even its modification time can be had.
pub(super) fn found(_: &Path, metadata: &Metadata) -> std::io::Result<Found> {
    Ok(Found {
        meta: meta_of(metadata)?,
        details: Details::default(),
    })
}
