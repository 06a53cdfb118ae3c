//! What the schedule of a profile asks of a run that nobody watches (SPEC#schedule).

use crate::adapters::awake::Awake;
use crate::adapters::fs::is_mounted;
use crate::model::event::{Events, Outcome, Section};
use crate::model::job::Job;

use super::survey::Request;

/// How a run ends whose disk is not attached.
pub(super) fn not_attached(job: &Job, request: Request, events: &Events<'_>) -> Option<Outcome> {
    let disk = job.schedule.when_attached.as_ref()?;
    if !request.unattended || is_mounted(&disk.to_native()) {
        return None;
    }
    let text = format!("nothing is backed up: no disk is attached at '{disk}'");
    events.note(Section::Start, text);
    Some(Outcome::Skipped)
}

/// Keeps the computer awake while the result lives.
pub(super) fn keep_awake(job: &Job, request: Request, events: &Events<'_>) -> Option<Awake> {
    if !request.unattended || !job.schedule.keep_awake {
        return None;
    }
    match Awake::begin(&job.name) {
        Ok(awake) => Some(awake),
        Err(why) => {
            let text = format!("the computer may fall asleep during this run: {why}");
            let hint = "set schedule.keep-awake to false, or install what is missing";
            events.warn(Section::Start, text, Some(hint.to_owned()));
            None
        }
    }
}
