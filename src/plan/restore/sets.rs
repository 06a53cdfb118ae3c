//! `sets`: what a store holds of a location, for people and for programs (SPEC#commands). Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::lifecycle::Lifecycle;
use crate::model::stamp::{Stamp, Zone};
use crate::model::text::{aligned, count, size};
use crate::plan::prune::PrunePlan;

/// One store's sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SetsReport {
    pub store: String,
    pub location: String,
    /// Oldest first.
    pub sets: Vec<SetRow>,
    /// Objects in the listing that do not belong to a backup of this location.
    pub ignored: u64,
    /// Objects with the deprecated names of before December 2020.
    pub deprecated: u64,
    /// Why it is not known when sets expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_unknown: Option<String>,
}

/// One set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SetRow {
    /// Stamp of the full backup.
    pub full: Stamp,
    /// The newest state that can be restored from it.
    pub latest: Option<Stamp>,
    pub mounts: Vec<String>,
    pub volumes: usize,
    pub bytes: u64,
    pub complete: bool,
    /// Why it cannot be restored.
    pub why: Option<String>,
    /// When a lifecycle rule of the bucket deletes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
    /// Why the next `prune` deletes it, as `keep` in the profile says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
    pub incrementals: Vec<IncrementalRow>,
}

/// One incremental backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct IncrementalRow {
    pub stamp: Stamp,
    pub volumes: usize,
    pub bytes: u64,
    pub complete: bool,
    pub why: Option<String>,
}

impl SetsReport {
    /// What a catalog says, and when the store deletes what by itself.
    pub fn new(
        store: &str,
        location: &str,
        catalog: &Catalog,
        lifecycle: &Lifecycle,
        zone: Zone,
    ) -> SetsReport {
        let row = |set| SetRow {
            expires: lifecycle.expiry(set, zone),
            ..row(set)
        };
        SetsReport {
            expiry_unknown: match lifecycle {
                Lifecycle::Unknown(why) => Some(why.clone()),
                Lifecycle::None | Lifecycle::Rules(_) => None,
            },
            store: store.to_owned(),
            location: location.to_owned(),
            sets: catalog.sets.iter().map(row).collect(),
            ignored: catalog.ignored,
            deprecated: catalog.deprecated,
        }
    }

    /// With what `keep` in the profile says of the sets.
    #[must_use]
    pub fn pruned_by(mut self, plan: &PrunePlan) -> SetsReport {
        for row in plan.going() {
            let set = self.sets.iter_mut().find(|set| set.full == row.set);
            if let Some(set) = set {
                set.not_kept = Some(row.why.clone());
            }
        }
        self
    }

    /// As a table of 80 columns. The latest state of a set is the last one of the states below it.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}, location {}\n", self.store, self.location);
        let mut table =
            vec![["SET", "INCREMENTALS", "MOUNTS", "VOLUMES", "SIZE", "STATE"].map(str::to_owned)];
        for set in &self.sets {
            let unfinished = set.incrementals.iter().filter(|i| !i.complete).count();
            let incrementals = match unfinished {
                0 => set.incrementals.len().to_string(),
                n => format!("{} ({n} incomplete)", set.incrementals.len()),
            };
            table.push([
                set.full.to_string(),
                incrementals,
                set.mounts.len().to_string(),
                set.volumes.to_string(),
                size(set.bytes),
                set.why.as_ref().map_or_else(
                    || "complete".to_owned(),
                    |why| format!("not complete: {why}"),
                ),
            ]);
        }
        if self.sets.is_empty() {
            text.push_str("no backup of this location\n");
        } else {
            text.push_str(&aligned(&table));
        }
        text.push_str(&self.notes());
        text
    }

    /// What will be deleted, by the bucket itself or by `prune`.
    pub fn expiry(&self) -> String {
        let mut text = String::new();
        let mut add = |title: &str, rows: Vec<[String; 2]>| {
            if !rows.is_empty() {
                text.push_str(&format!("{title}:\n{}", aligned(&rows)));
            }
        };
        let row = |set: &SetRow, what: String| [format!("  {}", set.full), what];
        let sets = self.sets.iter();
        let expiring = sets.filter_map(|set| Some(row(set, day(set.expires?))));
        add(
            "sets that the bucket's lifecycle rule deletes, and when (UTC)",
            expiring.collect(),
        );
        let sets = self.sets.iter();
        let pruned = sets.filter_map(|set| Some(row(set, set.not_kept.clone()?)));
        add(
            "sets that the next prune deletes, and why",
            pruned.collect(),
        );
        text
    }

    /// What is below the table.
    fn notes(&self) -> String {
        let mut text = String::new();
        let states: Vec<[String; 3]> = self.sets.iter().flat_map(SetRow::states).collect();
        if !states.is_empty() {
            text.push_str(&format!(
                "states, as --at takes them:\n{}",
                aligned(&states)
            ));
        }
        text.push_str(&self.expiry());
        if let Some(why) = &self.expiry_unknown {
            text.push_str(&format!("when sets expire is not known: {why}\n"));
        }
        for set in &self.sets {
            for inc in set.incrementals.iter().filter(|i| !i.complete) {
                let why = inc.why.as_deref().unwrap_or("unknown");
                text.push_str(&format!(
                    "the incremental backup {} is not complete: {why}\n",
                    inc.stamp
                ));
            }
        }
        if self.deprecated > 0 {
            text.push_str(&format!(
                "{} objects have names of the old form with colons and are not used: extract them \
                 with 7-Zip\n",
                self.deprecated
            ));
        }
        if self.ignored > 0 {
            let others = count(self.ignored, "other object");
            text.push_str(&format!("{others} ignored\n"));
        }
        text
    }
}

