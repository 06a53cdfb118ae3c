//! The files that a walk writes for the script of a stage: manifest and lists.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::StageError;
use super::counts::WalkCounts;
use super::fit::{Fit, Treatment};
use super::fitting::Fitting;
use super::stale::Touched;
use crate::adapters::walk::meta_of;
use crate::model::event::Events;
use crate::model::manifest::{Entry, Header, Meta, Moment, RelPath, Writer};
use crate::model::path::{Family, FullPath};
use crate::model::select::Kind;
use crate::plan::backup::StageOrder;
use crate::render::robocopy::LeftOut;
use crate::render::{StageFiles, rsync_entry, seven_zip_line};

/// The files a walk writes; none of them in a preview that only counts.
pub(super) struct Outputs<'a> {
    manifest: Option<Writer<BufWriter<File>>>,
    archive: Option<BufWriter<File>>,
    mirror: MirrorList,
    /// What is compared by content.
    content: Option<BufWriter<File>>,
    fit: Option<Fit<'a>>,
    /// Where Robocopy copies.
    touched: Option<Touched>,
    family: Family,
    /// When the walk begins.
    began: Option<Moment>,
    /// How many entries the manifest has, and how many of them are as in the last manifest.
    written: u64,
    as_before: u64,
}

/// What the copier of a mirror is given.
enum MirrorList {
    /// No mirror is made, or only counted.
    Nothing,
    /// rsync: what to copy.
    Copied(BufWriter<File>),
    /// Robocopy, which takes no list of what to copy: what not to copy.
    LeftOut(LeftOut),
}

impl<'a> Outputs<'a> {
    pub(super) fn create(
        order: &'a StageOrder,
        read: &Path,
        work: Option<&Path>,
        files: &StageFiles,
    ) -> Result<Outputs<'a>, StageError> {
        let create = |wanted: bool, path: &FullPath| {
            let Some(work) = work.filter(|_| wanted) else {
                return Ok(None);
            };
            let path = path.inside(work);
            File::create(&path)
                .map(BufWriter::new)
                .map(Some)
                .map_err(StageError::io("creating", path))
        };
        let archive = order.archive.as_ref();
        let (backup, format) = (archive.map(|a| a.backup), archive.map(|a| a.format));
        let header = Header::whole(&order.location, &order.mount.path, backup, format);
        let manifest = create(true, &files.manifest)?;
        let family = order.mount.path.family();
        let mirror = match create(
            order.mirror.is_some() && family == Family::Unix,
            &files.mirror_list,
        )? {
            Some(list) => MirrorList::Copied(list),
            None if order.mirror.is_some() && family == Family::Windows => {
                MirrorList::LeftOut(LeftOut::default())
            }
            None => MirrorList::Nothing,
        };
        let began = work.and_then(|work| began(&files.manifest.inside(work)));
        Ok(Outputs {
            content: create(order.mirror.is_some(), &files.content_list)?,
            touched: order
                .mirror
                .as_ref()
                .filter(|_| family == Family::Windows)
                .map(Touched::since_the_copy),
            fit: Fit::new(order, read, began),
            manifest: manifest
                .map(|out| Writer::new(out, &header))
                .transpose()
                .map_err(writing)?,
            archive: create(order.archive.is_some(), &files.archive_list)?,
            mirror,
            family,
            began,
            written: 0,
            as_before: 0,
        })
    }

    /// Whether a file may be changed once more without a trace in its times, because it was changed
    /// when it was looked at, as far as the clock of its file system tells.
    pub(super) fn is_racy(&self, meta: &Meta) -> bool {
        self.began.is_some_and(|began| is_racy(meta, began))
    }

    pub(super) fn leave_out(&mut self, path: &RelPath, kind: Kind) {
        match (&mut self.mirror, kind) {
            (MirrorList::LeftOut(list), Kind::Directory) => list.directories.push(path.clone()),
            (MirrorList::LeftOut(list), _) => list.files.push(path.clone()),
            (MirrorList::Nothing | MirrorList::Copied(_), _) => {}
        }
    }

    /// Whether the manifest has the entries of one with `before` entries, and no others.
    pub(super) fn is_as(&self, before: u64) -> bool {
        self.written == before && self.as_before == before
    }

    /// Writes an entry of the manifest. `last` is what the last manifest says of the same path.
    pub(super) fn manifest(
        &mut self,
        entry: &Entry,
        last: Option<&Entry>,
    ) -> Result<(), StageError> {
        self.written += 1;
        self.as_before += u64::from(last == Some(entry));
        self.manifest
            .as_mut()
            .map_or(Ok(()), |out| out.write(entry))
            .map_err(writing)
    }

    /// Lists a path for 7-Zip. `false` if a list cannot express it.
    pub(super) fn archive(&mut self, path: &RelPath) -> Result<bool, StageError> {
        let Some(line) = seven_zip_line(path, self.family) else {
            return Ok(false);
        };
        self.archive
            .as_mut()
            .map_or(Ok(()), |out| out.write_all(line.as_bytes()))
            .map_err(writing)?;
        Ok(true)
    }

    /// Lists an entry for the copier, as far as the mirror can hold it. `last` is what the last
    /// manifest says of it.
    pub(super) fn mirror(
        &mut self,
        new: &Entry,
        last: Option<&Entry>,
        events: &Events<'_>,
    ) -> Result<(), StageError> {
        let treatment = match &mut self.fit {
            Some(fit) => fit.judge(new, last, events),
            None => match &mut self.touched {
                Some(touched) => touched.treatment(new, last),
                None => Treatment::Copy,
            },
        };
        let Some(entry) = rsync_entry(&new.path).filter(|_| treatment != Treatment::LeaveOut)
        else {
            return Ok(());
        };
        if let MirrorList::Copied(out) = &mut self.mirror {
            out.write_all(&entry).map_err(writing)?;
        }
        match &mut self.content {
            Some(out) if treatment == Treatment::ByContent => {
                out.write_all(&entry).map_err(writing)
            }
            _ => Ok(()),
        }
    }

    /// An entry of the last manifest that today's walk does not have: kept if it could not be
    /// looked at, else removed.
    pub(super) fn carry_over(
        &mut self,
        entry: Entry,
        prepared: &mut WalkCounts,
    ) -> Result<(), StageError> {
        if !prepared.is_unknown(&entry.path, self.family) {
            return Ok(());
        }
        prepared.unseen += 1;
        let unseen = Entry {
            unseen: true,
            ..entry.clone()
        };
        self.manifest(&unseen, Some(&entry))
    }

    /// Returns what Robocopy leaves out, and what the mirror cannot hold.
    pub(super) fn finish(self) -> Result<(LeftOut, Fitting), StageError> {
        let fitting = self.fit.map(|fit| fit.found).unwrap_or_default();
        if let Some(mut list) = self.content {
            list.flush().map_err(writing)?;
        }
        if let Some(manifest) = self.manifest {
            manifest.finish().map_err(writing)?;
        }
        if let Some(mut list) = self.archive {
            list.flush().map_err(writing)?;
        }
        match self.mirror {
            MirrorList::Nothing => Ok((LeftOut::default(), fitting)),
            MirrorList::LeftOut(left_out) => Ok((left_out, fitting)),
            MirrorList::Copied(mut list) => {
                list.flush().map_err(writing)?;
                Ok((LeftOut::default(), fitting))
            }
        }
    }
}

