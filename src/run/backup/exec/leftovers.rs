//! Work files: removed at the end of a run, and those of a run that crashed at the start of the
//! next.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::adapters::state::uploads;
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::stamp::Stamp;
use crate::model::upload_record::Unfinished;
use crate::plan::backup::Plan;

/// Removes the work directory of a run.
pub(super) fn remove_work(work: &Path, section: Section, events: &Events<'_>) {
    match fs::remove_dir_all(work) {
        Ok(()) => events.detail(section, format!("removed '{}'", work.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => events.warn(
            section,
            format!(
                "the work directory '{}' cannot be removed: {error}",
                work.display()
            ),
            Some("delete it by hand; it holds file names in the clear".to_owned()),
        ),
    }
}

/// Removes an upload that is done or given up: first the record, so that a crash in between leaves
/// what the next run removes.
pub(super) fn forget(unfinished: &Unfinished, section: Section, events: &Events<'_>) {
    match uploads::forget(unfinished) {
        Ok(()) => remove_work(&unfinished.work, section, events),
        Err(error) => {
            let text = format!(
                "the record of the upload of {} cannot be removed: {error}",
                unfinished.backup.stamp()
            );
            events.warn(section, text, None);
        }
    }
}

/// Removes what crashed runs of this location left, but for archives that are still to be sent. The
/// lock is held, so no other run uses it.
pub(super) fn remove(job: &Job, plan: &Plan, unfinished: &[Unfinished], events: &Events<'_>) {
    let stays = |stamp: Stamp| stamp == plan.stamp || plan.keep.contains(&stamp);
    for given_up in unfinished
        .iter()
        .filter(|unfinished| !stays(unfinished.backup.stamp()))
    {
        forget(given_up, Section::Start, events);
    }
    let base = job.work_directory().to_native();
    for entry in fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|n| {
            n.strip_prefix(&job.location)?
                .strip_prefix('_')?
                .parse::<Stamp>()
                .ok()
        });
        if stamp.is_some_and(|stamp| !stays(stamp)) && is_ours(&entry.path()) {
            let path = entry.path();
            match fs::remove_dir_all(&path) {
                Ok(()) => events.note(
                    Section::Start,
                    format!(
                        "removed '{}', left by a run that was cut off",
                        path.display()
                    ),
                ),
                Err(error) => events.warn(
                    Section::Start,
                    format!(
                        "'{}', left by a run that was cut off, cannot be removed: {error}",
                        path.display()
                    ),
                    None,
                ),
            }
        }
    }
}

/// A real directory, not a link somebody put there.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}
