//! Copies that Robocopy would take for up to date though their originals have changed: it compares
//! size and time only (SPEC#mirror).

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use filetime::FileTime;

use super::StageError;
use super::fit::Treatment;
use super::verify::listed;
use crate::adapters::compare::{Comparison, compare};
use crate::adapters::walk::native_name;
use crate::model::cancel::Cancel;
use crate::model::manifest::{Entry, EntryKind, Moment, RelPath};
use crate::model::path::verbatim;
use crate::plan::backup::{MirrorOrder, StageOrder};
use crate::render::StageFiles;
use crate::run::native::native;

/// When the copies of one directory were last changed, by their names.
type CopyTimes = HashMap<OsString, Moment>;

/// Finds what was touched since it was copied, in walk order.
pub(super) struct Touched {
    target: PathBuf,
    /// The last directory that was asked for.
    last: Option<(RelPath, CopyTimes)>,
}

impl Touched {
    pub(super) fn since_the_copy(mirror: &MirrorOrder) -> Touched {
        Touched {
            target: verbatim(&mirror.target.to_native()),
            last: None,
        }
    }

    /// Size and time say nothing of a file that was touched. `last` is what the last manifest says
    /// of it.
    pub(super) fn treatment(&mut self, new: &Entry, last: Option<&Entry>) -> Treatment {
        let by_manifest = last.is_some_and(|last| new.meta.differs(&last.meta));
        let is_touched = by_manifest || self.is_later(new).unwrap_or(false);
        match new.kind == EntryKind::File && is_touched {
            true => Treatment::ByContent,
            false => Treatment::Copy,
        }
    }

    fn is_later(&mut self, new: &Entry) -> Option<bool> {
        let parent = new.path.parent();
        if self.last.as_ref().is_none_or(|(path, _)| *path != parent) {
            let directory = native(&self.target, &parent)?;
            self.last = Some((parent, changes(&directory)));
        }
        let (_, changes) = self.last.as_ref()?;
        let name = native_name(new.path.names().last()?)?;
        Some(new.meta.changed? >= *changes.get(Path::new(&name).as_os_str())?)
    }
}

#[cfg(windows)]
fn changes(directory: &Path) -> CopyTimes {
    let all = crate::adapters::windows::listed(directory).unwrap_or_default();
    let known = all.into_iter();
    known
        .filter_map(|(name, entry)| Some((name, entry.changed?)))
        .collect()
}

/// Elsewhere, Robocopy does not copy.
#[cfg(not(windows))]
fn changes(_: &Path) -> CopyTimes {
    CopyTimes::new()
}

/// Gives such copies another time where their content differs, so that Robocopy replaces them. If
/// it does not, the verification names them.
pub(super) fn refresh(order: &StageOrder, cancel: &Cancel) -> Result<(), StageError> {
    let Some(mirror) = &order.mirror else {
        return Ok(());
    };
    let target = verbatim(&mirror.target.to_native());
    let source = verbatim(Path::new(&order.shown_at));
    for path in listed(&StageFiles::of(order).content_list.to_native())? {
        let path = RelPath::from_bytes(path);
        let (Some(original), Some(copy)) = (native(&source, &path), native(&target, &path)) else {
            continue;
        };
        let look = |path: &Path| {
            fs::symlink_metadata(path)
                .ok()
                .filter(fs::Metadata::is_file)
        };
        let (Some(new), Some(old)) = (look(&original), look(&copy)) else {
            continue;
        };
        // What cannot be compared is left to Robocopy, and to the verification.
        if new.len() == old.len()
            && matches!(
                compare(&original, &copy, cancel),
                Ok(Comparison::DifferAt(_))
            )
        {
            let _ = filetime::set_file_mtime(&copy, FileTime::from_unix_time(0, 0));
        }
    }
    Ok(())
}
