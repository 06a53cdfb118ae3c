//! Objects of a store, as markers, catalogs and plans speak of them.

use crate::model::slices::Slices;
use serde::{Deserialize, Serialize};

/// One object in a store's listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// What a finished upload wrote; goes into the marker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ObjectRef {
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the whole object, lower-case hexadecimal.
    pub sha256: String,
    /// The same of its slices, when it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<Slices>,
}

/// Whether an object can be read. The requests for it decide, not the storage class, which thawing
/// does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThawState {
    /// Archived, and its thawing has not been requested.
    Frozen,
    /// Requested, but not readable yet.
    Thawing,
    Ready,
}
