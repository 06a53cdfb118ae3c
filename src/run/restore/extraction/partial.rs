//! An archive as far as it is here, for 7-Zip: parts that are here, and files as long as those that
//! are missing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[cfg(windows)]
use crate::adapters::windows::make_sparse;
use crate::plan::restore::arrival::PartArrival;
use crate::plan::restore::parts::{ArchivePart, PlannedArchive};
use crate::plan::restore::plan::PlannedMount;
use crate::run::restore::disk;
use crate::run::restore::error::RestoreError;
use crate::run::restore::target::Target;

/// What stands in for the beginning of a zip: a first header. 7-Zip compares it with the first
/// entry of the table of contents, though not its name, and here not its sizes; so there is one for
/// an entry with content and one without.
pub const BEGINNINGS: [&[u8; 31]; 2] = [
    b"PK\x03\x04\x33\0\x09\0\x63\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
    b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
];

/// An archive as far as it is here.
pub struct PartialArchive {
    /// Where 7-Zip sees it.
    pub directory: PathBuf,
    /// The parts' real paths.
    paths: Vec<PathBuf>,
    sizes: Vec<u64>,
    pub arrival: PartArrival,
    beginning: &'static [u8],
    /// Parts that were used and deleted.
    pub used: BTreeSet<usize>,
}

#[cfg(not(windows))]
fn make_sparse(_: &File) {
    // A file that is longer than what was written takes no room by itself.
}

impl PartialArchive {
    pub fn new(target: &Target, mount: &PlannedMount, archive: &PlannedArchive) -> PartialArchive {
        let sizes: Vec<u64> = archive.parts().iter().map(ArchivePart::size).collect();
        PartialArchive {
            directory: target.work("arriving"),
            paths: (0..sizes.len())
                .map(|i| target.part_path(mount, archive, i))
                .collect(),
            sizes,
            arrival: PartArrival::new(archive),
            beginning: &[],
            used: target.journal().used(mount.number, archive.stamp),
        }
    }

    /// Where 7-Zip sees its first part. It finds the others in the same directory.
    pub fn first(&self) -> PathBuf {
        self.path(0)
    }

    fn path(&self, index: usize) -> PathBuf {
        self.directory
            .join(format!("arriving.zip.{:03}", index + 1))
    }

    /// Shows nothing; what will stand in for the first part begins like this.
    pub fn begin(&mut self, beginning: &'static [u8]) -> Result<(), RestoreError> {
        self.beginning = beginning;
        disk::remove_directory(&self.directory)?;
        fs::create_dir(&self.directory).map_err(RestoreError::disk("create", &self.directory))
    }

    /// Shows the first `here` parts to arrive as they are, and something of their length in the
    /// place of the others.
    pub fn show(&self, here: usize) -> io::Result<()> {
        for (place, index) in self.arrival.order().iter().enumerate() {
            let path = self.path(*index);
            if place < here && !self.used.contains(index) {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => fs::hard_link(&self.paths[*index], &path)?,
                }
            } else if !fs::exists(&path)? {
                self.stand_in(*index)?;
            }
        }
        Ok(())
    }

    fn stand_in(&self, index: usize) -> io::Result<()> {
        let beginning = if index == 0 { self.beginning } else { &[] };
        stand_in(&self.path(index), beginning, self.sizes[index])
    }

    /// Deletes a part that is not needed any more.
    pub fn discard(&mut self, index: usize) -> io::Result<()> {
        self.used.insert(index);
        for path in [self.path(index), self.paths[index].clone()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.stand_in(index)
    }

    /// Which of the first `count` parts to arrive are here.
    pub fn here(&self, count: usize) -> impl Iterator<Item = usize> {
        self.arrival
            .order()
            .iter()
            .take(count)
            .copied()
            .filter(|index| !self.used.contains(index))
    }
}

/// Makes a file of this size that takes no room on the disk.
pub fn stand_in(path: &Path, beginning: &[u8], size: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    make_sparse(&file);
    file.write_all(beginning)?;
    file.set_len(size)
}
