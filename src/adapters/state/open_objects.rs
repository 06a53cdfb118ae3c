//! Objects that a run began to send while their content was made. If the run is killed, the next
//! one removes them (SPEC#stream).

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::State;
use crate::adapters::fs::{create_private_directory, write_whole};

/// An object that a store has a beginning of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OpenObject {
    pub store: String,
    pub key: String,
    /// What the store needs to remove it.
    pub trace: String,
}

impl State {
    fn open_objects_path(&self) -> PathBuf {
        self.directory.join("open-objects.jsonl")
    }

    /// What runs before began and did not remove.
    pub fn open_objects(&self) -> Vec<OpenObject> {
        let text = fs::read(self.open_objects_path()).unwrap_or_default();
        // The last line of a killed run may be cut, also inside of a letter.
        text.split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect()
    }

    /// Notes an object before its content is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_open(&self, open: &OpenObject) -> io::Result<()> {
        // The line before may be cut.
        let mut line = vec![b'\n'];
        serde_json::to_writer(&mut line, open)?;
        line.push(b'\n');
        create_private_directory(&self.directory)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .append(true)
            .open(self.open_objects_path())?;
        file.write_all(&line)
    }

    /// Forgets all but these.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_open(&self, open: &[OpenObject]) -> io::Result<()> {
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
            let mut expected = vec![open("before")];
            if length == whole.len() {
                expected.push(open("cut"));
            }
            assert_eq!(state.open_objects(), expected, "{length}");
            state.note_open(&open("after")).unwrap();
            expected.push(open("after"));
            assert_eq!(state.open_objects(), expected, "{length}");
        }
    }
}
