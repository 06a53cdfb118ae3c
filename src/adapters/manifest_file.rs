//! Manifests in files of this computer.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::model::manifest::{ManifestError, Reader};

/// A manifest in a file.
pub type FileReader = Reader<BufReader<File>>;

impl FileReader {
    /// Opens a manifest file.
    ///
    /// # Errors
    /// When it cannot be read or is not a manifest of version 1.
    pub fn open(path: &Path) -> Result<FileReader, ManifestError> {
        Reader::new(BufReader::with_capacity(1 << 16, File::open(path)?))
    }
}
