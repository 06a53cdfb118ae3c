//! Metrics for Prometheus (SPEC#notifications).

use super::{Channel, Reached, RunEnd};
use crate::adapters::state::history::{History, RunRecord};
use crate::adapters::state::metrics::{self, MetricsError};
use crate::model::event::{Events, Section};
use crate::run::session::Session;

pub(super) struct MetricsChannel;

impl Channel for MetricsChannel {
    fn begin(&mut self, session: &Session<'_>, _: &RunRecord, events: &Events<'_>) {
        if let Some(Err(error)) = session.files.metrics.map(metrics::probe) {
            warn(events, Section::Parameters, &error);
        }
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let earlier = || History::of(session.profile).records();
        let write = |path| metrics::write(path, end.record, &earlier());
        if let Some(Err(error)) = session.files.metrics.map(write) {
            warn(events, Section::CleanUp, &error);
        }
        Reached::Yes
    }
}

fn warn(events: &Events<'_>, section: Section, error: &MetricsError) {
    let hint = "--metrics names a file in a directory that exists and can be written".to_owned();
    events.warn(section, error.to_string(), Some(hint));
}
