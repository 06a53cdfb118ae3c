//! Reads manifests of version 1: one JSON object in each line, the header first (SPEC#formats).

use std::io::BufRead;

use serde::Deserialize;

use super::{Entry, Header, ManifestError};

/// The lines of a manifest of version 1.
pub(super) struct JsonLines<R> {
    input: R,
    /// Number of the line that was read last.
    line: u64,
    buffer: Vec<u8>,
    /// The entry that was read last.
    last: Option<Entry>,
}

impl<R: BufRead> JsonLines<R> {
    pub fn new(mut input: R) -> Result<(Header, JsonLines<R>), ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let mut buffer = Vec::new();
        input.read_until(b'\n', &mut buffer)?;
        let broken = |e: serde_json::Error| ManifestError::Broken {
            line: 1,
            why: e.to_string(),
        };
        let version: Version = serde_json::from_slice(&buffer).map_err(broken)?;
        if version.version != 1 {
            return Err(ManifestError::Newer(version.version));
        }
        let header = serde_json::from_slice(&buffer).map_err(broken)?;
        let lines = JsonLines {
            input,
            line: 1,
            buffer,
            last: None,
        };
        Ok((header, lines))
    }

    pub fn next(&mut self) -> Result<Option<&Entry>, ManifestError> {
        self.buffer.clear();
        if self.input.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let broken = |why: String| ManifestError::Broken {
            line: self.line,
            why,
        };
        if self.buffer.last() != Some(&b'\n') {
            return Err(broken("it ends in the middle".to_owned()));
        }
        let entry: Entry =
            serde_json::from_slice(&self.buffer).map_err(|e| broken(e.to_string()))?;
        if self
            .last
            .as_ref()
            .is_some_and(|last| last.path >= entry.path)
        {
            return Err(ManifestError::Order(self.line));
        }
        Ok(Some(self.last.insert(entry)))
    }
}
