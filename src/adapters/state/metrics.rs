//! The last run as metrics, for the textfile collector of Prometheus' node exporter.
//!
//! Everything is derived from the [`RunRecord`] of the run and those before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use chrono::{DateTime, Utc};
use tempfile::NamedTempFile;

use crate::adapters::fs::check_replaceable;
use crate::adapters::state::history::RunRecord;
use crate::model::event::Outcome;
use crate::model::text::metric_label;
use crate::render::report::Counts;

/// The file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be written to '{path}': {why}")]
pub struct MetricsError {
    pub path: String,
    pub why: io::Error,
}

/// Finds out whether [`write`] will be able to write, and leaves nothing behind.
///
/// # Errors
/// When it will not.
pub fn probe(path: &Path) -> Result<(), MetricsError> {
    let tried = match path.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => check_replaceable(path).and_then(|()| beside(path).map(drop)),
    };
    tried.map_err(|why| error(path, why))
}

/// Writes the metrics of a run that ended, completely or not at all. `earlier` are runs before it,
/// in any order.
///
/// # Errors
/// When the file cannot be written; what was there before stays.
pub fn write(path: &Path, run: &RunRecord, earlier: &[RunRecord]) -> Result<(), MetricsError> {
    write_text(path, &text(run, earlier))
}

/// Writes metrics, completely or not at all.
///
/// # Errors
/// When the file cannot be written; what was there before stays.
pub fn write_text(path: &Path, text: &str) -> Result<(), MetricsError> {
    let written = || -> io::Result<()> {
        check_replaceable(path)?;
        let mut file = beside(path)?;
        file.write_all(text.as_bytes())?;
        // The exporter runs as another account.
        #[cfg(unix)]
        file.as_file()
            .set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    written().map_err(|why| error(path, why))
}

fn error(path: &Path, why: io::Error) -> MetricsError {
    MetricsError {
        path: path.display().to_string(),
        why,
    }
}

/// A file that becomes the one at `path`. The exporter reads only names that end with `.prom`.
fn beside(path: &Path) -> io::Result<NamedTempFile<File>> {
    let directory = path
        .parent()
        .filter(|d| !d.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".aam-backup-")
        .suffix(".tmp")
        .make_in(directory, |path| File::create_new(path))
}

/// The text format of Prometheus, version 0.0.4.
fn text(run: &RunRecord, earlier: &[RunRecord]) -> String {
    let mut page = Page {
        text: String::new(),
        labels: BTreeMap::new(),
    };
    page.labels.insert("profile", run.profile.clone());
    page.labels.insert("location", run.location.clone());
    let ended = |record: &RunRecord| record.ended;
    let newest = |wanted: &dyn Fn(&RunRecord) -> bool| {
        let runs = earlier.iter().chain([run]).filter(|record| wanted(record));
        runs.filter_map(ended).max().map_or(0.0, seconds)
    };
    let end = run.ended.unwrap_or(run.started);
    page.one(
        "last_run_timestamp_seconds",
        "When the last run ended.",
        seconds(end),
    );
    let success = newest(&RunRecord::is_success);
    page.one(
        "last_success_timestamp_seconds",
        "When the last run with the result success ended; 0: never.",
        success,
    );
    page.one(
        "last_complete_timestamp_seconds",
        "When the last run with the result success or warning ended, which made a complete backup; 0: never.",
        newest(&RunRecord::is_complete),
    );
    page.one(
        "last_run_duration_seconds",
        "How long the last run took.",
        seconds(end) - seconds(run.started),
    );
    let result = |outcome: Outcome| {
        (
            outcome.to_string(),
            f64::from(u8::from(run.outcome == Some(outcome))),
        )
    };
    page.many(
        "last_run_result",
        "How the last run ended: 1 for its result, 0 for the others.",
        "result",
        // Who is lost writes no metrics.
        Outcome::ALL
            .into_iter()
            .filter(|outcome| *outcome != Outcome::Lost)
            .map(result),
    );
    add_counts(&mut page, &run.counts);
    page.text
}

/// What the last run counted, in all and for each destination.
fn add_counts(page: &mut Page, counts: &Counts) {
    for (name, help, count) in [
        ("files", "Files selected in the last run.", counts.files),
        (
            "bytes",
            "Bytes of the files selected in the last run.",
            counts.bytes,
        ),
        (
            "archived_files",
            "Files archived in the last run.",
            counts.archived_files,
        ),
        (
            "archived_bytes",
            "Bytes of the files archived in the last run, before compression.",
            counts.archived_bytes,
        ),
        (
            "skipped",
            "Files and directories that the last run could not back up.",
            counts.skipped,
        ),
        (
            "deleted",
            "Files and directories that the last run deleted from the mirror.",
            counts.deleted,
        ),
        (
            "differences",
            "Files in the mirror that are not as in the source.",
            counts.differences,
        ),
    ] {
        page.one(&format!("last_run_{name}"), help, count as f64);
    }
    let destinations = &counts.destinations;
    page.many(
        "last_run_destination_complete",
        "Whether the destination has all of the last run's backup.",
        "destination",
        destinations
            .iter()
            .map(|d| (d.name.clone(), f64::from(u8::from(d.complete)))),
    );
    page.many(
        "last_run_destination_bytes",
        "Bytes of the objects sent to the destination in the last run.",
        "destination",
        destinations
            .iter()
            .map(|d| (d.name.clone(), d.bytes as f64)),
    );
}

struct Page {
    text: String,
    /// Of every series.
    labels: BTreeMap<&'static str, String>,
}

impl Page {
    /// A gauge without labels of its own.
    fn one(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help);
        self.line(name, value);
    }

    /// A gauge with a value for each value of a label.
    fn many(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) {
        self.head(name, help);
        for (labelled, value) in values {
            self.labels.insert(label, labelled);
            self.line(name, value);
        }
        self.labels.remove(label);
    }

    fn head(&mut self, name: &str, help: &str) {
        let _ = write!(
            self.text,
            "# HELP aam_backup_{name} {help}\n# TYPE aam_backup_{name} gauge\n"
        );
    }

    fn line(&mut self, name: &str, value: f64) {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", metric_label(value)))
            .collect();
        let _ = writeln!(
            self.text,
            "aam_backup_{name}{{{}}} {value}",
            labels.join(",")
        );
    }
}

/// Since 1970, with milliseconds.
fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}
