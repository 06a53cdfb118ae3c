//! What the task of a profile is called in each scheduler.

use crate::plan::backup::Mode;

/// What a task is called: a profile has one for each mode at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskName {
    /// The profile's name: letters, digits, `.`, `_` and `-`.
    pub profile: String,
    pub mode: Mode,
}

impl TaskName {
    /// Both tasks that a profile can have.
    pub fn all(profile: &str) -> [TaskName; 2] {
        [Mode::Regular, Mode::IncrementalOnly].map(|mode| TaskName {
            profile: profile.to_owned(),
            mode,
        })
    }

    /// The task of Task Scheduler, with its folder.
    pub fn task(&self) -> String {
        format!(
            "\\AAM Auto Backup\\{}{}",
            self.profile,
            if self.is_regular() {
                ""
            } else {
                " (incremental-only)"
            }
        )
    }

    /// The units of systemd, without `.timer` or `.service`. No profile's name has an `@`.
    pub fn unit(&self) -> String {
        format!(
            "aam-backup-{}{}",
            self.profile,
            if self.is_regular() {
                ""
            } else {
                "@incremental-only"
            }
        )
    }

    /// The label of launchd; its file is this with `.plist`.
    pub fn label(&self) -> String {
        format!(
            "aam-backup.{}{}",
            self.profile,
            if self.is_regular() {
                ""
            } else {
                "@incremental-only"
            }
        )
    }

    /// The lines around cron's own.
    pub fn marks(&self) -> [String; 2] {
        ["begin", "end"].map(|word| {
            format!(
                "# {} {word} (aam-backup schedule; do not edit)",
                self.unit()
            )
        })
    }

    pub(super) fn is_regular(&self) -> bool {
        self.mode == Mode::Regular
    }
}
