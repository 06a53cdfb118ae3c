//! `plan`: what a run would do and why; changes nothing (SPEC#commands).

mod diff;
mod for_people;
mod upload;

use std::path::PathBuf;

use crate::cli::examples;
use chrono::Utc;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::place::complain;
use super::run::BackupArgs;
use super::{Exit, OutputFormat, output};
use crate::adapters::credential;
use crate::cli::terminal::Terminal;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section, Severity};
use crate::model::job::Job;
use crate::model::path::Family;
use crate::plan::backup::{Facts, Plan, StageOrder};
use crate::plan::cost::forecast::Forecast;
use crate::plan::cost::work_space::{MountLoad, WorkSpace};
use crate::plan::search::diff::Diff;
use crate::run::backup::stage::{self, Extra, StageError, StagePaths, WalkCounts};
use crate::run::backup::survey::{Survey, given, snapshot_problem, survey};

use for_people::show;
use upload::UploadArgs;

/// Show what a run would do and why. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = examples::PLAN)]
pub struct PlanArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    #[command(flatten)]
    pub backup: BackupArgs,
    /// Plan with the facts in this JSON file instead of looking at sources, stores and state, to
    /// see what would be done on another computer or at another time. Files are not counted.
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["render", "upload_speed", "prices", "diff"])]
    pub facts: Option<PathBuf>,
    /// Also show what differs from the newest backup: new, changed, moved and deleted files, and
    /// the biggest.
    #[arg(long)]
    pub diff: bool,
    /// Write the scripts and lists of the run to this directory, one subdirectory for each mount.
    #[arg(long, value_name = "DIR")]
    pub render: Option<PathBuf>,
    #[command(flatten)]
    pub upload: UploadArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// A plan and what a walk of its mounts found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Preview<'a> {
    pub plan: &'a Plan,
    /// Counts of each mount; none for a profile of another system, because its files cannot be read
    /// from here.
    pub mounts: Vec<MountPreview>,
    /// What it takes to send the archives to S3; none when nothing is sent there, or a mount was
    /// not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<Forecast>,
    /// The space that a run needs in the work directory; none when nothing is archived, or a mount was
    /// not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_space: Option<WorkSpace>,
    /// What differs from the newest backup. None if it was not asked for, or there is no backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
}

/// The content of one mount.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MountPreview {
    pub number: usize,
    pub counts: WalkCounts,
    /// What `extra-files: delete` would delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Extra>,
    /// Whether `max-delete` allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
}

impl MountPreview {
    fn load(&self) -> MountLoad {
        let counts = &self.counts;
        MountLoad {
            mount: self.number,
            entries: counts.files + counts.directories + counts.kept_links,
            archived_files: counts.archived_files,
            archived_bytes: counts.archived_bytes,
        }
    }
}

/// Plans a job and prints it.
pub fn plan(job: &Job, args: &PlanArgs, cancel: &Cancel) -> Exit {
    let terms = match args.upload.terms() {
        Ok(terms) => terms,
        Err(exit) => return exit,
    };
    if let Some(why) = args.diff.then(|| diff::problem(job)).flatten() {
        complain("error", why, "");
        return Exit::Usage;
    }
    let events = Events::new(vec![Box::new(Terminal::new(false, false))]);
    let facts = match facts(job, args, cancel, &events) {
        Ok(facts) => facts,
        Err(exit) => return exit,
    };
    let plan = match Plan::new(job, &facts) {
        Ok(plan) => plan,
        Err(error) => {
            output::note(format_args!("error: {error}\n"));
            return Exit::Failed;
        }
    };
    let looked = look_at_all(job, args, &plan, cancel, &events);
    let (mounts, diff) = match looked {
        Ok(looked) => looked,
        Err(exit) => return exit,
    };
    let upload = terms.forecast(job, &plan, &facts, &mounts);
    let loads: Vec<MountLoad> = mounts.iter().map(MountPreview::load).collect();
    let preview = Preview {
        work_space: WorkSpace::of(&plan, &loads),
        plan: &plan,
        mounts,
        upload,
        diff,
    };
    let outcome = events.outcome();
    // The live lines are gone before the plan is shown.
    drop(events);
    let written = match args.format {
        OutputFormat::Text => output::result(show(job, &preview)),
        OutputFormat::Json => output::json(&preview),
    };
    if written != Exit::Success {
        return written;
    }
    let worst = plan.findings.iter().map(|f| f.severity).max();
    let refused = preview.mounts.iter().any(|m| m.allowed == Some(false));
    match (worst, Exit::of(outcome)) {
        (Some(Severity::Error), _) => Exit::Failed,
        _ if refused => Exit::Failed,
        (Some(Severity::Warning), Exit::Success) => Exit::Warnings,
        (_, exit) => exit,
    }
}

