//! Sources that the backup of a state could not look at (SPEC#restore). Pure.

use crate::model::manifest::SourceLook;
use crate::model::marker::Marker;
use crate::model::stamp::Stamp;

use super::chain::MountArchives;
use super::plan::RestoreFinding;

/// What the user must know about the sources that the backup of a state did not look at.
pub fn findings(archives: &MountArchives<'_>, of: &Marker) -> Vec<RestoreFinding> {
    let unseen = of.sources.iter().filter(|source| !source.looked_at);
    unseen.map(|source| one(archives, of, source)).collect()
}

fn one(archives: &MountArchives<'_>, of: &Marker, source: &SourceLook) -> RestoreFinding {
    let (state, path) = (of.backup.stamp(), &source.path);
    if let Some(last) = source.last_looked_at {
        return RestoreFinding {
            warning: false,
            text: format!(
                "the backup {state} could not look at '{path}': it is restored as of {last}"
            ),
        };
    }
    match last_look(archives, of, source) {
        Some(last) => RestoreFinding {
            warning: true,
            text: format!(
                "the backup {state} could not look at '{path}' and did not know what it held: its \
                 files are not in this state; restore them with --at {last} into another directory"
            ),
        },
        // An optional source may never have been there: that is no failure of a restore.
        None => RestoreFinding {
            warning: false,
            text: format!(
                "the backup {state} could not look at '{path}': nothing of it is in this set"
            ),
        },
    }
}

/// The newest earlier backup that looked at a source.
fn last_look(archives: &MountArchives<'_>, of: &Marker, source: &SourceLook) -> Option<Stamp> {
    let before = archives.archives.iter().rev();
    let before = before.filter_map(|(backup, _)| archives.marker(backup.id));
    let is_look = |look: &SourceLook| look.looked_at && look.path.same(&source.path);
    let looks = before.filter(|marker| marker.sources.iter().any(is_look));
    let mut stamps = looks.map(|marker| marker.backup.stamp());
    stamps.find(|stamp| *stamp < of.backup.stamp())
}
