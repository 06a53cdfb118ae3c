//! Pings of a watchdog (SPEC#notifications).

use super::{Channel, Reached, RunEnd};
use crate::adapters::notify::{Post, PostError};
use crate::adapters::state::history::RunRecord;
use crate::model::event::{Events, Outcome, Section};
use crate::run::session::Session;

pub(super) struct PingChannel;

impl Channel for PingChannel {
    fn begin(&mut self, session: &Session<'_>, _: &RunRecord, events: &Events<'_>) {
        let url = session.reporting.ping.start.as_deref();
        ping("start", url, "", Section::Parameters, events);
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let urls = &session.reporting.ping;
        let (what, url) = match end.outcome {
            outcome if outcome.is_skipped() => return Reached::Yes,
            _ if end.alarm => ("failure", &urls.failure),
            Outcome::Warning if urls.warning.is_some() => ("warning", &urls.warning),
            _ => ("success", &urls.success),
        };
        let report = end.report.with(urls.details, &end.record.counts);
        let body = format!("{}\n{}\n", report.title, report.text());
        ping(what, url.as_deref(), &body, Section::Email, events);
        Reached::Yes
    }
}

fn ping(what: &str, url: Option<&str>, body: &str, section: Section, events: &Events<'_>) {
    let Some(url) = url else { return };
    let post = Post {
        content_type: "text/plain; charset=utf-8",
        body: body.to_owned(),
        redirected: true,
        ..Post::default()
    };
    match post.send(url) {
        Ok(()) => events.detail(section, format!("ping.{what}: answered")),
        Err(PostError { to, why }) => {
            let text = format!("ping.{what}: the ping to {to} failed: {why}");
            events.warn(section, text, None);
        }
    }
}
