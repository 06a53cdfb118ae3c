//! Names with wildcards, without case, in the manner of DOS.

/// Whether a name is one of those a pattern stands for. `*.*` is every name, and `x.*` also `x`.
pub fn matches(pattern: &str, name: &str) -> bool {
    let [pattern, name] = [pattern, name].map(|text| upper(text).chars().collect::<Vec<char>>());
    matches_units(&pattern, &name)
        || pattern
            .strip_suffix(&['.', '*'])
            .is_some_and(|start| matches_units(start, &name))
}

fn matches_units(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|skipped| matches_units(rest, &name[skipped..])),
        Some(('?', rest)) => name
            .split_first()
            .is_some_and(|(_, name)| matches_units(rest, name)),
        Some((wanted, rest)) => name
            .split_first()
            .is_some_and(|(c, name)| c == wanted && matches_units(rest, name)),
    }
}

/// The form in which names are compared: each character of the first plane in its upper case, where
/// that is one character.
pub fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(one), None) if u32::from(c) < 0x1_0000 => one,
            _ => c,
        }
    };
    text.chars().map(one).collect()
}

/// Whether it stands for more than one name.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// What names are listed by: as in a dictionary, in which signs stand before digits and letters and
/// hyphens hardly count (L6546: `-test1.txt` before `--test1.txt`, both among the t).
pub fn sort_key(name: &str) -> (Vec<(bool, char)>, usize) {
    let lower = name.to_lowercase();
    let letters: Vec<(bool, char)> = lower
        .chars()
        .filter(|c| !matches!(c, '-' | '\''))
        .map(|c| (c.is_alphanumeric(), c))
        .collect();
    let hyphens = lower.chars().count() - letters.len();
    (letters, hyphens)
}
