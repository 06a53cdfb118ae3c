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
        let text = fs::read_to_string(self.open_objects_path()).unwrap_or_default();
        // The last line of a killed run may be cut.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Notes an object before its content is sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_open(&self, open: &OpenObject) -> io::Result<()> {
        let mut line = serde_json::to_vec(open)?;
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
