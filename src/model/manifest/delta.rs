//! Deltas: the entries of a manifest that its base lacks, and a state built from a chain of them
//! (SPEC#formats). Both read all manifests once, in memory that does not depend on the number of
//! entries.

use std::io::{BufRead, Write};

use super::record::Record;
use super::{Entry, Header, ManifestError, Reader, RelPath, Writer};

/// Why manifests could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// One of them cannot be read: its number, from 0.
    #[error("{1}")]
    Manifest(usize, ManifestError),
    /// It does not rest on the one after it.
    #[error("it does not rest on the manifest that was read for it")]
    Unchained(usize),
    #[error("the manifest cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Writes the entries of a whole manifest that its base lacks, with a header that says so. In
/// errors, the base has number 0 and the other one number 1.
///
/// # Errors
/// When one of them cannot be read, or the delta cannot be written.
pub fn write_delta<A: BufRead, B: BufRead, W: Write>(
    mut base: Reader<A>,
    new: Reader<B>,
    header: &Header,
    out: W,
) -> Result<W, ChainError> {
    let mut writer = Writer::new(out, header)?;
    let mut removed: Option<RelPath> = None;
    let mut old = base_entry(&mut base)?;
    for entry in new {
        let entry = entry.map_err(|why| ChainError::Manifest(1, why))?;
        while let Some(gone) = old.take_if(|old| old.path < entry.path) {
            remove(&mut writer, &mut removed, gone.path)?;
            old = base_entry(&mut base)?;
        }
        let before = old.take_if(|old| old.path == entry.path);
        if before.is_some() {
            old = base_entry(&mut base)?;
        }
        // Entries below a removed path must be written again.
        let is_hidden = removed
            .as_ref()
            .is_some_and(|above| entry.path.starts_with(above));
        if is_hidden || before.as_ref() != Some(&entry) {
            writer.write(&entry)?;
        }
    }
    while let Some(gone) = old {
        remove(&mut writer, &mut removed, gone.path)?;
        old = base_entry(&mut base)?;
    }
    Ok(writer.finish()?)
}

/// Records that a path was removed, unless a path above it was.
fn remove<W: Write>(
    writer: &mut Writer<W>,
    last: &mut Option<RelPath>,
    path: RelPath,
) -> std::io::Result<()> {
    if !last.as_ref().is_some_and(|above| path.starts_with(above)) {
        writer.remove(&path)?;
        *last = Some(path);
    }
    Ok(())
}

fn base_entry<R: BufRead>(base: &mut Reader<R>) -> Result<Option<Entry>, ChainError> {
    base.next()
        .transpose()
        .map_err(|why| ChainError::Manifest(0, why))
}

/// One manifest of a chain while it is read.
struct ChainLink<R: BufRead> {
    reader: Reader<R>,
    next: Option<Record>,
    /// The path that it removed last: older manifests are ignored below it.
    removed: Option<RelPath>,
}

impl<R: BufRead> ChainLink<R> {
    fn remove(&mut self, path: RelPath) {
        if !self.hides(&path) {
            self.removed = Some(path);
        }
    }

    /// Whether older manifests are ignored for a path.
    fn hides(&self, path: &RelPath) -> bool {
        self.removed
            .as_ref()
            .is_some_and(|above| path.starts_with(above))
    }
}

/// Writes the whole manifest of the state that a chain describes. The newest manifest is the first;
/// the last one is whole.
///
/// # Errors
/// When one of them cannot be read or does not rest on the next, or the state cannot be written.
pub fn write_state<R: BufRead, W: Write>(chain: Vec<Reader<R>>, out: W) -> Result<W, ChainError> {
    are_chained(&chain)?;
    let Some(newest) = chain.first() else {
        return Err(ChainError::Unchained(0));
    };
    let header = Header {
        delta: None,
        ..newest.header().clone()
    };
    let mut writer = Writer::new(out, &header)?;
    let mut links = Vec::new();
    for (number, mut reader) in chain.into_iter().enumerate() {
        let next = advance(&mut reader, number)?;
        links.push(ChainLink {
            reader,
            next,
            removed: None,
        });
    }
    loop {
        let places = links.iter().filter_map(|link| link.next.as_ref());
        let Some(first) = places.min_by_key(|record| record.place()) else {
            break;
        };
        let (path, is_entry) = (first.path().clone(), first.place().1);
        let mut state: Option<Box<Entry>> = None;
        let mut is_removed = false;
        for (number, link) in links.iter_mut().enumerate() {
            let is_next = |next: &mut Record| next.place() == (&path, is_entry);
            let next = link.next.take_if(is_next);
            if next.is_some() {
                link.next = advance(&mut link.reader, number)?;
            }
            match next {
                // The newest manifest that has the path decides, unless a newer one removed it.
                Some(Record::Entry(entry)) if state.is_none() && !is_removed => {
                    state = Some(entry);
                }
                Some(Record::Removed(path)) => link.remove(path),
                _ => {}
            }
            is_removed |= link.hides(&path);
        }
        if let Some(entry) = state {
            writer.write(&entry)?;
        }
    }
    Ok(writer.finish()?)
}

fn advance<R: BufRead>(
    reader: &mut Reader<R>,
    number: usize,
) -> Result<Option<Record>, ChainError> {
    let next = reader.next_record();
    next.map_err(|why| ChainError::Manifest(number, why))
}

/// Each rests on the next, which is one of the same mount, and the last is whole.
fn are_chained<R: BufRead>(chain: &[Reader<R>]) -> Result<(), ChainError> {
    for (number, reader) in chain.iter().enumerate() {
        let header = reader.header();
        let below = chain.get(number + 1).map(Reader::header);
        let is_chained = match (&header.delta, below) {
            (None, None) => true,
            (Some(delta), Some(below)) => {
                below.stamp() == Some(delta.base)
                    && below.mount == header.mount
                    && below.location == header.location
            }
            _ => false,
        };
        if !is_chained {
            return Err(ChainError::Unchained(number));
        }
    }
    Ok(())
}
