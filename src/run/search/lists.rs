//! The lists of files of one state, ready to be read.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::adapters::manifest_file::FileReader;
use crate::model::manifest::{Entry, ManifestError};
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;
use crate::run::restore::error::RestoreError;
use crate::run::restore::manifests::OpenManifest;

/// The lists of one state, ready to be read.
pub struct OpenState {
    pub stamp: Stamp,
    pub mounts: Vec<OpenMount>,
    // Where the lists are, if they came from a store.
    pub(super) _scratch: Option<TempDir>,
}

/// The list of one mount.
pub struct OpenMount {
    /// As in `--only`.
    pub number: usize,
    pub path: FullPath,
    pub(super) list: List,
}

pub(super) enum List {
    Local(PathBuf),
    Fetched(OpenManifest),
}

impl OpenMount {
    /// Every entry, in walk order.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn entries(
        &self,
    ) -> Result<impl Iterator<Item = Result<Entry, RestoreError>> + '_, RestoreError> {
        let reader = self.open()?;
        Ok(reader.map(|entry| entry.map_err(|why| self.broken(why))))
    }

    /// Shows every entry, in walk order.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn each(&self, mut shown: impl FnMut(&Entry)) -> Result<(), RestoreError> {
        let mut reader = self.open()?;
        while let Some(entry) = reader.look().map_err(|why| self.broken(why))? {
            shown(entry);
        }
        Ok(())
    }

    /// The file that holds the list as long as its state is open.
    pub fn file(&self) -> &Path {
        match &self.list {
            List::Local(path) => path,
            List::Fetched(manifest) => manifest.file(),
        }
    }

    fn open(&self) -> Result<FileReader, RestoreError> {
        match &self.list {
            List::Local(path) => FileReader::open(path).map_err(|why| self.broken(why)),
            List::Fetched(manifest) => manifest.read(),
        }
    }

    fn broken(&self, why: ManifestError) -> RestoreError {
        match &self.list {
            List::Local(path) => RestoreError::Manifest {
                key: path.display().to_string(),
                why,
            },
            List::Fetched(manifest) => manifest.broken(why),
        }
    }
}

/// Opens the lists that this computer has.
///
/// # Errors
/// When they cannot be read.
pub fn open_local(stamp: Stamp, files: &[PathBuf]) -> Result<OpenState, RestoreError> {
    let open = |(number, path): (usize, &PathBuf)| {
        let broken = |why| RestoreError::Manifest {
            key: path.display().to_string(),
            why,
        };
        let reader = FileReader::open(path).map_err(broken)?;
        Ok(OpenMount {
            number,
            path: reader.header().mount.clone(),
            list: List::Local(path.clone()),
        })
    };
    let mounts: Result<Vec<OpenMount>, RestoreError> = (1..).zip(files).map(open).collect();
    Ok(OpenState {
        stamp,
        mounts: mounts?,
        _scratch: None,
    })
}
