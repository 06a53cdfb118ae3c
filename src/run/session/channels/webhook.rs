//! Messages to chats and other services (SPEC#notifications).

use super::{Channel, Reached, RunEnd};
use crate::adapters::credential;
use crate::adapters::notify::Post;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Outcome, Section};
use crate::model::job::{Reporting, Webhook};
use crate::model::policy::{Reference, When};
use crate::model::secret::Secret;
use crate::render::report::{Message, message};
use crate::run::session::Session;

pub(super) struct WebhookChannel;

impl Channel for WebhookChannel {
    fn sends_messages(&self, reporting: &Reporting) -> bool {
        !reporting.notify.is_empty()
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let mut reached = Reached::Yes;
        for (at, webhook) in session.reporting.notify.iter().enumerate() {
            let name = format!("notify.{at} ({})", webhook.format);
            if !is_wanted(webhook, session, end) {
                events.detail(Section::Email, format!("{name}: no message is wanted"));
                continue;
            }
            match send(webhook, session.profile, end) {
                Ok(()) => events.note(Section::Email, format!("{name}: the message was taken")),
                Err(why) => {
                    reached = Reached::No;
                    let text = format!("{name}: the message was not sent: {why}");
                    let hint = format!("see notify.{at} in the profile");
                    events.warn(Section::Email, text, Some(hint));
                }
            }
        }
        reached
    }
}

fn is_wanted(webhook: &Webhook, session: &Session<'_>, end: &RunEnd<'_>) -> bool {
    match end.outcome {
        Outcome::Skipped => false,
        Outcome::Success => end.others_lost || (session.mail && webhook.when == When::Always),
        _ => true,
    }
}

fn send(webhook: &Webhook, profile: &str, end: &RunEnd<'_>) -> Result<(), String> {
    let counts = &end.record.counts;
    let report = end.report.with(webhook.details, counts);
    let Message {
        content_type,
        headers,
        body,
    } = message(webhook.format, end.outcome, profile, &report, counts);
    let resolve = |reference: &Reference| {
        // Also a run that was interrupted is reported; a second interrupt ends the program.
        credential::resolve(reference, &Cancel::new()).map_err(|error| error.to_string())
    };
    let url = resolve(&webhook.url)?;
    let token: Option<Secret> = webhook.token.as_ref().map(resolve).transpose()?;
    let post = Post {
        content_type,
        headers,
        token,
        body,
        redirected: false,
    };
    post.send_to(&url).map_err(|error| error.to_string())
}
