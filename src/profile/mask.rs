//! Source lines without the secrets that someone may have written into a profile
//! (SPEC#credentials).
//!
//! There are two rules, because a text that is not YAML has no positions: values under a key that
//! names a secret, and everything that follows such a key in its line.

use std::sync::LazyLock;

use regex::Regex;

use crate::profile::position::Positions;

/// Words in a key whose value may be a secret, also a misspelled or v1.0 key. Anyone who knows the
/// address of a webhook can send messages.
const WORDS: &str = "key|secret|passw|passphrase|pwd|token|credential|url";

static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("(?i){WORDS}")));
/// A key that names a secret, with everything after its colon.
static SECRET_ENTRY: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r#"(?i)(?:{WORDS})[\w.-]*["']?\s*[:=]\s*"#)));

/// Keys of a reference whose values are not secret.
static REFERENCE_ENTRY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*(?:env|file|command|keyring|service|user):\s+"));
/// A user name, and perhaps a password, in an address.
static USER_INFO: LazyLock<Regex> = LazyLock::new(|| pattern(r"://[^\s/@]*@"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|e| unreachable!("a constant pattern: {e}"))
}

/// Whether the value of a key may be a secret.
pub fn names_secret(key: &str) -> bool {
    SECRET_KEY.is_match(key)
}

/// A message that repeats a value, for the case that a quote left open has swallowed a secret's
/// line into that value.
pub fn message(mut text: String) -> String {
    if let Some(entry) = SECRET_ENTRY.find(&text) {
        text.truncate(entry.end());
        text.push_str("***");
    }
    text
}

/// Line `number` (from 1) of the text, secrets replaced by `***`.
pub fn masked_line(text: &str, number: usize, places: &Positions) -> String {
    let Some(line) = text.lines().nth(number.wrapping_sub(1)) else {
        return String::new();
    };
    let mut cut = SECRET_ENTRY
        .find(line)
        .filter(|m| m.end() < line.len())
        .map(|m| m.end());
    if cut.is_none() && below_secret(text, number) {
        let indent = line.len() - line.trim_start().len();
        cut = Some(REFERENCE_ENTRY.find(line).map_or(indent, |m| m.end()));
    }
    if let Some(info) = USER_INFO.find(line) {
        let start = info.start() + "://".len();
        cut = Some(cut.map_or(start, |c| c.min(start)));
    }
    let mut cut = cut.map(|bytes| line[..bytes].chars().count());
    // Offsets count characters; a line starts after all the lines before it.
    let start: usize = text
        .split_inclusive('\n')
        .take(number - 1)
        .map(|l| l.chars().count())
        .sum();
    let end = start + line.chars().count();
    for (pointer, place) in places.scalars() {
        let under = pointer.split('/').any(names_secret);
        if under && place.start < end && place.end.max(place.start + 1) > start {
            let column = place.start.saturating_sub(start);
            cut = Some(cut.map_or(column, |c| c.min(column)));
        }
    }
    match cut {
        Some(column) => line.chars().take(column).chain("***".chars()).collect(),
        None => line.to_owned(),
    }
}

/// Whether a line is, by its indentation, below a key that names a secret.
fn below_secret(text: &str, number: usize) -> bool {
    let indent = |l: &str| l.chars().take_while(|c| *c == ' ').count();
    let lines: Vec<&str> = text.lines().take(number).collect();
    let Some((line, above)) = lines.split_last() else {
        return false;
    };
    // Between brackets, a value may continue at any indentation.
    let last = above.iter().rev().find(|l| !l.trim().is_empty());
    if last.is_some_and(|l| {
        SECRET_ENTRY
            .find_iter(l)
            .last()
            .is_some_and(|m| m.end() == l.len())
    }) {
        return true;
    }
    let mut deepest = indent(line);
    for candidate in above
        .iter()
        .rev()
        .filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'))
    {
        if indent(candidate) < deepest {
            deepest = indent(candidate);
            let key = candidate.split(':').next().unwrap_or_default();
            if names_secret(key) || SECRET_ENTRY.is_match(candidate) {
                return true;
            }
        }
    }
    false
}
