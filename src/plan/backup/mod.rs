//! The plan: everything a run will do, decided (SPEC#commands, SPEC#scope, SPEC#run).
//!
//! A pure function of the job and the facts. It never touches a file, process, environment
//! variable, clock or network; a dry run is this plan, shown. Execution chooses nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::model::digest::selection_digest;
use crate::model::event::{Section, Severity};
use crate::model::job::{Destination, Job, NameError};
use crate::model::name::MountName;
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;
use crate::model::store::StoreName;
use crate::model::upload_record::Unfinished;
use crate::model::work_name::work_name;

mod apart;
mod away;
mod latest;
mod missing;
mod notes;
mod resume;
mod scope;
mod scope_facts;
mod stage;

pub use crate::plan::backup::resume::FinishUpload;
pub use apart::{Apart, OwnKind, OwnPlace, selection as selection_apart};
pub use latest::Latest;
pub use missing::{Missing, MissingSource};
pub use scope::{Decision, Mode, Refusal, Remembered, Scope, StoreFacts};
pub use stage::{ArchiveOrder, Changes, HALF_COPIES, MirrorOrder, StageOrder, mirror_target};

use scope::{ScopeFacts, decide};

/// What planning must know of the world, gathered before.
#[derive(Clone, Debug)]
pub struct Facts {
    pub now: DateTime<Utc>,
    /// Makes the name of the work directory unpredictable; empty in a preview.
    pub nonce: String,
    pub mode: Mode,
    /// `run --force-full`.
    pub force_full: bool,
    /// `run --new-key`.
    pub new_key: bool,
    /// The archive key differs from that of the last backup.
    pub key_changed: bool,
    /// Whether the mirror is on the disk that it was on, as far as this computer knows.
    pub mirror_attached: bool,
    /// Destinations whose disks are not attached, as far as this computer can tell.
    pub away: Vec<Destination>,
    /// `run --adopt`.
    pub adopt: bool,
    /// Who made the newest backup of a store, if it was not this profile of this computer.
    pub foreign: Option<String>,
    /// The job's stores, in the order of [`StoreName`], with what they hold.
    pub stores: Vec<(StoreName, StoreFacts)>,
    /// Backups that local state remembers.
    pub remembered: Vec<Remembered>,
    /// Backups whose upload was interrupted, oldest first.
    pub unfinished: Vec<Unfinished>,
    /// When the profile file was modified.
    pub profile_modified: Option<DateTime<Utc>>,
    /// Listed sources that are missing, with the reason.
    pub missing: Vec<MissingSource>,
    /// Symbolic links by which the sources are named, above them.
    pub links_above: Vec<FullPath>,
    /// The program's own places and other file systems below the sources.
    pub apart: Apart,
    /// Why no archive can be made at all: a tool or the key is missing.
    pub archiving: Option<Refusal>,
    /// Program paths, as found.
    pub seven_zip: String,
    pub copier: String,
}

/// Something that the plan says besides its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PlanNote {
    /// The section of the log (SPEC#log).
    #[serde(skip)]
    pub section: Section,
    pub severity: Severity,
    pub text: String,
    pub hint: Option<String>,
}

/// One step, in order. A failed step stops only what depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum PlanStep {
    /// Snapshot, list, mirror, verify and archive one mount; index into [`Plan::stages`].
    Stage { mount: usize },
    /// Keep manifests and selection digest in local state, and what is to be sent.
    Remember,
    /// Finish the upload of an older backup; index into [`Plan::unfinished`].
    Finish { upload: usize },
    /// Send the volumes and the manifest of one mount.
    Upload { store: StoreName, mount: usize },
    /// Send the markers of all mounts: from here on the backup exists.
    Mark { store: StoreName },
    /// Delete work files.
    CleanUp,
}

/// Everything a run will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    pub profile: String,
    pub location: String,
    pub mode: Mode,
    pub stamp: Stamp,
    /// Absent when the job has a mirror only.
    pub archive: Option<Decision>,
    /// Where it all goes, and what people call it.
    #[serde(serialize_with = "names")]
    #[schemars(with = "Vec<String>")]
    pub destinations: Vec<(Destination, String)>,
    /// The latest complete backups of each store, for people.
    pub latest: Vec<Latest>,
    pub findings: Vec<PlanNote>,
    /// Digest of the selection part of the profile.
    pub selection: String,
    /// The digest to remember: an older one while a full backup that a change requires is
    /// postponed.
    pub remember: String,
    /// Directory of all work files of the run.
    pub work: FullPath,
    /// Uploads of older backups that are finished first.
    pub unfinished: Vec<FinishUpload>,
    /// Backups whose work files stay because their upload is not finished.
    pub keep: Vec<Stamp>,
    /// Sources that the profile requires and that are missing: no destination gets them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<FullPath>,
    /// What is left out or included although the user may not expect it.
    pub notes: Vec<String>,
    pub stages: Vec<StageOrder>,
    pub steps: Vec<PlanStep>,
}