/// The day of an expiry.
pub fn day(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d").to_string()
}

impl SetRow {
    /// Every state that can be restored from it: stamp, kind, bytes.
    fn states(&self) -> Vec<[String; 3]> {
        if !self.complete {
            return Vec::new();
        }
        let incrementals = self.incrementals.iter().filter(|i| i.complete);
        let of_incrementals = || self.incrementals.iter().map(|i| i.bytes).sum::<u64>();
        let full = (
            self.full,
            "full",
            self.bytes.saturating_sub(of_incrementals()),
        );
        let incrementals = incrementals.map(|i| (i.stamp, "incremental", i.bytes));
        std::iter::once(full)
            .chain(incrementals)
            .map(|(stamp, kind, bytes)| [format!("  {stamp}"), kind.to_owned(), size(bytes)])
            .collect()
    }
}

fn row(set: &Set) -> SetRow {
    let full = set.full.as_ref();
    let why = match full {
        None => Some("its full backup is not there".to_owned()),
        Some(full) => full.incomplete().map(|why| why.to_string()),
    };
    let newest = set.chain().last().copied().or(full);
    SetRow {
        full: set.stamp,
        latest: set.chain().last().map(|b| b.id.stamp()),
        mounts: newest
            .map(|b| b.archives.keys().map(ToString::to_string).collect())
            .unwrap_or_default(),
        volumes: set.backups().map(Backup::volumes).sum(),
        bytes: set.backups().map(Backup::bytes).sum(),
        complete: why.is_none(),
        why,
        expires: None,
        not_kept: None,
        incrementals: set.incrementals.iter().map(incremental).collect(),
    }
}

fn incremental(backup: &Backup) -> IncrementalRow {
    let why = backup.incomplete().map(|why| why.to_string());
    IncrementalRow {
        stamp: backup.id.stamp(),
        volumes: backup.volumes(),
        bytes: backup.bytes(),
        complete: why.is_none(),
        why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Object;

    const FULL: &str = "20261101_100000.000000";
    const WHOLE: &str = "20261102_100000.000000";
    const CUT: &str = "20261103_100000.000000";

    /// A full backup of two mounts and two incremental ones, the second without a marker.
    fn report(with_full_marker: bool) -> SetsReport {
        let objects = [
            ("0_0.0", "no_a.zip.001", 1000),
            ("0_0.0", "no_a.zip.002", 200),
            ("0_0.0", "yes_a", 1),
            ("0_0.0", "manifest_a.zip", 7),
            ("0_0.0", "no_b.zip.001", 30),
            ("0_0.0", "yes_b", 1),
            (WHOLE, "no_a.zip.001", 4),
            (WHOLE, "yes_a", 1),
            (CUT, "no_a.zip.001", 50_000),
        ];
        let objects = objects.into_iter().map(|(backup, part, size)| Object {
            key: format!("pc_{FULL}_{backup}_{part}"),
            size,
        });
        let catalog = Catalog::new(
            "pc",
            objects.filter(|object| with_full_marker || !object.key.ends_with("0.0_yes_b")),
        );
        SetsReport::new("store", "pc", &catalog, &Lifecycle::None, Zone::Utc)
    }

    #[test]
    fn totals_are_those_of_all_backups_of_a_set() {
        let set = report(true).sets.remove(0);
        assert_eq!((set.volumes, set.bytes), (5, 51_234));
        assert_eq!((set.complete, set.why.clone()), (true, None));
        assert_eq!(set.latest, Some(WHOLE.parse().unwrap()));
        assert_eq!(set.mounts, ["a"], "those of the newest state");
        let incrementals = set.incrementals.iter();
        let counts = incrementals.map(|i| (i.volumes, i.bytes, i.complete));
        assert!(counts.eq([(1, 4, true), (1, 50_000, false)]));
        let states = [
            [format!("  {FULL}"), "full".to_owned(), size(1230)],
            [format!("  {WHOLE}"), "incremental".to_owned(), size(4)],
        ];
        assert_eq!(set.states(), states);
    }

    #[test]
    fn nothing_of_a_set_without_its_full_backup_is_offered() {
        let report = report(false);
        let set = &report.sets[0];
        assert_eq!((set.complete, set.latest), (false, None));
        assert_eq!(
            set.why.as_deref(),
            Some("the upload of 'b' was not finished")
        );
        assert!(set.states().is_empty());
        assert!(!report.to_text().contains("states, as --at takes them"));
    }
}
