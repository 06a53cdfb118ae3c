//! What a manifest consists of, after its header.

use super::{Entry, RelPath};

/// One record of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Entry(Box<Entry>),
    /// In a delta: this path and everything below it is no longer selected.
    Removed(RelPath),
}

impl Record {
    pub fn path(&self) -> &RelPath {
        match self {
            Record::Entry(entry) => &entry.path,
            Record::Removed(path) => path,
        }
    }

    /// Its place in the order: for the same path, a removal comes before an entry.
    pub fn place(&self) -> (&RelPath, bool) {
        (self.path(), matches!(self, Record::Entry(_)))
    }
}