impl Plan {
    /// Decides everything.
    ///
    /// # Errors
    /// When the job cannot be carried out under any facts.
    pub fn new(job: &Job, facts: &Facts) -> Result<Plan, NameError> {
        let mounts = job.mounts()?;
        let digest = selection_digest(&job.location, job.selection.spec());
        let mut findings = Vec::new();
        let uploads = resume::uploads(&job.location, facts, &mut findings);
        let now = Stamp::new(facts.now, job.zone);
        let stamp = stamp(now, &uploads.stores, &mut findings);
        let missing = missing(job, facts, &mut findings);
        let waited_for: Vec<String> = waited_for(job, facts).collect();
        let required = job.sources.iter().filter(|s| !s.optional);
        let lacking = required
            .map(|s| s.path.clone())
            .filter(|path| missing.iter().any(|m| m.same(path)))
            .collect();
        let left_out = away::left_out(job, facts);
        findings.extend(notes::unreachable(facts, &left_out));
        findings.extend(away::notes(job, &left_out));
        let is_used = |name: StoreName| !left_out.contains(&Destination::Store(name));
        let archive = job.stores().any(|store| is_used(store.name())).then(|| {
            if let Some(refusal) = facts
                .archiving
                .clone()
                .or_else(|| notes::unsafe_to_archive(facts))
            {
                return Decision::refused(refusal);
            }
            let names: Vec<MountName> = mounts.iter().map(|m| m.name.clone()).collect();
            let stores: Vec<StoreFacts> = uploads.stores.iter().map(|(_, s)| s.clone()).collect();
            decide(&ScopeFacts {
                stamp,
                zone: job.zone,
                mode: facts.mode,
                policy: job.force_full,
                force_once: facts.force_full,
                new_key: facts.new_key && facts.key_changed,
                mounts: &names,
                lookback_months: job.lookback_months.get(),
                stores: &stores,
                digest: &digest,
                remembered: &facts.remembered,
                profile_modified: facts.profile_modified,
                missing: &waited_for,
                unfinished: uploads.finish.first().map(|finish| finish.backup),
            })
        });
        findings.extend(archive.as_ref().and_then(notes::of_decision));
        let work = job
            .work_directory
            .join(&work_name(&job.location, stamp, &facts.nonce));
        let scope = archive.as_ref().and_then(Decision::scope);
        let mut stages = Vec::new();
        for (i, mount) in mounts.iter().enumerate() {
            let mut stage = stage::stage(job, facts, stamp, scope, mount, i, &work, &missing);
            if left_out.contains(&Destination::Mirror) {
                stage.mirror = None;
            }
            stages.push(stage);
        }
        let remember = match scope {
            Some(Scope::Incremental {
                since,
                full_is_due: true,
                ..
            }) => facts
                .remembered
                .iter()
                .find(|r| r.stamp == *since)
                .and_then(|r| r.digest.clone())
                .unwrap_or_default(),
            _ => digest.clone(),
        };
        let mut plan = Plan {
            remember,
            profile: job.name.clone(),
            location: job.location.clone(),
            mode: facts.mode,
            stamp,
            destinations: destinations(job, facts),
            latest: facts
                .stores
                .iter()
                .filter_map(|(_, store)| Latest::of(store))
                .collect(),
            findings,
            notes: apart::notes(&job.selection, job.one_file_system, &facts.apart),
            selection: digest,
            work,
            unfinished: uploads.finish,
            keep: uploads.keep,
            lacking,
            stages,
            steps: Vec::new(),
            archive,
        };
        plan.steps = plan.order(facts);
        Ok(plan)
    }

    /// What kind of backup is made, if any archive is.
    pub fn scope(&self) -> Option<&Scope> {
        self.archive.as_ref()?.scope()
    }

