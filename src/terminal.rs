//! The terminal: events as lines on standard error.

use std::io::Write;

use crate::event::{Event, Section, Sink};
use crate::text::line;

/// Reads events for a person at a terminal. What tools print stays in the log, unless asked for.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Also show what tools print, and every object's digest.
    pub verbose: bool,
    /// A report on standard output follows: what it begins with need not be said here too.
    pub report_follows: bool,
}

impl Sink for Terminal {
    fn tell(&self, event: &Event) {
        let detail = matches!(
            event,
            Event::ToolOutput { .. }
                | Event::ToolStarted { .. }
                | Event::Uploaded { .. }
                | Event::Destination { .. }
                | Event::Ignored { severity: None, .. }
                | Event::Note { section: Section::Parameters | Section::Sources, .. }
        );
        let repeated = self.report_follows && matches!(event, Event::Finished { .. });
        if repeated || (detail && !self.verbose) {
            return;
        }
        if let Some(text) = line(event) {
            // A closed terminal must not stop a backup.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        }
    }
}
