//! The hook `on-failure` (SPEC#notifications).

use super::{Channel, Reached, RunEnd};
use crate::model::event::Events;
use crate::run::session::Session;

pub(super) struct FailureHook;

impl Channel for FailureHook {
    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let hook = session.reporting.hooks.on_failure.as_ref();
        if let Some(hook) = hook.filter(|_| end.alarm) {
            let log = end.record.log.as_ref();
            let mut about = session.about_start();
            about.push(("outcome", end.outcome.to_string()));
            about.push(("title", end.report.title.clone()));
            about.push((
                "log",
                log.map(|log| log.display().to_string()).unwrap_or_default(),
            ));
            session.closing_hook("on-failure", hook, &about, events);
        }
        Reached::Yes
    }
}
