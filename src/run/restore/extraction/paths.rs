//! Clears the paths of an archive's entries on the target's disk: nothing is written through a
//! link, and entries of older archives that are in the way are removed (SPEC#restore).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::adapters::fs::{remove, remove_all};
use crate::run::restore::error::RestoreError;

/// The paths below one mount's target directory.
pub struct TargetPaths {
    base: PathBuf,
    /// Everything in the target was written by this restore.
    fresh: bool,
    /// The directory that was looked at last, with all above it.
    seen: Option<String>,
}

impl TargetPaths {
    /// Into `base`, which is a real directory reached through no link.
    pub fn new(base: &Path, fresh: bool) -> TargetPaths {
        TargetPaths {
            base: base.to_owned(),
            fresh,
            seen: None,
        }
    }

    /// Makes sure that the entry `path`, checked by [`crate::plan::restore::unsafe_names`], can be
    /// extracted.
    ///
    /// # Errors
    /// When the path leads through a link, or a directory that is not this restore's own is where a
    /// file belongs.
    pub fn clear(&mut self, path: &str, is_directory: bool) -> Result<(), RestoreError> {
        let path = path.trim_end_matches('/');
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.seen.as_deref() != Some(parent) {
            self.enter(parent)?;
            self.seen = Some(parent.to_owned());
        }
        let place = self.base.join(path);
        let Some(found) = look(&place)? else {
            return Ok(());
        };
        if found.is_symlink() {
            return self.remove_link(place);
        }
        if found.is_dir() && !is_directory {
            self.seen = None;
            let removed = if self.fresh {
                remove_all(&place)
            } else {
                remove(&place)
            };
            return removed.map_err(|_| RestoreError::DirectoryInTheWay(place));
        }
        if !found.is_dir() && is_directory {
            return remove(&place).map_err(RestoreError::disk("replace", &place));
        }
        Ok(())
    }

    /// A link in a fresh target is one that this restore made before it was stopped.
    fn remove_link(&self, place: PathBuf) -> Result<(), RestoreError> {
        match self.fresh {
            true => remove(&place).map_err(RestoreError::disk("replace", &place)),
            false => Err(RestoreError::ThroughLink(place)),
        }
    }

    fn enter(&self, parent: &str) -> Result<(), RestoreError> {
        let mut place = self.base.clone();
        for name in parent.split('/').filter(|n| !n.is_empty()) {
            place.push(name);
            let Some(found) = look(&place)? else {
                return Ok(());
            };
            if found.is_symlink() {
                return self.remove_link(place);
            }
            if !found.is_dir() {
                return remove(&place).map_err(RestoreError::disk("replace", &place));
            }
            writable(&place, &found)?;
        }
        Ok(())
    }
}

fn look(place: &Path) -> Result<Option<fs::Metadata>, RestoreError> {
    match fs::symlink_metadata(place) {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(RestoreError::disk("look at", place)(error)),
    }
}

/// A directory that was read-only when an older backup saw it empty may have files by now.
#[cfg(unix)]
fn writable(place: &Path, found: &fs::Metadata) -> Result<(), RestoreError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = found.permissions().mode();
    if mode & 0o300 == 0o300 {
        return Ok(());
    }
    fs::set_permissions(place, fs::Permissions::from_mode(mode | 0o700))
        .map_err(RestoreError::disk("open", place))
}

#[cfg(not(unix))]
fn writable(_: &Path, _: &fs::Metadata) -> Result<(), RestoreError> {
    Ok(())
}
