//! Names that this system cannot create, or cannot distinguish from another, are restored under
//! legal ones (SPEC#restore). Pure.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::path::Family;

/// Where the entries of one mount are restored to. Unix can create every name.
#[derive(Debug)]
pub struct LegalNames {
    host: Family,
    /// The places that are taken, as the system compares them, and the entries that took them. Both
    /// are hashes, because a mount may have millions of entries.
    taken: HashMap<u64, u64>,
    /// What is restored elsewhere.
    places: BTreeMap<String, String>,
}

impl LegalNames {
    /// For a system, when nothing is taken yet.
    pub fn new(host: Family) -> LegalNames {
        LegalNames {
            host,
            taken: HashMap::new(),
            places: BTreeMap::new(),
        }
    }

    /// The place of an entry, with `/` between names. It stays the same from now on.
    pub fn place(&mut self, path: &str) -> String {
        if self.host == Family::Unix || path.is_empty() {
            return path.to_owned();
        }
        if let Some(place) = self.places.get(path) {
            return place.clone();
        }
        let (above, name) = match path.rsplit_once('/') {
            Some((above, name)) => (format!("{}/", self.place(above)), name),
            None => (String::new(), path),
        };
        let legal = legal(name);
        let own = hash(path);
        let mut place = format!("{above}{legal}");
        let mut number = 2;
        while *self
            .taken
            .entry(hash(&self.host.fold(&place)))
            .or_insert(own)
            != own
        {
            place = format!("{above}{}", numbered(&legal, number));
            number += 1;
        }
        if place != path {
            self.places.insert(path.to_owned(), place.clone());
        }
        place
    }

    /// Whether everything so far keeps its name.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// An entry that got a different name: its path, and its place.
    pub fn renamed(&self) -> impl Iterator<Item = (&str, &str)> {
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let renamed = self.places.iter();
        renamed
            .filter(move |(path, place)| last(path) != last(place))
            .map(|(path, place)| (path.as_str(), place.as_str()))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// `a.txt` as `a (2).txt`.
fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({number}).{extension}"),
        _ => format!("{name} ({number})"),
    }
}

/// A name that Windows can create, as 7-Zip would choose it.
fn legal(name: &str) -> String {
    let is_reserved =
        |c: char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\');
    let kept = name.trim_end_matches(['.', ' ']);
    let tail = name.chars().count() - kept.chars().count();
    let clean: String = kept
        .chars()
        .map(|c| if is_reserved(c) { '_' } else { c })
        .chain(std::iter::repeat_n('_', tail))
        .collect();
    if is_device(&clean) {
        format!("_{clean}")
    } else {
        clean
    }
}

/// `CON`, `NUL.txt`, `COM1` and similar names open a device on Windows.
fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let mut numbered = stem.chars();
    let digit = numbered.next_back();
    matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) || (matches!(numbered.as_str(), "COM" | "LPT")
        && digit.is_some_and(|d| matches!(d, '0'..='9' | '¹' | '²' | '³')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names_of_windows() {
        for (name, expected) in [
            ("b.txt", "b.txt"),
            ("a.", "a_"),
            ("dots..", "dots__"),
            ("a ", "a_"),
            (". .", "___"),
            ("a:stream", "a_stream"),
            ("c:x", "c_x"),
            ("back\\slash", "back_slash"),
            ("q?*\"<>|\u{1}", "q_______"),
            ("con", "_con"),
            ("nul.tar.gz", "_nul.tar.gz"),
            ("com1", "_com1"),
            ("com10", "com10"),
        ] {
            assert_eq!(legal(name), expected, "{name:?}");
            assert_eq!(LegalNames::new(Family::Windows).place(name), expected);
            assert_eq!(LegalNames::new(Family::Unix).place(name), name);
        }
    }

    #[test]
    fn twins_get_numbers_and_keep_them() {
        let mut names = LegalNames::new(Family::Windows);
        for (path, expected) in [
            ("Twin.txt", "Twin.txt"),
            ("bad.", "bad_"),
            ("bad_", "bad_ (2)"),
            ("d./x", "d_/x"),
            ("d./y.", "d_/y_"),
            ("d_", "d_ (2)"),
            ("d_/x", "d_ (2)/x"),
            ("twin.txt", "twin (2).txt"),
            ("Twin (2).txt", "Twin (2) (2).txt"),
            ("TWIN.TXT", "TWIN (3).TXT"),
            ("twin.txt", "twin (2).txt"),
            ("Twin.txt", "Twin.txt"),
        ] {
            assert_eq!(names.place(path), expected, "{path}");
        }
        let renamed: Vec<_> = names.renamed().map(|(path, _)| path).collect();
        let expected = [
            "TWIN.TXT",
            "Twin (2).txt",
            "bad.",
            "bad_",
            "d.",
            "d./y.",
            "d_",
            "twin.txt",
        ];
        assert_eq!(renamed, expected);
    }
}
