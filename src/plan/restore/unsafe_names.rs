//! Which names from an archive or manifest may be written below a target (SPEC#restore). Pure.
//!
//! An archive comes from a store that others may write to, so its names are not trusted, regardless
//! of what 7-Zip does with them.

use crate::model::listed::Listed;

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
    #[error("'{0}' is not a legal file name")]
    Illegal(String),
}

/// Looks at one entry of an archive.
///
/// # Errors
/// When extracting it could write outside the target.
pub fn entry(listed: &Listed) -> Result<(), Unsafe> {
    if listed.is_link {
        return Err(Unsafe::Link);
    }
    path(&listed.path)
}

/// Anyone who may upload could replace an archive with their own, but cannot encrypt it without the
/// key.
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
pub fn path(path: &str) -> Result<(), Unsafe> {
    if path.starts_with(['/', '\\']) {
        return Err(Unsafe::Absolute);
    }
    // A backslash is an ordinary character in a Unix name, but only a malicious archive has `..\x`.
    if path.split(['/', '\\']).any(|name| name == "..") {
        return Err(Unsafe::Dots);
    }
    let first = path.split(['/', '\\']).next().unwrap_or_default();
    if matches!(first.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic()) {
        return Err(Unsafe::Drive);
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(Unsafe::Empty);
    }
    path.split('/').try_for_each(name)
}

/// Looks at one file name. A name that only this system cannot create is changed
/// ([`super::legal_names`]).
fn name(name: &str) -> Result<(), Unsafe> {
    if name.is_empty() || name == "." || name.contains('\0') {
        return Err(Unsafe::Illegal(name.escape_debug().to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_and_what_is_not() {
        for (text, ok) in [
            ("a/b.txt", true),
            ("a/b/", true),
            ("..a/b..", true),
            ("a:b", true),
            ("x:1.txt", true),
            ("a\\b", true),
            ("aux", true),
            ("../x", false),
            ("a/../../x", false),
            ("..\\x", false),
            ("/abs", false),
            ("\\abs", false),
            ("C:\\x", false),
            ("c:", false),
            ("c:/x", false),
            ("a//b", false),
            ("./a", false),
            ("", false),
        ] {
            assert_eq!(path(text).is_ok(), ok, "{text:?}");
        }
        let link = Listed {
            path: "a".into(),
            is_link: true,
            ..Listed::default()
        };
        assert_eq!(entry(&link), Err(Unsafe::Link));
    }
}
