//! Files that Windows keeps encrypted for one user (EFS): who can read them when the profile runs.

use super::visit::Visit;
use super::{CheckAnswer, ok, warning};
use crate::adapters::scheduler;
use crate::model::text;

/// What to do about them.
pub const HINT: &str = "store the password of the user who encrypted them in the task: `schtasks /Change /TN TASK /RU USER /RP *`; or decrypt them: `cipher /d`";

pub(super) fn encrypted(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let encrypted = &visit.walked().encrypted;
    let Some(example) = &encrypted.example else {
        return Vec::new();
    };
    let (verb, it) = match encrypted.files {
        1 => ("is", "it"),
        _ => ("are", "them"),
    };
    let text = format!(
        "{} {verb} encrypted by Windows (EFS), such as '{example}': only the user who encrypted {it} can read {it}",
        text::count(encrypted.files, "file")
    );
    let tasks = scheduler::status(&visit.job.name, visit.cancel).unwrap_or_default();
    let cannot_read = tasks.iter().find(|task| !task.has_password);
    vec![match cannot_read {
        Some(task) => warning(
            format!(
                "{text}, and the task '{}' runs without a password",
                task.task
            ),
            HINT,
        ),
        None if tasks.is_empty() => warning(text, HINT),
        None => ok(text),
    }]
}
