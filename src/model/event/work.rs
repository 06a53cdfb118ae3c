//! Work that a progress display follows.

use serde::{Deserialize, Serialize};

/// A task that takes long, other than an upload or a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    Mirroring,
    Archiving,
    Verifying,
    Thawing,
    Extracting,
    Copying,
}

impl Work {
    /// What is said while it goes on.
    pub fn word(self) -> &'static str {
        match self {
            Work::Mirroring => "mirroring",
            Work::Archiving => "archiving",
            Work::Verifying => "verifying",
            Work::Thawing => "thawing",
            Work::Extracting => "extracting",
            Work::Copying => "copying",
        }
    }
}
