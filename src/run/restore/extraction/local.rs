//! An archive that is here and is what its marker says.

use std::path::{Path, PathBuf};

use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::PlannedMount;
use crate::run::restore::disk;
use crate::run::restore::error::RestoreError;
use crate::run::restore::target::Target;

/// An archive that is here.
pub struct LocalArchive {
    /// Its first part. 7-Zip finds the others in the same directory.
    pub first: PathBuf,
    /// Directory to delete after use.
    downloaded: Option<PathBuf>,
}

impl LocalArchive {
    /// An archive that is read in place.
    pub fn in_place(first: PathBuf) -> LocalArchive {
        LocalArchive {
            first,
            downloaded: None,
        }
    }

    /// An archive whose parts were all downloaded. `None` if that backup had nothing to archive.
    pub fn downloaded(
        target: &Target,
        mount: &PlannedMount,
        archive: &PlannedArchive,
    ) -> Option<LocalArchive> {
        let first = target.part_path(mount, archive, 0);
        let downloaded = first.parent().map(Path::to_owned);
        (!archive.volumes.is_empty()).then_some(LocalArchive { first, downloaded })
    }

    /// Frees the space of what was downloaded.
    pub fn discard(self) -> Result<(), RestoreError> {
        self.downloaded
            .map_or(Ok(()), |path| disk::remove_directory(&path))
    }
}
