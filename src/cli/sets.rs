//! `sets`: what the stores hold of a location (SPEC#commands).

use clap::Args;

use super::place::{PlaceArgs, complain_store};
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::store::StoreErrorKind;
use crate::model::cancel::Cancel;
use crate::plan::restore::sets::SetsReport;
use crate::run::restore::gather;
use crate::run::restore::origin::RestoreOrigin;

/// List the backup sets in the stores: full backups, their incremental backups, and whether they
/// can be restored.
#[derive(Debug, Args)]
pub struct SetsArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Lists sets.
pub fn sets(global: &Global, args: &SetsArgs, cancel: &Cancel) -> Exit {
    match args.place.open(global, cancel) {
        Ok(place) => list(&place, args.format),
        Err(exit) => exit,
    }
}

/// Prints what every store holds. If a store cannot be listed, the command fails after it has
/// listed the others.
pub fn list(place: &RestoreOrigin, format: OutputFormat) -> Exit {
    let mut exit = Exit::Success;
    let mut reports = Vec::new();
    for candidate in &place.candidates {
        let store = candidate.store.as_ref().map_err(Clone::clone);
        match store.and_then(|store| gather::catalog(&**store, &place.location)) {
            Ok(catalog) => {
                reports.push(SetsReport::new(&candidate.label, &place.location, &catalog))
            }
            Err(error) => {
                complain_store("error", &error);
                let interrupted = error.kind == StoreErrorKind::Interrupted;
                exit = if interrupted {
                    Exit::Interrupted
                } else {
                    Exit::Failed
                };
            }
        }
    }
    match format {
        OutputFormat::Text => {
            let texts: Vec<String> = reports.iter().map(SetsReport::to_text).collect();
            exit.or(output::result(texts.join("\n")))
        }
        OutputFormat::Json => exit.or(output::json(&reports)),
    }
}
