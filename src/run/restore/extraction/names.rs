//! Symbolic links and further names of files, made while a mount is verified (SPEC#restore).

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use crate::adapters::fs::{remove, remove_all};
use crate::adapters::place::PlaceDirectory;
use crate::adapters::walk::native_name;
use crate::model::manifest::{Entry, RelPath};
use crate::run::restore::error::RestoreError;

use super::verification::Verification;

impl Verification<'_> {
    /// Makes a link. What it leads to is never looked at.
    pub(super) fn link(
        &mut self,
        name: &[u8],
        entry: &Entry,
        shown: &str,
    ) -> Result<(), RestoreError> {
        let Some((_, path, blocked, name)) = self.step(name)? else {
            self.differs(shown, "no link on this system can have its name");
            return Ok(());
        };
        let Some(link) = &entry.details.link else {
            self.differs(shown, "the manifest does not say where it leads");
            return Ok(());
        };
        if let Some(why) = blocked {
            self.differs(shown, why);
            return Ok(());
        }
        if self.is_foreign {
            self.lacks.foreign_links += 1;
            return Ok(());
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            let removed = match self.is_fresh {
                true => remove_all(&path),
                false => remove(&path),
            };
            if removed.is_err() {
                self.differs(shown, "a directory is in its place");
                return Ok(());
            }
        }
        let Some(place) = self.levels.last().and_then(|level| level.place.as_ref()) else {
            return Ok(());
        };
        match place.link(&name, link, entry, &mut self.lacks) {
            Ok(()) => {
                self.tally.links += 1;
                self.join(&name, entry);
            }
            Err(error) => {
                self.lacks.links += 1;
                self.lacks.link_error.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Makes a file a name of the one that its group began with; or sets what is known of it.
    pub(super) fn joined_or_set(&mut self, path: &Path, name: &OsStr, entry: &Entry) {
        if self.join(name, entry) {
            return;
        }
        let Some(place) = self.levels.last().and_then(|level| level.place.as_ref()) else {
            return;
        };
        let set = place.set_file(name, entry, &mut self.lacks);
        self.report_unset(set, path);
    }

    /// Whether it is a name of the file that its group began with now.
    fn join(&mut self, name: &OsStr, entry: &Entry) -> bool {
        let Some(group) = entry.details.links else {
            return false;
        };
        let Some(first) = self.names.get(&group) else {
            self.names.insert(group, entry.path.clone());
            return false;
        };
        let place = self.levels.last().and_then(|level| level.place.as_ref());
        let joined = place
            .zip(self.place_of(first))
            .map(|(place, (above, first))| place.join(name, &above, &first));
        let is_joined = matches!(joined, Some(Ok(true)));
        self.lacks.hard_links += u64::from(!is_joined);
        is_joined
    }

    /// The directory of a path that was restored, and the last name of the path.
    fn place_of(&self, path: &RelPath) -> Option<(PlaceDirectory, std::ffi::OsString)> {
        let root = self.levels.first()?.place.as_ref()?;
        let names: Option<Vec<_>> = path.names().map(native_name).collect();
        let (last, above) = names?.split_last().map(|(l, a)| (l.clone(), a.to_vec()))?;
        let mut place = root.again().ok()?;
        for name in above {
            place = place.enter(&name).ok()?;
        }
        Some((place, last))
    }
}
