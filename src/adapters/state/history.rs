//! What became of the last runs, in local state: for `status`, for metrics, and so that a run that
//! ended without a report is reported by the next one.
//!
//! One file for each run, written when it starts and again when it ends. A lock file is beside it
//! during the run. A crash frees the lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::fs::create_private_directory;
use crate::adapters::state::base_directory;
use crate::adapters::state::lock::{self, Attempt, Holder, RunLock};
use crate::model::event::Outcome;
use crate::render::report::Counts;

/// The operation of a record that is not a backup.
pub const RESTORE: &str = "restore";

/// How many runs are remembered: three months of nights.
const KEPT: usize = 100;

/// The bytes from which on the speed of an upload is known: they take six seconds at 20 Mbit/s.
/// Fewer measure the delays of requests, not the line.
const ENOUGH_FOR_SPEED: u64 = 16_000_000;

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunRecord {
    /// Of this format: 1.
    pub version: u32,
    /// Name of the profile.
    pub profile: String,
    pub location: String,
    /// `regular`, `incremental-only` or `restore`.
    pub operation: String,
    pub pid: u32,
    pub started: DateTime<Utc>,
    /// `None` while it runs, and for a run that was lost.
    pub ended: Option<DateTime<Utc>>,
    /// `None` while it runs.
    pub outcome: Option<Outcome>,
    /// That of its report.
    pub title: String,
    pub log: Option<PathBuf>,
    pub counts: Counts,
}

impl RunRecord {
    /// Notes how it ended; a second time, only how.
    pub fn close(&mut self, outcome: Outcome, title: String, counts: Counts) {
        self.ended.get_or_insert_with(Utc::now);
        self.outcome = Some(outcome);
        self.title = title;
        self.counts = counts;
    }

    /// Whether it was a backup; a restore says nothing of how backups go.
    pub fn is_backup(&self) -> bool {
        self.operation != RESTORE
    }

    /// Whether it was a backup, and nothing was wrong.
    pub fn is_success(&self) -> bool {
        self.is_backup() && self.outcome == Some(Outcome::Success)
    }

    /// Whether it made a backup with everything that could be read in every destination.
    pub fn is_complete(&self) -> bool {
        self.is_backup() && matches!(self.outcome, Some(Outcome::Success | Outcome::Warning))
    }
}

/// How fast the newest of these runs was that sent enough to a store: when it started, and Mbit/s.
/// Newest first.
pub fn upload_speed(records: &[RunRecord], store: &str) -> Option<(DateTime<Utc>, f64)> {
    records.iter().find_map(|record| {
        let destination = record
            .counts
            .destinations
            .iter()
            .find(|d| d.name == store && d.bytes >= ENOUGH_FOR_SPEED)?;
        let seconds = destination.upload_millis.filter(|millis| *millis > 0)? as f64 / 1000.0;
        let mbit = destination.bytes as f64 * 8.0 / 1e6 / seconds;
        Some((record.started, ((mbit * 100.0).round() / 100.0).max(0.01)))
    })
}

/// The runs of one profile on this computer.
#[derive(Clone, Debug)]
pub struct History {
    directory: PathBuf,
}

/// A run in progress. Its record says so until [`Running::end`].
#[derive(Debug)]
pub struct Running {
    path: PathBuf,
    lock_path: PathBuf,
    lock: Option<RunLock>,
}

impl History {
    /// The runs of a profile.
    pub fn of(profile: &str) -> History {
        History {
            directory: directory().join(profile),
        }
    }

    /// Whether the profile ever ran here.
    pub fn has_runs(&self) -> bool {
        self.directory.is_dir()
    }

    /// The runs of every profile that has run here, by name.
    pub fn all() -> Vec<(String, History)> {
        let mut all: Vec<(String, History)> = fs::read_dir(directory())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| {
                Some((
                    entry.file_name().to_str()?.to_owned(),
                    History {
                        directory: entry.path(),
                    },
                ))
            })
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Notes that a run starts.
    ///
    /// # Errors
    /// When local state cannot be written.
    pub fn begin(&self, record: &RunRecord) -> io::Result<Running> {
        create_private_directory(&self.directory)?;
        let stem = format!(
            "{}-{}",
            record.started.format("%Y%m%dT%H%M%S%.6f"),
            record.pid
        );
        let (path, lock_path) = (
            self.directory.join(format!("{stem}.json")),
            self.directory.join(format!("{stem}.running")),
        );
        let holder = Holder {
            profile: record.profile.clone(),
            pid: record.pid,
            since: record.started.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        };
        let lock = match lock::attempt(&lock_path, &holder)
            .map_err(|e| io::Error::other(e.to_string()))?
        {
            Attempt::Taken(lock) => Some(lock),
            Attempt::Busy(_) => None,
        };
        write(&path, record)?;
        Ok(Running {
            path,
            lock_path,
            lock,
        })
    }

    /// The runs, newest first. One that neither ended nor runs has the outcome [`Outcome::Lost`].
    pub fn records(&self) -> Vec<RunRecord> {
        self.files().into_iter().map(|(_, record)| record).collect()
    }

    /// The lost runs that were not reported yet. They count as reported from now on.
    pub fn newly_lost(&self) -> Vec<RunRecord> {
        let mut lost = Vec::new();
        for (path, record) in self.files() {
            let lock_path = path.with_extension("running");
            if record.outcome == Some(Outcome::Lost) && lock_path.exists() {
                // If it cannot be written, the next run reports it again.
                if write(&path, &record).is_ok() {
                    let _ = fs::remove_file(&lock_path);
                }
                lost.push(record);
            }
        }
        lost
    }

