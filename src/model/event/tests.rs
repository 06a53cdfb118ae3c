//! Outcomes, and who is told of them.

use super::*;

#[test]
fn outcomes_are_shown_as_json_has_them() {
    for outcome in Outcome::ALL {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.to_string());
    }
}

#[test]
fn who_is_told_of_an_outcome() {
    use Outcome::{Declined, Skipped, Success, Warning};
    for outcome in Outcome::ALL {
        let is_skipped = matches!(outcome, Skipped | Declined);
        let is_failure = !is_skipped && !matches!(outcome, Success | Warning);
        assert_eq!(outcome.is_skipped(), is_skipped, "{outcome}");
        assert_eq!(outcome.is_failure(), is_failure, "{outcome}");
    }
}
