//! Waiting for the lock (SPEC#lock).

use std::time::Instant;

use chrono::Local;

use super::Ask;
use crate::adapters::state::lock::{self, Attempt, Holder, RunLock};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section, Severity};
use crate::model::job::Job;

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

/// Waits for the lock as the profile says; `ask`, where there is somebody to ask, is asked first
/// (SPEC#lock).
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
    let mut asked = false;
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
                "Another backup is running ({other}). Wait for it? [y/n] "
            )) {
                events.fail(
                    Section::Lock,
                    format!("another backup is running ({other}); not waiting"),
                    None,
                );
                return Err(Outcome::Locked);
            }
        }
        events.note(
            Section::Lock,
            format!(
                "another backup is running ({other}); trying again in {}",
                humantime::format_duration(job.lock.retry_every)
            ),
        );
        let left = job.lock.give_up_after.saturating_sub(started.elapsed());
        if cancel.wait(job.lock.retry_every.min(left)) {
            return Err(Outcome::Interrupted);
        }
    }
}
