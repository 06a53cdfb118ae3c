//! Which names from an archive or manifest may be written below a target (SPEC#restore). Pure.
//!
//! An archive comes from a store that others may write to, so its names are not trusted, whatever
//! 7-Zip does with them.

use crate::model::listed::Listed;
use crate::model::path::Family;

/// Why an entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    #[error("it is an absolute path")]
    Absolute,
    #[error("it leads out of the target through '..'")]
    Dots,
    #[error("it starts with a drive letter")]
    Drive,
    #[error("it is a link")]
    Link,
    #[error("it is not encrypted")]
    Plain,
    #[error("it has no name")]
    Empty,
    #[error("'{0}' is not a legal file name on this system")]
    Illegal(String),
}

/// Looks at one entry of an archive.
///
/// # Errors
/// When extracting it could write outside the target, or under another name than the listed one.
pub fn entry(listed: &Listed, host: Family) -> Result<(), Unsafe> {
    if listed.is_link {
        return Err(Unsafe::Link);
    }
    path(&listed.path, host)
}

/// Whoever may upload could put an archive of his own in the place of ours; without the key he
/// cannot encrypt it.
///
/// # Errors
/// When the entry has content that anybody could have written.
pub fn encrypted(listed: &Listed) -> Result<(), Unsafe> {
    if listed.is_directory || listed.size == 0 || listed.is_encrypted {
        Ok(())
    } else {
        Err(Unsafe::Plain)
    }
}

/// Looks at a relative path with `/` between names.
///
/// # Errors
/// As [`entry`].
pub fn path(path: &str, host: Family) -> Result<(), Unsafe> {
    if path.starts_with(['/', '\\']) {
        return Err(Unsafe::Absolute);
    }
    // A backslash is an ordinary character of a Unix name, but no honest archive has `..\x`.
    if path.split(['/', '\\']).any(|name| name == "..") {
        return Err(Unsafe::Dots);
    }
    let first = path.split(['/', '\\']).next().unwrap_or_default();
    if matches!(first.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
        && (host == Family::Windows || first.len() == 2)
    {
        return Err(Unsafe::Drive);
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(Unsafe::Empty);
    }
    path.split('/').try_for_each(|name| self::name(name, host))
}

/// Looks at one file name.
fn name(name: &str, host: Family) -> Result<(), Unsafe> {
    let illegal = || Unsafe::Illegal(name.escape_debug().to_string());
    if name.is_empty() || name == "." || name.contains('\0') {
        return Err(illegal());
    }
    if host == Family::Unix {
        return Ok(());
    }
    let reserved =
        |c: char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\');
    if name.contains(reserved) || name.ends_with(['.', ' ']) || is_device(name) {
        return Err(illegal());
    }
    Ok(())
}

/// `CON`, `NUL.txt`, `COM1` and their kin open a device on Windows.
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
    fn what_is_refused_and_what_is_not() {
        use Family::{Unix, Windows};
        for (text, host, ok) in [
            ("a/b.txt", Unix, true),
            ("a/b/", Unix, true),
            ("..a/b..", Unix, true),
            ("a:b", Unix, true),
            ("x:1.txt", Unix, true),
            ("a\\b", Unix, true),
            ("aux", Unix, true),
            ("../x", Unix, false),
            ("a/../../x", Unix, false),
            ("..\\x", Unix, false),
            ("/abs", Unix, false),
            ("\\abs", Unix, false),
            ("C:\\x", Unix, false),
            ("c:", Unix, false),
            ("c:/x", Unix, false),
            ("a//b", Unix, false),
            ("./a", Unix, false),
            ("", Unix, false),
            ("a/b.txt", Windows, true),
            ("con", Windows, false),
            ("a/nul.tar.gz", Windows, false),
            ("com1", Windows, false),
            ("com10", Windows, true),
            ("a.", Windows, false),
            ("a /b", Windows, false),
            ("a:stream", Windows, false),
            ("c:x", Windows, false),
            ("a?b", Windows, false),
            ("a\u{1}b", Windows, false),
        ] {
            assert_eq!(path(text, host).is_ok(), ok, "{text:?} on {host}");
        }
        let link = Listed {
            path: "a".into(),
            is_link: true,
            ..Listed::default()
        };
        assert_eq!(entry(&link, Unix), Err(Unsafe::Link));
    }
}
