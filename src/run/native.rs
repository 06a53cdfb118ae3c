//! Paths of a manifest as paths of this system.

use std::path::{Path, PathBuf};

use crate::adapters::walk::native_name;
use crate::model::manifest::RelPath;

/// A path below `base` on this system. `None` when it cannot have such a name.
pub fn native(base: &Path, path: &RelPath) -> Option<PathBuf> {
    path.names().try_fold(base.to_path_buf(), |at, name| {
        Some(at.join(native_name(name)?))
    })
}
