//! Waiting, injected so that no test waits (SPEC#thawing: polls every 30 minutes).

use std::time::Duration;

/// Something that waits.
pub trait Clock: Sync {
    /// Waits for `span`, or until `stop` says so.
    fn wait(&self, span: Duration, stop: &dyn Fn() -> bool);
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wait(&self, span: Duration, stop: &dyn Fn() -> bool) {
        const TICK: Duration = Duration::from_millis(100);
        let mut left = span;
        while !left.is_zero() && !stop() {
            let now = left.min(TICK);
            std::thread::sleep(now);
            left -= now;
        }
    }
}
