//! What was found of an entry.

use crate::model::manifest::{Details, Meta};

/// What was found of an entry.
#[derive(Debug)]
pub(super) struct Found {
    pub meta: Meta,
    pub details: Details,
    /// Windows keeps its content encrypted for one user (EFS).
    pub is_encrypted: bool,
}

impl Found {
    /// Of an entry that could not be looked at.
    pub fn unknown() -> Found {
        Found {
            meta: Meta::unknown(),
            details: Details::default(),
            is_encrypted: false,
        }
    }
}
