//! One backup, from its log to the last report (SPEC#run).

mod announce;
mod conditions;
pub mod encrypted;
pub mod exec;
mod lost_manifest;
pub mod stage;
mod stale_roots;
pub mod survey;
mod waiting;

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::adapters::credential;
use crate::adapters::notify::{NOT_TODAY, run_hook};
use crate::adapters::seven_zip::SevenZip;
use crate::adapters::state::State;
use crate::adapters::{destination_id, key_fingerprint, machine};
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Outcome, Section, Sink};
use crate::model::job::{Job, Program};
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::marker::MarkerWriter;
use crate::model::secret::Secret;
use crate::model::text;
use crate::plan::backup::Facts;
use crate::plan::backup::{Mode, Plan, Refusal};
use crate::profile::check::check_key;
use crate::profile::{Diagnostics, Readable};
use crate::render::report;
use crate::run::backup::exec::{Execution, Traces};
use crate::run::backup::survey::{Request, Survey, snapshot_problem, survey};
use crate::run::guard::guarded;
use crate::run::prune;
use crate::run::session::{Ended, Files, MailRule, Session};

/// Asks the user a question that is answered by yes or no.
pub type Ask<'a> = &'a dyn Fn(&str) -> bool;

/// What to do after an interrupt.
const INTERRUPTED_HINT: &str = "start it again; the next run continues where that is possible";

/// Runs a job. `ask`: the user can be asked whether to wait for another backup.
pub fn run<'a>(
    job: &Job,
    request: Request,
    ask: Option<Ask<'_>>,
    files: Files<'_>,
    readers: Vec<Box<dyn Sink + 'a>>,
    cancel: &Cancel,
) -> Ended {
    credential::withhold_from_programs(&job.secrets);
    let operation = request.mode.to_string();
    let session = Session {
        profile: &job.name,
        location: &job.location,
        operation: &operation,
        reporting: &job.reporting,
        mail: mail_rule(request.mode, ask.is_some()),
        files,
        log_is_vital: true,
    };
    session.run(
        readers,
        |events, now| {
            announce::parameters(job, request, events);
            if let Some(outcome) = conditions::not_attached(job, request, events) {
                return (outcome, None);
            }
            let _awake = conditions::keep_awake(job, request, events);
            let (outcome, plan) = match waiting::take_lock(job, ask, cancel, events) {
                Ok(_lock) => between_hooks(job, request, &session, now, cancel, events),
                Err(outcome) => (outcome, None),
            };
            if outcome == Outcome::Interrupted {
                let text = "the run was interrupted: what it had not done is not backed up";
                events.fail(Section::Result, text, Some(INTERRUPTED_HINT.to_owned()));
            }
            (outcome, plan)
        },
        |outcome, started, plan, counts| {
            let plan = plan.and_then(Option::as_ref);
            report::backup(outcome, started, &job.location, plan, request.mode, counts)
        },
    )
}

/// Somebody who starts an incremental-only backup and watches it needs no email.
fn mail_rule(mode: Mode, is_attended: bool) -> MailRule {
    match (mode, is_attended) {
        (Mode::Regular, _) => MailRule::Every,
        (Mode::IncrementalOnly, false) => MailRule::Failures,
        (Mode::IncrementalOnly, true) => MailRule::None,
    }
}

/// What the runs of a profile are noted under: its name, or that of its file if it does not say
/// one. `named` is what the command line calls it.
pub fn called(named: &str, readable: &Readable) -> String {
    let stem = || {
        Path::new(named)
            .file_stem()
            .map_or_else(|| named.to_owned(), |s| s.to_string_lossy().into())
    };
    readable.name.clone().unwrap_or_else(stem)
}

