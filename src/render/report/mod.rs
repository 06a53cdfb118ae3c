//! The report: the results of a run, for the terminal and the email (SPEC#email). It never contains
//! tool output.

mod brief;
mod message;
mod summary;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

pub use message::{Message, message};
pub use summary::{Counts, DestinationResult, Summary};

use crate::model::event::Outcome;
use crate::model::text;
use crate::plan::backup::{Mode, Plan};

/// The report of one run: made once, shown as text or HTML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The subject of the email.
    pub title: String,
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// Where the backup went, or should have gone.
    pub destinations: Vec<Row>,
    /// Errors and warnings, in words.
    pub problems: Vec<String>,
    /// Where to read on.
    pub more: String,
}

/// The result of one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub name: String,
    /// In words.
    pub state: String,
    pub complete: bool,
    /// Objects sent and their size; empty for a mirror.
    pub sent: String,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // By its name it is HTML: every value is escaped.
    if let Err(error) = templates.add_template("report.html", include_str!("report.html.j2")) {
        unreachable!("an embedded template: {error}");
    }
    templates
});

impl Report {
    /// The body as plain text.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.results(), self.more)
    }

    /// The results alone: who is at the computer sees where the log is.
    pub fn results(&self) -> String {
        let mut lines: Vec<String> = self
            .facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        for Row {
            name, state, sent, ..
        } in &self.destinations
        {
            let sent = if sent.is_empty() {
                String::new()
            } else {
                format!(", {sent} sent")
            };
            lines.push(format!("Destination: {name}: {state}{sent}"));
        }
        lines.extend(self.problems.iter().cloned());
        lines.join("\n")
    }

    /// The body as one HTML page.
    pub fn html(&self) -> String {
        let page = TEMPLATES
            .get_template("report.html")
            .and_then(|t| t.render(minijinja::value::Serde(self)));
        page.unwrap_or_else(|error| unreachable!("an embedded template: {error}"))
    }
}

/// `SUCCESS, 20201222 11:25:02.22533 UTC incremental backup!`: five digits after the second, as
/// v1.0 wrote it. `FAILURE` alone would not say that somebody stopped the run.
pub fn title(outcome: Outcome, started: DateTime<Utc>, what: &str) -> String {
    let fraction = started.timestamp_subsec_micros() / 10;
    let interrupted = match outcome {
        Outcome::Interrupted => "interrupted ",
        _ => "",
    };
    format!(
        "{}, {}.{fraction:05} UTC {interrupted}{what}!",
        outcome.word(),
        started.format("%Y%m%d %H:%M:%S")
    )
}

/// What kind of backup it was.
fn what(plan: Option<&Plan>, mode: Mode) -> String {
    match (plan.and_then(Plan::scope), plan, mode) {
        (Some(scope), ..) => format!("{} backup", scope.word()),
        (None, Some(plan), _) if plan.archive.is_none() => "mirror backup".to_owned(),
        (None, _, Mode::IncrementalOnly) => "incremental backup".to_owned(),
        (None, ..) => "backup".to_owned(),
    }
}

/// The report of a backup.
pub fn backup(
    outcome: Outcome,
    started: DateTime<Utc>,
    location: &str,
    plan: Option<&Plan>,
    mode: Mode,
    counts: &Counts,
) -> Report {
    let scope = plan.and_then(Plan::scope).map(|s| s.word());
    let what = what(plan, mode);
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    fact("Location", location.to_owned());
    let Some(plan) = plan else {
        return report(
            Subject::Backup,
            title(outcome, started, &what),
            facts,
            counts,
        );
    };
    for latest in &plan.latest {
        fact(
            "Latest complete backups before this one",
            latest.to_string(),
        );
    }
    let word = scope.map_or("No archive", |s| {
        if s == "full" { "Full" } else { "Incremental" }
    });
    for reason in plan.archive.iter().flat_map(|d| &d.reasons) {
        fact(word, reason.clone());
    }
    facts.extend(selected_and_archived(plan, outcome, counts));
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    for (count, words) in [
        (counts.deleted, "Deleted from the mirror"),
        (counts.differences, "Different in the mirror"),
        (counts.skipped, "Skipped"),
    ] {
        if count > 0 {
            fact(words, text::count(count, "entry"));
        }
    }
    let title = title(outcome, started, &what);
    let mut report = report(Subject::Backup, title, facts, counts);
    name_lacking(&mut report, plan);
    report
}

