//! An overview of all locations of a store (SPEC#fleet). Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::lifecycle::Lifecycle;
use crate::model::name::ObjectName;
use crate::model::object::Object;
use crate::model::stamp::{Stamp, Zone};
use crate::model::text::{aligned, count, duration, metric_label, one_line, size};

use super::restore::sets::day;

/// What a store has of a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FleetRow {
    pub location: String,
    /// The newest state that can be restored.
    pub newest: Option<Stamp>,
    /// Seconds since then.
    pub age: Option<u64>,
    /// Complete sets.
    pub sets: usize,
    /// Backups that are not complete.
    pub incomplete: usize,
    /// Of all volumes.
    pub bytes: u64,
    /// Older than the limit, or without any complete backup.
    pub stale: bool,
    /// When a lifecycle rule of the bucket deletes its next complete set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_expiry: Option<DateTime<Utc>>,
}

/// What a store has of all locations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FleetReport {
    pub store: String,
    pub locations: Vec<FleetRow>,
}

impl FleetReport {
    /// From a listing of everything. Stamps are read as UTC.
    pub fn new(
        store: &str,
        objects: Vec<Object>,
        now: DateTime<Utc>,
        max_age: Option<Duration>,
        lifecycle: &Lifecycle,
    ) -> FleetReport {
        let mut by_location: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        for object in objects {
            if let Some(name) = ObjectName::parse(&object.key) {
                by_location.entry(name.location).or_default().push(object);
            }
        }
        let row = |(location, objects)| FleetRow::new(location, objects, now, max_age, lifecycle);
        FleetReport {
            store: store.to_owned(),
            locations: by_location.into_iter().map(row).collect(),
        }
    }

    /// The locations that are too old.
    pub fn stale(&self) -> impl Iterator<Item = &FleetRow> {
        self.locations.iter().filter(|row| row.stale)
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let head = ["LOCATION", "NEWEST", "AGE", "SETS", "SIZE", "STATE", ""];
        let mut table = vec![head.map(str::to_owned)];
        for row in &self.locations {
            let dash = || "-".to_owned();
            let mut state = Vec::new();
            if row.newest.is_none() {
                state.push("no complete backup".to_owned());
            } else if row.stale {
                state.push("stale".to_owned());
            }
            if row.incomplete > 0 {
                state.push(format!("{} incomplete", row.incomplete));
            }
            if state.is_empty() {
                state.push("complete".to_owned());
            }
            table.push([
                one_line(&row.location).into_owned(),
                row.newest.map_or_else(dash, |stamp| stamp.to_string()),
                row.age.map_or_else(dash, duration),
                row.sets.to_string(),
                size(row.bytes),
                state.join(", "),
                row.next_expiry.map_or_else(String::new, |expiry| {
                    format!("next set expires {}", day(expiry))
                }),
            ]);
        }
        let locations = count(self.locations.len() as u64, "location");
        format!("{}, {locations}\n{}", self.store, aligned(&table))
    }

    /// For Prometheus.
    pub fn to_metrics(reports: &[FleetReport]) -> String {
        let mut text = String::new();
        let value = |row: &FleetRow, name: &str| match name {
            "newest_timestamp_seconds" => {
                let moment = |stamp: Stamp| stamp.moment(Zone::Utc).timestamp();
                row.newest.map_or(0, moment).to_string()
            }
            "sets" => row.sets.to_string(),
            "next_expiry_timestamp_seconds" => {
                row.next_expiry.map_or(0, |e| e.timestamp()).to_string()
            }
            "incomplete_backups" => row.incomplete.to_string(),
            _ => row.bytes.to_string(),
        };
        for (name, help) in METRICS {
            let full = format!("aam_backup_location_{name}");
            text.push_str(&format!("# HELP {full} {help}\n# TYPE {full} gauge\n"));
            for report in reports {
                for row in &report.locations {
                    let [store, location] = [&report.store, &row.location].map(|l| metric_label(l));
                    let labels = format!("store=\"{store}\",location=\"{location}\"");
                    text.push_str(&format!("{full}{{{labels}}} {}\n", value(row, name)));
                }
            }
        }
        text
    }
}

/// Names and what they mean.
const METRICS: [(&str, &str); 5] = [
    (
        "newest_timestamp_seconds",
        "When the newest complete backup began; 0: none.",
    ),
    ("sets", "Complete sets."),
    ("incomplete_backups", "Backups that are not complete."),
    ("bytes", "Bytes of all volumes."),
    (
        "next_expiry_timestamp_seconds",
        "When a lifecycle rule of the bucket deletes the next complete set; 0: never, or not known.",
    ),
];