/// Reports, as far as possible, that nothing was started because the profile is invalid. `named` is
/// its name on the command line.
pub fn refuse<'a>(
    named: &str,
    readable: &Readable,
    diagnostics: &Diagnostics,
    mode: Mode,
    is_attended: bool,
    files: Files<'_>,
    readers: Vec<Box<dyn Sink + 'a>>,
) -> Ended {
    let profile = called(named, readable);
    let location = readable
        .location
        .clone()
        .unwrap_or_else(|| "not known".to_owned());
    let operation = mode.to_string();
    let session = Session {
        profile: &profile,
        location: &location,
        operation: &operation,
        reporting: &readable.reporting,
        mail: mail_rule(mode, is_attended),
        files,
        log_is_vital: true,
    };
    session.run(
        readers,
        |events, _| {
            for problem in diagnostics.iter() {
                let at = if problem.line > 0 {
                    format!(":{}:{}", problem.line, problem.column)
                } else {
                    String::new()
                };
                let path = if problem.path.is_empty() {
                    String::new()
                } else {
                    format!(" {}:", problem.path)
                };
                let text = format!("{}{at}:{path} {}", problem.file, problem.message);
                events.fail(Section::Parameters, text, problem.hint.clone());
            }
            (Outcome::Invalid, ())
        },
        |outcome, started, _, counts| {
            report::backup(outcome, started, &location, None, mode, counts)
        },
    )
}

