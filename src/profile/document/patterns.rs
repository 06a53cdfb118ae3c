//! Patterns with which an editor finds a mistake that `check` describes.
//!
//! A pattern accepts whatever `check` accepts, because a profile that breaks one is refused. It can
//! accept more: what depends on other keys, such as the kind of a path, is left to `check`.

use crate::model::job::{ADDRESS, HOST};
use crate::model::policy::{SECRET_FILE, VARIABLE};

pub const NAME: &str = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$";
pub const LOCATION: &str = r"^(?! |.* $|\.{1,2}$)[\p{Alphabetic}\p{N}.' -]{1,64}$";
pub const BUCKET: &str = r"^(?!.*\.\.)(?![0-9]+(\.[0-9]+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$";
pub const REGION: &str = r"^[a-z0-9-]+$";
pub const URL: &str = r"^[Hh][Tt][Tt][Pp][Ss]?://[^@\s]+$";
pub const ENDPOINT: &str = URL;

/// A full path of either family. Wildcards are refused on Windows only.
pub const PATH: &str =
    r#"^(/[^\x00-\x1f]*|[A-Za-z]:[\\/][^*?<>"|\x00-\x1f]*|\\\\[^\\/*?\x00-\x1f][^*?\x00-\x1f]*)$"#;
/// A full path without wildcards.
pub const SOURCE: &str = r#"^((~[\\/]|\$\{[A-Za-z_][A-Za-z0-9_]*\})[^*?\x00-\x1f]*|/[^*?\x00-\x1f]*|[A-Za-z]:[\\/][^*?<>"|\x00-\x1f]*|\\\\[^\\/*?\x00-\x1f][^*?\x00-\x1f]*)$"#;
/// A bare name, which may have wildcards, or a full path without them.
pub const EXCLUSION: &str = r"^(?![A-Za-z]:[\\/].*[*?])(?!\\\\.*[*?])(?!\.\.?/*$)((~[\\/]|\$\{[A-Za-z_][A-Za-z0-9_]*\})[^*?\x00-\x1f]*|[^/\x00-\x1f]+[/\\]*|/[^*?\x00-\x1f]*|[A-Za-z]:/[^\x00-\x1f]*|[^/\x00-\x1f]*\\[^\x00-\x1f]*)$";
/// A program on the search path, or the full path of one.
pub const PROGRAM: &str =
    r"^([^/\x00-\x1f]+|/[^\x00-\x1f]*|[A-Za-z]:[\\/][^\x00-\x1f]*|\\\\[^\x00-\x1f]+)$";
/// A drive letter of Windows, or a directory on Unix.
pub const MOUNT: &str =
    r"^((~[\\/]|\$\{[A-Za-z_][A-Za-z0-9_]*\})[^\x00-\x1f]*|[A-Za-z]:\\?|/[^\x00-\x1f]+)$";

/// A configured remote of rclone and a path. Other forms that rclone accepts, such as
/// `:sftp,pass=…:`, may contain a password. A single letter is a drive.
pub const REMOTE: &str = r"^[A-Za-z0-9_][A-Za-z0-9_.+@ -]+:[^\x00-\x1f]*$";
/// `25%`.
pub const PERCENT: &str = r"^(100|[0-9]{1,2})%$";

/// `90s`, `1h 30m`: the units of the crate humantime.
pub const SPAN: &str = r"^\s*(0\s*$|[0-9][0-9\s]*(\.[0-9\s]+)?\s*(nanos|nsec|ns|micros|usec|us|µs|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|wks?|w|months?|M|years?|yrs?|y)\s*)+$";
/// `02:30`
pub const TIME: &str = r"^([01][0-9]|2[0-3]):[0-5][0-9]$";
/// `4 GB`, `50MB`: the units of the crate bytesize that a profile can need.
pub const SIZE: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]?\s*$";
/// `2MB`, or `08:00-18:00 2MB`.
pub const LIMIT: &str = r"^\s*([0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]\s+)?[0-9]+(\.[0-9]+)?\s*([kKmMgGtT][iI]?)?[bB]?\s*$";

