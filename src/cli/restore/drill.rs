//! `restore drill`: a few files, to see that a restore would work.

use clap::Args;

use super::key::KeyArgs;
use super::thaw::ThawArgs;
use crate::cancel::Cancel;
use crate::cli::place::PlaceArgs;
use crate::cli::{Exit, Global};

/// Restore a few files chosen at random into a temporary directory, compare them with the backup's list, delete them.
#[derive(Debug, Args)]
pub struct DrillArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How many files.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub files: u32,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub thaw: ThawArgs,
}

/// Drills.
pub(super) fn drill(_: &Global, _: &DrillArgs, _: &Cancel) -> Exit {
    Exit::Failed
}
