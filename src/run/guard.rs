//! A panic inside a run becomes an error that is reported like any other.

use crate::model::event::{Events, Section};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

/// Runs `body`. A panic becomes an error that is reported like any other, and `None` is returned.
pub fn guarded<T>(events: &Events<'_>, body: impl FnOnce() -> T) -> Option<T> {
    let said: Arc<Mutex<Option<String>>> = Arc::default();
    let place = said.clone();
    let before = Arc::new(panic::take_hook());
    let inner = before.clone();
    panic::set_hook(Box::new(move |info| {
        if let Ok(mut place) = place.lock() {
            place.get_or_insert_with(|| info.to_string());
        }
        inner(info);
    }));
    let given = panic::catch_unwind(AssertUnwindSafe(body));
    panic::set_hook(Box::new(move |info| before(info)));
    given
        .map_err(|_| {
            let said = said
                .lock()
                .ok()
                .and_then(|mut said| said.take())
                .unwrap_or_default();
            let hint =
                "this is a bug in the program; the last complete backup can still be restored"
                    .to_owned();
            events.fail(
                Section::Result,
                format!("the run crashed: {}", said.replace('\n', " ")),
                Some(hint),
            );
        })
        .ok()
}
