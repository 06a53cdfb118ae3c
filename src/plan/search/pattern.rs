//! What `find` searches for (SPEC#search). Pure.

use std::str::FromStr;

use regex::{Regex, RegexBuilder};

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
    /// Whether only full paths can match.
    pub fn is_path(&self) -> bool {
        self.is_path
    }

    /// Whether a name, or for a path pattern a full path, matches.
    pub fn matches(&self, text: &str) -> bool {
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
}
