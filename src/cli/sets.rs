//! `sets`: what the stores have of a location (SPEC#commands).

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::examples;
use chrono::Utc;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::place::{ReceivedArgs, StoreArgs, complain, complain_store};
use super::terminal::Terminal;
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::state::metrics;
use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::catalog::Catalog;
use crate::model::event::Events;
use crate::model::job::Job;
use crate::model::lifecycle::Lifecycle;
use crate::model::stamp::Stamp;
use crate::plan::fleet::FleetReport;
use crate::plan::restore::error::PlanError;
use crate::plan::restore::sets::SetsReport;
use crate::plan::restore::timeline::Timeline;
use crate::plan::restore::written_before::WrittenBefore;
use crate::run::prune;
use crate::run::restore::error::RestoreError;
use crate::run::restore::gather;
use crate::run::restore::origin::{Candidate, RestoreOrigin, report_locations};

/// List the backup sets in the stores: full backups, their incremental backups, and whether they
/// can be restored.
///
/// With --all-locations: the newest complete backup of every location in the store, for a look at
/// many computers.
#[derive(Debug, Args)]
#[command(after_help = examples::SETS)]
pub struct SetsArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    #[arg(
        required_unless_present_any = ["location", "all_locations"],
        conflicts_with_all = ["location", "directory", "bucket"]
    )]
    pub profile: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub received: ReceivedArgs,
    /// Show every location in the store, each in a line.
    #[arg(long, conflicts_with_all = ["location", "written_before"])]
    pub all_locations: bool,
    /// Show the days that have backups, a line for each month.
    #[arg(long, conflicts_with_all = ["all_locations", "format"])]
    pub timeline: bool,
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

/// What the stores hold of a location, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct SetsAnswer {
    /// In the order of the profile. A store that cannot be listed, or has nothing of the location
    /// that was named, is left out, and the command fails.
    stores: Vec<SetsReport>,
}

/// What the stores hold of all locations, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct FleetAnswer {
    /// In the order of the profile. A store that cannot be listed is left out, and the command
    /// fails.
    stores: Vec<FleetReport>,
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
        Ok(place) if args.timeline => timeline(&place, &args.received),
        Ok(place) => list(&place, &args.received, args.format),
        Err(exit) => exit,
    }
}

/// Prints what every store holds. If a store cannot be listed, the command fails after it has
/// listed the others.
pub fn list(place: &RestoreOrigin, received: &ReceivedArgs, format: OutputFormat) -> Exit {
    let (stores, exit) = reports(place, received);
    match format {
        OutputFormat::Text => {
            let texts: Vec<String> = stores.iter().map(SetsReport::to_text).collect();
            exit.or(output::result(texts.join("\n")))
        }
        OutputFormat::Json => exit.or(output::json(&SetsAnswer { stores })),
    }
}

/// What each store holds, and whether one of them could not be listed.
fn reports(place: &RestoreOrigin, received: &ReceivedArgs) -> (Vec<SetsReport>, Exit) {
    let before = received.written_before;
    let mut exit = Exit::Success;
    let mut reports = Vec::new();
    for candidate in &place.candidates {
        let store = candidate.store.as_deref().map_err(Clone::clone);
        let listed = store.and_then(|store| {
            let (catalog, said) = gather::catalog_before(store, &place.location, before)?;
            Ok((store, catalog, said))
        });
        match listed {
            // A name on the command line may be mistyped. A profile may have no backup yet.
            Ok((store, catalog, _)) if place.job.is_none() && catalog.sets.is_empty() => {
                exit = exit.or(not_found(place, store, before));
            }
            Ok((_, catalog, said)) => {
                said.iter().for_each(|text| complain("note", text, ""));
                reports.push(report(
                    place.job.as_ref(),
                    &place.location,
                    candidate,
                    &catalog,
                ));
            }
            Err(error) => exit = unlisted(&error),
        }
    }
    (reports, exit)
}

/// Says that a store has nothing of a location, and which locations it has.
fn not_found(place: &RestoreOrigin, store: &dyn Store, before: Option<WrittenBefore>) -> Exit {
    let (location, label) = (place.location.clone(), store.label().to_owned());
    let error = match before {
        None => PlanError::NoBackup {
            location,
            store: label,
        },
        Some(before) => PlanError::NothingWritten {
            location,
            store: label,
            before,
        },
    };
    let error = RestoreError::from(Box::new(error));
    let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
    error.report(&events);
    report_locations(&error, store, &events);
    Exit::of(error.outcome())
}

/// What a store that was listed holds, and what of it will be deleted.
pub(super) fn report(
    job: Option<&Job>,
    location: &str,
    candidate: &Candidate,
    catalog: &Catalog,
) -> SetsReport {
    let (label, lifecycle) = (&candidate.label, lifecycle(candidate));
    let zone = job.map(|job| job.zone).unwrap_or_default();
    let report = SetsReport::new(label, location, catalog, &lifecycle, zone);
    let mut stores = job.into_iter().flat_map(Job::stores);
    let store = stores.find(|store| store.label() == *label);
    let keep = store.and_then(|store| store.keep());
    // What is not known is not said.
    let plan = |(job, keep)| {
        let store = candidate.store.as_ref().ok()?;
        prune::decide(&**store, job, catalog, keep, Utc::now()).ok()
    };
    match job.zip(keep).and_then(plan) {
        None => report,
        Some(plan) => report.pruned_by(&plan),
    }
}

/// Prints the days of every store that have backups.
fn timeline(place: &RestoreOrigin, received: &ReceivedArgs) -> Exit {
    let zone = place.job.as_ref().map(|job| job.zone).unwrap_or_default();
    let today = Stamp::new(Utc::now(), zone).day();
    let (reports, exit) = reports(place, received);
    let shown = reports.iter().map(|report| {
        let days = Timeline::new(report, today).to_text();
        let expiry = report.expiry();
        format!(
            "{}, location {}\n{days}{expiry}",
            report.store, report.location
        )
    });
    let shown: Vec<String> = shown.collect();
    exit.or(output::result(shown.join("\n")))
}

/// What a store that was listed deletes by itself.
pub(super) fn lifecycle(candidate: &Candidate) -> Lifecycle {
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
    let answer = FleetAnswer { stores: reports };
    let printed = match args.format {
        OutputFormat::Json => output::json(&answer),
        OutputFormat::Text => {
            let texts: Vec<String> = answer.stores.iter().map(FleetReport::to_text).collect();
            output::result(texts.join("\n"))
        }
    };
    let stale = answer.stores.iter().flat_map(FleetReport::stale);
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
