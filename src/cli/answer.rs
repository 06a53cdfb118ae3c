//! The schemas of the answers for programs (SPEC#programs).

use clap::ValueEnum;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::check::ProfilesAnswer;
use super::doctor::DoctorAnswer;
use super::exact::{EXACT, VERSION};
use super::explain::ExplainAnswer;
use super::plan::Preview;
use super::prune::PruneAnswer;
use super::run::RunAnswer;
use super::schedule::ScheduleAnswer;
use super::sets::{FleetAnswer, SetsAnswer};
use super::status::StatusAnswer;
use crate::plan::search::diff::Diff;
use crate::plan::search::listing::DirectoryView;
use crate::plan::search::versions::Findings;
use crate::profile::schema::{self, SchemaDraft};
use crate::run::copy::CopyReport;
use crate::run::restore::status::RestoreStatus;
use crate::run::verify::VerifyReport;

/// What has a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// Profiles
    #[default]
    Profile,
    /// `check --format json`
    Check,
    /// `plan --format json`
    Plan,
    /// `run --format json`: a line for each profile
    Run,
    /// `status --format json`
    Status,
    /// `sets --format json`
    Sets,
    /// `sets --all-locations --format json`
    Locations,
    /// `explain --format json`
    Explain,
    /// `doctor --format json`
    Doctor,
    /// `find --format json` and `versions --format json`
    Find,
    /// `ls --format json`
    Ls,
    /// `diff --format json`
    Diff,
    /// `prune --format json`
    Prune,
    /// `verify --format json`
    Verify,
    /// `copy --format json`
    Copy,
    /// `restore status --format json`
    RestoreStatus,
    /// `schedule status --format json`
    ScheduleStatus,
}

impl Described {
    /// The schema: pretty, with a line end.
    pub fn text(self, draft: SchemaDraft) -> String {
        let schema = match self {
            Described::Profile => return schema::text(draft),
            Described::Check => self.of::<ProfilesAnswer>(draft),
            Described::Plan => self.of::<Preview<'_>>(draft),
            Described::Run => self.of::<RunAnswer>(draft),
            Described::Status => self.of::<StatusAnswer>(draft),
            Described::Sets => self.of::<SetsAnswer>(draft),
            Described::Locations => self.of::<FleetAnswer>(draft),
            Described::Explain => self.of::<ExplainAnswer>(draft),
            Described::Doctor => self.of::<DoctorAnswer>(draft),
            Described::Find => self.of::<Findings>(draft),
            Described::Ls => self.of::<DirectoryView>(draft),
            Described::Diff => self.of::<Diff>(draft),
            Described::Prune => self.of::<PruneAnswer<'_>>(draft),
            Described::Verify => self.of::<VerifyReport>(draft),
            Described::Copy => self.of::<CopyReport>(draft),
            Described::RestoreStatus => self.of::<RestoreStatus>(draft),
            Described::ScheduleStatus => self.of::<ScheduleAnswer<'_>>(draft),
        };
        format!("{schema:#}\n")
    }

    fn of<T: JsonSchema>(self, draft: SchemaDraft) -> Value {
        let generator = draft.settings().for_serialize().into_generator();
        let mut schema = generator.into_root_schema_for::<T>();
        RecursiveTransform(schema::unwrapped).transform(&mut schema);
        RecursiveTransform(exact_integers).transform(&mut schema);
        let name = super::word(self);
        schema.insert(
            "$id".to_owned(),
            format!("urn:aam-backup:{name}:{VERSION}").into(),
        );
        schema.insert("title".to_owned(), format!("Answer of {name}").into());
        let version = json!({"const": VERSION, "description": "Version of this answer."});
        if let Some(Value::Object(keys)) = schema.get_mut("properties") {
            keys.insert("version".to_owned(), version);
        }
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.push("version".into());
        }
        schema.to_value()
    }
}

/// What [`exact`] makes of integers.
fn exact_integers(schema: &mut Schema) {
    let format = schema.get("format").and_then(Value::as_str);
    if !format.is_some_and(|f| matches!(f, "uint64" | "uint" | "uint128" | "int64" | "int128")) {
        return;
    }
    let Some(types) = schema.get_mut("type") else {
        return;
    };
    let mut names = match types.take() {
        Value::Array(names) => names,
        name => vec![name],
    };
    names.push("string".into());
    *types = names.into();
    schema.remove("format");
    schema.insert("maximum".to_owned(), EXACT.into());
    schema.insert("pattern".to_owned(), "^-?[0-9]{16,}$".into());
}
