//! Waiting that an interrupt ends.

use std::time::{Duration, Instant};

use crate::model::cancel::Cancel;

/// How often the flag is looked at while something waits: quicker than a person notices.
const LOOK: Duration = Duration::from_millis(50);

impl Cancel {
    /// Waits for `span`, or until this is set. Returns whether it is set.
    pub fn wait(&self, span: Duration) -> bool {
        let begun = Instant::now();
        while !self.is_set() {
            let left = span.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(LOOK));
        }
        self.is_set()
    }
}