/// What was selected and archived, as far as it is known: a mount that could not be read says nothing
/// of what changed in it, and a deletion is a change, too.
fn selected_and_archived(plan: &Plan, outcome: Outcome, counts: &Counts) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    let of = |files, bytes| format!("{}, {}", text::count(files, "file"), text::size(bytes));
    let all_read = counts.mounts >= plan.stages.len();
    if all_read || counts.mounts > 0 {
        fact("Selected", of(counts.files, counts.bytes));
    }
    if plan.scope().is_some() {
        let archived = match counts.archived_files {
            0 if all_read && !outcome.is_failure() => "no new or changed files".to_owned(),
            0 => "nothing".to_owned(),
            files => of(files, counts.archived_bytes),
        };
        fact("Archived", archived);
    }
    facts
}

/// Says what destinations lack.
fn name_lacking(report: &mut Report, plan: &Plan) {
    if plan.lacking.is_empty() {
        return;
    }
    let lacking: Vec<String> = plan.lacking.iter().map(|p| format!("'{p}'")).collect();
    for row in report.destinations.iter_mut().filter(|row| !row.complete) {
        row.state = format!("{INCOMPLETE}: it lacks {}", lacking.join(", "));
    }
}

/// What is said of a destination that does not have everything.
const INCOMPLETE: &str = "does NOT have all of this backup";

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Backup,
    Restore,
}

impl Subject {
    /// Which computer has the log: "the computer that …".
    fn words(self) -> &'static str {
        match self {
            Subject::Backup => "was backed up",
            Subject::Restore => "the files were restored on",
        }
    }
}

/// A report of what was counted.
pub fn report(
    subject: Subject,
    title: String,
    facts: Vec<(String, String)>,
    counts: &Counts,
) -> Report {
    let row = |destination: &DestinationResult| Row {
        name: destination.name.clone(),
        state: match destination.complete {
            true if counts.skipped == 0 => "has all of this backup",
            true => "has all of this backup except what was skipped",
            false => INCOMPLETE,
        }
        .to_owned(),
        complete: destination.complete,
        sent: match destination.objects {
            0 => String::new(),
            objects => format!(
                "{}, {}",
                text::count(objects, "object"),
                text::size(destination.bytes)
            ),
        },
    };
    Report {
        title,
        facts,
        destinations: counts.destinations.iter().map(row).collect(),
        problems: counts.problems.clone(),
        more: format!(
            "For details, see the log on the computer that {}.",
            subject.words()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_as_the_document_writes_it() {
        let at: DateTime<Utc> = "2020-12-22T11:25:02.225333Z".parse().unwrap();
        let shown = title(Outcome::Success, at, "incremental backup");
        assert_eq!(
            shown,
            "SUCCESS, 20201222 11:25:02.22533 UTC incremental backup!"
        );
    }

    #[test]
    fn html_escapes_what_a_file_may_be_called() {
        let row = Row {
            name: "mirror /a&b".to_owned(),
            state: INCOMPLETE.to_owned(),
            complete: false,
            sent: String::new(),
        };
        let report = Report {
            title: "WARNING".to_owned(),
            facts: vec![("Location".to_owned(), "pc".to_owned())],
            destinations: vec![row],
            problems: vec![
                "warning: '/home/<script>alert(1)</script>' is not backed up".to_owned(),
            ],
            more: "more".to_owned(),
        };
        let html = report.html();
        assert!(
            html.contains("a&amp;b")
                && html.contains("&lt;script&gt;")
                && !html.contains("<script>"),
            "{html}"
        );
        assert!(
            report
                .text()
                .contains("Destination: mirror /a&b: does NOT have all of this backup"),
            "{}",
            report.text()
        );
    }
}