/// The moment now, by the clock that gives change times: that of a file that has just been made.
fn began(made: &Path) -> Option<Moment> {
    let metadata = std::fs::metadata(made).ok()?;
    meta_of(&metadata).ok()?.changed
}

/// Of a file system that keeps fractions of a second: the longest step of a kernel's clock.
const FINE: i128 = 10_000_000;

/// One that keeps seconds: FAT counts in steps of two.
const COARSE: i128 = 2_000_000_000;

fn is_racy(meta: &Meta, began: Moment) -> bool {
    // Anybody can set the other time, into the future too, where it would stay racy.
    let last = meta.changed.unwrap_or(meta.modified);
    let is_coarse = last.split().1 == 0;
    last.0 >= began.0 - if is_coarse { COARSE } else { FINE }
}

fn writing(why: std::io::Error) -> StageError {
    StageError::Lists(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_when_it_was_looked_at_is_racy() {
        let second = 1_000_000_000;
        let began = Moment(100 * second + 1);
        for (changed, expected) in [
            (50 * second, false),
            (98 * second, false),
            (99 * second, true),
            (100 * second, true),
            (99 * second + 1, false),
            (100 * second - 9_000_000, true),
            (101 * second + 7, true),
        ] {
            let meta = Meta {
                changed: Some(Moment(changed)),
                ..Meta::unknown()
            };
            assert_eq!(is_racy(&meta, began), expected, "{changed}");
        }
        let copied_from_the_future = Meta {
            modified: Moment(900 * second),
            changed: Some(Moment(50 * second)),
            ..Meta::unknown()
        };
        assert!(!is_racy(&copied_from_the_future, began));
        // Without a change time, as on FAT.
        let modified = Meta {
            modified: Moment(100 * second),
            ..Meta::unknown()
        };
        assert!(is_racy(&modified, began));
    }
}
