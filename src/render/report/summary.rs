//! The results of a run, counted from its events.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::event::{Event, Sink};
use crate::model::text;

/// Counts and problems, read from the events of a run.
#[derive(Debug, Default)]
pub struct Summary {
    inner: Mutex<(Counts, AlreadyCounted)>,
}

/// Paths that were counted already: a file that neither mirror nor archive could read is one file.
#[derive(Debug, Default)]
struct AlreadyCounted {
    skipped: HashSet<String>,
    problems: HashSet<String>,
    /// The object that is being sent, and since when.
    uploading: Option<(String, Instant)>,
    /// Stores that archives were sent to while they were made, which says nothing about the line.
    streamed: BTreeSet<String>,
}

/// What [`Summary`] counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Mounts that were read to their end.
    #[serde(skip)]
    pub mounts: usize,
    pub files: u64,
    pub bytes: u64,
    pub archived_files: u64,
    pub archived_bytes: u64,
    pub deleted: u64,
    pub differences: u64,
    pub skipped: u64,
    /// In the order of the plan. Empty before the plan is made.
    pub destinations: Vec<DestinationResult>,
    /// Errors and warnings, in words.
    pub problems: Vec<String>,
}

/// The result of one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DestinationResult {
    pub name: String,
    /// Whether it has all of this backup.
    pub complete: bool,
    /// Objects sent.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long they took, in milliseconds. None for a run of before this was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_millis: Option<u64>,
}

impl Counts {
    /// The destination of a name; it is not complete before that is seen.
    fn destination(&mut self, name: &str) -> &mut DestinationResult {
        let at = self
            .destinations
            .iter()
            .position(|d| d.name == name)
            .unwrap_or_else(|| {
                self.destinations.push(DestinationResult {
                    name: name.to_owned(),
                    ..DestinationResult::default()
                });
                self.destinations.len() - 1
            });
        &mut self.destinations[at]
    }
}

/// More problems than this are counted, not listed, so that the report stays readable.
const LISTED: usize = 50;

impl Summary {
    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        self.inner
            .lock()
            .map(|inner| inner.0.clone())
            .unwrap_or_default()
    }
}

fn note_problem(counts: &mut Counts, seen: &mut AlreadyCounted, event: &Event) {
    let problem = text::describe(event).filter(|_| event.severity().is_some());
    if let Some(problem) = problem.filter(|text| !seen.problems.contains(text)) {
        if counts.problems.len() < LISTED {
            seen.problems.insert(problem.clone());
            counts.problems.push(problem);
        } else if counts.problems.len() == LISTED {
            counts.problems.push("… and more: see the log".to_owned());
        }
    }
}

impl Sink for &Summary {
    fn emit(&self, event: &Event) {
        let Ok(mut inner) = self.inner.lock() else {
            return;
        };
        let (counts, seen) = &mut *inner;
        if let Event::Ignored {
            path,
            severity: Some(_),
            ..
        } = event
        {
            if !seen.skipped.insert(path.clone()) {
                return;
            }
            counts.skipped += 1;
        }
        match event {
            Event::Mounted {
                files,
                bytes,
                archived_files,
                archived_bytes,
                ..
            } => {
                counts.mounts += 1;
                counts.files += files;
                counts.bytes += bytes;
                counts.archived_files += archived_files;
                counts.archived_bytes += archived_bytes;
            }
            Event::Uploading {
                store, size: None, ..
            } => drop(seen.streamed.insert(store.clone())),
            Event::Uploading { key, .. } => seen.uploading = Some((key.clone(), Instant::now())),
            Event::Uploaded {
                store, key, size, ..
            } => {
                let destination = counts.destination(store);
                destination.objects += 1;
                destination.bytes += size;
                let ended = seen.uploading.take_if(|(under_way, _)| under_way == key);
                if let Some((_, since)) = ended.filter(|_| !seen.streamed.contains(store)) {
                    let took = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                    destination.upload_millis =
                        Some(destination.upload_millis.unwrap_or(0).saturating_add(took));
                }
            }
            Event::Destination { name, complete } => counts.destination(name).complete = *complete,
            Event::Deleted { .. } => counts.deleted += 1,
            Event::Difference { .. } => counts.differences += 1,
            _ => {}
        }
        note_problem(counts, seen, event);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_the_time_of_uploads_is_the_time_of_uploads() {
        let (summary, store) = (Summary::default(), "s3://b".to_owned());
        let emit = |event| (&summary).emit(&event);
        let (begin, end) = (
            |key: &str| Event::Uploading {
                store: store.clone(),
                key: key.to_owned(),
                size: Some(5),
            },
            |key: &str| Event::Uploaded {
                store: store.clone(),
                key: key.to_owned(),
                size: 5,
                sha256: String::new(),
            },
        );
        let pause = Duration::from_millis(20);
        let millis = || summary.counts().destinations[0].upload_millis.unwrap();
        let mut most = 0;
        for failed in ["b", "d"] {
            emit(begin(failed));
            sleep(pause);
            let since = Instant::now();
            emit(begin("c"));
            sleep(pause);
            emit(end("c"));
            most += since.elapsed().as_millis() as u64;
            sleep(pause);
        }
        assert!((40..=most).contains(&millis()), "{} of {most}", millis());
        let destination = summary.counts().destinations.remove(0);
        assert_eq!(destination.bytes, 10);
    }

    #[test]
    fn an_upload_that_waits_for_7_zip_has_no_time() {
        let summary = Summary::default();
        let (store, sha256) = ("s3://b".to_owned(), String::new());
        for (key, size) in [("volume", None), ("marker", Some(1))] {
            let (key, store, sha256) = (key.to_owned(), store.clone(), sha256.clone());
            let begun = Event::Uploading {
                store: store.clone(),
                key: key.clone(),
                size,
            };
            let size = 5;
            let ended = Event::Uploaded {
                store,
                key,
                size,
                sha256,
            };
            (&summary).emit(&begun);
            (&summary).emit(&ended);
        }
        let found = summary.counts().destinations.remove(0);
        assert_eq!(
            (found.objects, found.bytes, found.upload_millis),
            (2, 10, None)
        );
    }
}
