//! A session: one run with everything around it, from its log to the last report (SPEC#run,
//! SPEC#log).
//!
//! Whatever happens inside, also a panic or an interrupt, the log says it, the report is made and
//! sent, and the run is noted in local state.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::adapters::credential;
use crate::adapters::log::{LogFile, remove_old};
use crate::adapters::notify::{self, Ses};
use crate::adapters::state::base_directory;
use crate::adapters::state::history::{History, RunRecord};
use crate::adapters::state::metrics;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section, Severity, Sink};
use crate::model::job::{Email, Program, Reporting};
use crate::model::path::FullPath;
use crate::model::policy::When;
use crate::render::report::{Counts, Report, Summary};
use crate::run::guard::guarded;

/// What a session is about, and who gets its reports.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// Name of the profile, or of what stands in for it.
    pub profile: &'a str,
    pub location: &'a str,
    /// `regular`, `incremental-only` or `restore`.
    pub operation: &'a str,
    pub reporting: &'a Reporting,
    /// Whether a report is emailed at all (SPEC#log: not for an incremental-only backup).
    pub mail: bool,
    /// Whether nothing is done without a log. A restore that cannot write one goes on and says so.
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
    /// Runs `body` and tells everybody how it ended. `report` makes the report of an outcome, from
    /// what `body` gave if it came to its end.
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
        let history = History::of(self.profile);
        let running = history
            .begin(&record)
            .map_err(|why| not_noted(&events, &why))
            .ok();
        if let Some(Err(error)) = self.files.metrics.map(metrics::probe) {
            no_metrics(&events, Section::Parameters, &error);
        }
        self.ping(
            "start",
            self.reporting.ping.start.as_deref(),
            "",
            Section::Parameters,
            &events,
        );
        if let Err(error) = &log {
            let severity = if self.log_is_vital {
                Severity::Error
            } else {
                Severity::Warning
            };
            let hint = Some(
                "name a directory that can be written: log.directory in the profile, or --log-directory of restore"
                    .to_owned(),
            );
            events.emit(Event::Problem {
                section: Section::Parameters,
                severity,
                text: error.to_string(),
                hint,
            });
        }
        // A backup of which nobody can read how it went is not started.
        let given = match log.is_err() && self.log_is_vital {
            true => None,
            false => guarded(&events, || body(&events, started)),
        };
        let (mut outcome, given) = given.map_or((Outcome::Failure, None), |(outcome, given)| {
            (outcome, Some(given))
        });
        self.tidy_logs(&directory, &events);
        let log = log.as_ref().ok().map(|log| log.path().to_owned());
        let written = |outcome| {
            let mut report = report(outcome, started, given.as_ref(), &summary.counts());
            report.facts.extend(
                lost.iter()
                    .map(|lost| ("Before this run".to_owned(), lost.clone())),
            );
            report
        };
        let sent = self.mail(&written(outcome), outcome, lost.is_empty(), &events);
        if !sent && outcome == Outcome::Success {
            outcome = Outcome::Warning;
        }
        let text = written(outcome);
        let alarm = outcome.is_failure() || !sent;
        if let Some(hook) = self.reporting.hooks.on_failure.as_ref().filter(|_| alarm) {
            let about = self.about(
                &text,
                log.as_deref().map(|l| l.display().to_string()),
                outcome,
            );
            self.closing_hook("on-failure", hook, &about, &events);
        }
        self.last_ping(outcome, alarm, &text, &events);
        if outcome == Outcome::Success {
            outcome = events.outcome();
        }
        record.close(outcome, written(outcome).title, summary.counts());
        if let Some(Err(error)) = self
            .files
            .metrics
            .map(|path| metrics::write(path, &record, &history.records()))
        {
            no_metrics(&events, Section::CleanUp, &error);
            if outcome == Outcome::Success {
                outcome = Outcome::Warning;
            }
        }
        let report = written(outcome);
        record.close(outcome, report.title.clone(), summary.counts());
        if let Some(Err(why)) = running.map(|running| running.end(&record)) {
            not_noted(&events, &why);
        }
        events.emit(Event::Finished {
            outcome,
            text: report.title.clone(),
        });
        Ended {
            outcome,
            report,
            log,
            record,
        }
    }

    /// Runs of this profile that ended without a word, in words. Nobody was told of them.
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

    /// Sends the report if it is wanted. True unless a required report failed.
    fn mail(
        &self,
        report: &Report,
        outcome: Outcome,
        nothing_else: bool,
        events: &Events<'_>,
    ) -> bool {
        let why = match &self.reporting.email {
            None => "the profile has no section 'email' that can be read",
            Some(_) if !self.mail => "a run of this mode sends none",
            Some(_) if outcome == Outcome::Skipped => "nothing was started",
            Some(email) => return send(email, report, outcome, nothing_else, events),
        };
        events.detail(Section::Email, format!("no email: {why}"));
        true
    }

    fn last_ping(&self, outcome: Outcome, alarm: bool, report: &Report, events: &Events<'_>) {
        let ping = &self.reporting.ping;
        let (what, url) = match outcome {
            Outcome::Skipped => return,
            _ if alarm => ("failure", &ping.failure),
            Outcome::Warning if ping.warning.is_some() => ("warning", &ping.warning),
            _ => ("success", &ping.success),
        };
        let body = format!("{}\n{}\n", report.title, report.text());
        self.ping(what, url.as_deref(), &body, Section::Email, events);
    }

    fn ping(
        &self,
        what: &str,
        url: Option<&str>,
        body: &str,
        section: Section,
        events: &Events<'_>,
    ) {
        let Some(url) = url else { return };
        match notify::ping(url, body) {
            Ok(()) => events.detail(section, format!("ping.{what}: answered")),
            Err(error) => events.warn(section, format!("ping.{what}: {error}"), None),
        }
    }

    /// What a hook gets in its environment.
    fn about(
        &self,
        report: &Report,
        log: Option<String>,
        outcome: Outcome,
    ) -> Vec<(&'static str, String)> {
        let mut about = self.about_start();
        about.push(("outcome", outcome.to_string()));
        about.push(("title", report.title.clone()));
        about.push(("log", log.unwrap_or_default()));
        about
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
                format!("removed {removed} log files older than {days} days"),
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

/// Sends the report unless it is not wanted. True unless a required report failed.
fn send(
    email: &Email,
    report: &Report,
    outcome: Outcome,
    nothing_else: bool,
    events: &Events<'_>,
) -> bool {
    if email.when == When::OnProblem && outcome == Outcome::Success && nothing_else {
        events.note(
            Section::Email,
            "no email: everything went well, and email.when is on-problem",
        );
        return true;
    }
    match Ses::open(email, |secret| credential::resolve(secret, &Cancel::new()))
        .and_then(|ses| ses.send(report))
    {
        Ok(id) => {
            events.note(
                Section::Email,
                format!("report sent to {} (message {id})", email.to.join(", ")),
            );
            true
        }
        Err(error) => {
            events.warn(
                Section::Email,
                error.to_string(),
                Some(error.hint).filter(|h| !h.is_empty()),
            );
            false
        }
    }
}

fn not_noted(events: &Events<'_>, why: &std::io::Error) {
    let hint = "`status` and the metrics will not know of this run: see that the state directory can be written";
    events.warn(
        Section::CleanUp,
        format!("this run cannot be noted in local state: {why}"),
        Some(hint.to_owned()),
    );
}

fn no_metrics(events: &Events<'_>, section: Section, error: &metrics::MetricsError) {
    let hint = "--metrics names a file in a directory that exists and can be written".to_owned();
    events.warn(section, error.to_string(), Some(hint));
}
