//! What a run came to, counted from its events.

use std::collections::HashSet;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Sink};
use crate::text;

/// Counts and problems, read from the events of a run.
#[derive(Debug, Default)]
pub struct Summary {
    inner: Mutex<(Counts, Told)>,
}

/// What was told already: a file that neither the mirror nor the archive could read is one file.
#[derive(Debug, Default)]
struct Told {
    skipped: HashSet<String>,
    problems: HashSet<String>,
}

/// What [`Summary`] counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    pub files: u64,
    pub bytes: u64,
    pub archived_files: u64,
    pub archived_bytes: u64,
    pub deleted: u64,
    pub differences: u64,
    pub skipped: u64,
    /// In the order of the plan; none before it is made.
    pub destinations: Vec<Destination>,
    /// Errors and warnings, in words.
    pub problems: Vec<String>,
}

/// What came of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Destination {
    pub name: String,
    /// Whether it has all of this backup.
    pub complete: bool,
    /// Objects sent.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Counts {
    /// The destination of a name; it is not complete before that is told.
    fn destination(&mut self, name: &str) -> &mut Destination {
        let at = self.destinations.iter().position(|d| d.name == name).unwrap_or_else(|| {
            self.destinations.push(Destination { name: name.to_owned(), ..Destination::default() });
            self.destinations.len() - 1
        });
        &mut self.destinations[at]
    }
}

/// More problems than this are counted, not listed: a report is to be read.
const LISTED: usize = 50;

impl Summary {
    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        self.inner.lock().map(|inner| inner.0.clone()).unwrap_or_default()
    }
}

impl Sink for &Summary {
    fn tell(&self, event: &Event) {
        let Ok(mut inner) = self.inner.lock() else { return };
        let (counts, told) = &mut *inner;
        if let Event::Ignored { path, severity: Some(_), .. } = event {
            if !told.skipped.insert(path.clone()) {
                return;
            }
            counts.skipped += 1;
        }
        match event {
            Event::Mounted { files, bytes, archived_files, archived_bytes, .. } => {
                counts.files += files;
                counts.bytes += bytes;
                counts.archived_files += archived_files;
                counts.archived_bytes += archived_bytes;
            }
            Event::Uploaded { store, size, .. } => {
                let destination = counts.destination(store);
                destination.objects += 1;
                destination.bytes += size;
            }
            Event::Destination { name, complete } => counts.destination(name).complete = *complete,
            Event::Deleted { .. } => counts.deleted += 1,
            Event::Difference { .. } => counts.differences += 1,
            _ => {}
        }
        let problem = text::line(event).filter(|_| event.severity().is_some());
        if let Some(problem) = problem.filter(|text| !told.problems.contains(text)) {
            if counts.problems.len() < LISTED {
                told.problems.insert(problem.clone());
                counts.problems.push(problem);
            } else if counts.problems.len() == LISTED {
                counts.problems.push("… and more; see the log".to_owned());
            }
        }
    }
}
