//! What `find` searches for (SPEC#search). Pure.

use std::fmt::Write as _;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::model::manifest::Entry;
use crate::model::path::FullPath;

/// A name, or with a separator in it a path, in which `*` and `?` are wildcards. Without wildcards
/// a name that contains it is meant. Case does not matter.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    is_path: bool,
}

/// The text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("the pattern is empty")]
    Empty,
    #[error("the pattern is too long")]
    TooLong,
}

impl Pattern {
    /// Whether an entry of this mount matches.
    pub fn within<'p>(&'p self, mount: &FullPath) -> Box<dyn FnMut(&Entry) -> bool + 'p> {
        if !self.is_path {
            let matches = |name: &[u8]| self.matches(&String::from_utf8_lossy(name));
            return Box::new(move |entry| entry.path.name().is_some_and(matches));
        }
        let mut path = mount.to_string();
        let root = path.clone();
        if !path.ends_with(['/', '\\']) {
            path.push('/');
        }
        let base = path.len();
        Box::new(move |entry| {
            if entry.path.is_root() {
                return self.matches(&root);
            }
            path.truncate(base);
            // A pattern takes the separators of either system. Writing to a text cannot fail.
            let _ = write!(path, "{}", entry.path);
            self.matches(&path)
        })
    }

    /// Whether a name, or for a path pattern a full path, matches.
    fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Pattern, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let is_path = text.contains(['/', '\\']);
        let body: String = text
            .chars()
            .map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                // A path may be written with the separators of either system.
                '/' | '\\' => r"[/\\]".to_owned(),
                c => regex::escape(&c.to_string()),
            })
            .collect();
        let pattern = match text.contains(['*', '?']) {
            true => format!("^{body}$"),
            false => body,
        };
        RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build()
            .map(|regex| Pattern { regex, is_path })
            .map_err(|_| PatternError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::{EntryKind, Meta, RelPath};

    #[test]
    fn names_and_paths() {
        for (pattern, text, found) in [
            ("tax", "Tax 2025.pdf", true),
            ("tax*", "my tax", false),
            ("*.pdf", "a.PDF", true),
            ("*.pdf", "a.pdf.txt", false),
            ("a?c", "abc", true),
            ("a?c", "abbc", false),
            ("[1]", "b[1].txt", true),
            ("[1]", "b1.txt", false),
            ("docs/*.txt", "/home/docs/a.txt", false),
            ("*/docs/*.txt", "/home/docs/x/a.txt", true),
            ("docs/a", "/home/docs/a.txt", true),
            ("docs/a", r"C:\Docs\a.txt", true),
            ("über", "ÜBER.txt", true),
        ] {
            assert_eq!(
                pattern.parse::<Pattern>().unwrap().matches(text),
                found,
                "{pattern} {text}"
            );
        }
        assert!("".parse::<Pattern>().is_err());
    }

    #[test]
    fn entries_of_a_mount() {
        for (mount, path, pattern, found) in [
            ("/home/a", "", "/home/a", true),
            ("/home/a", "docs/x.txt", "home/a/docs", true),
            ("/home/a", "docs/x.txt", "/home/a/docs/*", true),
            ("/", "docs/x.txt", "/docs/x.txt", true),
            ("/", "", "/*", true),
            (r"C:\Users", "Docs/x.txt", r"C:\users\docs\*", true),
            (r"C:\", "Docs/x.txt", r"C:\docs\*", true),
            ("/home/a", "docs/x.txt", "docs", false),
            ("/home/a", "", "a", false),
            ("/home/a", "docs", "docs", true),
        ] {
            let mount = FullPath::parse(mount).unwrap();
            let meta = Meta::unknown();
            let entry = Entry::new(&RelPath::from_bytes(path), EntryKind::File, meta, None);
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(
                pattern.within(&mount)(&entry),
                found,
                "{mount} {path} {pattern:?}"
            );
        }
    }
}
