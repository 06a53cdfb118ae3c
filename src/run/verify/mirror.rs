//! The mirror compared with the source: what is selected, as it is now (SPEC#verify).

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Damage, NotChecked, VerifiedPlace};
use crate::adapters::compare::{Comparison, UnreadableFile, compare};
use crate::adapters::destination_id;
use crate::adapters::mirror_record::{LastCopy, MirrorRecord, selection_name};
use crate::adapters::walk::{Item, Walk, meta_of};
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::manifest::{Meta, Moment, RelPath};
use crate::model::mount::Mount;
use crate::model::path::{FullPath, verbatim};
use crate::model::select::Selection;
use crate::plan::backup::{mirror_target, selection_apart};
use crate::plan::verify::{Chooser, Sample};
use crate::run::backup::survey::find_apart;
use crate::run::native::native;
use crate::run::restore::error::RestoreError;

const REPAIR: &str = "compare both; delete the one that is wrong, and start a run if it is the \
                      copy, or restore the source from a backup";

/// Compares the mirror of a job with its sources.
///
/// # Errors
/// When it is interrupted.
pub fn check(
    job: &Job,
    mirror: &FullPath,
    sample: Sample,
    now: Moment,
    cancel: &Cancel,
) -> Result<VerifiedPlace, RestoreError> {
    let root = mirror.to_native();
    let mut found = VerifiedPlace {
        place: format!("mirror {mirror}"),
        ..VerifiedPlace::default()
    };
    let missing = (!root.is_dir()).then_some("is not there: attach its disk");
    if let Some(why) = missing.or_else(|| destination_id::problem(&root)) {
        found.failed = Some(format!("the mirror '{mirror}' {why}"));
        return Ok(found);
    }
    let mounts = match job.mounts() {
        Ok(mounts) => mounts,
        Err(why) => {
            found.failed = Some(why.to_string());
            return Ok(found);
        }
    };
    let (apart, _) = find_apart(job);
    let spec = selection_apart(job.selection.spec(), job.one_file_system, &apart, None);
    let selection = Arc::new(Selection::new(spec));
    let record = MirrorRecord::read(&root, now);
    let mut chooser = Chooser::new(sample);
    for mount in &mounts {
        let name = selection_name(
            &job.location,
            &mount.path,
            selection.spec(),
            &job.work_directory,
        );
        let mut pair = MirroredMount {
            mount,
            source: verbatim(&mount.path.to_native()),
            target: verbatim(&mirror_target(mirror, &mount.path).to_native()),
            last: record.last(&name),
            touched: None,
            cancel,
        };
        pair.check(&selection, &mut chooser, &mut found)?;
    }
    if let Some(file) = chooser.rest() {
        file.check(cancel, &mut found)?;
    }
    Ok(found)
}

/// A mount and its copy.
struct MirroredMount<'a> {
    mount: &'a Mount,
    source: PathBuf,
    target: PathBuf,
    last: LastCopy,
    /// The last directory that was touched since its copy: other files may have been moved in.
    touched: Option<RelPath>,
    cancel: &'a Cancel,
}

/// A file and its copy.
struct MirroredFile {
    shown: String,
    source: PathBuf,
    copy: PathBuf,
    meta: Meta,
    /// The source was changed since the last copy.
    is_changed: bool,
    /// It may have come here since the last copy.
    may_be_another: bool,
}

