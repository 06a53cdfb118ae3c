//! Searches in the manifests of many states: which states have a file, in which versions, and what
//! differs between two (SPEC#search). Pure.

pub mod diff;
pub mod entry;
pub mod listing;
pub mod pattern;
mod renamed;
pub mod versions;
