//! A directory that holds archives: a NAS share, a removable disk, a tape.

use super::{KeyLimit, StoreKind, StoreName};
use crate::model::path::FullPath;
use crate::model::policy::Keep;

/// The longest file name that common file systems take, in bytes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// The directory store.
#[derive(Clone, Debug)]
pub struct ArchiveDirectory {
    pub path: FullPath,
    /// Which sets stay, if it is pruned.
    pub keep: Option<Keep>,
    /// A run may do without it while its disk is not attached.
    pub optional: bool,
}

impl StoreKind for ArchiveDirectory {
    fn name(&self) -> StoreName {
        StoreName::Directory
    }

    fn label(&self) -> String {
        self.path.to_string()
    }

    fn address(&self) -> String {
        self.path.to_string()
    }

    fn parameters(&self) -> String {
        self.path.to_string()
    }

    fn alone(&self) -> &'static str {
        "the archive directory only"
    }

    fn longest_key(&self) -> KeyLimit {
        KeyLimit {
            bytes: MAX_FILE_NAME_BYTES,
            store: "a directory store",
        }
    }

    fn path(&self) -> Option<&FullPath> {
        Some(&self.path)
    }

    fn is_optional(&self) -> bool {
        self.optional
    }

    fn keep(&self) -> Option<&Keep> {
        self.keep.as_ref()
    }
}
