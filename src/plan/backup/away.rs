//! Optional destinations whose disks are not attached (SPEC#missing-sources). Pure.

use super::{Facts, PlanNote};
use crate::model::event::{Section, Severity};
use crate::model::job::{Destination, Job};

/// The optional destinations that are not attached, which a run leaves out. None of them if no other
/// destination can be written to: a run that backs up nothing has failed.
pub(super) fn left_out(job: &Job, facts: &Facts) -> Vec<Destination> {
    let mirror = job.mirror.iter().map(|_| Destination::Mirror);
    let is_away = |one: &Destination| facts.away.contains(one);
    let listed = facts
        .stores
        .iter()
        .filter(|(_, store)| store.catalog.is_ok());
    let stores = listed.map(|(name, _)| Destination::Store(*name));
    if mirror.chain(stores).all(|one| is_away(&one)) {
        return Vec::new();
    }
    let optional = facts.away.iter().filter(|one| job.is_optional(**one));
    optional.copied().collect()
}

/// What is said of them.
pub(super) fn notes(job: &Job, left_out: &[Destination]) -> Vec<PlanNote> {
    let places = left_out.iter().filter_map(|one| match one {
        Destination::Mirror => Some(job.mirror.as_ref()?.path.to_string()),
        Destination::Store(name) => Some(job.stores().find(|s| s.name() == *name)?.label()),
    });
    places
        .map(|place| PlanNote {
            section: Section::LatestBackups,
            severity: Severity::Warning,
            text: format!("'{place}' is not used: it is not attached"),
            hint: Some(
                "attach its disk; if a new disk or directory takes its place, run once with \
                 --new-destination"
                    .to_owned(),
            ),
        })
        .collect()
}
