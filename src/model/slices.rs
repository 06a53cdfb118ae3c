//! Slices: a large object's SHA-256 in pieces, so that the beginning of a volume can be trusted
//! before its end is downloaded (SPEC#formats, SPEC#restore). The marker has them beside the
//! SHA-256 of the whole.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A slice has at least this many bytes; an object that has no more is not sliced. Smaller ones
/// would cost a request each and save no time: 8 MiB take three seconds at 20 Mbit/s.
const SMALLEST: u64 = 8 << 20;

/// An object has at most this many slices, so that markers stay small.
const MOST: u64 = 16;

/// The slices of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Slices {
    /// Bytes of each slice; the last one may have less.
    size: u64,
    /// Their SHA-256 in order, lower-case hexadecimal.
    sha256: Vec<String>,
}

impl Slices {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.sha256.len()
    }

    /// The range of each slice of an object of `size` bytes, and its SHA-256. `None` if they are
    /// not the slices of an object of that size: a marker can hold anything.
    pub fn of(&self, size: u64) -> Option<impl Iterator<Item = (Range<u64>, &str)>> {
        let fits = self.size > 0 && size.div_ceil(self.size) == self.sha256.len() as u64;
        let starts = (0..size).step_by(usize::try_from(self.size.max(1)).ok()?);
        let ranges = starts.map(move |start| start..start.saturating_add(self.size).min(size));
        fits.then(|| ranges.zip(self.sha256.iter().map(String::as_str)))
    }
}

/// Hashes an object of known size while it is read, whole and in slices.
pub struct Hasher {
    whole: Sha256,
    /// Bytes of a slice; `None`: not sliced.
    size: Option<u64>,
    slice: Sha256,
    /// Bytes that the open slice still takes.
    left: u64,
    done: Vec<String>,
}

impl Hasher {
    pub fn new(size: u64) -> Hasher {
        let size =
            (size > SMALLEST).then(|| size.div_ceil(MOST).max(SMALLEST).next_multiple_of(1 << 20));
        let (left, done) = (size.unwrap_or(0), Vec::new());
        Hasher {
            whole: Sha256::new(),
            size,
            slice: Sha256::new(),
            left,
            done,
        }
    }

    pub fn update(&mut self, mut bytes: &[u8]) {
        self.whole.update(bytes);
        let Some(size) = self.size else { return };
        while !bytes.is_empty() {
            let count = bytes
                .len()
                .min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let (here, rest) = bytes.split_at(count);
            self.slice.update(here);
            self.left -= count as u64;
            if self.left == 0 {
                self.close(size);
            }
            bytes = rest;
        }
    }

    fn close(&mut self, size: u64) {
        self.done.push(hex::encode(self.slice.finalize_reset()));
        self.left = size;
    }

    /// SHA-256 of the whole, and the slices.
    pub fn finish(mut self) -> (String, Option<Slices>) {
        if let Some(size) = self.size.filter(|size| self.left < *size) {
            self.close(size);
        }
        let (whole, sha256) = (hex::encode(self.whole.finalize()), self.done);
        (whole, self.size.map(|size| Slices { size, sha256 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(bytes: &[u8], step: usize) -> (String, Option<Slices>) {
        let mut hasher = Hasher::new(bytes.len() as u64);
        bytes.chunks(step).for_each(|chunk| hasher.update(chunk));
        hasher.finish()
    }

    #[test]
    fn each_slice_is_hashed_and_they_are_the_whole() {
        let mebibyte = 1 << 20;
        for (size, count) in [
            (0, None),
            (8 * mebibyte, None),
            (8 * mebibyte + 1, Some(2)),
            (16 * mebibyte, Some(2)),
            (64 * mebibyte - 1, Some(8)),
            (200 * mebibyte + 5, Some(16)),
        ] {
            let bytes: Vec<u8> = (0..size).map(|i| (i / 1000 + i) as u8).collect();
            for step in [3 * mebibyte + 7, 1 << 30] {
                let (whole, slices) = hashed(&bytes, step);
                assert_eq!(whole, hex::encode(Sha256::digest(&bytes)), "{size}");
                assert_eq!(slices.as_ref().map(|s| s.sha256.len()), count, "{size}");
                let Some(slices) = slices else { continue };
                let mut end = 0;
                for (range, sha256) in slices.of(size as u64).unwrap() {
                    assert_eq!(range.start, end);
                    end = range.end;
                    let slice = &bytes[range.start as usize..range.end as usize];
                    assert_eq!(
                        sha256,
                        hex::encode(Sha256::digest(slice)),
                        "{size}: {range:?}"
                    );
                }
                assert_eq!(end, size as u64);
            }
        }
    }

    #[test]
    fn slices_of_another_object_are_none() {
        let slices = |size, count| Slices {
            size,
            sha256: vec![String::new(); count],
        };
        assert!(slices(10, 3).of(30).is_some() && slices(10, 3).of(21).is_some());
        for (wrong, size) in [
            (slices(10, 3), 31),
            (slices(10, 3), 20),
            (slices(0, 3), 30),
            (slices(0, 0), 0),
            (slices(u64::MAX, 2), 30),
        ] {
            assert!(wrong.of(size).is_none(), "{wrong:?} {size}");
        }
    }
}
