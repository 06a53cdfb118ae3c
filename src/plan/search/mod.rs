//! Questions to the manifests of many states: which hold a file, in which versions, and what
//! differs between two (SPEC#search). Pure.

pub mod diff;
pub mod entry;
pub mod listing;
pub mod pattern;
pub mod versions;