    /// All stages, then volumes of all mounts, then all markers: an interrupted backup has no
    /// marker (SPEC#names). Older uploads may take days: mirrors do not wait for them, nor does the
    /// state that is archived.
    fn order(&self, facts: &Facts) -> Vec<PlanStep> {
        let useful = |s: &StageOrder| s.mirror.is_some() || s.archive.is_some();
        let mut steps: Vec<PlanStep> = (0..self.stages.len())
            .filter(|i| useful(&self.stages[*i]))
            .map(|mount| PlanStep::Stage { mount })
            .collect();
        // Manifests of a backup that is in no store are harmless; a backup in a store without them
        // is not.
        steps.extend(self.scope().map(|_| PlanStep::Remember));
        steps.extend((0..self.unfinished.len()).map(|upload| PlanStep::Finish { upload }));
        if self.scope().is_some() {
            let stores = || {
                facts
                    .stores
                    .iter()
                    .filter(|(_, s)| s.catalog.is_ok())
                    .map(|(name, _)| *name)
            };
            for store in stores() {
                steps.extend((0..self.stages.len()).map(|mount| PlanStep::Upload { store, mount }));
            }
            steps.extend(stores().map(|store| PlanStep::Mark { store }));
        }
        steps.push(PlanStep::CleanUp);
        steps
    }

    /// The name of the mirror among [`Plan::destinations`]; a store has its label there.
    pub fn mirror_name(job: &Job) -> Option<String> {
        job.mirror
            .as_ref()
            .map(|mirror| format!("mirror {}", mirror.path))
    }
}

fn destinations(job: &Job, facts: &Facts) -> Vec<(Destination, String)> {
    let store =
        |(name, store): &(StoreName, StoreFacts)| (Destination::Store(*name), store.label.clone());
    Plan::mirror_name(job)
        .map(|name| (Destination::Mirror, name))
        .into_iter()
        .chain(facts.stores.iter().map(store))
        .collect()
}

fn names<S: Serializer>(
    destinations: &[(Destination, String)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(destinations.iter().map(|(_, name)| name))
}

/// The stamp of this run: now, but never before an existing backup, because restores rely on the
/// order of stamps.
fn stamp(now: Stamp, stores: &[(StoreName, StoreFacts)], findings: &mut Vec<PlanNote>) -> Stamp {
    let (future, past): (BTreeSet<Stamp>, BTreeSet<Stamp>) = stores
        .iter()
        .filter_map(|(_, s)| s.catalog.as_ref().ok())
        .flat_map(|c| &c.sets)
        .flat_map(|s| s.backups().map(|b| b.id.stamp()))
        .partition(|stamp| stamp.is_future(now));
    if let Some(last) = future.last() {
        findings.push(PlanNote {
            section: Section::LatestBackups,
            severity: Severity::Warning,
            text: format!(
                "{} in the future, up to {last}: the clock says {now}; they are not used",
                match future.len() {
                    1 => "1 backup is dated".to_owned(),
                    n => format!("{n} backups are dated"),
                }
            ),
            hint: Some(
                "check the clock of this computer; if it is right, these backups were made with a \
                 wrong one"
                    .to_owned(),
            ),
        });
    }
    match past.last().copied() {
        Some(newest) if newest >= now => {
            findings.push(PlanNote {
                section: Section::LatestBackups,
                severity: Severity::Warning,
                text: format!(
                    "the clock says {now}, but a backup of {newest} exists; this one is called {}",
                    newest.next()
                ),
                hint: Some("check the computer's clock and the profile's time-zone".to_owned()),
            });
            newest.next()
        }
        _ => now,
    }
}

/// The missing sources that a full backup waits for.
fn waited_for(job: &Job, facts: &Facts) -> impl Iterator<Item = String> {
    let is_optional = |path: &FullPath| job.sources.iter().any(|s| s.optional && s.path.same(path));
    let waited = move |m: &&MissingSource| m.postpones_full(is_optional(&m.path));
    facts
        .missing
        .iter()
        .filter(waited)
        .map(|m| m.path.to_string())
}

fn missing(job: &Job, facts: &Facts, findings: &mut Vec<PlanNote>) -> Vec<FullPath> {
    let mut in_order = Vec::new();
    for source in &job.sources {
        let missing = facts.missing.iter().find(|m| m.path.same(&source.path));
        in_order.extend(missing.map(|missing| (source.optional, missing)));
    }
    findings.extend(in_order.iter().map(|(optional, missing)| PlanNote {
        section: Section::Sources,
        severity: if *optional {
            Severity::Warning
        } else {
            Severity::Error
        },
        text: format!(
            "the source '{}' is not backed up: {}",
            missing.path, missing.why
        ),
        hint: Some(missing.hint(*optional).to_owned()),
    }));
    facts.missing.iter().map(|m| m.path.clone()).collect()
}

#[cfg(test)]
mod tests;
