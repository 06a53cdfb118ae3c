//! What of an archive is whole when, as list files for 7-Zip, and what lists cost.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::model::listed::Listed;

/// How many 7-Zips extract at a time: one uses one processor for a zip.
pub const HANDS: usize = 2;

/// What is whole when so many portions have arrived: list files, one for each 7-Zip.
pub struct Batches {
    directory: PathBuf,
    /// The lists being written.
    open: Option<(usize, Lists)>,
}

/// A list for each 7-Zip, and the bytes in its entries.
type Lists = [(BufWriter<File>, u64); HANDS];

impl Batches {
    /// Lists in this directory, none yet.
    pub fn new(directory: PathBuf) -> Batches {
        Batches {
            directory,
            open: None,
        }
    }

    fn place(&self, needs: usize, hand: usize) -> PathBuf {
        self.directory
            .join(format!("whole-after-{needs}.{hand}.txt"))
    }

    /// Entries come in the order in which they lie in the archive, so that few lists are open at a
    /// time: one.
    pub fn add(&mut self, needs: usize, entry: &Listed) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != needs) {
            self.close()?;
            let list = |hand| {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(self.place(needs, hand))?;
                Ok::<_, io::Error>((BufWriter::new(file), 0))
            };
            self.open = Some((needs, [list(0)?, list(1)?]));
        }
        let Some((_, [one, other])) = &mut self.open else {
            return Ok(());
        };
        let (list, bytes) = if one.1 <= other.1 { one } else { other };
        // Opening a small file takes as long as writing some more of a large one.
        *bytes += entry.size + 64 * 1024;
        writeln!(list, "\"{}\"", entry.path)
    }

    pub fn close(&mut self) -> io::Result<()> {
        let Some((_, lists)) = self.open.take() else {
            return Ok(());
        };
        lists.into_iter().try_for_each(|(mut list, _)| list.flush())
    }

    /// Joins the lists of what became whole when the portions after `done` arrived, up to `here`.
    /// `None` when there is nothing in them.
    pub fn join(&self, done: usize, here: usize, hand: usize) -> io::Result<Option<PathBuf>> {
        let batch = self.directory.join(format!("batch.{hand}.txt"));
        let mut out = BufWriter::new(File::create(&batch)?);
        let mut bytes = 0;
        for needs in done + 1..=here {
            match File::open(self.place(needs, hand)) {
                Ok(mut list) => bytes += io::copy(&mut list, &mut out)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        out.flush()?;
        Ok((bytes > 0).then_some(batch))
    }
}

/// What lists cost. 7-Zip compares each entry of a directory with each name of it in a list.
#[derive(Default)]
pub struct Cost {
    random: RandomState,
    /// Names in a directory, by a hash of its path: memory for no names.
    names: HashMap<u64, u64>,
    comparing: u64,
    extracting: u64,
}

impl Cost {
    // Nanoseconds, measured with 200,000 files: in one directory 40,000 of them took 235 s by list
    // instead of 28 s.
    const COMPARE: u64 = 20;
    const FILE: u64 = 400_000;
    const BYTE: u64 = 4;

    pub fn add(&mut self, entry: &Listed) {
        if !entry.is_directory {
            self.extracting += Cost::FILE + entry.size.saturating_mul(Cost::BYTE);
        }
        let mut path = entry.path.as_str();
        while !path.is_empty() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let names = self.names.entry(self.random.hash_one(parent)).or_default();
            // One name more, and as many comparisons as a square grows by.
            self.comparing += Cost::COMPARE * (2 * *names + 1);
            *names += 1;
            if *names > 1 {
                return;
            }
            path = parent;
        }
    }

    pub fn is_too_high(&self) -> bool {
        self.comparing > self.extracting / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(path: String, size: u64) -> Listed {
        Listed {
            path,
            size,
            packed: size,
            offset: Some(0),
            ..Listed::default()
        }
    }

    fn too_high(files: u64, in_one: u64, size: u64) -> bool {
        let mut cost = Cost::default();
        (0..files).for_each(|i| cost.add(&listed(format!("a/{}/{i}", i / in_one), size)));
        cost.is_too_high()
    }

    #[test]
    fn lists_are_for_directories_that_are_not_too_large() {
        assert!(!too_high(50_000, 100, 10));
        assert!(too_high(50_000, 50_000, 10));
        assert!(!too_high(10_000, 10_000, 1 << 20));
        assert!(too_high(50_000, 1, 10), "directories are names, too");
    }
}
