//! Objects that a run began to send while their content was made. If the run is killed, the next
//! one removes them (SPEC#stream).

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{State, StateError};
use crate::adapters::fs::{create_private_directory, write_whole};

/// An object that a store has a beginning of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OpenObject {
    pub store: String,
    pub key: String,
    /// What the store needs to remove it.
    pub trace: String,
    /// When a run first found its store missing from the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted_since: Option<DateTime<Utc>>,
}

/// What the runs before noted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OpenNotes {
    pub objects: Vec<OpenObject>,
    /// How many lines are damaged.
    pub damaged: u64,
}

impl State {
    /// Where open objects are noted.
    pub fn open_objects_path(&self) -> PathBuf {
        self.directory.join("open-objects.jsonl")
    }

    /// What runs before began and did not remove.
    ///
    /// # Errors
    /// When there are notes that cannot be read.
    pub fn open_objects(&self) -> Result<OpenNotes, StateError> {
        let text = match fs::read(self.open_objects_path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(OpenNotes::default()),
            read => read.map_err(|why| self.notes_failed("reading", why))?,
        };
        let mut notes = OpenNotes::default();
        // The last line of a killed run may be cut, also inside of a letter.
        let lines = text.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line) {
                Ok(open) => notes.objects.push(open),
                Err(_) => notes.damaged += 1,
            }
        }
        Ok(notes)
    }

    /// Notes an object before its content is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_open(&self, open: &OpenObject) -> Result<(), StateError> {
        let append = || -> io::Result<()> {
            // The line before may be cut.
            let mut line = vec![b'\n'];
            serde_json::to_writer(&mut line, open)?;
            line.push(b'\n');
            create_private_directory(&self.directory)?;
            let mut options = OpenOptions::new();
            let options = options.create(true).append(true);
            options.open(self.open_objects_path())?.write_all(&line)
        };
        append().map_err(|why| self.notes_failed("writing", why))
    }

    /// Forgets all but these.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_open(&self, open: &[OpenObject]) -> Result<(), StateError> {
        let replace = || -> io::Result<()> {
            if open.is_empty() {
                return match fs::remove_file(self.open_objects_path()) {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                    removed => removed,
                };
            }
            let mut text = Vec::new();
            for open in open {
                serde_json::to_writer(&mut text, open)?;
                text.push(b'\n');
            }
            write_whole(&self.open_objects_path(), &text)
        };
        replace().map_err(|why| self.notes_failed("writing", why))
    }

    fn notes_failed(&self, doing: &'static str, why: io::Error) -> StateError {
        StateError {
            doing,
            path: self.open_objects_path(),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(key: &str) -> OpenObject {
        OpenObject {
            store: "Bücher".to_owned(),
            key: key.to_owned(),
            trace: "ü".to_owned(),
            unlisted_since: None,
        }
    }

    /// A killed run may cut its last line anywhere, also inside of a letter.
    #[test]
    fn a_cut_line_costs_no_other_line() {
        let whole = serde_json::to_vec(&open("cut")).unwrap();
        for length in 0..=whole.len() {
            let directory = tempfile::tempdir().unwrap();
            let state = State {
                directory: directory.path().to_owned(),
            };
            state.note_open(&open("before")).unwrap();
            let mut text = fs::read(state.open_objects_path()).unwrap();
            text.extend_from_slice(&whole[..length]);
            fs::write(state.open_objects_path(), text).unwrap();
            let mut expected = OpenNotes {
                objects: vec![open("before")],
                damaged: 1,
            };
            if length == whole.len() {
                expected.objects.push(open("cut"));
            }
            if length == whole.len() || length == 0 {
                expected.damaged = 0;
            }
            assert_eq!(state.open_objects().unwrap(), expected, "{length}");
            state.note_open(&open("after")).unwrap();
            expected.objects.push(open("after"));
            assert_eq!(state.open_objects().unwrap(), expected, "{length}");
        }
    }
}
