//! The plan as text for a person.

use std::fmt::Write as _;

use super::{MountPreview, Preview};
use crate::model::event::Severity;
use crate::model::job::Job;
use crate::model::manifest::RelPath;
use crate::model::text;
use crate::plan::backup::{Plan, PlanStep, Scope, StageOrder};
use crate::run::backup::stage::{Shares, WalkCounts};

/// Lines; writing into a string cannot fail.
struct PlanText(String);

impl PlanText {
    fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.0, "{}", text.as_ref());
    }
}

/// The plan for a person.
pub(super) fn show(job: &Job, preview: &Preview<'_>) -> String {
    let plan = preview.plan;
    let mut page = PlanText(String::new());
    page.line(format!(
        "Profile {}, location {}, backup {}",
        plan.profile, plan.location, plan.stamp
    ));
    decision(&mut page, plan);
    for finding in &plan.findings {
        let word = if finding.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        page.line(format!("{word}: {}", finding.text));
        if let Some(hint) = &finding.hint {
            page.line(format!("  hint: {hint}"));
        }
    }
    for note in &plan.notes {
        page.line(format!("note: {note}"));
    }
    for order in &plan.stages {
        let counted = preview.mounts.iter().find(|m| m.number == order.number);
        mount(&mut page, order, counted);
    }
    if let Some(diff) = &preview.diff {
        page.line("\nDifferences from the newest backup:");
        page.0.push_str(&diff.to_text());
    }
    if let Some(upload) = &preview.upload {
        page.line(format!("\n{}", upload.to_text()));
    }
    if let Some(space) = &preview.work_space {
        let (work, text) = (&job.work_directory, space.to_text());
        page.line(format!("\nWork space in {work}: {text}"));
    }
    page.line("\nSteps:");
    for (number, step) in (1..).zip(&plan.steps) {
        page.line(format!("{number:3}. {}", words(job, plan, step)));
    }
    page.0
}

fn decision(page: &mut PlanText, plan: &Plan) {
    let Some(decision) = &plan.archive else {
        page.line("Mirror only: no archives are made.");
        return;
    };
    page.line(match decision.scope() {
        Some(Scope::Full) => "A full backup:".to_owned(),
        Some(Scope::Incremental { full, since, .. }) => format!(
            "An incremental backup on the full backup {full} of what changed since {since}:"
        ),
        None => "No archives:".to_owned(),
    });
    for reason in &decision.reasons {
        page.line(format!("  - {reason}"));
    }
}

fn mount(page: &mut PlanText, order: &StageOrder, counted: Option<&MountPreview>) {
    page.line(format!("\nMount {}: {}", order.number, order.mount.path));
    for source in &order.mount.sources {
        let missing = if order.missing.iter().any(|m| m.same(source)) {
            "  (missing)"
        } else {
            ""
        };
        page.line(format!("  source   {source}{missing}"));
    }
    match counted {
        Some(counted) => counts(page, order, counted),
        None => page.line("  not looked at"),
    }
    if let Some(mirror) = &order.mirror {
        page.line(format!("  mirror   {}", mirror.target));
    }
    if let Some(archive) = &order.archive {
        page.line(format!("  archive  {}.001 …", archive.stem));
    }
}