impl FleetRow {
    fn new(
        location: String,
        objects: Vec<Object>,
        now: DateTime<Utc>,
        max_age: Option<Duration>,
        lifecycle: &Lifecycle,
    ) -> FleetRow {
        let catalog = Catalog::new(&location, objects);
        let future = Stamp::new(now, Zone::Utc);
        let states = catalog.sets.iter().flat_map(Set::chain);
        // A stamp of a wrong clock says nothing about the age.
        let states = states.filter(|backup| !backup.id.stamp().is_future(future));
        let newest = states.map(|backup| backup.id.stamp()).max();
        let age = newest.map(|stamp| {
            let age = now - stamp.moment(Zone::Utc);
            age.num_seconds().max(0).unsigned_abs()
        });
        let backups = || catalog.sets.iter().flat_map(Set::backups);
        let is_old = |limit: Duration| age.is_none_or(|age| age > limit.as_secs());
        let complete = || catalog.sets.iter().filter(|set| set.is_restorable());
        FleetRow {
            next_expiry: complete()
                .filter_map(|set| lifecycle.expiry(set, Zone::Utc))
                .min(),
            newest,
            age,
            sets: complete().count(),
            incomplete: backups().filter(|b| b.incomplete().is_some()).count(),
            bytes: backups().map(Backup::bytes).sum(),
            stale: max_age.is_some_and(is_old),
            location,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_locations_and_their_ages() {
        let mut objects = Vec::new();
        let mut add = |key: String| objects.push(Object { key, size: 10 });
        for number in 0..1000 {
            for month in 1..=11 {
                let stamp = format!("2026{month:02}10_010000.000000");
                let full = format!("pc{number:04}_{stamp}_0_0.0");
                add(format!("{full}_no_a.zip.001"));
                // One never ends its upload, another stopped in May.
                if number != 7 && !(number == 8 && month > 5) {
                    add(format!("{full}_yes_a"));
                }
            }
        }
        let now = "20261111_010000.0"
            .parse::<Stamp>()
            .unwrap()
            .moment(Zone::Utc);
        let day = Duration::from_secs(26 * 3600);
        let report = FleetReport::new("store", objects, now, Some(day), &Lifecycle::None);
        assert_eq!(report.locations.len(), 1000);
        let stale: Vec<&str> = report.stale().map(|row| row.location.as_str()).collect();
        assert_eq!(stale, ["pc0007", "pc0008"]);
        assert_eq!(report.locations[7].newest, None);
        let stopped = &report.locations[8];
        assert_eq!(
            (stopped.sets, stopped.incomplete, stopped.bytes),
            (5, 6, 110)
        );
        assert_eq!(report.locations[0].age, Some(24 * 3600));
        let metrics = FleetReport::to_metrics(&[report]);
        assert!(
            metrics.contains("sets{store=\"store\",location=\"pc0008\"} 5\n"),
            "{metrics}"
        );
    }

    /// Prints what docs/cluster.md says:
    /// `cargo test --lib ten_million_objects -- --ignored --nocapture`
    #[test]
    #[ignore = "a benchmark: a minute and 3 GB"]
    fn ten_million_objects_of_a_thousand_computers() {
        // A full backup a month and an incremental one a night, with five objects each.
        let stamp = |month: u32, day: u32| {
            let (year, month) = (2000 + month / 12, month % 12 + 1);
            format!("{year}{month:02}{day:02}_010000.000000")
        };
        let mut objects = Vec::new();
        for number in 0..1000 {
            for month in 0..71 {
                for day in 1..=28 {
                    let (full, this) = (stamp(month, 1), stamp(month, day));
                    let second = if day == 1 { "0_0.0" } else { this.as_str() };
                    let backup = format!("pc{number:04}_{full}_{second}");
                    for rest in [
                        "manifest_a.zip",
                        "no_a.zip.001",
                        "no_a.zip.002",
                        "no_a.zip.003",
                    ] {
                        let key = format!("{backup}_{rest}");
                        objects.push(Object { key, size: 10 });
                    }
                    let key = format!("{backup}_yes_a");
                    objects.push(Object { key, size: 10 });
                }
            }
        }
        let count = objects.len();
        let one: Vec<Object> = objects[..count / 1000].to_vec();
        let now = stamp(70, 28).parse::<Stamp>().unwrap().moment(Zone::Utc);
        let began = std::time::Instant::now();
        let catalog = Catalog::new("pc0000", one);
        eprintln!("the catalog of one computer: {:?}", began.elapsed());
        assert_eq!(catalog.sets.len(), 71);
        let began = std::time::Instant::now();
        let report = FleetReport::new("store", objects, now, None, &Lifecycle::None);
        eprintln!("{count} objects of all computers: {:?}", began.elapsed());
        assert_eq!(report.locations.len(), 1000);
        assert!(report.locations.iter().all(|row| row.sets == 71));
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = status.lines().find(|line| line.starts_with("VmHWM"));
        eprintln!("peak memory: {}", peak.unwrap_or("not known"));
    }
}
