//! An archive is looked through before anything of it is extracted: each entry must be safe, and
//! the key must open it (SPEC#restore).

use std::path::Path;

use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::{SevenZipExit, list_line, with_backslashes};
use crate::model::listed::Listed;
use crate::model::name::Format;
use crate::model::path::Family;
use crate::plan::restore::only::Wanted;
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::PlannedMount;
use crate::plan::restore::unsafe_names;
use crate::run::restore::error::RestoreError;
use crate::run::restore::keyed_seven_zip::KeyedSevenZip;
use crate::run::restore::target::Target;

/// The inspection of one archive. It writes nothing to the target.
#[derive(Clone, Copy)]
pub struct Inspection<'a> {
    pub seven_zip: KeyedSevenZip<'a>,
    pub target: &'a Target,
    pub mount: &'a PlannedMount,
    pub archive: &'a PlannedArchive,
}

impl Inspection<'_> {
    /// How the archive is called in messages.
    pub fn name(&self) -> String {
        match self.archive.volumes.first() {
            Some(volume) => volume.key.clone(),
            None => format!("{} of {}", self.mount.shown(), self.archive.stamp),
        }
    }

    /// Calls `each` for every entry. Windows has no names with a backslash.
    pub fn list(
        &self,
        first: &Path,
        each: &mut dyn FnMut(Listed),
    ) -> Result<SevenZipExit, ToolError> {
        let path = self.mount.path.as_ref();
        let is_of_unix = path.is_some_and(|path| path.family() == Family::Unix);
        self.seven_zip.list(first, &mut |mut listed| {
            if is_of_unix {
                listed.path = with_backslashes(&listed.path);
            }
            each(listed);
        })
    }

    /// Goes through all entries of an archive that is here.
    pub fn whole(&self, first: &Path) -> Result<(), RestoreError> {
        self.arriving(first, &mut |_| true)
    }

    /// Goes through all entries of an archive that is not all here; `readable` sees every entry and
    /// says whether its content is here to try the key on.
    pub fn arriving(
        &self,
        first: &Path,
        readable: &mut dyn FnMut(&Listed) -> bool,
    ) -> Result<(), RestoreError> {
        let mut bad: Option<RestoreError> = None;
        let mut plain: Option<RestoreError> = None;
        let mut smallest: Option<Listed> = None;
        let exit = self.list(first, &mut |listed| {
            let refused = |why| RestoreError::Entry {
                archive: self.name(),
                entry: listed.path.escape_debug().to_string(),
                why,
            };
            // What is not wanted is not extracted.
            if bad.is_none() && is_wanted(&self.mount.wanted, &listed) {
                bad = unsafe_names::entry(&listed).err().map(refused);
            }
            if plain.is_none() {
                plain = unsafe_names::encrypted(&listed).err().map(refused);
            }
            if readable(&listed)
                && !listed.is_directory
                && listed.size > 0
                && smallest.as_ref().is_none_or(|s| listed.size < s.size)
            {
                smallest = Some(listed);
            }
        })?;
        if let Some(error) = bad.or(plain) {
            return Err(error);
        }
        if exit != SevenZipExit::Ok {
            return Err(self.seven_zip.unopened(self.name(), exit));
        }
        // A zip can be listed without its key, so reading its smallest file shows whether the key
        // is right. A 7z archive hides its names, so the listing already was that test.
        match (self.archive.format, smallest) {
            (Format::Zip, Some(smallest)) => self.try_key(first, &smallest),
            _ => Ok(()),
        }
    }

    fn try_key(&self, first: &Path, entry: &Listed) -> Result<(), RestoreError> {
        let list = self.target.work("probe.txt");
        std::fs::write(&list, list_line(&entry.path))
            .map_err(RestoreError::disk("write", &list))?;
        match self.seven_zip.test(first, &list)? {
            SevenZipExit::Ok => Ok(()),
            exit => Err(self.seven_zip.unopened(self.name(), exit)),
        }
    }
}

/// Whether an entry of an archive is wanted itself, or is below a wanted one.
pub fn is_wanted(wanted: &[Wanted], listed: &Listed) -> bool {
    wanted.is_empty()
        || wanted
            .iter()
            .any(|w| w.holds(listed.path.trim_end_matches('/')))
}
