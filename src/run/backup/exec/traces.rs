//! What runs began to send while it was made, and did not remove: the notes of it in local state,
//! and the next attempt (SPEC#stream). Nothing here makes a backup fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::Execution;
use crate::adapters::state::open_objects::OpenObject;
use crate::adapters::state::{State, StateError};
use crate::adapters::store::Store;
use crate::model::event::Section;
use crate::model::text;

/// Notes of a store that left the profile are kept this long: a disk or a bucket may come back.
/// Lifecycle rules, and the cleaning of a directory, have ended what they name by then.
const KEPT: TimeDelta = TimeDelta::days(90);

/// How a person removes what no run does.
const BY_HAND: &str = "abort the multipart uploads of a bucket (a lifecycle rule can do that), or delete the files \
                       '.aam-partial-…' of a directory or remote";

/// What a run knows about the beginnings of objects.
#[derive(Debug, Default)]
pub struct Traces {
    /// Beginnings that could not be removed.
    lingering: Mutex<Vec<OpenObject>>,
    /// The notes of earlier runs cannot be read, so that they are not replaced.
    are_unread: AtomicBool,
    /// It was said that notes cannot be written.
    is_said: AtomicBool,
}

pub(super) fn open_object(label: &str, key: &str, trace: String) -> OpenObject {
    OpenObject {
        store: label.to_owned(),
        key: key.to_owned(),
        trace,
        unlisted_since: None,
    }
}

impl Execution<'_> {
    /// Removes what a killed run began and did not publish.
    pub(super) fn remove_traces(&self) {
        let notes = match State::of(&self.plan.location).open_objects() {
            Ok(notes) => notes,
            Err(error) => return self.cannot_read(&error),
        };
        if notes.damaged > 0 {
            let path = State::of(&self.plan.location).open_objects_path();
            let lines = text::count(notes.damaged, "line");
            let text = format!(
                "{lines} of '{}' in local state cannot be understood: what interrupted runs began to send may stay \
                 in the stores",
                path.display()
            );
            self.events
                .warn(Section::Start, text, Some(BY_HAND.to_owned()));
        }
        let mut by_store = BTreeMap::<String, Vec<OpenObject>>::new();
        for open in notes.objects {
            by_store.entry(open.store.clone()).or_default().push(open);
        }
        let is_empty = by_store.is_empty();
        for (label, open) in by_store {
            match self.stores.values().find(|store| store.label() == label) {
                Some(store) => self.remove_from(store.as_ref(), open),
                // Why it is not used is said elsewhere.
                None if self.job.known_stores.contains(&label) => self.stay(open),
                None => self.keep_unlisted(&label, open),
            }
        }
        if !is_empty {
            self.keep_traces(Section::Start);
        }
    }

    fn cannot_read(&self, error: &StateError) {
        self.traces.are_unread.store(true, Ordering::Relaxed);
        let text = format!("{error}; what interrupted runs began to send stays in the stores");
        let hint = format!(
            "let the account that runs the backup read and write this file; or delete it, and remove what they began: \
             {BY_HAND}"
        );
        self.events.warn(Section::Start, text, Some(hint));
    }

    fn remove_from(&self, store: &dyn Store, open: Vec<OpenObject>) {
        let (found, mut failed, mut first) = (open.len() as u64, Vec::new(), None);
        for open in open {
            if let Err(error) = store.remove_trace(&open.key, &open.trace) {
                first.get_or_insert(error);
                failed.push(open);
            }
        }
        let left = failed.len() as u64;
        let text = format!(
            "{}: removed {} of {} that an interrupted run began",
            store.label(),
            found - left,
            text::count(found, "object")
        );
        self.events.note(Section::Start, text);
        if let Some(error) = first {
            let again = "the next run tries again".to_owned();
            let hint = [error.hint.clone(), again].into_iter();
            let hint: Vec<String> = hint.filter(|hint| !hint.is_empty()).collect();
            self.events
                .warn(Section::Start, error.to_string(), Some(hint.join("; ")));
        }
        self.stay(failed);
    }

    /// In the profile, whether this run uses the store or not.
    fn stay(&self, open: Vec<OpenObject>) {
        for open in open {
            self.lingers(OpenObject {
                unlisted_since: None,
                ..open
            });
        }
    }

    /// Says once that nobody removes this, and forgets it in the end.
    fn keep_unlisted(&self, label: &str, open: Vec<OpenObject>) {
        let now = self.plan.stamp.moment(self.job.zone);
        let (mut new, mut forgotten) = (0, 0);
        for mut open in open {
            new += u64::from(open.unlisted_since.is_none());
            let since = *open.unlisted_since.get_or_insert(now);
            match now - since > KEPT {
                true => forgotten += 1,
                false => self.lingers(open),
            }
        }
        let days = KEPT.num_days();
        if new > 0 {
            let objects = text::count(new, "object");
            let text = format!(
                "'{label}' is no longer in the profile, and has the beginning of {objects} that an interrupted run \
                 sent"
            );
            let hint = format!(
                "to remove that, back up once with this store in the profile, or {BY_HAND}; after {days} days it is \
                 forgotten"
            );
            self.events.warn(Section::Start, text, Some(hint));
        }
        if forgotten > 0 {
            let objects = text::count(forgotten, "object");
            let text = format!(
                "'{label}' has been out of the profile for {days} days: what it has of {objects} that an interrupted \
                 run sent is forgotten"
            );
            self.events.note(Section::Start, text);
        }
    }

    /// Keeps the notes of what could not be removed, and no others.
    pub(super) fn keep_traces(&self, section: Section) {
        // Nothing is lost: removing what was published since, or is gone, does no harm.
        if self.traces.are_unread.load(Ordering::Relaxed) {
            return;
        }
        let lingering = &self.traces.lingering;
        let lingering = lingering.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = State::of(&self.plan.location).keep_open(&lingering) {
            self.cannot_write(section, &error);
        }
    }

    pub(super) fn lingers(&self, open: OpenObject) {
        let lingering = &self.traces.lingering;
        let mut lingering = lingering.lock().unwrap_or_else(PoisonError::into_inner);
        lingering.push(open);
    }

    pub(super) fn note_begun(&self, open: &OpenObject) {
        if let Err(error) = State::of(&self.plan.location).note_open(open) {
            self.cannot_write(Section::Objects, &error);
        }
    }

    fn cannot_write(&self, section: Section, error: &StateError) {
        if self.traces.is_said.swap(true, Ordering::Relaxed) {
            return;
        }
        let text =
            format!("{error}; if this run is killed, what it began to send stays in the stores");
        let hint = "let the account that runs the backup write this file, and free some space if its disk is full";
        self.events.warn(section, text, Some(hint.to_owned()));
    }
}
