//! The directory store.

/// Archives in a directory.
pub struct DirectoryStore;
