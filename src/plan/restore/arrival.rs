//! Which entries of a zip are complete when only some of its parts have arrived, and how long each
//! part is needed. Pure.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::model::listed::Listed;

use super::parts::{ArchivePart, PlannedArchive};

/// A header in a zip is at most this long: 30 bytes, a name and extra fields of at most 65535 bytes
/// each, and after the content 24 bytes of descriptor.
const HEADER: u64 = 30 + 2 * 65535 + 24;

/// Where the parts of an archive are in it, and in which order they arrive.
pub struct PartArrival {
    /// Where in the archive each part ends.
    ends: Vec<u64>,
    /// Which part arrives first, second, …
    order: Vec<usize>,
}

impl PartArrival {
    pub fn new(archive: &PlannedArchive) -> PartArrival {
        let sizes = archive.parts();
        let ends = sizes.iter().map(ArchivePart::size).scan(0, |sum, size| {
            *sum += size;
            Some(*sum)
        });
        PartArrival {
            ends: ends.collect(),
            order: archive.arrival_order(),
        }
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The parts, first to arrive first.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The part that holds this byte of the archive.
    fn part_at(&self, byte: u64) -> usize {
        self.ends.partition_point(|end| *end <= byte)
    }

    /// The parts that may contain an entry. `None` if that is not known.
    fn touched(&self, entry: &Listed) -> Option<RangeInclusive<usize>> {
        let begin = entry.offset?;
        let end = begin.saturating_add(entry.packed).saturating_add(HEADER);
        Some(self.part_at(begin)..=self.part_at(end))
    }

    /// How many parts must have arrived before an entry in these parts is complete.
    fn needs(&self, touched: &RangeInclusive<usize>) -> usize {
        self.order
            .iter()
            .rposition(|index| touched.contains(index))
            .map_or(self.count(), |last| last + 1)
    }
}

/// How long each part of an archive is needed, from its table of contents.
pub struct PartUses {
    /// How many parts must have arrived until each one is used.
    last_use: Vec<usize>,
    /// The parts from this one on contain the table itself.
    table: usize,
}

impl PartUses {
    /// For an archive with this many parts, before the table is read.
    pub fn new(parts: usize) -> PartUses {
        PartUses {
            last_use: vec![0; parts],
            table: 0,
        }
    }

    /// Takes the next entry of the table. Returns how many parts must have arrived before the entry
    /// is complete. `None` if it is in a part of `used`: then an earlier start extracted it, with
    /// everything in that part.
    pub fn add(
        &mut self,
        entry: &Listed,
        arrival: &PartArrival,
        used: &BTreeSet<usize>,
    ) -> Option<usize> {
        let Some(touched) = arrival.touched(entry) else {
            // It may be anywhere.
            self.last_use.fill(usize::MAX);
            return Some(arrival.count());
        };
        let end = entry.offset.unwrap_or(0).saturating_add(entry.packed);
        self.table = self.table.max(arrival.part_at(end));
        if touched.clone().any(|part| used.contains(&part)) {
            return None;
        }
        let needs = arrival.needs(&touched);
        for part in touched {
            if let Some(last) = self.last_use.get_mut(part) {
                *last = needs.max(*last);
            }
        }
        Some(needs)
    }

    /// Whether a part is no longer needed after this many parts have arrived and were used. The
    /// first part is always needed, because 7-Zip begins with it.
    pub fn is_over(&self, part: usize, done: usize) -> bool {
        part > 0 && part < self.table && self.last_use[part] <= done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_whole_when_all_its_parts_are_here() {
        let mebibyte = 1 << 20;
        let arrival = PartArrival {
            ends: (1..=4).map(|i| i * mebibyte).collect(),
            order: vec![3, 0, 1, 2],
        };
        let needs = |offset, packed| {
            let entry = Listed {
                offset,
                packed,
                ..Listed::default()
            };
            PartUses::new(4).add(&entry, &arrival, &BTreeSet::new())
        };
        assert_eq!(needs(Some(3 * mebibyte), 1000), Some(1), "in the last one");
        assert_eq!(needs(Some(4 * mebibyte - 10), 10), Some(1), "to its end");
        assert_eq!(needs(Some(0), 1000), Some(2));
        assert_eq!(
            needs(Some(mebibyte - 1000), 1),
            Some(3),
            "its header may go on"
        );
        assert_eq!(needs(Some(2 * mebibyte + 1000), mebibyte), Some(4));
        assert_eq!(needs(Some(0), 4 * mebibyte), Some(4));
        assert_eq!(needs(None, 1), Some(4), "it may lie anywhere");
    }

    #[test]
    fn a_part_is_over_when_all_that_lies_in_it_is_extracted() {
        let mebibyte = 1 << 20;
        let arrival = PartArrival {
            ends: (1..=4).map(|i| i * mebibyte).collect(),
            order: vec![3, 0, 1, 2],
        };
        let mut uses = PartUses::new(4);
        for offset in [0, mebibyte, mebibyte + 500_000, 3 * mebibyte] {
            let entry = Listed {
                offset: Some(offset),
                packed: 1000,
                ..Listed::default()
            };
            uses.add(&entry, &arrival, &BTreeSet::new());
        }
        assert!(!uses.is_over(0, 4), "7-Zip begins with it");
        assert!(!uses.is_over(1, 2) && uses.is_over(1, 3));
        assert!(uses.is_over(2, 1), "nothing lies in it");
        assert!(!uses.is_over(3, 4), "it holds the table");
    }
}
