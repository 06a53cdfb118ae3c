//! The backup log: one readable file a run, opened before anything else can fail (SPEC#log).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;

use crate::adapters::fs::{create_private_directory, entries};
use crate::model::event::{Event, Section, Sink};
use crate::model::text::{describe, harmless, harmless_json};

/// The log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the log file '{path}' cannot be opened: {why}")]
pub struct LogError {
    pub path: PathBuf,
    pub why: io::Error,
}

/// An open log file, which reads events.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    json: Option<File>,
    day: NaiveDate,
    section: Option<Section>,
    /// The first reason why something could not be written.
    trouble: Option<String>,
}

/// A line of the JSON log.
#[derive(Serialize)]
struct LogLine<'a> {
    time: String,
    #[serde(flatten)]
    event: &'a Event,
}

/// What log file names end with; only such files are ever removed.
const SUFFIXES: [&str; 2] = [".aam-backup.log", ".aam-backup.jsonl"];

impl LogFile {
    /// Opens a new log file for `operation`, such as `nightly-regular`, with a counter in its name
    /// if there is one already; with `json` another one beside it, for programs.
    ///
    /// # Errors
    /// When the directory or a file cannot be made.
    pub fn create(
        directory: &Path,
        operation: &str,
        now: DateTime<Utc>,
        json: bool,
    ) -> Result<LogFile, LogError> {
        let failed = |path: &Path, why| LogError {
            path: path.to_path_buf(),
            why,
        };
        create_private_directory(directory).map_err(|why| failed(directory, why))?;
        let stem = format!("{}_{operation}", now.format("%Y%m%d_%H%M%S"));
        for counter in 0_u32.. {
            let stem = if counter == 0 {
                stem.clone()
            } else {
                format!("{stem}_{counter}")
            };
            let [path, beside] = SUFFIXES.map(|suffix| directory.join(format!("{stem}{suffix}")));
            // Somebody may have removed the log of an earlier run, and only that.
            if json && beside.exists() {
                continue;
            }
            let file = match new_file(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(why) => return Err(failed(&path, why)),
            };
            let json = json
                .then(|| new_file(&beside))
                .transpose()
                .map_err(|why| failed(&beside, why))?;
            let day = now.date_naive();
            let mut inner = Inner {
                file,
                json,
                day,
                section: None,
                trouble: None,
            };
            inner.write(&format!("{operation}, {day}; all times are UTC\n"));
            return Ok(LogFile {
                path,
                inner: Mutex::new(inner),
            });
        }
        unreachable!("four billion logs of one second")
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the log lacks something, if it does.
    pub fn trouble(&self) -> Option<String> {
        self.inner.lock().ok()?.trouble.clone()
    }
}

impl Inner {
    /// A full disk must not stop a backup to another one.
    fn write(&mut self, text: &str) {
        let written = (&self.file).write_all(harmless(text).as_bytes());
        self.note(written);
    }

    fn note(&mut self, written: io::Result<()>) {
        if let (Err(error), None) = (written, &self.trouble) {
            self.trouble = Some(error.to_string());
        }
    }

    fn write_json(&mut self, time: DateTime<Utc>, event: &Event) {
        let Some(mut file) = self.json.as_ref().filter(|_| !event.is_fleeting()) else {
            return;
        };
        if let Some(line) = json_line(time, event) {
            let written = file.write_all(line.as_bytes());
            self.note(written);
        }
    }
}

/// An event for programs: one line of JSON.
pub fn json_line(time: DateTime<Utc>, event: &Event) -> Option<String> {
    let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let line = serde_json::to_string(&LogLine { time, event }).ok()?;
    Some(harmless_json(&line).into_owned() + "\n")
}

/// A file that was not there before, for its owner alone: it names private files.
fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Sink for &LogFile {
    fn emit(&self, event: &Event) {
        let Ok(mut inner) = self.inner.lock() else {
            return;
        };
        let now = Utc::now();
        inner.write_json(now, event);
        let Some(text) = describe(event) else { return };
        if inner.day != now.date_naive() {
            let day = now.date_naive();
            inner.day = day;
            inner.write(&format!("\n-- {day} --\n"));
        }
        let section = event.section();
        let heading =
            (inner.section != Some(section)).then(|| format!("\n== {} ==\n", section.heading()));
        inner.section = Some(section);
        inner.write(&format!(
            "{}{} {text}\n",
            heading.unwrap_or_default(),
            now.format("%H:%M:%S")
        ));
    }
}

/// Removes log files older than `days`. Returns how many, and what could not be removed.
pub fn remove_old(
    directory: &Path,
    days: u32,
    now: SystemTime,
) -> (u64, Vec<(PathBuf, io::Error)>) {
    let age = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let (mut removed, mut failures) = (0, Vec::new());
    for entry in entries(directory).into_iter().flatten() {
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| SUFFIXES.iter().any(|suffix| name.ends_with(suffix)));
        let modified = entry
            .path
            .symlink_metadata()
            .ok()
            .filter(|m| m.is_file())
            .and_then(|m| m.modified().ok());
        let old = modified
            .and_then(|at| now.duration_since(at).ok())
            .is_some_and(|since| since > age);
        if ours && old {
            match fs::remove_file(&entry.path) {
                Ok(()) => removed += 1,
                Err(error) => failures.push((entry.path, error)),
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
        let first = LogFile::create(place.path(), "nightly-regular", now, true).unwrap();
        let second = LogFile::create(place.path(), "nightly-regular", now, false).unwrap();
        assert_ne!(first.path(), second.path());
        fs::write(place.path().join("mine.log"), "kept").unwrap();
        let later = SystemTime::now() + Duration::from_secs(3 * 24 * 60 * 60);
        assert_eq!(remove_old(place.path(), 4, later).0, 0);
        assert_eq!(remove_old(place.path(), 2, later).0, 3);
        assert!(place.path().join("mine.log").exists());
    }
}
