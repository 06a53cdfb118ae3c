//! Directories of the program and other file systems below the sources (SPEC#selection).

use std::path::{Path, PathBuf};

use crate::adapters::own_places::{Meeting, Mounts};
use crate::adapters::state::base_directory;
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Reference;
use crate::model::work_name::run_of;
use crate::plan::backup::{Apart, Missing, MissingSource, OwnKind, OwnPlace};
use crate::profile::Search;

const PROFILES: &str = "a directory of profiles";

/// What was found, and the sources that are inside a directory of the program.
pub fn find(job: &Job) -> (Apart, Vec<MissingSource>) {
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
                // Who names a directory of profiles as a source wants them.
                Meeting::Covers if *kind == OwnKind::Directory && *what != PROFILES => {
                    let place = path.display().to_string();
                    inside.push(MissingSource {
                        path: source.path.clone(),
                        why: Missing::Own { what, place },
                    });
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
pub fn own(job: &Job) -> Vec<(&'static str, PathBuf, OwnKind)> {
    use OwnKind::{Directory, File, WorkDirectory};
    let native = |path: &FullPath| path.to_native();
    let mut own = vec![(
        "the local state of this program",
        base_directory(),
        Directory,
    )];
    let mirror = job.mirror.as_ref().map(|mirror| native(&mirror.path));
    own.extend(mirror.map(|path| ("the mirror", path, Directory)));
    let stores = job.stores().filter_map(|store| store.path().map(native));
    own.extend(stores.map(|path| ("the directory store", path, Directory)));
    let log = job.reporting.log.directory.as_ref().map(native);
    own.extend(log.map(|path| ("the log directory", path, Directory)));
    own.extend(job.secrets.iter().filter_map(|secret| match secret {
        Reference::File(path) => Some(("the file of a secret", PathBuf::from(path), File)),
        Reference::Env(_) | Reference::Command(_) | Reference::Keyring(_) => None,
    }));
    let profiles = Search::standard_directories();
    own.extend(profiles.into_iter().map(|path| (PROFILES, path, Directory)));
    let work = native(&job.work_directory);
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
