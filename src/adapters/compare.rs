//! Two plain files, compared byte by byte.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::adapters::fs::open_plain;
use crate::model::cancel::Cancel;

const BUFFER: usize = 1 << 20;

/// How two files compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Same,
    /// They differ from this byte on, counted from 0.
    DifferAt(u64),
    Interrupted,
}

/// One of the files cannot be read.
#[derive(Debug)]
pub struct UnreadableFile {
    pub path: PathBuf,
    pub why: io::Error,
}

/// Compares two plain files to their ends, or until it is interrupted.
///
/// # Errors
/// When one cannot be read or is not a plain file.
pub fn compare(one: &Path, other: &Path, stop: &Cancel) -> Result<Comparison, UnreadableFile> {
    let (mut first, mut second) = (open(one)?, open(other)?);
    let mut at = 0;
    while !stop.is_set() {
        let a = first.fill_buf().map_err(unreadable(one))?;
        let b = second.fill_buf().map_err(unreadable(other))?;
        let length = a.len().min(b.len());
        if length == 0 {
            return Ok(match a.len() == b.len() {
                true => Comparison::Same,
                false => Comparison::DifferAt(at),
            });
        }
        if a[..length] != b[..length] {
            let pairs = a.iter().zip(b);
            let same = pairs.take_while(|(a, b)| a == b).count();
            return Ok(Comparison::DifferAt(at + same as u64));
        }
        at += length as u64;
        first.consume(length);
        second.consume(length);
    }
    Ok(Comparison::Interrupted)
}

fn open(path: &Path) -> Result<BufReader<File>, UnreadableFile> {
    let opened = open_plain(path, OpenOptions::new().read(true));
    let file = opened.map_err(unreadable(path))?;
    Ok(BufReader::with_capacity(BUFFER, file))
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> UnreadableFile {
    let path = path.to_owned();
    move |why| UnreadableFile { path, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let mut bytes = vec![7; 3 * BUFFER];
        std::fs::write(path("one"), &bytes).unwrap();
        std::fs::write(path("same"), &bytes).unwrap();
        bytes[2 * BUFFER + 5] ^= 1;
        std::fs::write(path("flipped"), &bytes).unwrap();
        std::fs::write(path("short"), &bytes[..BUFFER + 1]).unwrap();
        let with = |name: &str| compare(&path("one"), &path(name), &Cancel::new());
        assert_eq!(with("same").unwrap(), Comparison::Same);
        let at = |at: usize| Comparison::DifferAt(at as u64);
        assert_eq!(with("flipped").unwrap(), at(2 * BUFFER + 5));
        assert_eq!(with("short").unwrap(), at(BUFFER + 1));
        assert_eq!(with("none").unwrap_err().path, path("none"));
    }
}
