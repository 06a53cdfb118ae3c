//! Lists of the files that are extracted from each archive.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::model::stamp::Stamp;

use super::error::RestoreError;

/// List files being written, one an archive.
#[derive(Default)]
pub struct ListWriters(BTreeMap<Stamp, (WrittenList, BufWriter<File>)>);

/// A list file, how many files it names, and their bytes.
pub struct WrittenList {
    pub path: PathBuf,
    pub files: u64,
    pub bytes: u64,
}

impl ListWriters {
    /// Adds a file of so many bytes to the list of an archive.
    pub fn add(
        &mut self,
        stamp: Stamp,
        path: &str,
        bytes: u64,
        place: impl Fn(Stamp) -> PathBuf,
    ) -> Result<(), RestoreError> {
        let (list, out) = match self.0.entry(stamp) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(new) => {
                let place = place(stamp);
                let file = File::create(&place).map_err(RestoreError::disk("write", &place))?;
                let list = WrittenList {
                    path: place,
                    files: 0,
                    bytes: 0,
                };
                new.insert((list, BufWriter::new(file)))
            }
        };
        list.files += 1;
        list.bytes += bytes;
        writeln!(out, "\"{path}\"").map_err(RestoreError::disk("write", &list.path))
    }

    /// The lists by stamp.
    pub fn close(self) -> Result<BTreeMap<Stamp, WrittenList>, RestoreError> {
        let close = |(stamp, (list, mut out)): (Stamp, (WrittenList, BufWriter<File>))| {
            out.flush()
                .map_err(RestoreError::disk("write", &list.path))?;
            Ok((stamp, list))
        };
        self.0.into_iter().map(close).collect()
    }
}
