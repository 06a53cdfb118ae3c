//! The time that list files for 7-Zip cost: it compares each entry of a directory with each listed
//! name in it. Pure.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::model::listed::Listed;

/// The time for comparing with lists, besides the time for extracting.
#[derive(Default)]
pub struct ListCost {
    random: RandomState,
    /// Number of names in a directory, by a hash of its path, so that no names are in memory.
    names: HashMap<u64, u64>,
    comparing: u64,
    extracting: u64,
}

impl ListCost {
    // Nanoseconds, measured with 200,000 files: in one directory 40,000 of them took 235 s by list
    // instead of 28 s.
    const COMPARE: u64 = 20;
    const FILE: u64 = 400_000;
    const BYTE: u64 = 4;

    pub fn add(&mut self, entry: &Listed) {
        if !entry.is_directory {
            self.extracting += ListCost::FILE + entry.size.saturating_mul(ListCost::BYTE);
        }
        let mut path = entry.path.as_str();
        while !path.is_empty() {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let names = self.names.entry(self.random.hash_one(parent)).or_default();
            // One more name adds the difference of two squares in comparisons.
            self.comparing += ListCost::COMPARE * (2 * *names + 1);
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
        let mut cost = ListCost::default();
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
