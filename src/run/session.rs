//! A session: one run with everything around it, from its log to the last report (SPEC#run,
//! SPEC#log).
//!
//! Whatever happens inside, even a panic or an interrupt, it is logged, the report is made and
//! sent, and the run is recorded in local state.

mod channels;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::adapters::log::{LogError, LogFile, remove_old};
use crate::adapters::notify;
use crate::adapters::state::base_directory;
use crate::adapters::state::history::{History, RunRecord};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section, Severity, Sink};
use crate::model::job::{Program, Reporting};
use crate::model::path::FullPath;
use crate::model::text;
use crate::render::report::{self, Counts, Report, Subject, Summary};
use crate::run::guard::guarded;
pub use channels::examine;
use channels::{Reached, RunEnd};

/// What a session is about, and who gets its reports.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Name of the profile, or its substitute.
    pub profile: &'a str,
    pub location: &'a str,
    /// `regular`, `incremental-only` or `restore`.
    pub operation: &'a str,
    pub reporting: &'a Reporting,
    /// Which outcomes are emailed, as far as the profile wants it.
    pub mail: MailRule,
    /// Whether nothing is done without a log. A restore that cannot write one continues and says
    /// so.
    pub log_is_vital: bool,
    pub files: Files<'a>,
}

/// What a session writes for other programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    /// Where metrics of the run go, if anywhere.
    pub metrics: Option<&'a Path>,
    /// Write events as JSON lines beside the log.
    pub log_json: bool,
}

/// Where the logs go.
pub fn log_directory(reporting: &Reporting) -> PathBuf {
    reporting
        .log
        .directory
        .as_ref()
        .map_or_else(|| base_directory().join("logs"), FullPath::to_native)
}

/// Which outcomes of a session are emailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailRule {
    Every,
    /// Nobody sees an unattended run fail.
    Failures,
    /// Somebody watches.
    None,
}

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Outcome,
    pub report: Report,
    /// `None` when it could not be opened.
    pub log: Option<PathBuf>,
    /// What local state remembers of it.
    pub record: RunRecord,
}

