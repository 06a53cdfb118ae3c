//! `run`: the backup itself, as a scheduler or a person starts it (SPEC §8).

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Local, Utc};
use clap::Args;

use super::{Exit, output};
use crate::cancel::Cancel;
use crate::event::{Event, Events, Outcome, Section, Severity};
use crate::exec::Execution;
use crate::job::{Destination, ExtraFiles, Job};
use crate::lock::{self, Attempt, Holder, Lock};
use crate::log::{Log, remove_old};
use crate::plan::{Mode, Plan, Refusal};
use crate::profile::check::check_key;
use crate::profile::credential;
use crate::report::{self, Summary};
use crate::secret::Secret;
use crate::state::base_directory;
use crate::survey::{Request, Survey, snapshot_problem, survey};
use crate::terminal::Terminal;
use crate::tool::seven_zip::SevenZip;

/// Make a backup.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// `regular` makes a full backup when one is due; `incremental-only` never does.
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
    /// Make a full backup this time.
    #[arg(long)]
    pub force_full: bool,
    /// Back up to this destination only; may be given more than once.
    #[arg(long = "destination", value_enum)]
    pub destinations: Vec<Destination>,
    /// Also show what the tools print.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Runs a job.
pub fn run(job: &Job, args: &RunArgs, cancel: &Cancel) -> Exit {
    let now = Utc::now();
    let directory = log_directory(job);
    let log = match Log::create(&directory, &format!("{}-{}", job.name, super::word(args.mode)), now) {
        Ok(log) => log,
        Err(error) => {
            output::note(format_args!(
                "error: {error}\n  hint: set log.directory in the profile to a directory that can be written\n"
            ));
            return Exit::Failed;
        }
    };
    let summary = Summary::default();
    let terminal = Terminal { verbose: args.verbose, report_follows: true };
    let events = Events::new(vec![Box::new(&log), Box::new(terminal), Box::new(&summary)]);
    tell_parameters(job, args, &events);
    let (outcome, plan) = locked_run(job, args, now, cancel, &events);
    let outcome = email(job, outcome, &events);
    let report = report::backup(outcome, now, plan.as_ref(), args.mode, &summary.counts());
    let (removed, failures) = remove_old(&directory, job.telling.log.keep_days, std::time::SystemTime::now());
    if removed > 0 {
        events.note(
            Section::CleanUp,
            format!("removed {removed} log files older than {} days", job.telling.log.keep_days),
        );
    }
    for (path, error) in failures {
        events.note(Section::CleanUp, format!("the old log file '{}' cannot be removed: {error}", path.display()));
    }
    events.tell(Event::Finished { outcome, text: report.title.clone() });
    output::result(format_args!("{}\n{}\nLog: {}\n", report.title, report.body, log.path().display()));
    if job.pause_at_end && std::io::stdin().is_terminal() {
        pause();
    }
    Exit::of(outcome)
}

/// A report that nobody gets must not go unnoticed: this version does not send e-mail yet.
fn email(job: &Job, outcome: Outcome, events: &Events<'_>) -> Outcome {
    if job.telling.email.is_none() {
        return outcome;
    }
    events.warn(
        Section::Email,
        "no e-mail report is sent: this version cannot send e-mail yet",
        Some("remove the email section from the profile, and read the log or the exit code".to_owned()),
    );
    if outcome == Outcome::Success { Outcome::Warning } else { outcome }
}

