//! Small things that a restore does on the disk, with errors that name the path.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::adapters::fs;

use super::error::RestoreError;

/// Removes a file or link, if it is there.
pub fn remove_file(path: &Path) -> Result<(), RestoreError> {
    unless_missing(fs::remove(path), path)
}

/// Removes a directory with all in it, if it is there.
pub fn remove_directory(path: &Path) -> Result<(), RestoreError> {
    unless_missing(fs::remove_all(path), path)
}

fn unless_missing(removed: io::Result<()>, path: &Path) -> Result<(), RestoreError> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(RestoreError::disk("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Free bytes on the disk of a path, where the file system knows. Some do not, and say 0.
pub fn free_bytes(path: &Path) -> Option<u64> {
    fs4::available_space(path).ok().filter(|free| *free > 0)
}
