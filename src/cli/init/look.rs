//! What this computer knows: its name, its home directory, and what is in a directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::text::{count, size};

/// How long a person waits for an answer to an answer.
const MOMENT: Duration = Duration::from_secs(2);

/// The path with the home directory in place of `~`.
pub(super) fn expanded(path: &Path) -> PathBuf {
    let home = std::env::home_dir();
    match (path.strip_prefix("~"), home) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path.to_owned(),
    }
}

/// The files in a directory and their bytes, as far as they are counted in a moment.
///
/// # Errors
/// When it does not exist, is not a directory, or cannot be read.
pub(super) fn content(directory: &Path) -> io::Result<String> {
    fs::read_dir(directory)?;
    let until = Instant::now() + MOMENT;
    let (mut files, mut bytes) = (0, 0_u64);
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop().filter(|_| Instant::now() < until) {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => {
                    files += 1;
                    bytes += entry.metadata().map_or(0, |found| found.len());
                }
                _ => {}
            }
        }
    }
    let more = if open.is_empty() { "" } else { "more than " };
    Ok(format!("{more}{}, {}", count(files, "file"), size(bytes)))
}

/// The free space where backups are to go.
pub(super) fn room(directory: &Path) -> String {
    match fs4::available_space(directory) {
        Ok(free) if directory.is_dir() => format!("{} free", size(free)),
        _ => "not there yet: make it before the first backup".to_owned(),
    }
}

/// The computer's own name, as a location can have it.
pub(super) fn computer_name() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_str()
        .ok()
        .map(str::to_owned);
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok();
    let allowed = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.map(|name| name.chars().map(allowed).collect::<String>())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_directory_is_counted() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("a/b")).unwrap();
        fs::write(place.path().join("a/one"), "1").unwrap();
        fs::write(place.path().join("a/b/two"), "22").unwrap();
        assert_eq!(content(place.path()).unwrap(), "2 files, 3 bytes");
        assert!(content(&place.path().join("a/one")).is_err());
        assert!(content(&place.path().join("none")).is_err());
    }

    #[test]
    fn the_home_directory_has_a_short_name() {
        let home = std::env::home_dir().unwrap();
        for (given, expected) in [
            ("~", home.clone()),
            ("~/Documents", home.join("Documents")),
            ("~other/Documents", PathBuf::from("~other/Documents")),
            ("/a/~/b", PathBuf::from("/a/~/b")),
        ] {
            assert_eq!(expanded(Path::new(given)), expected, "{given}");
        }
    }
}