impl MirroredMount<'_> {
    fn check(
        &mut self,
        selection: &Arc<Selection>,
        chooser: &mut Chooser<MirroredFile>,
        found: &mut VerifiedPlace,
    ) -> Result<(), RestoreError> {
        let path = self.source.clone();
        let walk = Walk {
            selection,
            mount: &self.mount.path,
            shown_at: &path,
            reads_attributes: false,
            cancel: self.cancel,
        };
        let mut ended = Ok(());
        let flow = walk.run(&mut |path, item| {
            ended = self.take(path, item, chooser, found);
            match ended {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        match flow {
            ControlFlow::Break(()) if ended.is_ok() => Err(RestoreError::Interrupted),
            _ => ended,
        }
    }

    fn take(
        &mut self,
        path: &RelPath,
        item: Item,
        chooser: &mut Chooser<MirroredFile>,
        found: &mut VerifiedPlace,
    ) -> Result<(), RestoreError> {
        let shown = self.mount.path.display_below(&path.to_string());
        let why = match item {
            Item::Directory { found: seen, .. } => {
                self.enter(path, &seen.meta);
                return Ok(());
            }
            Item::File { found: seen } => {
                let name = shown.clone();
                let chosen = self
                    .file(path, shown, seen.meta)
                    .and_then(|file| chooser.offer(name.as_bytes(), file));
                return chosen.map_or(Ok(()), |file| file.check(self.cancel, found));
            }
            // A link has no content: each run compares where it leads.
            Item::Link { .. } | Item::Excluded { .. } | Item::NotCopied { .. } => return Ok(()),
            Item::SourceMissing { why } => why,
            Item::Unreadable { why, .. } if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Item::Unreadable { why, .. } => why.to_string(),
        };
        found.not_checked.push(NotChecked { what: shown, why });
        Ok(())
    }

    fn enter(&mut self, path: &RelPath, meta: &Meta) {
        let inside = self.touched.as_ref();
        if inside.is_some_and(|touched| path.starts_with(touched)) {
            return;
        }
        self.touched = is_since(meta, self.last.of(path)).then(|| path.clone());
    }

    /// `None`: no run has copied it, and the runs have said why.
    fn file(&self, path: &RelPath, shown: String, meta: Meta) -> Option<MirroredFile> {
        let at = self.last.of(path);
        if self.last.is_known() && at.is_none() {
            return None;
        }
        let touched = self.touched.as_ref();
        Some(MirroredFile {
            shown,
            source: native(&self.source, path)?,
            copy: native(&self.target, path)?,
            meta,
            is_changed: is_since(&meta, at),
            may_be_another: at.is_none()
                || touched.is_some_and(|touched| path.starts_with(touched)),
        })
    }
}

/// Whether something was changed after a moment. A time to come is no excuse.
fn is_since(meta: &Meta, at: Option<Moment>) -> bool {
    let changed = meta.changed.unwrap_or(meta.modified);
    at.is_some_and(|at| changed >= at)
}

impl MirroredFile {
    /// Compares them, and says what was found.
    fn check(self, cancel: &Cancel, found: &mut VerifiedPlace) -> Result<(), RestoreError> {
        let copied = fs::symlink_metadata(&self.copy);
        let is_another = match copied.as_ref().map(meta_of) {
            Ok(Ok(copy)) => copy.size != self.meta.size || !same_time(&copy, &self.meta),
            _ => true,
        };
        let why = match (&copied, compare(&self.source, &self.copy, cancel)) {
            (_, Ok(Comparison::Interrupted)) => return Err(RestoreError::Interrupted),
            (_, Ok(Comparison::Same)) => None,
            (_, Ok(Comparison::DifferAt(byte))) => {
                Some(format!("the copy differs from the source at byte {byte}"))
            }
            (_, Err(UnreadableFile { path, why })) if path == self.source => {
                self.unreadable(&why, found);
                return Ok(());
            }
            (Err(why), _) if why.kind() == io::ErrorKind::NotFound => {
                Some("the copy is missing".to_owned())
            }
            (_, Err(UnreadableFile { why, .. })) => Some(format!("the copy cannot be read: {why}")),
        };
        found.checked += 1;
        found.bytes += self.meta.size;
        let Some(why) = why else {
            return Ok(());
        };
        // Meanwhile.
        let now = fs::symlink_metadata(&self.source).and_then(|meta| meta_of(&meta));
        let is_touched = now.map_or(true, |now| now.differs(&self.meta));
        if is_touched || self.is_changed || (self.may_be_another && is_another) {
            found.changed.push(self.shown);
            return Ok(());
        }
        found.damaged.push(Damage {
            what: shown_copy(&self.copy),
            why: format!(
                "{why}, and the source '{}' has not changed since the backup",
                self.shown
            ),
            costs: Vec::new(),
            hint: REPAIR.to_owned(),
        });
        Ok(())
    }

    fn unreadable(self, why: &io::Error, found: &mut VerifiedPlace) {
        match why.kind() {
            io::ErrorKind::NotFound => found.changed.push(self.shown),
            io::ErrorKind::PermissionDenied => found.not_checked.push(NotChecked {
                what: self.shown,
                why: why.to_string(),
            }),
            _ => found.damaged.push(Damage {
                what: self.shown,
                why: format!("the source cannot be read: {why}"),
                costs: Vec::new(),
                hint: format!(
                    "its copy is '{}'; look after the disk of the source",
                    shown_copy(&self.copy)
                ),
            }),
        }
    }
}

/// File systems of mirrors may keep times in steps of two seconds.
fn same_time(one: &Meta, other: &Meta) -> bool {
    one.modified.distance(other.modified) <= 2_000_000_000
}

fn shown_copy(path: &Path) -> String {
    crate::model::path::shown(path)
}
