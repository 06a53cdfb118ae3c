//! Whether an archive format accepts a key. Checked when the key is known, before anything is
//! archived.

use crate::model::name::Format;
use crate::model::secret::Secret;

/// The longest zip password 7-Zip takes; it refuses a longer one.
const MAX_ZIP_KEY: usize = 99;

/// Why 7-Zip would refuse a key or read it differently. Never contains the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the encryption key is empty")]
    Empty,
    #[error("the encryption key is longer than the 99 characters a zip archive can take")]
    TooLong,
    #[error(
        "the encryption key contains a character that a zip archive cannot take: only printable ASCII (or set `archive.format: 7z`)"
    )]
    NotPrintableAscii,
    #[error("the encryption key contains a line break or a NUL character")]
    LineBreak,
}

/// Checks a key against what the format takes: zip 1 to 99 printable ASCII characters; 7z any text
/// of one line.
///
/// # Errors
/// When 7-Zip would refuse the key or use another one.
pub fn check_key(format: Format, key: &Secret) -> Result<(), KeyError> {
    let key = key.expose();
    if key.is_empty() {
        return Err(KeyError::Empty);
    }
    // 7-Zip reads the key as one line of standard input.
    if key.contains(['\n', '\r', '\0']) {
        return Err(KeyError::LineBreak);
    }
    match format {
        Format::SevenZip => Ok(()),
        Format::Zip if !key.bytes().all(|b| matches!(b, b' '..=b'~')) => {
            Err(KeyError::NotPrintableAscii)
        }
        Format::Zip if key.len() > MAX_ZIP_KEY => Err(KeyError::TooLong),
        Format::Zip => Ok(()),
    }
}

/// A shorter key can be found by trying: whoever has an archive can try without limit. 12 random
/// letters and digits are beyond that.
const SHORTEST_GOOD_KEY: usize = 12;

/// Whether a key is so short that it can be guessed. It is used all the same, because older
/// archives may need it.
pub fn is_short(key: &Secret) -> bool {
    key.expose().chars().count() < SHORTEST_GOOD_KEY
}

/// What is said of a short key.
pub fn short_key(of: &str) -> String {
    format!(
        "{of} has fewer than {SHORTEST_GOOD_KEY} characters: whoever gets an archive can find the key by trying"
    )
}

/// What to do about a short key.
pub const SHORT_KEY_HINT: &str = "use a longer key, such as one that `aam-backup init --new-key FILE` makes; keep the old one for \
     the older backups, and run once with --new-key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_both_formats() {
        let (just, over) = ("x".repeat(99), "x".repeat(100));
        for (key, zip, seven) in [
            ("1234abcd1234abcd", Ok(()), Ok(())),
            (" ~\"'\\%!", Ok(()), Ok(())),
            ("", Err(KeyError::Empty), Err(KeyError::Empty)),
            ("a\nb", Err(KeyError::LineBreak), Err(KeyError::LineBreak)),
            ("a\0b", Err(KeyError::LineBreak), Err(KeyError::LineBreak)),
            ("pässword", Err(KeyError::NotPrintableAscii), Ok(())),
            ("a\tb", Err(KeyError::NotPrintableAscii), Ok(())),
            (&just, Ok(()), Ok(())),
            (&over, Err(KeyError::TooLong), Ok(())),
        ] {
            assert_eq!(
                check_key(Format::Zip, &Secret::new(key)),
                zip,
                "zip {key:?}"
            );
            assert_eq!(
                check_key(Format::SevenZip, &Secret::new(key)),
                seven,
                "7z {key:?}"
            );
        }
    }
}
