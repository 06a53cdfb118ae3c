//! The letter's directory, filled and emptied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::system;

/// The root of a letter.
fn root(device: &str) -> PathBuf {
    PathBuf::from(format!("{device}\\"))
}

/// Whether something is mounted there. A letter that leads nowhere is not in use, and cannot be filled either.
pub fn is_in_use(device: &str) -> bool {
    fs::read_dir(root(device)).is_ok_and(|mut entries| entries.next().is_some())
}

/// Copies a directory with all times.
pub fn fill(device: &str, source: &str) -> io::Result<()> {
    copy(Path::new(source), &root(device))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy(&path, &target)?;
        } else if kind.is_file() {
            fs::copy(&path, &target)?;
        } else {
            continue;
        }
        system::set_modified(&target, entry.metadata()?.modified()?)?;
    }
    Ok(())
}

/// Removes what [`fill`] put there. What cannot be removed stays, as a snapshot that could not be dismounted would.
pub fn empty(device: &str) {
    for entry in fs::read_dir(root(device)).into_iter().flatten().flatten() {
        let path = entry.path();
        clear_read_only(&path);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(error) = removed {
            crate::console::line(&format!("stand-in for ShadowSpawn: {} stays: {error}", path.display()));
        }
    }
}

fn clear_read_only(path: &Path) {
    let Ok(meta) = fs::symlink_metadata(path) else { return };
    let mut permissions = meta.permissions();
    if permissions.readonly() {
        #[allow(clippy::permissions_set_readonly_false)]
        permissions.set_readonly(false);
        let _ = fs::set_permissions(path, permissions);
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            clear_read_only(&entry.path());
        }
    }
}
