//! The way out of an archive that is sent while it is made (SPEC#stream).

use super::StageError;
use super::tail::ArchiveEnds;
use crate::plan::backup::StageOrder;
use crate::render::StageFiles;

/// Takes an archive while it is made. It is called on a thread that may have another root directory.
pub trait Outlet: Send {
    /// The archive begins. If one began before, that is thrown away.
    fn begin(&mut self);

    /// Takes the next bytes; false if nobody wants them any more. May wait.
    fn take(&mut self, bytes: &[u8]) -> bool;
}

/// For archives that are made in the work directory.
pub struct NoOutlet;

impl Outlet for NoOutlet {
    fn begin(&mut self) {}

    fn take(&mut self, _: &[u8]) -> bool {
        false
    }
}

/// An archive on its way.
pub(super) struct ArchiveStream<'a> {
    outlet: &'a mut dyn Outlet,
    ends: ArchiveEnds,
    failed: Option<StageError>,
}

impl<'a> ArchiveStream<'a> {
    pub fn begin(
        order: &StageOrder,
        files: &StageFiles,
        outlet: &'a mut dyn Outlet,
    ) -> Result<ArchiveStream<'a>, StageError> {
        let work = order.work.to_native();
        let ends = ArchiveEnds::of(&files.archive_list.to_native(), &work);
        let ends = ends.map_err(StageError::io("writing in", &work))?;
        outlet.begin();
        Ok(ArchiveStream {
            outlet,
            ends,
            failed: None,
        })
    }

    /// Takes the next bytes; false if no more are wanted.
    pub fn take(&mut self, bytes: &[u8], work: &std::path::Path) -> bool {
        if self.failed.is_none() {
            self.failed = match self.ends.add(bytes) {
                Err(why) => Some(StageError::io("writing in", work)(why)),
                Ok(()) => (!self.outlet.take(bytes)).then_some(StageError::NotTaken),
            };
        }
        self.failed.is_none()
    }

    /// Writes what 7-Zip reads in place of the archive.
    pub fn end(self, files: &StageFiles) -> Result<(), StageError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let archive = files.archive.to_native();
        let mut first = archive.into_os_string();
        first.push(".001");
        let written = self.ends.write(first.as_ref());
        written.map_err(StageError::io("writing", first))
    }
}
