//! What lies below the sources and is the program's own, or another file system (SPEC#selection).

use std::path::{Path, PathBuf};

use crate::adapters::own_places::{Meeting, Mounts};
use crate::adapters::state::base_directory;
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Reference;
use crate::model::work_name::run_of;
use crate::plan::backup::{Apart, OwnKind, OwnPlace};

/// What was found, and the sources that lie in a directory of the program's own, with the reason.
pub(super) fn find(job: &Job) -> (Apart, Vec<(FullPath, String)>) {
    let mut apart = Apart::default();
    let mut inside = Vec::new();
    if job.family != Family::HOST {
        return (apart, inside);
    }
    let mounts = Mounts::read();
    let own = own(job);
    for source in &job.sources {
        for (what, path, kind) in &own {
            match mounts.meeting(path, &source.path) {
                Meeting::Below(places) => apart.own.extend(places.into_iter().map(|path| {
                    let kind = *kind;
                    OwnPlace { path, what, kind }
                })),
                Meeting::Covers if *kind == OwnKind::Directory => {
                    let at = path.display();
                    inside.push((source.path.clone(), format!("it lies in {what} '{at}'")));
                }
                Meeting::Covers => {}
            }
        }
        let mounted = mounts.file_systems_below(&source.path);
        // What is the program's own is left out anyway.
        let is_own = |path: &FullPath| apart.own.iter().any(|own| path.starts_with(&own.path));
        let mounted = mounted.into_iter().filter(|path| !is_own(path));
        apart.file_systems.extend(mounted.collect::<Vec<_>>());
    }
    (apart, inside)
}

/// What the program writes and keeps.
fn own(job: &Job) -> Vec<(&'static str, PathBuf, OwnKind)> {
    use OwnKind::{Directory, File, WorkDirectory};
    let native = |path: &FullPath| path.to_native();
    let mut own = vec![(
        "the local state of this program",
        base_directory(),
        Directory,
    )];
    let mirror = job.mirror.as_ref().map(|mirror| native(&mirror.path));
    own.extend(mirror.map(|path| ("the mirror", path, Directory)));
    let store = job.directory.as_ref().map(native);
    own.extend(store.map(|path| ("the directory store", path, Directory)));
    let log = job.reporting.log.directory.as_ref().map(native);
    own.extend(log.map(|path| ("the log directory", path, Directory)));
    if let Some(Reference::File(path)) = job.archive.as_ref().map(|a| &a.encryption_key) {
        own.push(("the file of the archive key", PathBuf::from(path), File));
    }
    let work = native(&job.work_directory());
    let what = "a work directory of this location";
    let runs = runs(&work, &job.location);
    own.extend(runs.map(|run| (what, run, Directory)));
    own.push(("the work directory", work, WorkDirectory));
    own
}

/// Work directories that are there: archives that wait for their upload.
fn runs(work: &Path, location: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(work).into_iter().flatten().flatten();
    entries
        .filter(move |entry| {
            let name = entry.file_name();
            name.to_str()
                .is_some_and(|name| run_of(name, location).is_some())
        })
        .map(|entry| entry.path())
}
