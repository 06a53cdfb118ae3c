//! The page of `report --html`: what the backups of a profile look like, in one file without
//! scripts and without anything from a network (SPEC#report).

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset};
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::report::Counts;
use crate::model::event::Outcome;
use crate::model::stamp::Zone;
use crate::model::text;
use crate::plan::fleet::FleetReport;
use crate::plan::restore::timeline::Timeline;

/// Everything that the page shows.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub profile: String,
    pub location: String,
    /// When it was made, in local time with the zone.
    pub made: String,
    /// How the last backup that ended did. None: no backup is known on this computer.
    pub last: Option<OverviewRun>,
    /// `5 h ago`. None: no success is known.
    pub success: Option<String>,
    /// As the scheduler says it.
    pub next: Option<String>,
    /// Newest first.
    pub runs: Vec<OverviewRun>,
    pub stores: Vec<OverviewStore>,
    pub fleet: Vec<OverviewFleet>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct OverviewRun {
    pub started: String,
    pub operation: String,
    pub outcome: String,
    /// `good`, `warning` or `bad`: the color.
    pub class: &'static str,
    pub took: String,
    pub files: u64,
    pub size: String,
    pub archived: String,
    pub skipped: u64,
    /// Percentages of the largest of all runs.
    pub took_share: u64,
    pub archived_share: u64,
    pub problems: Vec<String>,
}

/// What is known of a run.
#[derive(Clone, Debug)]
pub struct PastRun<'a> {
    pub started: DateTime<FixedOffset>,
    pub operation: &'a str,
    /// None: it runs.
    pub outcome: Option<Outcome>,
    pub seconds: Option<u64>,
    pub counts: &'a Counts,
}

/// What a store has.
#[derive(Clone, Debug, Serialize)]
pub struct OverviewStore {
    pub store: String,
    /// Why it could not be listed.
    pub problem: Option<String>,
    pub sets: usize,
    pub newest: Option<String>,
    pub size: String,
    /// Dollars a month, where a price is known.
    pub cost: Option<String>,
    pub timeline: Timeline,
}

/// The locations of a store.
#[derive(Clone, Debug, Serialize)]
pub struct OverviewFleet {
    pub store: String,
    pub rows: Vec<OverviewComputer>,
}

/// A location.
#[derive(Clone, Debug, Serialize)]
pub struct OverviewComputer {
    pub location: String,
    pub newest: String,
    pub age: String,
    pub sets: usize,
    pub size: String,
    pub stale: bool,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // By its name it is HTML: every value is escaped.
    if let Err(error) = templates.add_template("page.html", include_str!("page.html.j2")) {
        unreachable!("an embedded template: {error}");
    }
    templates
});

impl Overview {
    /// The page.
    pub fn html(&self) -> String {
        let page = TEMPLATES
            .get_template("page.html")
            .and_then(|t| t.render(minijinja::value::Serde(self)));
        page.unwrap_or_else(|error| unreachable!("an embedded template: {error}"))
    }
}

impl OverviewFleet {
    /// The locations of a store, as they are listed.
    pub fn new(report: &FleetReport) -> OverviewFleet {
        let row = |row: &crate::plan::fleet::FleetRow| OverviewComputer {
            location: row.location.clone(),
            newest: row.newest.map_or("none".to_owned(), |stamp| {
                let at = stamp.moment(Zone::Utc);
                at.format("%Y-%m-%d %H:%M UTC").to_string()
            }),
            age: row.age.map_or("-".to_owned(), text::duration),
            sets: row.sets,
            size: text::size(row.bytes),
            stale: row.stale,
        };
        OverviewFleet {
            store: report.store.clone(),
            rows: report.locations.iter().map(row).collect(),
        }
    }
}

/// The runs with the lengths of their bars.
pub fn runs(past: &[PastRun<'_>]) -> Vec<OverviewRun> {
    let longest = past.iter().filter_map(|run| run.seconds).max();
    let largest = past.iter().map(|run| run.counts.archived_bytes).max();
    let share = |value: u64, most: Option<u64>| match most {
        // Something is at least visible.
        Some(most) if most > 0 && value > 0 => (value.saturating_mul(100) / most).max(1),
        _ => 0,
    };
    let one = |run: &PastRun<'_>| OverviewRun {
        started: run.started.format("%Y-%m-%d %H:%M %:z").to_string(),
        operation: run.operation.to_owned(),
        outcome: run.outcome.map_or("running".to_owned(), |o| o.to_string()),
        class: class(run.outcome),
        took: run.seconds.map_or("-".to_owned(), text::duration),
        files: run.counts.files,
        size: text::size(run.counts.bytes),
        archived: text::size(run.counts.archived_bytes),
        skipped: run.counts.skipped,
        took_share: share(run.seconds.unwrap_or_default(), longest),
        archived_share: share(run.counts.archived_bytes, largest),
        problems: run.counts.problems.clone(),
    };
    past.iter().map(one).collect()
}

fn class(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Success) => "good",
        Some(Outcome::Warning | Outcome::Skipped | Outcome::Declined) | None => "warning",
        Some(_) => "bad",
    }
}
