//! The report by email (SPEC#email).

use super::{Channel, Reached, RunEnd};
use crate::adapters::credential;
use crate::adapters::notify::Ses;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Outcome, Section};
use crate::model::job::{Email, Reporting};
use crate::model::policy::When;
use crate::run::session::{MailRule, Session};

pub(super) struct EmailChannel;

impl Channel for EmailChannel {
    fn sends_messages(&self, reporting: &Reporting) -> bool {
        reporting.email.is_some()
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let why = match &session.reporting.email {
            None => "the profile has no section 'email' that can be read",
            Some(_) if !is_wanted(session.mail, end) => "a run of this mode sends none",
            Some(_) if end.outcome.is_skipped() => "nothing was started",
            Some(email) => return send(email, end, events),
        };
        events.detail(Section::Email, format!("no email: {why}"));
        Reached::Yes
    }
}

/// Sends the report unless it is not wanted.
fn is_wanted(rule: MailRule, end: &RunEnd<'_>) -> bool {
    match rule {
        MailRule::Every => true,
        MailRule::Failures => end.outcome.is_failure(),
        MailRule::None => false,
    }
}

fn send(email: &Email, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
    if email.when == When::OnProblem && end.outcome == Outcome::Success && !end.others_lost {
        events.note(
            Section::Email,
            "no email: everything went well, and email.when is on-problem",
        );
        return Reached::Yes;
    }
    // Also a run that was interrupted is reported; a second interrupt ends the program.
    let resolve = |secret: &_| credential::resolve(secret, &Cancel::new());
    let report = end.report.with(email.details, &end.record.counts);
    match Ses::open(email, resolve).and_then(|ses| ses.send(&report)) {
        Ok(id) => {
            events.note(
                Section::Email,
                format!("report sent to {} (message {id})", email.to.join(", ")),
            );
            Reached::Yes
        }
        Err(error) => {
            events.warn(
                Section::Email,
                error.to_string(),
                Some(error.hint).filter(|h| !h.is_empty()),
            );
            Reached::No
        }
    }
}
