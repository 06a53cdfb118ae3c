//! A path that differs between two states. Pure.

use schemars::JsonSchema;
use serde::Serialize;

use super::entry::Seen;
use crate::model::text::{count, one_line, size};

/// How a path differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    New {
        now: Seen,
    },
    /// A new file that was last written before the older state: it was moved or copied here.
    MovedIn {
        now: Seen,
    },
    Changed {
        before: Seen,
        now: Seen,
    },
    /// A new path whose name, size and time are those of a path that no longer exists, or a
    /// directory that was renamed with everything in it.
    Moved {
        from: String,
        now: Seen,
    },
    Gone {
        before: Seen,
    },
}

/// A path that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Differing {
    pub path: String,
    #[serde(flatten)]
    pub change: Change,
}

impl Differing {
    pub(super) fn word(&self) -> &'static str {
        match self.change {
            Change::New { .. } => "new",
            Change::MovedIn { .. } => "moved in",
            Change::Changed { .. } => "changed",
            Change::Moved { .. } => "moved",
            Change::Gone { .. } => "gone",
        }
    }

    /// As the newer state has it, or the older one.
    pub(super) fn seen(&self) -> &Seen {
        match &self.change {
            Change::New { now }
            | Change::MovedIn { now }
            | Change::Changed { now, .. }
            | Change::Moved { now, .. } => now,
            Change::Gone { before } => before,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.seen().size
    }

    /// `inside`: how many paths are in a renamed directory.
    pub(super) fn to_text(&self, inside: Option<u64>) -> String {
        let path = one_line(&self.path);
        let sizes = match &self.change {
            Change::Changed { before, now } if before.size != now.size => {
                format!("  ({} -> {})", size(before.size), size(now.size))
            }
            Change::Moved { from, .. } => {
                let inside = inside.map(|inside| format!(", with {} in it", count(inside, "path")));
                format!("  (from {}{})", one_line(from), inside.unwrap_or_default())
            }
            _ => String::new(),
        };
        format!("{:<8} {path}{sizes}\n", self.word())
    }
}
