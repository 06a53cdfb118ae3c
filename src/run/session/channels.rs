//! Who is notified that a run begins and how it ended, besides the log (SPEC#notifications).
//!
//! The table has the channels in the order in which they are notified of the beginning. They are
//! notified of the end in reverse order, so that the records, which come first and last, have
//! everything. A new channel is a new file in this folder, and a line of the table.

mod email;
mod failure_hook;
mod history;
mod metrics;
mod ping;
mod smtp;
mod webhook;

use super::{MailRule, Session};
use crate::adapters::state::history::RunRecord;
use crate::model::event::{Events, Outcome};
use crate::model::job::Reporting;
use crate::model::policy::{Reference, When};
use crate::model::secret::Secret;
use crate::render::report::Report;

/// How a run ended, as far as is known. Later channels see what earlier ones warned about.
pub(super) struct RunEnd<'a> {
    pub outcome: Outcome,
    pub report: &'a Report,
    /// It failed, or a report that had to arrive did not.
    pub alarm: bool,
    /// The report also names earlier runs that ended without a report.
    pub others_lost: bool,
    pub record: &'a RunRecord,
}

impl RunEnd<'_> {
    /// Whether people get a message who want one after such runs.
    fn wants_message(&self, when: When, session: &Session<'_>) -> bool {
        match self.outcome {
            outcome if outcome.is_skipped() => false,
            Outcome::Success => {
                self.others_lost || (session.mail == MailRule::Every && when == When::Always)
            }
            _ => true,
        }
    }
}

/// True unless a required report failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    Yes,
    /// A report that had to arrive did not. The reason was reported as a warning.
    No,
}

/// The result of examining a section without sending anything: that it is well-formed, or what is
/// wrong and what to do.
pub type Examined = Result<String, (String, &'static str)>;

/// What a reference to a secret leads to. One that cannot be read is reported elsewhere.
pub type SecretOf<'a> = dyn Fn(&Reference) -> Option<Secret> + 'a;

/// A receiver of notifications. A failure here does not stop a run: it is reported as a warning.
pub(super) trait Channel {
    /// A run begins.
    fn begin(&mut self, _session: &Session<'_>, _record: &RunRecord, _events: &Events<'_>) {}

    /// Whether it sends messages that people read, which `notify test` tries.
    fn sends_messages(&self, _reporting: &Reporting) -> bool {
        false
    }

    /// Looks at its section, for the doctor.
    fn examine(&self, _reporting: &Reporting, _secret: &SecretOf<'_>) -> Vec<Examined> {
        Vec::new()
    }

    /// It has ended.
    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached;
}

/// The channels of a session.
pub(super) fn open() -> Vec<Box<dyn Channel>> {
    vec![
        Box::new(history::HistoryChannel::default()),
        Box::new(metrics::MetricsChannel),
        Box::new(ping::PingChannel),
        Box::new(failure_hook::FailureHook),
        Box::new(webhook::WebhookChannel),
        Box::new(email::EmailChannel),
        Box::new(smtp::SmtpChannel),
    ]
}

/// Looks at the sections of all channels and sends nothing.
pub fn examine(reporting: &Reporting, secret: &SecretOf<'_>) -> Vec<Examined> {
    let channels = open().into_iter();
    channels
        .flat_map(|channel| channel.examine(reporting, secret))
        .collect()
}
