//! What the program keeps for itself: no backup holds it unless it is a source itself
//! (SPEC#selection).

use std::path::{Path, PathBuf};

use crate::adapters::state::base_directory;
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Reference;
use crate::plan::backup::OwnPlaces;
use crate::profile::Search;

/// Where keys, profiles, state and logs are, when this computer is the one that is backed up.
pub fn own_places(job: &Job) -> OwnPlaces {
    if job.family != Family::HOST {
        return OwnPlaces::default();
    }
    let key_files = job
        .secrets
        .iter()
        .filter_map(|reference| match reference {
            Reference::File(path) => Some(PathBuf::from(path)),
            Reference::Env(_) | Reference::Command(_) | Reference::Keyring(_) => None,
        });
    // A directory that a person named for logs or profiles may hold other things too.
    let base = base_directory();
    let state = ["state", "runs", "logs"].map(|name| base.join(name));
    let directories = state.into_iter().chain(Search::standard_directories());
    OwnPlaces {
        files: key_files.flat_map(|path| names_of(&path)).collect(),
        directories: directories.flat_map(|path| names_of(&path)).collect(),
    }
}

/// A path, and the one that links lead to from there.
fn names_of(path: &Path) -> Vec<FullPath> {
    let named = std::path::absolute(path).ok();
    let real = path.canonicalize().ok();
    let full = |path: PathBuf| FullPath::parse(path.to_str()?).ok();
    let mut names: Vec<FullPath> = [named, real]
        .into_iter()
        .flatten()
        .filter_map(full)
        .collect();
    names.dedup();
    names
}
