//! Which entries of an archive are complete when, as list files for 7-Zip.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use crate::model::listed::Listed;

/// How many 7-Zips extract at a time: one uses one processor for a zip.
pub const EXTRACTORS: usize = 2;

/// For each number of arrived parts, the entries that are then complete: list files, one for each
/// 7-Zip.
pub struct EntryLists {
    directory: PathBuf,
    /// The lists being written.
    open: Option<(usize, OpenLists)>,
}

/// A list for each 7-Zip, and the bytes in its entries.
type OpenLists = [(BufWriter<File>, u64); EXTRACTORS];

impl EntryLists {
    /// Lists in this directory, none yet.
    pub fn new(directory: PathBuf) -> EntryLists {
        EntryLists {
            directory,
            open: None,
        }
    }

    fn path(&self, needs: usize, extractor: usize) -> PathBuf {
        self.directory
            .join(format!("whole-after-{needs}.{extractor}.txt"))
    }

    /// Entries come in their order in the archive, so that only one list is open at a time.
    pub fn add(&mut self, needs: usize, entry: &Listed) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != needs) {
            self.close()?;
            let list = |extractor| {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(self.path(needs, extractor))?;
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

    /// Joins the lists of entries that became complete when the parts after `done` arrived, up to
    /// `until`. `None` if they are empty.
    pub fn join(&self, done: usize, until: usize, extractor: usize) -> io::Result<Option<PathBuf>> {
        let joined = self.directory.join(format!("joined.{extractor}.txt"));
        let mut out = BufWriter::new(File::create(&joined)?);
        let mut bytes = 0;
        for needs in done + 1..=until {
            match File::open(self.path(needs, extractor)) {
                Ok(mut list) => bytes += io::copy(&mut list, &mut out)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        out.flush()?;
        Ok((bytes > 0).then_some(joined))
    }
}
