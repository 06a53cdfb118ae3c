//! Where rsync keeps partial copies (SPEC#mirror): one directory in the copy of the mount. Each run
//! empties it, so that a crash leaves nothing beside the copies.

use std::fs;
use std::io;
use std::path::Path;

use crate::adapters::fs::create_new_private_directory;
use crate::model::event::{Events, Section};
use crate::model::path::{shown, verbatim};
use crate::plan::backup::MirrorOrder;

/// Removes what an interrupted run left.
pub(super) fn remove(mirror: &MirrorOrder, events: &Events<'_>) {
    let Some(place) = mirror.half_copies.as_ref().map(|path| path.to_native()) else {
        return;
    };
    match fs::remove_dir_all(verbatim(&place)) {
        Ok(()) => events.note(
            Section::Tools,
            format!("removed '{}', left by an interrupted copy", shown(&place)),
        ),
        Err(error) => tell(&place, &error, events),
    }
}

/// Makes the directory. If it cannot be made, rsync keeps partial copies beside the copies.
pub(super) fn make(mirror: &mut MirrorOrder) {
    let Some(place) = mirror.half_copies.as_ref().map(|path| path.to_native()) else {
        return;
    };
    if create_new_private_directory(&verbatim(&place)).is_err() {
        mirror.half_copies = None;
    }
}

/// Removes the directory after the copy.
pub(super) fn clean_up(mirror: &MirrorOrder, events: &Events<'_>) {
    if let Some(place) = mirror.half_copies.as_ref().map(|path| path.to_native())
        && let Err(error) = fs::remove_dir_all(verbatim(&place))
    {
        tell(&place, &error, events);
    }
}

fn tell(place: &Path, error: &io::Error, events: &Events<'_>) {
    if error.kind() != io::ErrorKind::NotFound {
        let text = format!(
            "'{}', where rsync keeps partial copies, cannot be removed: {error}",
            shown(place)
        );
        let hint = "remove it by hand; the next run tries again".to_owned();
        events.warn(Section::Tools, text, Some(hint));
    }
}
