//! An archive as far as it is here, for 7-Zip: portions that are here, and files as long as those
//! that are missing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;

#[cfg(windows)]
use crate::adapters::windows::make_sparse;
use crate::model::listed::Listed;

use super::run::Restore;
use crate::plan::restore::plan::{PlannedArchive, PlannedMount};
use crate::plan::restore::portion::Portion;

/// What stands in for the beginning of a zip: a first header. 7-Zip compares it with the first
/// entry of the table of contents, though not its name, and here not its sizes; so there is one for
/// an entry with content and one without.
pub const BEGINNINGS: [&[u8; 31]; 2] = [
    b"PK\x03\x04\x33\0\x09\0\x63\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
    b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0x",
];

/// A header in a zip is at most this long: 30 bytes, a name and extra fields of at most 65535 bytes
/// each, and after the content 24 bytes of descriptor.
const HEADER: u64 = 30 + 2 * 65535 + 24;

/// An archive as far as it is here.
pub struct View {
    pub directory: PathBuf,
    /// The portions' real places.
    places: Vec<PathBuf>,
    sizes: Vec<u64>,
    /// Where in the archive each portion ends.
    ends: Vec<u64>,
    /// Which portion arrives first, second, …
    arrival: Vec<usize>,
    pub beginning: &'static [u8],
    /// Portions that were used and deleted.
    pub used: BTreeSet<usize>,
}

/// Elsewhere a file that is longer than what was written takes no room by itself.
#[cfg(not(windows))]
fn make_sparse(_: &File) {}

impl View {
    pub fn new(restore: &Restore<'_>, mount: &PlannedMount, archive: &PlannedArchive) -> View {
        let sizes: Vec<u64> = archive.portions().iter().map(Portion::size).collect();
        let ends = sizes.iter().scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        });
        View {
            directory: restore.target.work("arriving"),
            places: (0..sizes.len())
                .map(|i| restore.target.portion(mount.number, archive, i))
                .collect(),
            ends: ends.collect(),
            sizes,
            arrival: archive.arrival(),
            beginning: &[],
            used: restore.target.journal().used(mount.number, archive.stamp),
        }
    }

    pub fn name(&self, index: usize) -> PathBuf {
        self.directory
            .join(format!("arriving.zip.{:03}", index + 1))
    }

    /// Shows the first `here` portions to arrive as they are, and something of their length in the
    /// place of the others.
    pub fn show(&self, here: usize) -> io::Result<()> {
        for (at, index) in self.arrival.iter().enumerate() {
            let name = self.name(*index);
            if at < here && !self.used.contains(index) {
                match fs::remove_file(&name) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => fs::hard_link(&self.places[*index], &name)?,
                }
            } else if !fs::exists(&name)? {
                self.stand_in(*index)?;
            }
        }
        Ok(())
    }

    /// A file that takes no room on the disk.
    fn stand_in(&self, index: usize) -> io::Result<()> {
        let mut file = File::create(self.name(index))?;
        make_sparse(&file);
        file.write_all(if index == 0 { self.beginning } else { &[] })?;
        file.set_len(self.sizes[index])
    }

    /// Deletes a portion that is not needed any more.
    pub fn discard(&mut self, index: usize) -> io::Result<()> {
        self.used.insert(index);
        for path in [self.name(index), self.places[index].clone()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.stand_in(index)
    }

    /// Which of the portions that arrive first, so many, are here.
    pub fn here(&self, count: usize) -> impl Iterator<Item = usize> {
        self.arrival
            .iter()
            .take(count)
            .copied()
            .filter(|index| !self.used.contains(index))
    }

    /// The portion that holds this byte of the archive.
    pub fn portion(&self, byte: u64) -> usize {
        self.ends.partition_point(|end| *end <= byte)
    }

    /// The portions that an entry may lie in; `None` when that is not known.
    pub fn touched(&self, entry: &Listed) -> Option<RangeInclusive<usize>> {
        let begin = entry.offset?;
        let end = begin.saturating_add(entry.packed).saturating_add(HEADER);
        Some(self.portion(begin)..=self.portion(end))
    }

    /// How many portions must have arrived for this entry to be whole.
    pub fn needs(&self, entry: &Listed) -> usize {
        let Some(touched) = self.touched(entry) else {
            return self.sizes.len();
        };
        self.arrival
            .iter()
            .rposition(|index| touched.contains(index))
            .map_or(self.sizes.len(), |last| last + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_whole_when_all_its_volumes_are_here() {
        let mebibyte = 1 << 20;
        let view = View {
            directory: PathBuf::new(),
            places: Vec::new(),
            sizes: vec![mebibyte; 4],
            ends: (1..=4).map(|i| i * mebibyte).collect(),
            arrival: vec![3, 0, 1, 2],
            beginning: BEGINNINGS[0],
            used: BTreeSet::new(),
        };
        let needs = |offset, packed| {
            view.needs(&Listed {
                offset,
                packed,
                ..Listed::default()
            })
        };
        assert_eq!(needs(Some(3 * mebibyte), 1000), 1, "in the last one");
        assert_eq!(needs(Some(4 * mebibyte - 10), 10), 1, "to its end");
        assert_eq!(needs(Some(0), 1000), 2);
        assert_eq!(needs(Some(mebibyte - 1000), 1), 3, "its header may go on");
        assert_eq!(needs(Some(2 * mebibyte + 1000), mebibyte), 4);
        assert_eq!(needs(Some(0), 4 * mebibyte), 4);
        assert_eq!(needs(None, 1), 4);
    }
}
