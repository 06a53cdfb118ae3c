//! What Robocopy was told to leave out and copied all the same (SPEC#verification). How it compares
//! the paths after `/XD` and `/XF` is not documented in every respect.

use std::fs;
use std::path::PathBuf;

use crate::model::event::{Events, Section};
use crate::model::manifest::RelPath;
use crate::model::path::{shown, verbatim};
use crate::plan::backup::StageOrder;
use crate::render::robocopy::CopyCommand;
use crate::run::native::native;

/// The paths that the commands leave out and that the mirror does not have yet. One that is left
/// out because another command copies it is none of them.
pub(super) fn absent(order: &StageOrder, copies: &[CopyCommand]) -> Vec<RelPath> {
    let copied = |path: &RelPath| copies.iter().any(|copy| copy.directory.starts_with(path));
    let left_out = copies.iter().flat_map(|copy| {
        let directories = copy.without_directories.iter();
        directories.chain(&copy.without_files)
    });
    let absent = left_out.filter(|path| !copied(path) && copy_of(order, path).is_none());
    absent.cloned().collect()
}

/// Names those that the mirror has by now.
pub(super) fn report(order: &StageOrder, absent: &[RelPath], events: &Events<'_>) {
    for copy in absent.iter().filter_map(|path| copy_of(order, path)) {
        let text = format!(
            "'{}' was copied to the mirror, though it is left out",
            shown(&copy)
        );
        let hint = "delete it; with `extra-files: delete`, the next run does";
        events.warn(Section::Verification, text, Some(hint.to_owned()));
    }
}

/// Where the mirror has this path, if it has it.
fn copy_of(order: &StageOrder, path: &RelPath) -> Option<PathBuf> {
    let target = verbatim(&order.mirror.as_ref()?.target.to_native());
    native(&target, path).filter(|copy| fs::symlink_metadata(copy).is_ok())
}
