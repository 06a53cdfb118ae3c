//! `sets`: what the stores have of a location (SPEC#commands).

use std::path::PathBuf;
use std::time::Duration;

use chrono::Utc;
use clap::Args;

use super::place::{StoreArgs, complain, complain_store};
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::state::metrics;
use crate::adapters::store::{StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::lifecycle::Lifecycle;
use crate::plan::fleet::FleetReport;
use crate::plan::restore::sets::SetsReport;
use crate::run::restore::gather;
use crate::run::restore::origin::{Candidate, RestoreOrigin};

/// List the backup sets in the stores: full backups, their incremental backups, and whether they
/// can be restored.
///
/// With --all-locations: the newest complete backup of every location in the store, for a look at
/// many computers. Example: `aam-backup sets nightly --all-locations --max-age 26h`.
#[derive(Debug, Args)]
pub struct SetsArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    #[arg(
        required_unless_present_any = ["location", "all_locations"],
        conflicts_with_all = ["location", "directory", "bucket"]
    )]
    pub profile: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Show every location in the store, each in a line.
    #[arg(long, conflicts_with = "location")]
    pub all_locations: bool,
    /// Exit with code 3 if the newest complete backup of a location is older.
    #[arg(long, value_name = "SPAN", requires = "all_locations",
          value_parser = humantime::parse_duration)]
    pub max_age: Option<Duration>,
    /// Also write metrics for the textfile collector of the Prometheus node exporter.
    #[arg(long, value_name = "FILE", requires = "all_locations")]
    pub metrics: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Lists sets.
pub fn sets(global: &Global, args: &SetsArgs, cancel: &Cancel) -> Exit {
    let nowhere = args.profile.is_none() && args.store.is_empty();
    if nowhere {
        complain(
            "error",
            "no store is named",
            "name a profile, --directory, --bucket or --remote",
        );
        return Exit::Usage;
    }
    match args.store.open(args.profile.as_deref(), global, cancel) {
        Ok(place) if args.all_locations => all_locations(&place, args),
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
            Ok(catalog) => reports.push(SetsReport::new(
                &candidate.label,
                &place.location,
                &catalog,
                &lifecycle(candidate),
                place.zone(),
            )),
            Err(error) => {
                exit = unlisted(&error);
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

/// What a store that was listed deletes by itself.
fn lifecycle(candidate: &Candidate) -> Lifecycle {
    let store = candidate.store.as_ref().ok();
    store.map_or(Lifecycle::None, |store| gather::lifecycle(&**store))
}

/// A store that cannot be listed.
fn unlisted(error: &StoreError) -> Exit {
    complain_store("error", error);
    match error.kind {
        StoreErrorKind::Interrupted => Exit::Interrupted,
        _ => Exit::Failed,
    }
}

/// Prints a line for every location of every store.
fn all_locations(place: &RestoreOrigin, args: &SetsArgs) -> Exit {
    let mut exit = Exit::Success;
    let mut reports = Vec::new();
    for candidate in &place.candidates {
        let store = candidate.store.as_ref().map_err(Clone::clone);
        match store.and_then(|store| store.list("")) {
            Ok(objects) => reports.push(FleetReport::new(
                &candidate.label,
                objects,
                Utc::now(),
                args.max_age,
                &lifecycle(candidate),
            )),
            Err(error) => exit = unlisted(&error),
        }
    }
    if let Some(path) = &args.metrics
        && let Err(error) = metrics::write_text(path, &FleetReport::to_metrics(&reports))
    {
        complain("error", &error.to_string(), "");
        exit = Exit::Failed;
    }
    let printed = match args.format {
        OutputFormat::Json => output::json(&reports),
        OutputFormat::Text => {
            let texts: Vec<String> = reports.iter().map(FleetReport::to_text).collect();
            output::result(texts.join("\n"))
        }
    };
    let stale = reports.iter().flat_map(FleetReport::stale);
    let stale: Vec<&str> = stale.map(|row| row.location.as_str()).collect();
    if stale.is_empty() {
        return exit.or(printed);
    }
    let limit = args.max_age.unwrap_or_default();
    let limit = humantime::format_duration(limit);
    let text = format!("no complete backup within {limit}: {}", stale.join(", "));
    complain("warning", &text, "");
    exit.or(printed).or(Exit::Warnings)
}
