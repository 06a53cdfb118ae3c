//! `aam-backup schema`: the JSON Schema of profiles and of answers; and the copy of it beside a
//! profile that this program writes.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde_json::Value;

use super::answer::Described;
use super::place::complain;
use super::{Exit, output};
use crate::profile::schema::{self, ID, SchemaDraft};

/// The file that the first line of a written profile names (`profile.yaml.j2`).
const BESIDE: &str = "profile.schema.json";

/// Print the JSON Schema of profiles, for editors, or of an answer in JSON, for programs
///
/// Example: `aam-backup schema sets`.
#[derive(Debug, clap::Args)]
pub struct PrintSchema {
    /// What the schema describes
    #[arg(value_enum, default_value_t)]
    what: Described,
    /// Version of JSON Schema: `2020-12`, or `7` for tools that know no newer one
    #[arg(long, value_enum, default_value_t)]
    draft: SchemaDraft,
}

impl PrintSchema {
    pub fn run(self) -> Exit {
        output::result(self.what.text(self.draft))
    }
}

/// Writes the schema beside a new profile, so that an editor finds it. The profile works without
/// it, so a failure is a warning.
pub fn write_beside(profile: &Path) {
    let file = profile.with_file_name(BESIDE);
    if let Err(error) = refresh(&file) {
        complain(
            "warning",
            &format!("'{}' cannot be written: {error}", file.display()),
            "without it, an editor does not check the profile; `aam-backup schema` prints it",
        );
    }
}

/// An older schema is replaced. A file that is none of ours stays.
fn refresh(file: &Path) -> io::Result<()> {
    let text = schema::text(SchemaDraft::default());
    match fs::read(file) {
        Ok(there) if there == text.as_bytes() => Ok(()),
        Ok(there) if is_ours(&there) => fs::write(file, text),
        Ok(_) => Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "it exists, and is not a schema of this program",
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => fs::write(file, text),
        Err(error) => Err(error),
    }
}

fn is_ours(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|schema| schema["$id"] == ID)
}