/// What a pattern asks for, as an editor says it.
pub fn in_words(pattern: &str) -> Option<&'static str> {
    let words = match pattern {
        NAME => {
            "Write 1 to 64 letters, digits, '.', '_' and '-', with a letter or digit at both ends."
        }
        LOCATION => {
            "Write 1 to 64 letters, digits, '.', '-', apostrophes and spaces inside. Underscores are not allowed."
        }
        BUCKET => "Write the name of a bucket: 3 to 63 lower-case letters, digits, '.' and '-'.",
        REGION => "Write a region such as us-east-1.",
        URL => "Write an address such as https://example.com, without a user name.",
        SOURCE => {
            "Write the full path of a directory, without wildcards: /home/allen or C:\\Users\\Allen."
        }
        PATH | SECRET_FILE => "Write a full path: /home/allen or C:\\Users\\Allen.",
        EXCLUSION => "Write a name, which may have * and ?, or a full path without them.",
        PROGRAM => "Write the name of a program, or its full path.",
        MOUNT => {
            "Write a drive letter such as 'Q:' (Windows), or the full path of a directory (Unix)."
        }
        SPAN => "Write a time span such as 90s, 10m or 1h 30m.",
        TIME => "Write a time of day such as 02:30.",
        SIZE => "Write a size such as 4 GB or 500MB.",
        LIMIT => "Write bytes per second such as 2MB, or 08:00-18:00 2MB.",
        PERCENT => "Write a number such as 100, or a percentage such as 25%.",
        REMOTE => "Write a remote of rclone and a path: nas:backups.",
        ADDRESS => "Write one plain address, such as owner@example.com.",
        VARIABLE => "Write the name of an environment variable, not the secret.",
        HOST => "Write the name of a server, such as smtp.example.com.",
        _ => return None,
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use bytesize::ByteSize;
    use serde_json::json;

    use super::*;
    use crate::model::bandwidth::Window;
    use crate::model::exclusion::Exclusion;
    use crate::model::path::{Family, FullPath};

    fn matches(pattern: &str, text: &str) -> bool {
        let schema = json!({"type": "string", "pattern": pattern});
        jsonschema::is_valid(&schema, &json!(text))
    }

    fn full(text: &str) -> bool {
        FullPath::parse(text)
            .is_ok_and(|path| path.family() == Family::Unix || !text.contains(['*', '?']))
    }

    #[test]
    fn a_pattern_refuses_what_is_seen_to_be_wrong() {
        for (pattern, accepted, refused) in [
            (
                SOURCE,
                &["/", "/home/al len", r"C:\Users", "c:/users", r"\\nas\share"][..],
                &[
                    "",
                    "home",
                    "./x",
                    "~x",
                    "/a/*",
                    r"C:\a*",
                    "C:",
                    "C:x",
                    "/a\n",
                    r"\\?\C:\x",
                ][..],
            ),
            (PATH, &["/a/*", r"D:\x"], &["a", r"D:\x?", "%TEMP%\\x"]),
            (
                EXCLUSION,
                &[
                    "*.tmp",
                    "a b",
                    "cache*/",
                    r"a\",
                    "/full/path",
                    r"C:\full",
                    r"\\nas\s\x",
                    "$RECYCLE.BIN",
                ],
                &[
                    "",
                    ".",
                    "..",
                    "a/b",
                    "/full/*",
                    r"C:\full\*",
                    "**/x",
                    "a\tb",
                ],
            ),
            (
                PROGRAM,
                &["7zz", "7z.exe", "/usr/bin/7zz", r"C:\7z.exe"],
                &["", "bin/7zz", "./7zz"],
            ),
            (
                MOUNT,
                &["Q:", r"q:\", "/mnt/snapshot"],
                &["Q", "/", r"Q:\x", "mnt"],
            ),
            (
                SPAN,
                &["90s", "1h 30m", "2 hours", "1day", "1.5h"],
                &["", "10", "m", "10 parsecs", "h1"],
            ),
            (
                SIZE,
                &["4 GB", "50MB", "64k", "4GiB", "1.5 gb"],
                &["", "GB", "4 GBit", "-1", "4 G B"],
            ),
            (
                LIMIT,
                &["2MB", "08:00-18:00 2MB", "500 kB"],
                &["fast", "08:00 2MB", "08:00-18:00"],
            ),
            (
                BUCKET,
                &["my-backups", "a.b.c"],
                &["a..b", "10.0.0.1", "My", "ab-", "x"],
            ),
        ] {
            for text in accepted {
                assert!(matches(pattern, text), "'{text}' is refused by {pattern}");
            }
            for text in refused {
                assert!(!matches(pattern, text), "'{text}' is accepted by {pattern}");
            }
        }
    }

    proptest::proptest! {
        /// A pattern that refused more than `check` would make a good profile a bad one.
        #[test]
        fn a_pattern_accepts_what_check_accepts(
            text in r#"([A-Za-z]:|~|\\\\|/|\.|)[a-z./\\*?: <>"$%é\t]{0,8}"#,
            span in r"[0-9 ]{0,3}(\.[0-9])?(ns|us|ms|s|sec|secs|m|min|mins|minutes|hr|hrs|hour|d|days|w|M|y|x)? ?[0-9]{0,2}[smhd]?",
            size in r" ?[0-9]{1,4}(\.[0-9]{1,2})? ?[kKmMgGtT]?[iI]?[bB]? ?",
        ) {
            if full(&text) {
                proptest::prop_assert!(matches(PATH, &text), "{text}");
                proptest::prop_assert!(text.contains(['*', '?']) || matches(SOURCE, &text), "{text}");
            }
            // In a profile of Unix, a text that begins like a path of Windows is refused as one.
            let is_windows = text.get(1..2) == Some(":") || text.starts_with(r"\\");
            for family in [Family::Unix, Family::Windows] {
                let accepted = Exclusion::parse(&text, family).is_ok();
                if accepted && !(family == Family::Unix && is_windows) {
                    proptest::prop_assert!(matches(EXCLUSION, &text), "{text} {family}");
                }
            }
            if humantime::parse_duration(span.trim()).is_ok() {
                proptest::prop_assert!(matches(SPAN, &span), "{span}");
            }
            if ByteSize::from_str(size.trim()).is_ok() {
                proptest::prop_assert!(matches(SIZE, &size), "{size}");
            }
            if size.parse::<Window>().is_ok() {
                proptest::prop_assert!(matches(LIMIT, &size), "{size}");
            }
        }
    }
}
