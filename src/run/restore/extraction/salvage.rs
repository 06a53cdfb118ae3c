//! A damaged archive: what is outside of the damage is still extracted (SPEC#restore).
//!
//! A zip says where each entry begins, so that the entries that meet a damaged part are known.
//! Files of a 7z archive can only be had one after the other: all of it is lost.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::model::listed::Listed;
use crate::model::manifest::{Entry, Stored};
use crate::model::name::Format;
use crate::model::stamp::Stamp;
use crate::plan::restore::salvage::{SalvageChoice, choose};
use crate::run::restore::disk;
use crate::run::restore::downloads::Downloads;
use crate::run::restore::error::RestoreError;

use super::archive::ArchiveExtraction;
use super::partial::{BEGINNINGS, stand_in};

/// What is lost of one archive.
pub struct LostFiles {
    pub stamp: Stamp,
    /// `None`: all of it.
    paths: Option<HashSet<String>>,
}

impl LostFiles {
    /// Whether a file of the manifest is lost, or may be lost because it is not known which archive
    /// holds it.
    pub fn holds(&self, entry: &Entry) -> bool {
        let is_of_it = match entry.stored {
            Some(Stored::In(stamp)) => stamp == self.stamp,
            Some(_) => true,
            None => false,
        };
        is_of_it
            && self
                .paths
                .as_ref()
                .is_none_or(|paths| paths.contains(&entry.path.to_string()))
    }

    /// How many files are lost, where that is known.
    pub fn count(&self) -> Option<usize> {
        self.paths.as_ref().map(HashSet::len)
    }
}

/// One file that 7-Zip is shown as a volume.
struct Piece {
    /// `None`: it is not here.
    path: Option<PathBuf>,
    size: u64,
}

/// The archive as far as it can be used.
pub struct Salvage<'a> {
    extraction: &'a ArchiveExtraction<'a>,
    downloads: &'a Downloads<'a>,
    directory: PathBuf,
    pieces: Vec<Piece>,
    /// Bytes of the archive that are lost.
    bad: Vec<Range<u64>>,
    /// Bytes of it that were extracted and deleted.
    used: Vec<Range<u64>>,
}