impl Session<'_> {
    /// Runs `body` and reports how it ended. `report` makes the report of an outcome, from the
    /// result of `body` if it returned.
    pub fn run<'a, T>(
        &self,
        readers: Vec<Box<dyn Sink + 'a>>,
        body: impl FnOnce(&Events<'_>, DateTime<Utc>) -> (Outcome, T),
        report: impl Fn(Outcome, DateTime<Utc>, Option<&T>, &Counts) -> Report,
    ) -> Ended {
        let started = Utc::now();
        let directory = log_directory(self.reporting);
        let operation = format!("{}-{}", self.profile, self.operation);
        let log = LogFile::create(&directory, &operation, started, self.files.log_json);
        let summary = Summary::default();
        let mut readers: Vec<Box<dyn Sink + '_>> = readers;
        if let Ok(log) = &log {
            readers.insert(0, Box::new(log));
        }
        readers.push(Box::new(&summary));
        let events = Events::new(readers);
        let lost = self.lost(&events);
        let mut record = self.record(started, log.as_ref().ok().map(LogFile::path));
        let mut channels = channels::open();
        for channel in &mut channels {
            channel.begin(self, &record, &events);
        }
        if let Err(error) = &log {
            self.no_log(error, &events);
        }
        // A backup without a log is not started.
        let given = match log.is_err() && self.log_is_vital {
            true => None,
            false => guarded(&events, || body(&events, started)),
        };
        let (mut outcome, given) = given.map_or((Outcome::Failure, None), |(outcome, given)| {
            (outcome, Some(given))
        });
        self.tidy_logs(&directory, &events);
        if let Some(why) = log.as_ref().ok().and_then(LogFile::trouble) {
            let text = format!("the log is not complete: {why}");
            let hint = "free some space, or set log.directory to another disk".to_owned();
            events.warn(Section::Result, text, Some(hint));
            if outcome == Outcome::Success {
                outcome = events.outcome();
            }
        }
        let written = |outcome| {
            let mut report = report(outcome, started, given.as_ref(), &summary.counts());
            if log.is_err() {
                report.more = "This run has no log, because it could not be written.".to_owned();
            }
            report.facts.extend(
                lost.iter()
                    .map(|lost| ("Before this run".to_owned(), lost.clone())),
            );
            report
        };
        let mut missed = false;
        for channel in channels.iter_mut().rev() {
            let report = written(outcome);
            record.close(outcome, report.title.clone(), summary.counts());
            let end = RunEnd {
                outcome,
                report: &report,
                alarm: outcome.is_failure() || missed,
                others_lost: !lost.is_empty(),
                record: &record,
            };
            missed |= channel.end(self, &end, &events) == Reached::No;
            // What a channel warned about counts like everything else.
            if outcome == Outcome::Success {
                outcome = events.outcome();
            }
        }
        let report = written(outcome);
        record.close(outcome, report.title.clone(), summary.counts());
        events.emit(Event::Finished {
            outcome,
            text: report.title.clone(),
        });
        Ended {
            outcome,
            report,
            log: log.as_ref().ok().map(|log| log.path().to_owned()),
            record,
        }
    }

    /// Sends a test message to every recipient of messages about runs. Pings and hooks are not
    /// called, because they would report a run that did not take place. Returns `None` if there is
    /// no recipient.
    pub fn try_messages(&self, readers: Vec<Box<dyn Sink + '_>>) -> Option<Outcome> {
        let events = Events::new(readers);
        let started = Utc::now();
        let mut report = report::report(
            Subject::Backup,
            format!(
                "TEST, {} UTC: no backup was made",
                started.format("%Y%m%d %H:%M:%S")
            ),
            vec![("Location".to_owned(), self.location.to_owned())],
            &Counts::default(),
        );
        report.more = format!(
            "This message was sent by `notify test` for the profile '{}'. Reports of runs arrive the same way.",
            self.profile
        );
        let record = self.record(started, None);
        let end = RunEnd {
            outcome: Outcome::Success,
            report: &report,
            alarm: false,
            // Sent also if only problems are reported.
            others_lost: true,
            record: &record,
        };
        let mut channels = channels::open();
        channels.retain(|channel| channel.sends_messages(self.reporting));
        for channel in &mut channels {
            channel.end(self, &end, &events);
        }
        Some(events.outcome()).filter(|_| !channels.is_empty())
    }

    fn no_log(&self, error: &LogError, events: &Events<'_>) {
        let severity = if self.log_is_vital {
            Severity::Error
        } else {
            Severity::Warning
        };
        let hint = "name a directory that can be written: log.directory in the profile, or --log-directory of restore";
        events.emit(Event::Problem {
            section: Section::Parameters,
            severity,
            text: error.to_string(),
            hint: Some(hint.to_owned()),
        });
    }

    /// Descriptions of the runs of this profile that ended without a report and were not reported
    /// yet.
    fn lost(&self, events: &Events<'_>) -> Vec<String> {
        let history = History::of(self.profile);
        history.tidy();
        let say = |lost: RunRecord| {
            let log = lost
                .log
                .map(|log| format!("; its log is '{}'", log.display()))
                .unwrap_or_default();
            format!(
                "{}: it crashed, was killed, or the power was cut{log}",
                lost.title
            )
        };
        let lost: Vec<String> = history.newly_lost().into_iter().map(say).collect();
        lost.iter()
            .for_each(|lost| events.note(Section::Parameters, lost.clone()));
        lost
    }

    fn record(&self, started: DateTime<Utc>, log: Option<&Path>) -> RunRecord {
        RunRecord {
            version: 1,
            profile: self.profile.to_owned(),
            location: self.location.to_owned(),
            operation: self.operation.to_owned(),
            pid: std::process::id(),
            started,
            ended: None,
            outcome: None,
            title: String::new(),
            log: log.map(PathBuf::from),
            counts: Counts::default(),
        }
    }

    /// What a hook gets that runs before the outcome is known.
    pub fn about_start(&self) -> Vec<(&'static str, String)> {
        vec![
            ("profile", self.profile.to_owned()),
            ("location", self.location.to_owned()),
            ("operation", self.operation.to_owned()),
        ]
    }

    /// Runs a hook that has to run although the run was interrupted: a second interrupt ends the
    /// program.
    pub fn closing_hook(
        &self,
        name: &str,
        hook: &Program,
        about: &[(&'static str, String)],
        events: &Events<'_>,
    ) {
        let (why, hint) = match notify::run_hook(name, hook, about, &Cancel::new(), events) {
            Ok(0) => return,
            Ok(code) => (format!("exit code {code}"), None),
            Err(error) => (error.to_string(), error.hint().map(str::to_owned)),
        };
        events.warn(Section::Hooks, format!("hooks.{name} failed: {why}"), hint);
    }

    fn tidy_logs(&self, directory: &Path, events: &Events<'_>) {
        let days = self.reporting.log.keep_days;
        let (removed, failures) = remove_old(directory, days, SystemTime::now());
        if removed > 0 {
            events.note(
                Section::CleanUp,
                format!(
                    "removed {} older than {}",
                    text::count(removed, "log file"),
                    text::count(u64::from(days), "day")
                ),
            );
        }
        for (path, error) in failures {
            events.note(
                Section::CleanUp,
                format!(
                    "the old log file '{}' cannot be removed: {error}",
                    path.display()
                ),
            );
        }
    }
}