fn counts(page: &mut PlanText, order: &StageOrder, mount: &MountPreview) {
    let c = &mount.counts;
    page.line(format!(
        "  selected {}, {}, {}",
        text::count(c.files, "file"),
        text::count(c.directories, "directory"),
        text::size(c.bytes)
    ));
    tree(page, &c.shares, &RelPath::root(), "           ");
    if order.archive.is_some() {
        page.line(format!(
            "  archived {}, {}",
            text::count(c.archived_files, "file"),
            text::size(c.archived_bytes)
        ));
    }
    if order.archive.is_some() && c.archived_bytes > 0 {
        let most = text::size(c.archived_bytes);
        page.line(format!("           needs up to {most} for its work files"));
    }
    if let Some(names) = c.hard_linked.sentence() {
        page.line(format!("           {names}"));
    }
    for (rule, count) in &c.shares.rules {
        let entries = text::count(*count, "entry");
        page.line(format!("  excluded {entries} by '{rule}'"));
    }
    let not_stored = match c.links {
        0 => "not backed up: special files",
        _ => "not backed up: links and special files",
    };
    for (count, words) in [
        (c.links + c.special, not_stored),
        (c.skipped, "cannot be backed up"),
        (
            c.unseen,
            "carried over from the last backup, not seen today",
        ),
    ] {
        if count > 0 {
            page.line(format!(
                "           {} {words}",
                text::count(count, "entry")
            ));
        }
    }
    ignored(page, order, c);
    if let (Some(extra), Some(allowed)) = (mount.extra, mount.allowed) {
        let verdict = if allowed {
            ""
        } else {
            ", which is more than max-delete allows: the mirror is not changed"
        };
        page.line(format!(
            "  deleted  {} of {} in the mirror{verdict}",
            extra.extra,
            text::count(extra.present, "file")
        ));
    }
}

/// The first of the links and special files that are not stored.
fn ignored(page: &mut PlanText, order: &StageOrder, counts: &WalkCounts) {
    for (path, why) in &counts.not_stored {
        page.line(format!("  ignored  '{}': {why}", order.display_path(path)));
    }
    let others = (counts.links + counts.special).saturating_sub(counts.not_stored.len() as u64);
    if others > 0 {
        page.line(format!("  ignored  {others} more"));
    }
}

/// The biggest directories, as a tree: those in `of`, and those in the biggest of them.
fn tree(page: &mut PlanText, shares: &Shares, of: &RelPath, indent: &str) {
    const MOST: usize = 5;
    let below = shares.biggest(of, MOST);
    for (number, (directory, share)) in below.iter().enumerate() {
        let (branch, next) = match number + 1 == below.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        let name = String::from_utf8_lossy(directory.name().unwrap_or_default()).into_owned();
        let name = format!("{indent}{branch}{}", text::one_line(&name));
        let size = text::size(share.bytes);
        page.line(format!(
            "{name:<48} {size:>10}  {}",
            text::count(share.files, "file")
        ));
        if of.is_root() && number == 0 {
            tree(page, shares, directory, &format!("{indent}{next}"));
        }
    }
}

fn words(job: &Job, plan: &Plan, step: &PlanStep) -> String {
    let mount = |index: &usize| plan.stages[*index].mount.path.to_string();
    match step {
        PlanStep::Stage { mount: m } => match &job.snapshot {
            Some(s) => format!(
                "{}: make a snapshot at {}, copy and archive",
                mount(m),
                s.mount
            ),
            None if plan.stages[*m].is_streamed() => {
                format!(
                    "{}: copy, archive, and send the archive while it is made",
                    mount(m)
                )
            }
            None => format!("{}: copy and archive", mount(m)),
        },
        PlanStep::Finish { upload } => {
            let u = &plan.unfinished[*upload];
            let (objects, bytes) = (text::count(u.objects, "object"), text::size(u.bytes));
            format!(
                "finish the interrupted upload of {} to {}: the last {objects}, {bytes}",
                u.backup, u.store
            )
        }
        PlanStep::Upload { store, mount: m } => {
            let what = match plan.stages[*m].is_streamed() {
                true => "complete the volumes in, and upload the manifest to,",
                false => "upload volumes and manifest to",
            };
            format!("{}: {what} {store}", mount(m))
        }
        PlanStep::Remember => "keep the manifests on this computer".to_owned(),
        PlanStep::Mark { store } => {
            format!("upload the markers of all mounts to {store}, which makes the backup complete")
        }
        PlanStep::CleanUp => format!("remove the work files in {}", plan.work),
    }
}
