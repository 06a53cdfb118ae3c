//! Waiting for the lock (SPEC#lock).

use std::time::{Duration, Instant};

use chrono::Local;

use super::Ask;
use crate::adapters::state::lock::{self, Attempt, Holder, RunLock};
use crate::adapters::wait::wait;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section, Severity};
use crate::model::job::Job;

/// How often the lock is tried: one that becomes free is taken at once, as a person sees it.
const TRY_EVERY: Duration = Duration::from_millis(500);

fn give_up(job: &Job, other: &str, events: &Events<'_>) {
    events.emit(Event::Problem {
        section: Section::Lock,
        severity: Severity::Error,
        text: format!(
            "another backup is still running ({other}); gave up after {}",
            humantime::format_duration(job.lock.give_up_after)
        ),
        hint: Some("lock.give-up-after in the profile says how long to wait".to_owned()),
    });
}

/// Waits for the lock as the profile says. If `ask` is given, the user is asked first (SPEC#lock).
pub(super) fn take_lock(
    job: &Job,
    ask: Option<Ask<'_>>,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<RunLock, Outcome> {
    let holder = Holder {
        profile: job.name.clone(),
        pid: std::process::id(),
        since: Local::now().format("%Y-%m-%d %H:%M:%S").to_string(),
    };
    let path = lock::default_path();
    let started = Instant::now();
    let (mut asked, mut said) = (false, None);
    loop {
        let other = match lock::attempt(&path, &holder) {
            Ok(Attempt::Taken(lock)) => {
                events.detail(
                    Section::Lock,
                    format!("'{}' is taken: no other backup is running", path.display()),
                );
                return Ok(lock);
            }
            Ok(Attempt::Busy(other)) => {
                other.map_or_else(|| "another backup".to_owned(), |h| h.to_string())
            }
            Err(error) => {
                events.fail(Section::Lock, error.to_string(), None);
                return Err(Outcome::Failure);
            }
        };
        if started.elapsed() >= job.lock.give_up_after {
            give_up(job, &other, events);
            return Err(Outcome::Locked);
        }
        if let Some(ask) = ask.filter(|_| !asked) {
            asked = true;
            if !ask(&format!(
                "Another backup is running ({other}). Wait for it?"
            )) {
                let text = format!("another backup is running ({other}); not waiting");
                events.note(Section::Lock, text);
                return Err(Outcome::Declined);
            }
        }
        if said.is_none_or(|said: Instant| said.elapsed() >= job.lock.retry_every) {
            said = Some(Instant::now());
            let text = format!("another backup is running ({other}); waiting until it ends");
            events.note(Section::Lock, text);
        }
        let left = job.lock.give_up_after.saturating_sub(started.elapsed());
        if wait(TRY_EVERY.min(left), cancel) {
            return Err(Outcome::Interrupted);
        }
    }
}
