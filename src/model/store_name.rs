//! The stores that a profile can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of a job's stores. They differ in address only, never in rule.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum StoreName {
    S3,
    Directory,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StoreName::S3 => "s3",
            StoreName::Directory => "directory",
        })
    }
}
