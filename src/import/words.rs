//! A Windows command line as the words that a program gets.
//!
//! The crates for this lose an empty argument (`""`) or work on Windows only, and v1.0 took an
//! empty argument for "no mirror".

/// Splits as Python on Windows did: the rules of the C runtime since 2008. 2n backslashes before a
/// quote are n backslashes, an odd one more makes the quote a character; `""` inside quotes is a
/// quote.
pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    // `None` between words: `""` is a word, nothing is not.
    let mut word: Option<String> = None;
    let (mut quoted, mut backslashes) = (false, 0);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        if backslashes > 0 {
            let shown = if c == '"' {
                backslashes / 2
            } else {
                backslashes
            };
            word.get_or_insert_default().push_str(&"\\".repeat(shown));
        }
        let literal = backslashes % 2 == 1;
        backslashes = 0;
        match c {
            '"' if literal => word.get_or_insert_default().push('"'),
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if backslashes > 0 {
        word.get_or_insert_default()
            .push_str(&"\\".repeat(backslashes));
    }
    words.extend(word);
    words
}

/// What v1.0 called its two backups.
pub const REGULAR: &str = "regular-backup";

/// The other one.
pub const INCREMENTAL_ONLY: &str = "incremental-only-backup";

#[cfg(test)]
mod tests {
    use super::split;

    /// The examples are Microsoft's, and those of the design.
    #[test]
    fn words_as_windows_splits_them() {
        for (line, words) in [
            (r#"a  b	c"#, &["a", "b", "c"][..]),
            (r#""a b c" d e"#, &["a b c", "d", "e"]),
            (r#""ab\"c" "\\" d"#, &["ab\"c", "\\", "d"]),
            (r#"a\\\b d"e f"g h"#, &[r"a\\\b", "de fg", "h"]),
            (r#"a\\\"b c d"#, &[r#"a\"b"#, "c", "d"]),
            (r#"a\\\\"b c" d e"#, &[r"a\\b c", "d", "e"]),
            (r#"a"b"" c d"#, &[r#"ab" c d"#]),
            (r#"x "" "" y """#, &["x", "", "", "y", ""]),
            (
                r#""local|AWS" "F:\backup\main" False"#,
                &["local|AWS", r"F:\backup\main", "False"],
            ),
            // The well-known trap: the backslash takes the quote.
            (r#""F:\a b\" False"#, &[r#"F:\a b" False"#]),
            (r"F:\a\ b", &[r"F:\a\", "b"]),
            (r"C:\", &[r"C:\"]),
            ("", &[]),
            ("  ", &[]),
        ] {
            assert_eq!(split(line), words, "{line}");
        }
    }
}
