//! How runs ended, in local state (SPEC#state).

use super::{Channel, Reached, RunEnd};
use crate::adapters::state::history::{History, RunRecord, Running};
use crate::model::event::{Events, Section};
use crate::run::session::Session;

#[derive(Default)]
pub(super) struct HistoryChannel {
    running: Option<Running>,
}

impl Channel for HistoryChannel {
    fn begin(&mut self, session: &Session<'_>, record: &RunRecord, events: &Events<'_>) {
        self.running = History::of(session.profile)
            .begin(record)
            .map_err(|why| not_noted(events, &why))
            .ok();
    }

    fn end(&mut self, _: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let running = self.running.take();
        if let Some(Err(why)) = running.map(|running| running.end(end.record)) {
            not_noted(events, &why);
        }
        Reached::Yes
    }
}

fn not_noted(events: &Events<'_>, why: &std::io::Error) {
    let hint = "`status` and the metrics will not include this run: make sure that the state directory can be written";
    events.warn(
        Section::CleanUp,
        format!("this run cannot be recorded in local state: {why}"),
        Some(hint.to_owned()),
    );
}