/// The backup between its hooks: `after` runs whenever `before` was started.
fn between_hooks(
    job: &Job,
    request: Request,
    session: &Session<'_>,
    now: DateTime<Utc>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> (Outcome, Option<Plan>) {
    let hooks = &job.reporting.hooks;
    let mut about = session.about_start();
    announce::damaged_records(job, events);
    let (outcome, plan) = match hooks
        .before
        .as_ref()
        .and_then(|hook| before(hook, &about, cancel, events))
    {
        Some(outcome) => (outcome, None),
        None => guarded(events, || backup(job, request, now, cancel, events))
            .unwrap_or((Outcome::Failure, None)),
    };
    if let Some(after) = &hooks.after {
        about.push(("outcome", outcome.to_string()));
        session.closing_hook("after", after, &about, events);
    }
    // What `after` did wrong counts too.
    (
        if outcome == Outcome::Success {
            events.outcome()
        } else {
            outcome
        },
        plan,
    )
}

/// Runs the hook `before`. Returns how the run ends if it must not continue.
fn before(
    hook: &Program,
    about: &[(&'static str, String)],
    cancel: &Cancel,
    events: &Events<'_>,
) -> Option<Outcome> {
    let what = format!(
        "nothing was backed up; exit code {NOT_TODAY} of this hook would mean \"not today\""
    );
    let (why, hint) = match run_hook("before", hook, about, cancel, events) {
        Ok(0) => return None,
        Ok(NOT_TODAY) => {
            events.note(
                Section::Hooks,
                format!("not today: hooks.before ended with exit code {NOT_TODAY}"),
            );
            return Some(Outcome::Skipped);
        }
        Err(_) if cancel.is_set() => return Some(Outcome::Interrupted),
        Ok(code) => (format!("exit code {code}"), what),
        Err(error) => (error.to_string(), error.hint().map_or(what, str::to_owned)),
    };
    events.fail(
        Section::Hooks,
        format!("hooks.before failed: {why}"),
        Some(hint),
    );
    Some(Outcome::Failure)
}

/// The backup itself, under the lock.
fn backup(
    job: &Job,
    request: Request,
    now: DateTime<Utc>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> (Outcome, Option<Plan>) {
    events.note(
        Section::Start,
        format!("backup started {}", text::local_time(now)),
    );
    if let Some((text, hint)) = snapshot_problem(job) {
        events.fail(Section::Start, text, Some(hint));
        return (Outcome::Failure, None);
    }
    if request.new_destination {
        let mirror = job.mirror.as_ref().map(|mirror| &mirror.path);
        for path in mirror
            .into_iter()
            .chain(job.stores().filter_map(|s| s.path()))
        {
            destination_id::forget(&path.to_native());
        }
    }
    let mut surveyed = survey(job, request, now, cancel);
    let key = archive_key(job, &mut surveyed.facts.archiving, cancel);
    if let Some(key) = &key
        && lost_manifest::read_back(job, &surveyed, key, cancel, events)
    {
        surveyed = survey(job, request, now, cancel);
    }
    // Without local state, a mistyped key would be noticed by nobody.
    let known = State::of(&job.location).key();
    let known = known.or_else(|| surveyed.stored_key(job));
    let Survey {
        mut facts,
        stores,
        missing_copier,
    } = surveyed;
    if let Some(missing) = missing_copier {
        events.fail(
            Section::Start,
            missing.to_string(),
            missing.hint().map(str::to_owned),
        );
    }
    let fingerprint = key
        .as_ref()
        .and_then(|key| fingerprint(known, key, &mut facts, events));
    facts.nonce = nonce();
    let plan = match Plan::new(job, &facts) {
        Ok(plan) => plan,
        Err(error) => {
            events.fail(Section::Sources, error.to_string(), None);
            return (Outcome::Failure, None);
        }
    };
    announce::plan(job, &plan, &facts, events);
    stale_roots::report(job, events);
    let tools = tool_versions(&plan, cancel);
    let listed = facts.stores.iter().filter_map(|(_, store)| {
        let sets = &store.catalog.as_ref().ok()?.sets;
        Some((
            store.label.clone(),
            sets.iter().map(|set| set.stamp).collect(),
        ))
    });
    let listed = listed.collect();
    let (key, unfinished) = (key.as_ref(), facts.unfinished);
    let execution = Execution {
        job,
        plan: &plan,
        stores: &stores,
        key,
        unfinished,
        fingerprint,
        writer: MarkerWriter {
            machine: machine::id(),
            profile: job.name.clone(),
        },
        listed,
        tools,
        cancel,
        events,
        traces: Traces::default(),
    };
    let outcome = execution.run();
    if outcome == Outcome::Success {
        prune::automatic(job, &stores, now, cancel, events);
    }
    (outcome, Some(plan))
}

/// The archive key; when it cannot be had, nothing is archived.
fn archive_key(job: &Job, archiving: &mut Option<Refusal>, cancel: &Cancel) -> Option<Secret> {
    let archive = job.archive.as_ref()?;
    let resolved = credential::resolve(&archive.encryption_key, cancel)
        .map_err(|e| e.to_string())
        .and_then(|key| {
            check_key(archive.format, &key)
                .map(|()| key)
                .map_err(|e| e.to_string())
        });
    match resolved {
        Ok(key) => Some(key),
        Err(why) => {
            let hint = "see archive.encryption-key in the profile".to_owned();
            archiving.get_or_insert(Refusal {
                why: format!("archive.encryption-key: {why}"),
                hint,
            });
            None
        }
    }
}

/// The fingerprint of the key, and whether it is another one than that of the last backup.
fn fingerprint(
    known: Option<KeyFingerprint>,
    key: &Secret,
    facts: &mut Facts,
    events: &Events<'_>,
) -> Option<KeyFingerprint> {
    match known
        .as_ref()
        .and_then(|known| key_fingerprint::is_of(known, key))
    {
        Some(true) => return known,
        Some(false) => facts.key_changed = true,
        None => {}
    }
    key_fingerprint::make(key)
        .inspect_err(|error| {
            let text = format!("no fingerprint of the archive key can be made: {error}");
            events.warn(Section::Start, text, None);
        })
        .ok()
}

/// Four random bytes as text. Without them the name of the work directory can be guessed, which may
/// stop a run and nothing more.
fn nonce() -> String {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_or_else(|_| String::new(), |()| hex::encode(bytes))
}

fn tool_versions(plan: &Plan, cancel: &Cancel) -> Vec<String> {
    if plan.scope().is_none() {
        return Vec::new();
    }
    let version = plan.stages.first().and_then(|s| {
        SevenZip::locate(Some(&s.seven_zip))
            .ok()?
            .version(cancel)
            .ok()
    });
    version.into_iter().collect()
}
