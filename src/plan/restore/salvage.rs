//! Which entries of a damaged zip are complete. Pure.

use std::ops::Range;

use crate::model::listed::Listed;

/// What can be extracted, and what is lost: names of files.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SalvageChoice {
    pub whole: Vec<String>,
    pub lost: Vec<String>,
}

/// Chooses among all entries of an archive. An entry reaches from its header to the header of the
/// next one. An entry that overlaps `bad` is lost; one that overlaps `used` was extracted before.
pub fn choose(
    mut entries: Vec<Listed>,
    bad: &[Range<u64>],
    used: &[Range<u64>],
    is_wanted: impl Fn(&Listed) -> bool,
) -> SalvageChoice {
    entries.sort_by_key(|entry| entry.offset);
    let begins: Vec<Option<u64>> = entries.iter().map(|entry| entry.offset).collect();
    let next = |index: usize| begins.get(index + 1).copied().flatten();
    let mut choice = SalvageChoice::default();
    for (index, entry) in entries.into_iter().enumerate() {
        // Directories are made from the manifest. Naming a directory would also name everything in
        // it.
        if entry.is_directory || !is_wanted(&entry) {
            continue;
        }
        let bytes = entry.offset.map(|begin| {
            let least = begin.saturating_add(entry.packed);
            begin..next(index).unwrap_or(least.saturating_add(LAST)).max(least)
        });
        let meets = |ranges: &[Range<u64>]| {
            let meets = |range: &Range<u64>| {
                let overlap =
                    |bytes: &Range<u64>| bytes.start < range.end && range.start < bytes.end;
                // An entry that may be anywhere may be there.
                bytes.as_ref().is_none_or(overlap)
            };
            ranges.iter().any(meets)
        };
        match meets(bad) {
            true => choice.lost.push(entry.path),
            false if meets(used) => {}
            false => choice.whole.push(entry.path),
        }
    }
    choice
}

/// For the last entry, because nothing says where the next one begins: its header and what follows
/// its content are hardly longer.
const LAST: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_meets_a_bad_range_is_lost_and_nothing_else() {
        let entry = |path: &str, offset: Option<u64>, packed| Listed {
            path: path.to_owned(),
            offset,
            packed,
            ..Listed::default()
        };
        let entries = || {
            vec![
                entry("c", Some(300), 70),
                entry("a", Some(0), 70),
                entry("b", Some(100), 170),
                entry("d", Some(5000), 10),
                Listed {
                    is_directory: true,
                    ..entry("directory", Some(400), 0)
                },
            ]
        };
        let lost = |bad: Range<u64>| choose(entries(), &[bad], &[], |_| true).lost;
        assert_eq!(lost(0..1), ["a"]);
        assert_eq!(
            lost(99..100),
            ["a"],
            "what follows its content is part of it"
        );
        assert_eq!(lost(100..101), ["b"], "its header");
        assert_eq!(lost(150..301), ["b", "c"]);
        assert_eq!(lost(401..500), [""; 0], "a directory is made anyway");
        assert_eq!(lost(5000..5001), ["d"]);
        assert_eq!(lost(6100..9000), [""; 0], "the table of contents");
        let (bad, used) = ([100..101, 5000..5001], [0..1, 9000..9001]);
        let some = choose(entries(), &bad, &used, |entry| entry.path != "d");
        assert_eq!(
            some.whole,
            ["c"],
            "not what was extracted, nor what nobody wants"
        );
        let anywhere = choose(vec![entry("x", None, 1)], &bad, &[], |_| true);
        assert_eq!(anywhere.lost, ["x"]);
    }
}
