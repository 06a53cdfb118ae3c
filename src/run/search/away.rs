//! A store that cannot be asked: the lists of this computer replace it.

use crate::adapters::store::{StoreError, StoreErrorKind};
use crate::model::event::Section;
use crate::model::job::Job;
use crate::run::restore::work::RestoreSettings;

/// Says what is searched instead of a store. That the disk of an optional store is away is nothing
/// to warn about.
pub(super) fn report(settings: &RestoreSettings<'_>, label: &str, error: &StoreError) {
    let text =
        format!("{error}; of its backups, only those are searched whose lists this computer keeps");
    let job = settings.origin.job.as_ref();
    let mut stores = job.into_iter().flat_map(Job::stores);
    if error.kind == StoreErrorKind::NotFound
        && stores.any(|store| store.is_optional() && store.label() == label)
    {
        settings.events.note(Section::LatestBackups, text);
        return;
    }
    let local = "with --local, no store is asked";
    let hint = match error.hint.as_str() {
        "" => local.to_owned(),
        hint => format!("{hint}; {local}"),
    };
    settings
        .events
        .warn(Section::LatestBackups, text, Some(hint));
}
