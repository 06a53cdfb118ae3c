//! `aam-backup schema`: the JSON Schema of profiles, for editors.

use super::{Exit, output};
use crate::profile::schema;

/// Print the JSON Schema of profiles, for editors
#[derive(Debug, clap::Args)]
pub struct PrintSchema {}

impl PrintSchema {
    pub fn run(self) -> Exit {
        output::result(schema::text())
    }
}
