//! Work files: removed at the end of a run, and those of a run that crashed at the start of the next.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::event::{Events, Section};
use crate::job::Job;
use crate::path::FullPath;
use crate::plan::Plan;
use crate::stamp::Stamp;

/// Removes the work directory of this run.
pub(super) fn remove_work(work: &FullPath, events: &Events<'_>) {
    let path = work.to_native();
    match fs::remove_dir_all(&path) {
        Ok(()) => events.detail(Section::CleanUp, format!("removed '{work}'")),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => events.warn(
            Section::CleanUp,
            format!("the work directory '{work}' cannot be removed: {error}"),
            Some("delete it by hand; it holds file names in the clear".to_owned()),
        ),
    }
}

/// Removes what crashed runs of this location left. The lock is held, so no other run uses it.
pub(super) fn remove(job: &Job, plan: &Plan, events: &Events<'_>) {
    let base = job.work_directory().to_native();
    for entry in fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|n| n.strip_prefix(&job.location)?.strip_prefix('_')?.parse::<Stamp>().ok());
        if stamp.is_some_and(|stamp| stamp != plan.stamp) && is_ours(&entry.path()) {
            let path = entry.path();
            match fs::remove_dir_all(&path) {
                Ok(()) => {
                    events.note(Section::Start, format!("removed '{}', left by a run that was cut off", path.display()))
                }
                Err(error) => events.warn(
                    Section::Start,
                    format!("'{}', left by a run that was cut off, cannot be removed: {error}", path.display()),
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
