//! Waiting that an interrupt ends.

use std::time::{Duration, Instant};

use crate::model::cancel::Cancel;

/// How often the flag is looked at: quicker than a person notices.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for `span`, or until `cancel` is set. Returns whether it is set.
pub fn wait(span: Duration, cancel: &Cancel) -> bool {
    let begun = Instant::now();
    while !cancel.is_set() {
        let left = span.saturating_sub(begun.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(left.min(LOOK));
    }
    cancel.is_set()
}
