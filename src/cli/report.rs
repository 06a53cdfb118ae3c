//! `report`: a page about the backups of a profile (SPEC#report).

use std::path::PathBuf;
use std::time::Duration;

use chrono::{Local, Utc};
use clap::Args;

use super::place::{StoreArgs, complain};
use super::prices::PricesArgs;
use super::{Exit, Global, output, sets};
use crate::adapters::fs::write_whole;
use crate::adapters::scheduler;
use crate::adapters::state::history::{History, RunRecord};
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::stamp::Stamp;
use crate::model::text;
use crate::plan::cost::price::Prices;
use crate::plan::fleet::FleetReport;
use crate::plan::restore::timeline::Timeline;
use crate::profile::Search;
use crate::render::overview::{self, Overview, OverviewFleet, OverviewStore, PastRun};
use crate::run::restore::gather;
use crate::run::restore::origin::{Candidate, RestoreOrigin};

/// How many months a page shows: those of two years.
const MONTHS: usize = 24;

/// Write a page about the backups of a profile: results, sizes, what the stores have, and cost.
///
/// The page is one file without scripts, and nothing in it comes from a network. It names files that
/// could not be backed up, so only you can read it. Example:
/// `aam-backup report nightly --html backups.html`.
#[derive(Debug, Args)]
pub struct OverviewArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// File to write. An older page is replaced.
    #[arg(long, value_name = "FILE")]
    pub html: PathBuf,
    /// Number of runs to show.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub last: usize,
    /// Also show every location in the stores.
    #[arg(long)]
    pub all_locations: bool,
    /// With --all-locations: mark a location whose newest complete backup is older.
    #[arg(long, value_name = "SPAN", requires = "all_locations",
          value_parser = humantime::parse_duration)]
    pub max_age: Option<Duration>,
    #[command(flatten)]
    pub prices: PricesArgs,
}

impl OverviewArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let job = match Search::new(global.profiles.as_deref()).load(&self.profile) {
            Ok(job) => job,
            Err(diagnostics) => {
                output::note(diagnostics);
                return Exit::Usage;
            }
        };
        let prices = match self.prices.read() {
            Ok(prices) => prices,
            Err(exit) => return exit,
        };
        let origin = match job.stores().next() {
            Some(_) => StoreArgs::default().open(Some(&self.profile), global, cancel),
            None => Ok(RestoreOrigin {
                location: job.location.clone(),
                candidates: Vec::new(),
                job: None,
            }),
        };
        let origin = match origin {
            Ok(origin) => origin,
            Err(exit) => return exit,
        };
        let overview = self.overview(&job, &origin, &prices, cancel);
        if cancel.is_set() {
            return Exit::Interrupted;
        }
        let written = std::path::absolute(&self.html)
            .and_then(|file| write_whole(&file, overview.html().as_bytes()));
        if let Err(error) = written {
            let text = format!("'{}' cannot be written: {error}", self.html.display());
            complain("error", &text, "");
            return Exit::Failed;
        }
        let printed = output::result(format_args!("{}\n", self.html.display()));
        match overview.stores.iter().any(|store| store.problem.is_some()) {
            true => Exit::Failed,
            false => printed,
        }
    }

    fn overview(
        &self,
        job: &Job,
        origin: &RestoreOrigin,
        prices: &Prices,
        cancel: &Cancel,
    ) -> Overview {
        let records = History::of(&job.name).records();
        let past: Vec<PastRun<'_>> = records.iter().take(self.last).map(past).collect();
        let runs = overview::runs(&past);
        let ended = |record: &&RunRecord| record.is_backup() && record.outcome.is_some();
        let last = records.iter().find(ended).map(past_of_one);
        let success = records.iter().filter(|record| record.is_success());
        let success = success.filter_map(|record| record.ended).max();
        let fleet = origin.candidates.iter().filter(|_| self.all_locations);
        Overview {
            profile: job.name.clone(),
            location: job.location.clone(),
            made: Local::now().format("%Y-%m-%d %H:%M %:z").to_string(),
            last,
            success: success.map(|at| {
                let age = (Utc::now() - at).num_seconds().max(0).unsigned_abs();
                format!("{} ago", text::duration(age))
            }),
            next: next_run(&job.name, cancel),
            runs,
            stores: origin
                .candidates
                .iter()
                .map(|candidate| store(job, candidate, prices))
                .collect(),
            fleet: fleet.filter_map(|one| self.fleet(one)).collect(),
        }
    }

    /// A store that cannot be listed is already shown as one.
    fn fleet(&self, candidate: &Candidate) -> Option<OverviewFleet> {
        let objects = candidate.store.as_ref().ok()?.list("").ok()?;
        let (now, lifecycle) = (Utc::now(), sets::lifecycle(candidate));
        let report = FleetReport::new(&candidate.label, objects, now, self.max_age, &lifecycle);
        Some(OverviewFleet::new(&report))
    }
}

fn past(record: &RunRecord) -> PastRun<'_> {
    let until = record
        .ended
        .or_else(|| record.outcome.is_none().then(Utc::now));
    PastRun {
        started: record.started.with_timezone(&Local).fixed_offset(),
        operation: &record.operation,
        outcome: record.outcome,
        seconds: until.map(|at| (at - record.started).num_seconds().max(0).unsigned_abs()),
        counts: &record.counts,
    }
}

fn past_of_one(record: &RunRecord) -> overview::OverviewRun {
    overview::runs(&[past(record)]).remove(0)
}

/// The next run, of all tasks of the profile.
fn next_run(profile: &str, cancel: &Cancel) -> Option<String> {
    let tasks = scheduler::status(profile, cancel).unwrap_or_default();
    tasks.into_iter().find_map(|task| task.next_run)
}

fn store(job: &Job, candidate: &Candidate, prices: &Prices) -> OverviewStore {
    let opened = candidate.store.as_ref().map_err(Clone::clone);
    let report = opened
        .and_then(|store| gather::catalog(&**store, &job.location))
        .map(|catalog| sets::report(Some(job), &job.location, candidate, &catalog));
    let mut shown = OverviewStore {
        store: candidate.label.clone(),
        problem: None,
        sets: 0,
        newest: None,
        size: String::new(),
        cost: None,
        timeline: Timeline::default(),
    };
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            shown.problem = Some(error.to_string());
            return shown;
        }
    };
    let bytes = report.sets.iter().map(|set| set.bytes).sum();
    let settings = job.stores().find(|store| store.label() == candidate.label);
    let class = settings.and_then(|store| store.storage_class());
    shown.sets = report.sets.iter().filter(|set| set.complete).count();
    let newest = report.sets.iter().filter_map(|set| set.latest).max();
    shown.newest = newest.map(|stamp| {
        let at = stamp.moment(job.zone).with_timezone(&Local);
        at.format("%Y-%m-%d %H:%M %:z").to_string()
    });
    shown.size = text::size(bytes);
    shown.cost = class.map(|class| {
        let dollars = bytes as f64 / 1e9 * prices.classes.of(class).per_gb_month;
        format!("${dollars:.2}")
    });
    let today = Stamp::new(Utc::now(), job.zone).day();
    shown.timeline = Timeline::new(&report, today).newest(MONTHS);
    shown
}
