//! The disk: the one way for each small thing that is done to files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Work files name private files and say what is in them: for their owner only.
pub fn create_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// What a crash may leave behind beside a file that was being written begins with this.
pub const BUILDING: &str = ".building-";

/// Writes a file whole or not at all: after a power cut it has its old content or the new one. Only
/// its owner can read it.
///
/// # Errors
/// When the disk does not take it; the old content stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(BUILDING)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// Makes a rename or a new file in a directory last through a power cut.
///
/// # Errors
/// When the disk does not take it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    // Windows keeps its directories by itself, and opens none.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
