//! The disk: the one way for each small thing that is done to files.

use std::path::Path;

/// Work files name private files and say what is in them: for their owner only.
pub fn create_private_directory(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}
