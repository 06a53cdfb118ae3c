//! What a plan says about the stores and its decision, besides its steps (SPEC#scope).

use super::scope::{Baseline, Choice, Decision, Refusal, Scope};
use super::{Facts, PlanNote};
use crate::model::event::{Section, Severity};
use crate::model::job::Destination;

/// The stores that nothing is archived to, because they cannot be asked. What is left out on
/// purpose is not one of them.
pub(super) fn unreachable(
    facts: &Facts,
    left_out: &[Destination],
) -> impl Iterator<Item = PlanNote> {
    let why = facts
        .stores
        .iter()
        .filter(|(name, _)| !left_out.contains(&Destination::Store(*name)))
        .filter_map(|(_, store)| store.catalog.as_ref().err());
    why.map(|why| PlanNote {
        section: Section::LatestBackups,
        severity: Severity::Error,
        text: format!("nothing is archived to {why}"),
        hint: None,
    })
}

/// What the user must know about a decision: that nothing is archived, or that it rests on times
/// only.
pub(super) fn of_decision(decision: &Decision) -> Option<PlanNote> {
    let note = |severity, text, hint| PlanNote {
        section: Section::LatestBackups,
        severity,
        text,
        hint,
    };
    match &decision.choice {
        Choice::Refused(refusal) => Some(note(
            Severity::Error,
            format!("nothing is archived: {}", refusal.why),
            Some(refusal.hint.clone()),
        )),
        Choice::Scope(Scope::Incremental {
            since,
            baseline: Baseline::Times,
            ..
        }) => Some(note(
            Severity::Warning,
            format!(
                "the manifest of the backup {since} is not on this computer: files are compared by \
                 their times only, and those that look unchanged are archived by the next run"
            ),
            None,
        )),
        Choice::Scope(_) => None,
    }
}

/// Why archives of this run could not be restored together with earlier ones.
pub(super) fn unsafe_to_archive(facts: &Facts) -> Option<Refusal> {
    if let Some(who) = facts.foreign.as_ref().filter(|_| !facts.adopt) {
        return Some(Refusal {
            why: format!("the newest backup of this location was made by {who}"),
            hint: "give each computer and each profile a `location` of its own; if this profile \
                   takes over from the other, run it once with --adopt"
                .to_owned(),
        });
    }
    (facts.key_changed && !facts.new_key).then(|| Refusal {
        why: "the archive key is not the key of the last backup, so one key could not restore both"
            .to_owned(),
        hint: "if it is mistyped, correct it; if it is meant to change, run once with --new-key, \
               which makes a full backup, and keep the old key for the older backups"
            .to_owned(),
    })
}
