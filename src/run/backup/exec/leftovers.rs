//! Work files: removed at the end of a run, and those of a run that crashed at the start of the
//! next.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::adapters::fs::{
    create_new_private_directory, create_private_directory, entries, read_plain,
};
use crate::adapters::machine;
use crate::adapters::state::uploads::{self, OWNER};
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::stamp::Stamp;
use crate::model::upload_record::Unfinished;
use crate::model::work_name::run_of;
use crate::plan::backup::Plan;

/// Makes the work directory of a run, for its owner only, and marks it with the local state that it
/// belongs to. Returns whether it could be made.
pub(super) fn make_work(plan: &Plan, events: &Events<'_>) -> bool {
    let work = plan.work.to_native();
    let made = || {
        if let Some(base) = work.parent() {
            // On Windows, users may add to a directory unless it is private.
            match cfg!(windows) {
                true => create_private_directory(base)?,
                false => fs::create_dir_all(base)?,
            }
        }
        create_new_private_directory(&work)?;
        fs::write(work.join(OWNER), machine::state_id()).inspect_err(|_| {
            // Without its mark, no later run would know that it is left over.
            let _ = fs::remove_dir_all(&work);
        })
    };
    made()
        .inspect_err(|error: &std::io::Error| {
            let text = format!(
                "the work directory '{}' cannot be made: {error}",
                work.display()
            );
            let hint = match error.kind() {
                ErrorKind::StorageFull => "free some space there, or set archive.work-directory to a directory on a larger disk",
                _ => "let the account that runs the backup write there, or set archive.work-directory in the profile to another directory",
            };
            events.fail(Section::Start, text, Some(hint.to_owned()));
        })
        .is_ok()
}

/// Removes a work directory, its mark last: what a crash leaves of it is known again.
fn remove_all(work: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(work)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        match kind.is_dir() {
            true => fs::remove_dir_all(&path)?,
            false if entry_is_mark(&path) => {}
            false => fs::remove_file(&path)?,
        }
    }
    fs::remove_dir_all(work)
}

fn entry_is_mark(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == OWNER)
}

/// Removes the work directory of a run.
pub(super) fn remove_work(work: &Path, section: Section, events: &Events<'_>) {
    match remove_all(work) {
        Ok(()) => events.detail(section, format!("removed '{}'", work.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => events.warn(
            section,
            format!(
                "the work directory '{}' cannot be removed: {error}",
                work.display()
            ),
            Some("delete it by hand; it contains file names in plain text".to_owned()),
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
    let base = job.work_directory.to_native();
    for entry in entries(&base).into_iter().flatten() {
        let name = entry.file_name();
        let stamp = name.to_str().and_then(|name| run_of(name, &job.location));
        if stamp.is_none_or(stays) {
            continue;
        }
        let path = entry.path.clone();
        let at = path.display();
        match whose(&path) {
            Whose::Ours => match remove_all(&path) {
                Ok(()) => events.note(
                    Section::Start,
                    format!("removed '{at}', left by an interrupted run"),
                ),
                Err(error) => events.warn(
                    Section::Start,
                    format!("'{at}', left by an interrupted run, cannot be removed: {error}"),
                    None,
                ),
            },
            // A backup of another account or with other local state may be using it.
            Whose::Others => events.note(
                Section::Start,
                format!("'{at}' belongs to a backup with other local state, and stays"),
            ),
            Whose::Nobodys => {}
        }
    }
}

enum Whose {
    Ours,
    Others,
    /// Not a directory of a run, or not one that this account can look into.
    Nobodys,
}

/// A real directory, not a link, with the mark of this local state. An empty one belongs
/// to a run that was interrupted before the mark was written.
fn whose(path: &Path) -> Whose {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return Whose::Nobodys;
    }
    match read_plain(&path.join(OWNER), 64) {
        Ok(mark) if mark == machine::state_id().as_bytes() => Whose::Ours,
        Ok(_) => Whose::Others,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let first = fs::read_dir(path).map(|mut entries| entries.next().is_none());
            match first {
                Ok(true) => Whose::Ours,
                _ => Whose::Others,
            }
        }
        Err(_) => Whose::Nobodys,
    }
}
