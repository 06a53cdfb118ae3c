//! 7-Zip with the archive key.

use std::path::Path;

use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::{SevenZip, SevenZipExit};
use crate::model::cancel::Cancel;
use crate::model::listed::Listed;
use crate::model::secret::Secret;

use super::error::RestoreError;
use super::tools::RestoreTools;

/// 7-Zip, and the key that opens the archives of this restore.
#[derive(Clone, Copy)]
pub struct KeyedSevenZip<'a> {
    seven_zip: &'a SevenZip,
    key: &'a Secret,
    key_from: &'a str,
    cancel: &'a Cancel,
}

impl<'a> KeyedSevenZip<'a> {
    pub fn new(tools: &RestoreTools<'a>) -> KeyedSevenZip<'a> {
        KeyedSevenZip {
            seven_zip: tools.seven_zip,
            key: tools.key,
            key_from: tools.key_from,
            cancel: tools.cancel,
        }
    }

    /// The program, for messages.
    pub fn program(&self) -> String {
        self.seven_zip.program().display().to_string()
    }

    /// Calls `each` for every entry of the archive with this first volume.
    pub fn list(
        &self,
        first: &Path,
        each: &mut dyn FnMut(Listed),
    ) -> Result<SevenZipExit, ToolError> {
        self.seven_zip.list(first, self.key, self.cancel, each)
    }

    /// Reads what the list file names, and writes nothing.
    pub fn test(&self, first: &Path, list: &Path) -> Result<SevenZipExit, ToolError> {
        self.seven_zip
            .test_listed(first, list, self.key, self.cancel, &mut |_| {})
    }

    /// Extracts what the list file `only` names, or everything; `line` gets what 7-Zip prints.
    pub fn extract(
        &self,
        first: &Path,
        into: &Path,
        only: Option<&Path>,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        self.seven_zip
            .extract_listed(first, into, only, self.key, self.cancel, line)
    }

    /// Extracts the entries in the list file `only` into one directory, without their paths.
    pub fn extract_flat(
        &self,
        first: &Path,
        into: &Path,
        only: &Path,
        line: &mut dyn FnMut(&str),
    ) -> Result<SevenZipExit, ToolError> {
        self.seven_zip
            .extract_flat(first, into, only, self.key, self.cancel, line)
    }

    /// Why an archive could not be read.
    pub fn unopened(&self, name: String, exit: SevenZipExit) -> RestoreError {
        match exit {
            SevenZipExit::Fatal => RestoreError::Key {
                what: name,
                key: self.key_from.to_owned(),
            },
            exit => RestoreError::Archive {
                archive: name,
                doing: "read",
                exit,
                said: String::new(),
                full: false,
            },
        }
    }
}
