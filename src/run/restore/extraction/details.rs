//! What could not be restored of owners, attributes and links, in one line (SPEC#restore).

use crate::adapters::place::Lacks;
use crate::adapters::state::is_root;
use crate::model::event::{Events, Section};
use crate::model::text;

/// Says which owners were restored by name, because their numbers are others here.
pub fn report_renumbered<'o>(
    renumbered: impl Iterator<Item = &'o str>,
    mount: &str,
    events: &Events<'_>,
) {
    let renumbered: Vec<&str> = renumbered.collect();
    // Nobody else gives files away.
    if is_root() && !renumbered.is_empty() {
        let text = format!("{mount}: owners by name: {}", renumbered.join("; "));
        events.note(Section::Verification, text);
    }
}

/// Says it once for a mount.
pub fn report(lacks: &Lacks, mount: &str, events: &Events<'_>) {
    let refused = lacks.refused();
    if !refused.is_empty() {
        let text = format!("{mount}: not restored: {}", refused.join("; "));
        events.warn(Section::Verification, text, None);
    }
    let left_out = [
        (lacks.owners, "the owners of", "entry"),
        (
            lacks.set_ids,
            "the set-id bits and capabilities of",
            "entry",
        ),
    ];
    let left_out = left_out.iter().filter(|(count, ..)| *count > 0);
    let left_out: Vec<String> = left_out
        .map(|(count, what, one)| format!("{what} {}", text::count(*count, one)))
        .collect();
    if !left_out.is_empty() {
        let text = format!(
            "{mount}: not restored: {}; only root can set them",
            left_out.join(" and ")
        );
        events.note(Section::Verification, text);
    }
    if lacks.privileges > 0 {
        let text = format!(
            "{mount}: {} with set-id bits or capabilities, as listed: they run with the rights of \
             their owner",
            text::count(lacks.privileges, "file")
        );
        events.note(Section::Verification, text);
    }
}
