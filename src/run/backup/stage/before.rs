//! The manifest of the backup before, read in step with a walk.

use std::path::Path;

use super::StageError;
use crate::adapters::manifest_file::FileReader;
use crate::model::manifest::{Entry, RelPath};

/// Entries of the last manifest, in walk order. Empty if there is no manifest to compare with.
pub(super) struct Before {
    reader: Option<FileReader>,
    next: Option<Entry>,
    path: String,
    /// How many entries have been read.
    pub(super) count: u64,
}

impl Before {
    /// Opens a manifest.
    pub(super) fn open(path: Option<&Path>) -> Result<Before, StageError> {
        let Some(path) = path else {
            return Ok(Before {
                reader: None,
                next: None,
                path: String::new(),
                count: 0,
            });
        };
        let failed = |why| StageError::Before {
            path: path.display().to_string(),
            why,
        };
        let reader = FileReader::open(path).map_err(failed)?;
        let mut before = Before {
            reader: Some(reader),
            next: None,
            path: path.display().to_string(),
            count: 0,
        };
        before.advance()?;
        Ok(before)
    }

    fn advance(&mut self) -> Result<Option<Entry>, StageError> {
        let read = self.reader.as_mut().and_then(Iterator::next).transpose();
        let next = read.map_err(|why| StageError::Before {
            path: self.path.clone(),
            why,
        })?;
        self.count += u64::from(next.is_some());
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The entry of `path`, if there is one; those before it go to `passed`.
    pub(super) fn up_to(
        &mut self,
        path: &RelPath,
        passed: &mut dyn FnMut(Entry) -> Result<(), StageError>,
    ) -> Result<Option<Entry>, StageError> {
        while self.next.as_ref().is_some_and(|next| next.path < *path) {
            if let Some(entry) = self.advance()? {
                passed(entry)?;
            }
        }
        match &self.next {
            Some(next) if next.path == *path => self.advance(),
            _ => Ok(None),
        }
    }

    /// All that is left goes to `passed`.
    pub(super) fn rest(
        &mut self,
        passed: &mut dyn FnMut(Entry) -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        while let Some(entry) = self.advance()? {
            passed(entry)?;
        }
        Ok(())
    }
}