fn pause() {
    output::note("Press Enter to close. ");
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// Where logs of this job go.
fn log_directory(job: &Job) -> PathBuf {
    job.telling.log.directory.as_ref().map_or_else(|| base_directory().join("logs"), |path| path.to_native())
}

/// Everything that needs the lock.
fn locked_run(
    job: &Job,
    args: &RunArgs,
    now: DateTime<Utc>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> (Outcome, Option<Plan>) {
    let _lock = match take_lock(job, args.mode, cancel, events) {
        Ok(lock) => lock,
        Err(outcome) => return (outcome, None),
    };
    events.note(Section::Start, format!("backup started {} UTC", now.format("%Y-%m-%d %H:%M:%S%.6f")));
    if let Some((text, hint)) = snapshot_problem(job) {
        events.fail(Section::Start, text, Some(hint));
        return (Outcome::Failure, None);
    }
    let request = Request { mode: args.mode, force_full: args.force_full };
    let Survey { mut facts, stores, missing_copier } = survey(job, request, now, cancel);
    if let Some(missing) = missing_copier {
        events.fail(Section::Tools, missing.to_string(), missing.hint().map(str::to_owned));
    }
    let key = archive_key(job, &mut facts.archiving);
    let plan = match Plan::new(job, &facts) {
        Ok(plan) => plan,
        Err(error) => {
            events.fail(Section::Sources, error.to_string(), None);
            return (Outcome::Failure, None);
        }
    };
    tell_plan(job, &plan, &facts, events);
    let tools = tool_versions(&plan, cancel);
    let execution = Execution { job, plan: &plan, stores: &stores, key: key.as_ref(), tools, cancel, events };
    let outcome = execution.run();
    (outcome, Some(plan))
}

/// The archive key; when it cannot be had, nothing is archived.
fn archive_key(job: &Job, archiving: &mut Option<Refusal>) -> Option<Secret> {
    let archive = job.archive.as_ref().filter(|_| job.has_store())?;
    let resolved = credential::resolve(&archive.encryption_key)
        .map_err(|e| e.to_string())
        .and_then(|key| check_key(archive.format, &key).map(|()| key).map_err(|e| e.to_string()));
    match resolved {
        Ok(key) => Some(key),
        Err(why) => {
            let hint = "see archive.encryption-key in the profile".to_owned();
            archiving.get_or_insert(Refusal { why: format!("archive.encryption-key: {why}"), hint });
            None
        }
    }
}

fn tool_versions(plan: &Plan, cancel: &Cancel) -> Vec<String> {
    if plan.scope().is_none() {
        return Vec::new();
    }
    let version = plan.stages.first().and_then(|s| SevenZip::locate(Some(&s.seven_zip)).ok()?.version(cancel).ok());
    version.into_iter().collect()
}

fn tell_parameters(job: &Job, args: &RunArgs, events: &Events<'_>) {
    let note = |text: String| events.note(Section::Parameters, text);
    note(format!("aam-backup {}", env!("CARGO_PKG_VERSION")));
    note(format!("profile '{}' ({})", job.name, job.profile.display()));
    note(format!("location '{}', mode {}", job.location, super::word(args.mode)));
    if args.force_full {
        note("--force-full".to_owned());
    }
    if let Some(mirror) = &job.mirror {
        let extra = if mirror.extra_files == ExtraFiles::Delete { "deleted" } else { "kept" };
        note(format!("mirror: {}, extra files are {extra}", mirror.path));
    }
    if let Some(s3) = &job.s3 {
        note(format!("s3: bucket {}, region {}, keys ***", s3.bucket, s3.region));
    }
    if let Some(directory) = &job.directory {
        note(format!("directory: {directory}"));
    }
    if let Some(archive) = &job.archive {
        note(format!(
            "archive: {}, volumes of {} bytes, level {}, key ***",
            archive.format.extension(),
            archive.volume_size,
            archive.compression_level
        ));
    }
}

/// Tells the log what was found and decided.
fn tell_plan(job: &Job, plan: &Plan, facts: &crate::plan::Facts, events: &Events<'_>) {
    plan.latest.iter().for_each(|latest| events.note(Section::LatestBackups, latest.to_string()));
    for (_, store) in &facts.stores {
        let ignored = store.catalog.as_ref().map_or(0, |catalog| catalog.ignored);
        if ignored > 0 {
            events.note(Section::LatestBackups, format!("{}: {ignored} other objects ignored", store.label));
        }
    }
    if let Some(decision) = &plan.archive {
        decision.reasons.iter().for_each(|reason| events.note(Section::LatestBackups, reason.clone()));
        if let Some(scope) = &decision.scope {
            events.note(Section::LatestBackups, format!("this backup: {}, {}", scope.word(), plan.stamp));
        }
    }
    for stage in &plan.stages {
        events.note(Section::Sources, format!("mount {}: {}", stage.number, stage.mount.path));
        stage.mount.sources.iter().for_each(|s| events.note(Section::Sources, format!("  source {s}")));
    }
    let spec = job.selection.spec();
    spec.directories.iter().for_each(|e| events.note(Section::Sources, format!("excluded directories: {e}")));
    spec.files.iter().for_each(|e| events.note(Section::Sources, format!("excluded files: {e}")));
    for finding in &plan.findings {
        let (text, hint) = (finding.text.clone(), finding.hint.clone());
        events.tell(Event::Problem { section: Section::Sources, severity: finding.severity, text, hint });
    }
}

/// Waits for the lock as the profile says; on a terminal an incremental-only run asks first (SPEC §8, design L2401).
fn take_lock(job: &Job, mode: Mode, cancel: &Cancel, events: &Events<'_>) -> Result<Lock, Outcome> {
    let holder = Holder {
        profile: job.name.clone(),
        pid: std::process::id(),
        since: Local::now().format("%Y-%m-%d %H:%M:%S").to_string(),
    };
    let path = lock::default_path();
    let started = Instant::now();
    let mut asked = false;
    loop {
        let other = match lock::attempt(&path, &holder) {
            Ok(Attempt::Taken(lock)) => return Ok(lock),
            Ok(Attempt::Busy(other)) => other.map_or_else(|| "another backup".to_owned(), |h| h.to_string()),
            Err(error) => {
                events.fail(Section::Lock, error.to_string(), None);
                return Err(Outcome::Failure);
            }
        };
        if started.elapsed() >= job.lock.give_up_after {
            let problem =
                format!("another backup is still running ({other}); gave up after {:?}", job.lock.give_up_after);
            let hint = Some("lock.give-up-after in the profile says how long to wait".to_owned());
            events.tell(Event::Problem { section: Section::Lock, severity: Severity::Error, text: problem, hint });
            return Err(Outcome::Locked);
        }
        if mode == Mode::IncrementalOnly && !asked && std::io::stdin().is_terminal() {
            asked = true;
            if !ask(&format!("Another backup is running ({other}). Wait for it? [y/n] ")) {
                events.fail(Section::Lock, format!("another backup is running ({other}); not waiting"), None);
                return Err(Outcome::Locked);
            }
        }
        events.note(
            Section::Lock,
            format!("another backup is running ({other}); trying again in {:?}", job.lock.retry_every),
        );
        let wait = job.lock.retry_every.min(job.lock.give_up_after.saturating_sub(started.elapsed()));
        let until = Instant::now() + wait;
        while Instant::now() < until {
            if cancel.is_set() {
                return Err(Outcome::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(50).min(until - Instant::now()));
        }
    }
}

fn ask(question: &str) -> bool {
    output::note(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("y")
}
