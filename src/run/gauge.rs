//! How far work on a known number of bytes is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::event::{Event, Events, Work};

/// Counts bytes, and emits an event for each percent.
pub struct Gauge<'a> {
    work: Work,
    all: u64,
    done: AtomicU64,
    events: &'a Events<'a>,
}

impl<'a> Gauge<'a> {
    /// Work on `all` bytes begins.
    pub fn new(work: Work, all: u64, events: &'a Events<'a>) -> Gauge<'a> {
        let gauge = Gauge {
            work,
            all,
            done: AtomicU64::new(0),
            events,
        };
        gauge.emit(0);
        gauge
    }

    /// Some of them are done.
    pub fn add(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        let now = before.saturating_add(bytes);
        if self.percent(before) != self.percent(now) {
            self.emit(now);
        }
    }

    /// What is sent again after a failure counts twice: never more than all.
    fn percent(&self, done: u64) -> u8 {
        let part = u128::from(done.min(self.all)) * 100;
        u8::try_from(part / u128::from(self.all.max(1))).unwrap_or(100)
    }

    fn emit(&self, done: u64) {
        self.events.emit(Event::Progress {
            work: self.work,
            percent: Some(self.percent(done)),
            of: Some(self.all),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::model::event::Sink;

    #[derive(Default)]
    struct Percents(Mutex<Vec<u8>>);

    impl Sink for &Percents {
        fn emit(&self, event: &Event) {
            if let Event::Progress { percent, .. } = event {
                self.0.lock().unwrap().extend(*percent);
            }
        }
    }

    #[test]
    fn each_percent_is_emitted_once() {
        for (all, bytes, expected) in [
            (1000, vec![1, 8, 1, 490, 500, 7], vec![0, 1, 50, 100]),
            (0, vec![], vec![0]),
            (3, vec![1, 1, 1], vec![0, 33, 66, 100]),
        ] {
            let seen = Percents::default();
            let events = Events::new(vec![Box::new(&seen)]);
            let gauge = Gauge::new(Work::Copying, all, &events);
            bytes.into_iter().for_each(|bytes| gauge.add(bytes));
            assert_eq!(*seen.0.lock().unwrap(), expected);
        }
    }
}
