//! Messages to chats and other services (SPEC#notifications).

use super::{Channel, Examined, Reached, RunEnd, SecretOf};
use crate::adapters::credential;
use crate::adapters::notify::{Post, is_web_address};
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::job::{Reporting, Webhook};
use crate::model::policy::Reference;
use crate::model::secret::Secret;
use crate::render::report::{Message, message};
use crate::run::session::Session;

pub(super) struct WebhookChannel;

impl Channel for WebhookChannel {
    fn sends_messages(&self, reporting: &Reporting) -> bool {
        !reporting.messages.notify.is_empty()
    }

    fn examine(&self, reporting: &Reporting, secret: &SecretOf<'_>) -> Vec<Examined> {
        let webhooks = reporting.messages.notify.iter().enumerate();
        let found = webhooks.filter_map(|(at, webhook)| {
            let url = secret(&webhook.url)?;
            let format = webhook.format;
            Some(match is_web_address(&url) {
                true => Ok(format!("notify.{at} ({format})")),
                false => Err((
                    format!("notify.{at}.url: the secret is not an http or https address"),
                    "keep the whole address of the webhook, such as `https://example.com/hook`",
                )),
            })
        });
        found.collect()
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let mut reached = Reached::Yes;
        for (at, webhook) in session.reporting.messages.notify.iter().enumerate() {
            let name = format!("notify.{at} ({})", webhook.format);
            if !end.wants_message(webhook.when, session) {
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
