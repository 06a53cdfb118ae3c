//! The backup log: one readable file a run, opened before anything else can fail (SPEC §10, design L436-480, L2960).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use crate::event::{Event, Section, Sink};
use crate::text::line;

/// The log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the log file '{path}' cannot be opened: {why}")]
pub struct LogError {
    pub path: PathBuf,
    pub why: io::Error,
}

/// An open log file, which reads events.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    section: Option<Section>,
}

/// What log file names end with; only such files are ever removed.
const SUFFIX: &str = ".aam-backup.log";

impl Log {
    /// Opens a new log file for `operation`, such as `nightly-regular`, with a counter in its name if there is one
    /// already.
    ///
    /// # Errors
    /// When the directory or the file cannot be made.
    pub fn create(directory: &Path, operation: &str, now: DateTime<Utc>) -> Result<Log, LogError> {
        let failed = |path: &Path, why| LogError { path: path.to_path_buf(), why };
        fs::create_dir_all(directory).map_err(|why| failed(directory, why))?;
        let stem = format!("{}_{operation}", now.format("%Y%m%d_%H%M%S"));
        for counter in 0_u32.. {
            let name = if counter == 0 { format!("{stem}{SUFFIX}") } else { format!("{stem}_{counter}{SUFFIX}") };
            let path = directory.join(name);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            // It names private files.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&path) {
                Ok(file) => return Ok(Log { path, inner: Mutex::new(Inner { file, section: None }) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(why) => return Err(failed(&path, why)),
            }
        }
        unreachable!("four billion logs of one second")
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Sink for &Log {
    fn tell(&self, event: &Event) {
        let Some(text) = line(event) else { return };
        let Ok(mut inner) = self.inner.lock() else { return };
        let section = event.section();
        let heading = (inner.section != Some(section)).then(|| format!("\n== {} ==\n", section.heading()));
        inner.section = Some(section);
        let text = format!("{}{} {text}\n", heading.unwrap_or_default(), Utc::now().format("%H:%M:%S"));
        // A full disk must not stop a backup to another one.
        let _ = inner.file.write_all(text.as_bytes());
    }
}

/// Removes log files older than `days`. Returns how many, and what could not be removed.
pub fn remove_old(directory: &Path, days: u32, now: SystemTime) -> (u64, Vec<(PathBuf, io::Error)>) {
    let age = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let (mut removed, mut failures) = (0, Vec::new());
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(SUFFIX));
        let modified = entry.metadata().ok().filter(|m| m.is_file()).and_then(|m| m.modified().ok());
        let old = modified.and_then(|at| now.duration_since(at).ok()).is_some_and(|since| since > age);
        if ours && old {
            match fs::remove_file(entry.path()) {
                Ok(()) => removed += 1,
                Err(error) => failures.push((entry.path(), error)),
            }
        }
    }
    (removed, failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_names_and_retention() {
        let place = tempfile::tempdir().unwrap();
        let now = Utc::now();
        let first = Log::create(place.path(), "nightly-regular", now).unwrap();
        let second = Log::create(place.path(), "nightly-regular", now).unwrap();
        assert_ne!(first.path(), second.path());
        fs::write(place.path().join("mine.log"), "kept").unwrap();
        let later = SystemTime::now() + Duration::from_secs(3 * 24 * 60 * 60);
        assert_eq!(remove_old(place.path(), 4, later).0, 0);
        assert_eq!(remove_old(place.path(), 2, later).0, 2);
        assert!(place.path().join("mine.log").exists());
    }
}