impl<'a> Salvage<'a> {
    pub fn new(
        extraction: &'a ArchiveExtraction<'a>,
        downloads: &'a Downloads<'a>,
    ) -> Result<Salvage<'a>, RestoreError> {
        let mut salvage = Salvage {
            extraction,
            downloads,
            directory: extraction.inspection.target.work("salvage"),
            pieces: Vec::new(),
            bad: Vec::new(),
            used: Vec::new(),
        };
        let archive = extraction.inspection.archive;
        match downloads.is_in_place(archive) {
            true => salvage.look_in_place()?,
            false => salvage.look_downloaded(),
        }
        Ok(salvage)
    }

    fn look_in_place(&mut self) -> Result<(), RestoreError> {
        let mut begin = 0;
        for volume in &self.extraction.inspection.archive.volumes {
            let (path, bad) = self.downloads.damage_in_place(volume)?;
            let moved = bad.iter().map(|bad| begin + bad.start..begin + bad.end);
            self.bad.extend(moved);
            self.pieces.push(Piece {
                path,
                size: volume.size,
            });
            begin += volume.size;
        }
        Ok(())
    }

    fn look_downloaded(&mut self) {
        let inspection = &self.extraction.inspection;
        let (target, mount, archive) = (inspection.target, inspection.mount, inspection.archive);
        let used: BTreeSet<usize> = target.journal().used(mount.number, archive.stamp);
        let mut begin = 0;
        for (index, part) in archive.parts().iter().enumerate() {
            let (path, size) = (target.part_path(mount, archive, index), part.size());
            let is_here = path.is_file();
            match used.contains(&index) {
                true => self.used.push(begin..begin + size),
                false if !is_here => self.bad.push(begin..begin + size),
                false => {}
            }
            self.pieces.push(Piece {
                path: is_here.then_some(path),
                size,
            });
            begin += size;
        }
    }

    /// Extracts the wanted entries that are complete. Returns how many there were, and what is
    /// lost.
    pub fn run(&self) -> Result<(u64, LostFiles), RestoreError> {
        let stamp = self.extraction.inspection.archive.stamp;
        let all = LostFiles { stamp, paths: None };
        if self.extraction.inspection.archive.format != Format::Zip {
            return Ok((0, all));
        }
        let Some(entries) = self.entries()? else {
            return Ok((0, all));
        };
        let is_wanted = |entry: &Listed| self.extraction.wants(entry);
        let SalvageChoice { whole, lost } = choose(entries, &self.bad, &self.used, is_wanted);
        let found = match self.extract(whole.into_iter().collect()) {
            Err(error) if error.is_loss() => {
                error.report(self.extraction.events);
                return Ok((0, all));
            }
            found => found?,
        };
        disk::remove_directory(&self.directory)?;
        let paths = Some(lost.into_iter().collect());
        Ok((found, LostFiles { stamp, paths }))
    }

    /// All entries, checked to be safe. `None` if the table of contents is lost too.
    fn entries(&self) -> Result<Option<Vec<Listed>>, RestoreError> {
        // A beginning that is damaged too keeps 7-Zip from all of it.
        for beginning in [None].into_iter().chain(BEGINNINGS.map(Some)) {
            self.show(beginning.map_or(&[], <[u8; 31]>::as_slice))?;
            let mut entries = Vec::new();
            let listed = self
                .extraction
                .inspection
                .arriving(&self.first(), &mut |entry| {
                    entries.push(entry.clone());
                    false
                });
            match listed {
                Ok(()) => return Ok(Some(entries)),
                Err(error @ RestoreError::Entry { .. }) => return Err(error),
                Err(error) if error.is_interrupted() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Shows 7-Zip the pieces, and something of their length in the place of those that are not
    /// here.
    fn show(&self, beginning: &[u8]) -> Result<(), RestoreError> {
        let fail = |why| RestoreError::disk("write", &self.directory)(why);
        disk::remove_directory(&self.directory)?;
        fs::create_dir(&self.directory).map_err(fail)?;
        for (index, piece) in self.pieces.iter().enumerate() {
            let at = self.at(index);
            let beginning = if index == 0 { beginning } else { &[] };
            match &piece.path {
                None => stand_in(&at, beginning, piece.size).map_err(fail)?,
                Some(path) if beginning.is_empty() => show_file(path, &at).map_err(fail)?,
                Some(path) => {
                    fs::copy(path, &at).map_err(fail)?;
                    let mut file = OpenOptions::new().write(true).open(&at).map_err(fail)?;
                    file.write_all(beginning).map_err(fail)?;
                }
            }
        }
        Ok(())
    }

    /// Extracts these entries, and says how many that were.
    fn extract(&self, whole: HashSet<String>) -> Result<u64, RestoreError> {
        let (extraction, first) = (self.extraction, self.first());
        let chosen = self.directory.join("whole.txt");
        extraction.choose_names(&first)?;
        let wants = |entry: &Listed| !entry.is_directory && whole.contains(&entry.path);
        let mut renamed = Vec::new();
        let found = extraction.clear_paths(&first, Some(&chosen), &wants, &mut renamed)?;
        extraction.write(&first, found, Some(&chosen), &renamed)
    }

    fn first(&self) -> PathBuf {
        self.at(0)
    }

    fn at(&self, index: usize) -> PathBuf {
        self.directory.join(format!("salvage.zip.{:03}", index + 1))
    }
}

/// A file under another name, without a copy where the system can.
fn show_file(path: &Path, at: &Path) -> std::io::Result<()> {
    fs::hard_link(path, at).or_else(|_| {
        #[cfg(unix)]
        return std::os::unix::fs::symlink(path, at);
        #[cfg(not(unix))]
        return fs::copy(path, at).map(drop);
    })
}