    /// Forgets all but the newest. What metrics still need is kept: the last success and the last
    /// backup.
    pub fn tidy(&self) {
        let files = self.files();
        let success = files.iter().position(|(_, record)| record.is_success());
        let complete = files.iter().position(|(_, record)| record.is_complete());
        for (at, (path, _)) in files.iter().enumerate().skip(KEPT) {
            if ![success, complete].contains(&Some(at)) {
                let _ = fs::remove_file(path);
                let _ = fs::remove_file(path.with_extension("running"));
            }
        }
    }

    fn files(&self) -> Vec<(PathBuf, RunRecord)> {
        let mut files: Vec<(PathBuf, RunRecord)> = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .filter_map(|path| {
                let mut record: RunRecord = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
                if record.outcome.is_none() && !is_held(&path.with_extension("running"), &record) {
                    record.outcome = Some(Outcome::Lost);
                    record.title = format!(
                        "the run of {} did not end",
                        record.started.format("%Y-%m-%d %H:%M UTC")
                    );
                }
                Some((path, record))
            })
            .collect();
        files.sort_by(|a, b| b.1.started.cmp(&a.1.started).then_with(|| b.0.cmp(&a.0)));
        files
    }
}

impl Running {
    /// Notes how it ended.
    ///
    /// # Errors
    /// When local state cannot be written; then the run will count as lost.
    pub fn end(mut self, record: &RunRecord) -> io::Result<()> {
        write(&self.path, record)?;
        drop(self.lock.take());
        let _ = fs::remove_file(&self.lock_path);
        Ok(())
    }
}

fn directory() -> PathBuf {
    base_directory().join("runs")
}

/// Whether the run of a record is in progress: then it holds its lock.
fn is_held(lock_path: &Path, record: &RunRecord) -> bool {
    let asking = Holder {
        profile: record.profile.clone(),
        pid: std::process::id(),
        since: String::new(),
    };
    lock_path.exists() && matches!(lock::attempt(lock_path, &asking), Ok(Attempt::Busy(_)))
}

/// Whole or not at all.
fn write(path: &Path, record: &RunRecord) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    serde_json::to_writer_pretty(&mut file, record)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::report::DestinationResult;

    fn record(second: u32) -> RunRecord {
        record_at(format!("2026-01-01T00:00:{second:02}Z").parse().unwrap())
    }

    fn record_at(started: DateTime<Utc>) -> RunRecord {
        RunRecord {
            version: 1,
            profile: "nightly".to_owned(),
            location: "pc".to_owned(),
            operation: "regular".to_owned(),
            pid: 7,
            started,
            ended: None,
            outcome: None,
            title: String::new(),
            log: None,
            counts: Counts::default(),
        }
    }

    #[test]
    fn a_run_ends_lives_or_is_lost() {
        let place = tempfile::tempdir().unwrap();
        let history = History {
            directory: place.path().to_owned(),
        };
        let done = history.begin(&record(1)).unwrap();
        done.end(&RunRecord {
            outcome: Some(Outcome::Success),
            ..record(1)
        })
        .unwrap();
        let running = history.begin(&record(2)).unwrap();
        // As a crash does: the lock is free, the record stays.
        let mut crashed = history.begin(&record(3)).unwrap();
        drop(crashed.lock.take());
        let outcomes = |history: &History| {
            history
                .records()
                .iter()
                .map(|r| r.outcome)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            outcomes(&history),
            [Some(Outcome::Lost), None, Some(Outcome::Success)]
        );
        assert_eq!(history.newly_lost().len(), 1);
        assert_eq!(history.newly_lost(), []);
        assert_eq!(
            outcomes(&history),
            [Some(Outcome::Lost), None, Some(Outcome::Success)]
        );
        drop(running);
    }

    /// A measurement of v1.0: 20.9 Mbit/s are 382.775 seconds for 1 GB.
    #[test]
    fn the_newest_run_that_sent_enough_tells_the_speed() {
        let run = |second, name: &str, bytes, upload_millis| {
            let destination = DestinationResult {
                name: name.to_owned(),
                bytes,
                upload_millis,
                ..DestinationResult::default()
            };
            RunRecord {
                counts: Counts {
                    destinations: vec![destination],
                    ..Counts::default()
                },
                ..record(second)
            }
        };
        let records = [
            run(5, "s3://b", ENOUGH_FOR_SPEED - 1, Some(1)),
            run(4, "s3://b", 1_000_000_000, None),
            run(3, "/disk", 1_000_000_000, Some(1)),
            run(2, "s3://b", 1_000_000_000, Some(382_775)),
            run(1, "s3://b", 1_000_000_000, Some(1)),
        ];
        assert_eq!(
            upload_speed(&records, "s3://b"),
            Some((records[3].started, 20.9))
        );
        assert_eq!(upload_speed(&records[..3], "s3://b"), None);
    }

    #[test]
    fn the_last_success_is_not_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let history = History {
            directory: place.path().to_owned(),
        };
        let first: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let outcomes = [
            Outcome::Failure,
            Outcome::Success,
            Outcome::Success,
            Outcome::Warning,
            Outcome::Warning,
        ];
        for (day, outcome) in outcomes
            .into_iter()
            .chain([Outcome::Locked; KEPT])
            .enumerate()
        {
            let record = record_at(first + chrono::Days::new(day as u64));
            history
                .begin(&record)
                .unwrap()
                .end(&RunRecord {
                    outcome: Some(outcome),
                    ..record
                })
                .unwrap();
        }
        history.tidy();
        let kept = history.records();
        assert_eq!(kept.len(), KEPT + 2);
        let day = |record: &RunRecord| (record.started - first).num_days();
        assert_eq!(kept[KEPT..].iter().map(day).collect::<Vec<_>>(), [4, 2]);
    }
}
