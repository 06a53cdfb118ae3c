//! The digest of a selection.

use sha2::{Digest, Sha256};

use crate::model::select::SelectionSpec;

/// Digest of what a profile selects: sources, exclusions and location, independent of order,
/// spelling of paths and everything else in the file (SPEC#scope: editing a comment must not cost a
/// full backup).
pub fn selection_digest(location: &str, spec: &SelectionSpec) -> String {
    let family = spec.family;
    let sorted = |texts: Vec<String>| {
        let mut texts: Vec<String> = texts.iter().map(|t| family.fold(t)).collect();
        texts.sort();
        texts.dedup();
        texts
    };
    let canonical = serde_json::json!({
        "location": location,
        "sources": sorted(spec.sources.iter().map(ToString::to_string).collect()),
        "directories": sorted(spec.directories.iter().map(ToString::to_string).collect()),
        "files": sorted(spec.files.iter().map(ToString::to_string).collect()),
    });
    hex::encode(Sha256::digest(canonical.to_string()))
}
