//! What is kept of an archive that is sent while it is made: its beginning, and its end with the
//! list of its entries. 7-Zip reads that list in place of the archive (SPEC#stream).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// 7-Zip looks at the first entry of an archive to know it.
const HEAD: usize = 64 * 1024;

/// Bytes of the end that are kept besides the list of entries that is expected: for entries that
/// come in while the archive is made.
const MORE: u64 = 4 << 20;

/// More than an entry takes in the list of a zip besides its name: 46 bytes, and 75 for times,
/// encryption and sizes beyond 4 GB.
const ENTRY: u64 = 128;

/// The beginning and the end of a stream.
pub(super) struct ArchiveEnds {
    directory: PathBuf,
    /// Bytes of the end that are kept at the least.
    window: u64,
    head: Vec<u8>,
    size: u64,
    /// The last bytes, in two files without a name: each is dropped when the one after it is full.
    older: Option<File>,
    newer: File,
    /// Where the newer one begins, and how much it has.
    begins: u64,
    has: u64,
}

impl ArchiveEnds {
    /// For the archive of the paths in a list; files without a name are made in `directory`.
    pub fn of(list: &Path, directory: &Path) -> io::Result<ArchiveEnds> {
        let (mut window, mut line) = (MORE, Vec::new());
        let mut lines = BufReader::new(File::open(list)?);
        while lines.read_until(b'\n', &mut line)? > 0 {
            window += line.len() as u64 + ENTRY;
            line.clear();
        }
        ArchiveEnds::keeping(window, directory)
    }

    fn keeping(window: u64, directory: &Path) -> io::Result<ArchiveEnds> {
        Ok(ArchiveEnds {
            directory: directory.to_owned(),
            window,
            head: Vec::new(),
            size: 0,
            older: None,
            newer: tempfile::tempfile_in(directory)?,
            begins: 0,
            has: 0,
        })
    }

    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        if self.has >= self.window {
            let next = tempfile::tempfile_in(&self.directory)?;
            self.older = Some(std::mem::replace(&mut self.newer, next));
            (self.begins, self.has) = (self.size, 0);
        }
        self.newer.write_all(bytes)?;
        self.has += bytes.len() as u64;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Writes a file as large as the archive that has only its ends; the rest is a hole.
    pub fn write(self, place: &Path) -> io::Result<()> {
        let mut file = File::create(place)?;
        file.set_len(self.size)?;
        file.write_all(&self.head)?;
        if let Some(mut older) = self.older {
            // Only what completes the window.
            let has = older.stream_position()?;
            let wanted = self.window.saturating_sub(self.has).min(has);
            older.seek(SeekFrom::Start(has - wanted))?;
            file.seek(SeekFrom::Start(self.begins - wanted))?;
            io::copy(&mut older, &mut file)?;
        }
        let mut newer = self.newer;
        newer.rewind()?;
        file.seek(SeekFrom::Start(self.begins))?;
        io::copy(&mut newer, &mut file)?;
        file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list of a zip is in the last bytes, whatever the sizes of the pieces.
    #[test]
    fn the_beginning_and_at_least_the_window_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let all: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for (window, size, step) in [
            (100_000, 4_000_000, 70_001),
            (100_000, 250_000, 1000),
            (100_000, 99, 100),
            (100_000, 0, 100),
            (5_000_000, 4_000_000, 1_000_000),
        ] {
            let mut ends = ArchiveEnds::keeping(window as u64, directory.path()).unwrap();
            for piece in all[..size].chunks(step) {
                ends.add(piece).unwrap();
            }
            let place = directory.path().join("ends");
            ends.write(&place).unwrap();
            let found = std::fs::read(&place).unwrap();
            assert_eq!(found.len(), size);
            let head = HEAD.min(size);
            assert_eq!(found[..head], all[..head], "{window} {size} {step}");
            let tail = size.saturating_sub(window);
            assert_eq!(found[tail..], all[tail..size], "{window} {size} {step}");
            let holds = 2 * (window + step) + HEAD;
            let zeros = found.iter().filter(|byte| **byte == 0).count();
            assert!(size < 2 * holds || zeros > size / 2, "the rest is a hole");
        }
    }
}
