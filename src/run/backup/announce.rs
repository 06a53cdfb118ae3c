//! What the log says before anything is done: parameters, then what was found and decided
//! (SPEC#email).

use crate::adapters::destination_id;
use crate::adapters::state::{State, checked};
use crate::model::event::{Event, Events, Section};
use crate::model::job::Job;
use crate::model::policy::ExtraFiles;
use crate::model::text;
use crate::plan::backup::{Facts, Plan};
use crate::run::backup::survey::Request;

pub(super) fn parameters(job: &Job, request: Request, events: &Events<'_>) {
    let note = |text: String| events.detail(Section::Parameters, text);
    note(format!("aam-backup {}", env!("CARGO_PKG_VERSION")));
    note(format!(
        "profile '{}' ({})",
        job.name,
        job.profile.display()
    ));
    note(format!(
        "location '{}', mode {}",
        job.location, request.mode
    ));
    if request.force_full {
        note("--force-full".to_owned());
    }
    if let Some(mirror) = &job.mirror {
        let extra = if mirror.extra_files == ExtraFiles::Delete {
            "deleted"
        } else {
            "kept"
        };
        note(format!("mirror: {}, extra files are {extra}", mirror.path));
    }
    for store in job.stores() {
        note(format!("{}: {}", store.name(), store.parameters()));
    }
    if let Some(archive) = &job.archive {
        note(format!(
            "archive: {}, volumes of {} bytes, level {}, key ***",
            archive.format.extension(),
            archive.volume_size,
            archive.compression_level
        ));
    }
    if let Some(email) = &job.reporting.email {
        note(format!(
            "email: from {} to {}, region {}",
            email.from,
            email.to.join(", "),
            email.region
        ));
    }
}

/// Says which records of local state are damaged: they count as absent.
pub(super) fn damaged_records(job: &Job, events: &Events<'_>) {
    let records = State::of(&job.location).records().into_iter();
    let records = records.chain([destination_id::record()]);
    for path in records.filter(|path| checked::is_damaged(path)) {
        let text = format!(
            "'{}' in local state is damaged and counts as absent",
            path.display()
        );
        let hint = "check the disk; in this run, nothing notices a mistyped key, a destination \
                    that is not attached, or objects that are gone from a store"
            .to_owned();
        events.warn(Section::LatestBackups, text, Some(hint));
    }
}

/// Logs what was found and decided.
pub(super) fn plan(job: &Job, plan: &Plan, facts: &Facts, events: &Events<'_>) {
    let problems = |here: fn(Section) -> bool| {
        for finding in plan.findings.iter().filter(|finding| here(finding.section)) {
            let (section, severity) = (finding.section, finding.severity);
            events.emit(Event::Problem {
                section,
                severity,
                text: finding.text.clone(),
                hint: finding.hint.clone(),
            });
        }
    };
    for latest in &plan.latest {
        let text = format!("latest complete backup in {latest}");
        events.note(Section::LatestBackups, text);
    }
    for (_, store) in &facts.stores {
        let ignored = store.catalog.as_ref().map_or(0, |catalog| catalog.ignored);
        if ignored > 0 {
            let others = text::count(ignored, "other object");
            let text = format!("{}: {others} ignored", store.label);
            events.note(Section::LatestBackups, text);
        }
    }
    if let Some(decision) = &plan.archive {
        decision
            .reasons
            .iter()
            .for_each(|reason| events.note(Section::LatestBackups, reason.clone()));
        if let Some(scope) = decision.scope() {
            events.note(
                Section::LatestBackups,
                format!("this backup: {}, {}", scope.word(), plan.stamp),
            );
        }
    }
    problems(|section| section <= Section::LatestBackups);
    for stage in &plan.stages {
        events.detail(
            Section::Sources,
            format!("mount {}: {}", stage.number, stage.mount.path),
        );
        stage
            .mount
            .sources
            .iter()
            .for_each(|s| events.detail(Section::Sources, format!("  source {s}")));
    }
    plan.notes
        .iter()
        .for_each(|note| events.note(Section::Sources, note.clone()));
    let spec = job.selection.spec();
    spec.directories
        .iter()
        .for_each(|e| events.detail(Section::Sources, format!("excluded directories: {e}")));
    spec.files
        .iter()
        .for_each(|e| events.detail(Section::Sources, format!("excluded files: {e}")));
    problems(|section| section > Section::LatestBackups);
}
