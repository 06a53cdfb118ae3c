//! The report: what a run came to, for the terminal and the e-mail (SPEC §10). Never tool output (design L513).

use std::collections::HashSet;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use crate::event::{Event, Outcome, Sink};
use crate::plan::{Mode, Plan};
use crate::text;

/// Counts and problems, read from the events of a run.
#[derive(Debug, Default)]
pub struct Summary {
    inner: Mutex<(Counts, Told)>,
}

/// What was told already: a file that neither the mirror nor the archive could read is one file.
#[derive(Debug, Default)]
struct Told {
    skipped: HashSet<String>,
    problems: HashSet<String>,
}

/// What [`Summary`] counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: u64,
    pub bytes: u64,
    pub archived_files: u64,
    pub archived_bytes: u64,
    pub uploaded_objects: u64,
    pub uploaded_bytes: u64,
    pub deleted: u64,
    pub differences: u64,
    pub skipped: u64,
    /// Errors and warnings, in words.
    pub problems: Vec<String>,
}

/// More problems than this are counted, not listed: a report is to be read.
const LISTED: usize = 50;

impl Summary {
    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        self.inner.lock().map(|inner| inner.0.clone()).unwrap_or_default()
    }
}

impl Sink for &Summary {
    fn tell(&self, event: &Event) {
        let Ok(mut inner) = self.inner.lock() else { return };
        let (counts, told) = &mut *inner;
        if let Event::Ignored { path, severity: Some(_), .. } = event {
            if !told.skipped.insert(path.clone()) {
                return;
            }
            counts.skipped += 1;
        }
        match event {
            Event::Mounted { files, bytes, archived_files, archived_bytes, .. } => {
                counts.files += files;
                counts.bytes += bytes;
                counts.archived_files += archived_files;
                counts.archived_bytes += archived_bytes;
            }
            Event::Uploaded { size, .. } => {
                counts.uploaded_objects += 1;
                counts.uploaded_bytes += size;
            }
            Event::Deleted { .. } => counts.deleted += 1,
            Event::Difference { .. } => counts.differences += 1,
            _ => {}
        }
        let problem = text::line(event).filter(|_| event.severity().is_some());
        if let Some(problem) = problem.filter(|text| !told.problems.contains(text)) {
            if counts.problems.len() < LISTED {
                told.problems.insert(problem.clone());
                counts.problems.push(problem);
            } else if counts.problems.len() == LISTED {
                counts.problems.push("… and more; see the log".to_owned());
            }
        }
    }
}

/// Title and body of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub title: String,
    pub body: String,
}

/// `SUCCESS, 20201222 11:25:02.22533 UTC incremental backup!`: five digits after the second, as v1.0 wrote it.
pub fn title(outcome: Outcome, started: DateTime<Utc>, what: &str) -> String {
    let fraction = started.timestamp_subsec_micros() / 10;
    format!("{}, {}.{fraction:05} UTC {what}!", outcome.word(), started.format("%Y%m%d %H:%M:%S"))
}

/// The report of a backup.
pub fn backup(outcome: Outcome, started: DateTime<Utc>, plan: Option<&Plan>, mode: Mode, counts: &Counts) -> Report {
    let scope = plan.and_then(Plan::scope).map(|s| s.word());
    let what = match (scope, plan, mode) {
        (Some(word), ..) => format!("{word} backup"),
        (None, Some(plan), _) if plan.archive.is_none() => "mirror backup".to_owned(),
        (None, _, Mode::IncrementalOnly) => "incremental backup".to_owned(),
        (None, ..) => "backup".to_owned(),
    };
    let mut lines = vec![format!("Location: {}", plan.map_or("not known", |p| &p.location))];
    if let Some(plan) = plan {
        lines.push(format!("Destinations: {}", plan.destinations.join(", ")));
        lines.extend(plan.latest.iter().map(|latest| format!("Latest complete backups before this one: {latest}")));
        let word = scope.map_or("No archive", |s| if s == "full" { "Full" } else { "Incremental" });
        lines.extend(plan.archive.iter().flat_map(|d| &d.reasons).map(|reason| format!("{word}: {reason}")));
    }
    lines.push(format!("Selected: {}, {}", text::count(counts.files, "file"), text::size(counts.bytes)));
    match scope {
        Some(_) if counts.archived_files == 0 => lines.push("Archived: nothing changed".to_owned()),
        Some(_) => {
            let files = text::count(counts.archived_files, "file");
            lines.push(format!("Archived: {files}, {}", text::size(counts.archived_bytes)));
        }
        None => {}
    }
    if counts.uploaded_objects > 0 {
        lines.push(format!(
            "Uploaded: {}, {}",
            text::count(counts.uploaded_objects, "object"),
            text::size(counts.uploaded_bytes)
        ));
    }
    for (count, words) in [
        (counts.deleted, "deleted from the mirror"),
        (counts.differences, "in the mirror not as in the source"),
        (counts.skipped, "skipped"),
    ] {
        if count > 0 {
            lines.push(format!("{} {words}", text::count(count, "entry")));
        }
    }
    lines.extend(counts.problems.iter().cloned());
    lines.push("For more info, refer to the local backup log.".to_owned());
    Report { title: title(outcome, started, &what), body: lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_is_as_the_document_writes_it() {
        let at: DateTime<Utc> = "2020-12-22T11:25:02.225333Z".parse().unwrap();
        let shown = title(Outcome::Success, at, "incremental backup");
        assert_eq!(shown, "SUCCESS, 20201222 11:25:02.22533 UTC incremental backup!");
    }
}
