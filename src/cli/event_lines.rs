//! What is shown of a run while it goes on: lines for people, or every event as a line of JSON for
//! programs that show it themselves.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::Args;

use super::ProgressForm;
use super::terminal::Terminal;
use crate::adapters::log::json_line;
use crate::model::event::{Event, Sink};

/// What is shown of a run or a restore while it goes on.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Also show the output of the tools.
    #[arg(long, short)]
    pub verbose: bool,
    /// Show problems and the result only: no progress.
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How progress is shown on standard error.
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["quiet", "verbose"])]
    pub progress: ProgressForm,
}

impl WatchArgs {
    /// The reader of events that was asked for.
    pub fn reader<'a>(&self) -> Box<dyn Sink + 'a> {
        match self.progress {
            ProgressForm::Json => Box::new(JsonEvents::default()),
            ProgressForm::Line => Box::new(Terminal::new(self.verbose, true).quiet(self.quiet)),
        }
    }
}

/// Bytes are reported this often at most: a line for each part would be thousands.
const OFTEN: Duration = Duration::from_millis(500);

/// Writes the events. A run is the same whether anybody reads them.
#[derive(Debug, Default)]
pub struct JsonEvents {
    transferred: Mutex<Transferred>,
}

/// What is not written yet.
#[derive(Debug, Default)]
struct Transferred {
    bytes: u64,
    written: Option<Instant>,
}

impl Transferred {
    fn add(&mut self, bytes: u64) -> Option<Event> {
        self.bytes = self.bytes.saturating_add(bytes);
        let due = self.written.is_none_or(|last| last.elapsed() >= OFTEN);
        due.then(|| self.take()).flatten()
    }

    fn take(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.bytes);
        self.written = Some(Instant::now());
        (bytes > 0).then_some(Event::Transferred { bytes })
    }
}

impl Sink for JsonEvents {
    fn emit(&self, event: &Event) {
        let Ok(mut transferred) = self.transferred.lock() else {
            return;
        };
        let (before, event) = match event {
            Event::Transferred { bytes } => (transferred.add(*bytes), None),
            other => (transferred.take(), Some(other)),
        };
        let lines = before.iter().chain(event);
        let lines = lines.filter_map(|event| json_line(Utc::now(), event));
        // A closed standard error must not stop a backup.
        let _ = std::io::stderr()
            .lock()
            .write_all(lines.collect::<String>().as_bytes());
    }
}
