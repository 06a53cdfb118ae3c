//! Manifests in files of this computer, and the notes beside them.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::manifest::{ManifestChain, ManifestError, Reader, SourceLook};

/// A manifest in a file.
pub type FileReader = Reader<BufReader<File>>;

impl FileReader {
    /// Opens a manifest file.
    ///
    /// # Errors
    /// When it cannot be read or is not a manifest of a version that is known.
    pub fn open(path: &Path) -> Result<FileReader, ManifestError> {
        Reader::new(BufReader::with_capacity(1 << 16, File::open(path)?))
    }
}

/// What the next backup must know about the backup of a manifest. Kept beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestNotes {
    /// The chain of the manifest as it was sent to the stores.
    pub chain: ManifestChain,
    pub sources: Vec<SourceLook>,
}

impl ManifestNotes {
    /// The notes beside a manifest. `None`: the next manifest is whole.
    pub fn beside(manifest: &Path) -> Option<ManifestNotes> {
        serde_json::from_slice(&fs::read(place(manifest)).ok()?).ok()
    }

    /// Puts them beside a manifest.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, manifest: &Path) -> io::Result<()> {
        fs::write(place(manifest), serde_json::to_vec(self)?)
    }
}

/// Copies the notes of a manifest along with it, if there are any.
///
/// # Errors
/// When they cannot be read or written.
pub fn copy_notes(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (place(from), place(to));
    match fs::copy(&from, &to) {
        Ok(_) => fs::OpenOptions::new().write(true).open(&to)?.sync_all(),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

fn place(manifest: &Path) -> PathBuf {
    manifest.with_extension("notes.json")
}