/// Walks all mounts, as far as this computer can, and compares them with the newest backup if that
/// is asked for.
fn look_at_all(
    job: &Job,
    args: &PlanArgs,
    plan: &Plan,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<(Vec<MountPreview>, Option<Diff>), Exit> {
    if job.family != Family::HOST || args.facts.is_some() {
        return Ok((Vec::new(), None));
    }
    // All mounts have the same mirror. What is wrong with it is reported.
    if let Some(mirror) = plan.stages.iter().find_map(|stage| stage.mirror.as_ref()) {
        stage::mirror_is_usable(mirror, events);
    }
    let failed = |error: StageError| match error {
        StageError::Interrupted => Exit::Interrupted,
        error => {
            output::note(format_args!("error: {error}\n"));
            Exit::Failed
        }
    };
    // What is compared are the lists of the walk.
    let scratch = match args.diff && args.render.is_none() {
        true => Some(
            tempfile::tempdir()
                .map_err(StageError::Lists)
                .map_err(failed)?,
        ),
        false => None,
    };
    let render = scratch.as_ref().map(|place| place.path());
    let render = render.or(args.render.as_deref());
    let mut mounts = Vec::new();
    for order in &plan.stages {
        mounts.push(look(order, render, cancel, events).map_err(failed)?);
    }
    let diff = match render.filter(|_| args.diff) {
        Some(render) => diff::with_newest(job, plan, &mounts, render, cancel, events)?,
        None => None,
    };
    Ok((mounts, diff))
}

/// What the plan is made from: this computer, or the file that is given. What a run here would fail
/// for goes to `events`.
fn facts(job: &Job, args: &PlanArgs, cancel: &Cancel, events: &Events<'_>) -> Result<Facts, Exit> {
    let request = args.backup.request();
    if let Some(path) = &args.facts {
        return given::facts(job, request, path).map_err(|error| {
            output::note(format_args!("error: {error}\n"));
            Exit::Usage
        });
    }
    let Survey {
        facts,
        missing_copier,
        ..
    } = survey(job, request, Utc::now(), cancel);
    if let Some(missing) = missing_copier {
        events.fail(
            Section::Start,
            missing.to_string(),
            missing.hint().map(str::to_owned),
        );
    }
    if let Some((text, hint)) = snapshot_problem(job) {
        events.fail(Section::Start, text, Some(hint));
    }
    let key = job.archive.as_ref().map(|a| &a.encryption_key);
    if let Some(why) = key.and_then(credential::missing_here) {
        let hint = "a run in this environment would archive nothing".to_owned();
        events.fail(
            Section::Parameters,
            format!("archive.encryption-key: {why}"),
            Some(hint),
        );
    }
    Ok(facts)
}

/// Walks one mount, from the files as they are now: making a snapshot would change something.
fn look(
    order: &StageOrder,
    render: Option<&std::path::Path>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<MountPreview, StageError> {
    let read = order.mount.path.to_native();
    let number = order.number;
    let deletes = order.mirror.as_ref().and_then(|m| Some((m, m.delete?)));
    // What would be deleted is found by comparing with the manifest, which needs a place for a
    // moment.
    let scratch = match (render, deletes) {
        (None, Some(_)) => Some(tempfile::tempdir().map_err(StageError::Lists)?),
        _ => None,
    };
    let write = match &scratch {
        Some(scratch) => Some(scratch.path().to_path_buf()),
        None => render.map(|dir| dir.join(number.to_string())),
    };
    let place = StagePaths {
        read: &read,
        write: write.as_deref(),
    };
    let counts = stage::prepare(order, place, cancel, events)?;
    let extra = match (deletes, &write) {
        (Some((mirror, _)), Some(write)) => Some(stage::list_extra(
            mirror, order, write, &counts, cancel, events,
        )?),
        _ => None,
    };
    let allowed = extra
        .zip(deletes)
        .map(|(extra, (_, guard))| guard.allows(extra.extra, extra.present));
    Ok(MountPreview {
        number,
        counts,
        extra,
        allowed,
    })
}
