//! Copies in the mirror whose sources are no longer in the profile (SPEC#mirror). A run neither
//! updates nor deletes them, so it names them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::adapters::fs::entries;
use crate::model::event::{Events, Section};
use crate::model::job::Job;
use crate::model::path::{Family, FullPath};
use crate::plan::backup::mirror_target;

use super::survey::apart;

/// What other programs keep on a disk.
const OF_OTHERS: [&str; 4] = [
    "lost+found",
    "System Volume Information",
    "$RECYCLE.BIN",
    "found.000",
];

/// Names the directories of the mirror that belong to no source of the profile. A disk may be used
/// for other things too, so that is a note.
pub(super) fn report(job: &Job, events: &Events<'_>) {
    let Some(mirror) = job.mirror.as_ref().filter(|_| job.family == Family::HOST) else {
        return;
    };
    let copies = || {
        let sources = job.sources.iter();
        sources.map(|source| mirror_target(&mirror.path, &source.path))
    };
    let own: Vec<PathBuf> = apart::own(job)
        .into_iter()
        .map(|(_, path, _)| path)
        .collect();
    let is_own = |path: &Path| own.iter().any(|own| own.starts_with(path));
    let depth = mirror.path.parts().len();
    let above = |copy: FullPath| (depth..copy.parts().len()).map(move |n| copy.truncated(n));
    let above: BTreeSet<PathBuf> = copies().flat_map(above).map(|p| p.to_native()).collect();
    let is_known =
        |found: &FullPath| copies().any(|copy| copy.starts_with(found) || found.starts_with(&copy));
    for directory in above {
        // What cannot be read is reported where it is used.
        for entry in entries(&directory).unwrap_or_default() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = directory.join(name);
            let is_other = name.starts_with('.') || OF_OTHERS.contains(&name) || is_own(&path);
            let found = path.to_str().and_then(|path| FullPath::parse(path).ok());
            let is_directory = path.is_dir() && !path.is_symlink();
            if is_directory && !is_other && found.is_some_and(|found| !is_known(&found)) {
                let text = format!(
                    "'{}' in the mirror belongs to no source of this profile, and stays as it is: \
                     delete it if it is a copy of a source that was taken out",
                    path.display()
                );
                events.note(Section::Sources, text);
            }
        }
    }
}
