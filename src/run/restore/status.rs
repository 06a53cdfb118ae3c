//! `restore status`: where every volume of a restore is, and what is still ahead (SPEC#thawing).

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::store::Store;
use crate::model::stamp::Stamp;
use crate::model::text::{aligned, size};
use crate::plan::restore::estimate::{Estimate, VolumeState};
use crate::plan::restore::layout::WORK_DIRECTORY;
use crate::plan::restore::needed::{LocatedVolume, needed_volumes};
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::{PlannedMount, RestorePlan};

use super::disk;
use super::error::RestoreError;
use super::journal::Journal;
use super::target::part_path;
use super::thaw;
use super::tools::ThawPolicy;

/// The state of a restore.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RestoreStatus {
    pub store: String,
    pub location: String,
    /// Stamp of the state that is restored.
    pub state: Stamp,
    pub volumes: Vec<VolumeStatus>,
    pub estimate: Estimate,
}

/// One volume.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VolumeStatus {
    /// Number of its mount.
    pub mount: usize,
    pub key: String,
    pub size: u64,
    pub state: VolumeState,
}

/// Reads only. `to` is the destination, in which a restore may have been started.
///
/// # Errors
/// When the store cannot be asked, or the destination's state cannot be read.
pub fn status(
    plan: &RestorePlan,
    to: Option<&Path>,
    store: &dyn Store,
    policy: &ThawPolicy<'_>,
) -> Result<RestoreStatus, RestoreError> {
    let work = to.map(|to| to.join(WORK_DIRECTORY));
    let journal = work.as_deref().map_or(Ok(None), Journal::load)?;
    let extracted = |mount: usize, stamp: Stamp| {
        journal.as_ref().is_some_and(|j| {
            j.extracted
                .iter()
                .any(|e| e.mount == mount && e.stamp == stamp)
        })
    };
    let parts_here = |mount: &PlannedMount, archive: &PlannedArchive| {
        let used = journal
            .as_ref()
            .map(|journal| journal.used(mount.number, archive.stamp))
            .unwrap_or_default();
        let is_downloaded = |index| {
            work.as_deref()
                .is_some_and(|work| part_path(work, mount, archive, index).is_file())
        };
        let parts = archive.parts().into_iter().enumerate();
        parts
            .filter(|(index, part)| {
                extracted(mount.number, archive.stamp)
                    || used.contains(index)
                    || is_downloaded(*index)
                    || store.local_path(&part.volume.key).is_some()
            })
            .map(|(index, _)| index)
            .collect()
    };
    let mut needed = needed_volumes(plan, parts_here);
    if let Some(keys) = journal.as_ref().and_then(|journal| journal.needed.as_ref()) {
        needed.retain(|volume| keys.contains(&volume.volume.key));
    }
    let volumes = thaw::locate(store, needed)?;
    let disk_free = to.and_then(|to| to.ancestors().find_map(disk::free_bytes));
    Ok(RestoreStatus {
        store: plan.store.clone(),
        location: plan.location.clone(),
        state: plan.state,
        volumes: volumes.iter().map(VolumeStatus::of).collect(),
        estimate: policy.estimate(plan, &volumes, disk_free, extracted),
    })
}

impl VolumeStatus {
    fn of(located: &LocatedVolume<'_>) -> VolumeStatus {
        VolumeStatus {
            mount: located.needed.mount.number,
            key: located.needed.volume.key.clone(),
            size: located.needed.volume.size,
            state: located.state,
        }
    }
}

/// So many volumes are listed one by one.
const MOST_LISTED: usize = 20;

/// Volumes in a line of the grid: it fits a terminal of 80 columns.
const GRID_WIDTH: usize = 60;

fn letter(state: VolumeState) -> char {
    match state {
        VolumeState::Frozen => '.',
        VolumeState::Thawing => '~',
        VolumeState::Ready => 'o',
        VolumeState::Here => '#',
    }
}

impl RestoreStatus {
    /// For people: the volumes of each mount as a grid; as a table too if they are few or `all`.
    pub fn to_text(&self, all: bool) -> String {
        let table = match all || self.volumes.len() <= MOST_LISTED {
            true => format!("\n{}", self.table()),
            false => "\n--verbose lists every volume.\n".to_owned(),
        };
        format!(
            "{} as of {}, from {}\n\n{}{table}\n{}\n",
            self.location,
            self.state,
            self.store,
            self.grid(),
            self.estimate.to_text()
        )
    }

    /// A character for each volume.
    fn grid(&self) -> String {
        let mut text = String::new();
        let of_mount = |volume: &&VolumeStatus, mount| volume.mount == mount;
        let mounts: BTreeSet<usize> = self.volumes.iter().map(|v| v.mount).collect();
        for mount in mounts {
            let volumes = self.volumes.iter().filter(|v| of_mount(v, mount));
            let letters: Vec<char> = volumes.map(|v| letter(v.state)).collect();
            let mut name = format!("mount {mount}");
            for line in letters.chunks(GRID_WIDTH) {
                let line = line.iter().collect::<String>();
                text.push_str(&format!("{name:<9} {line}\n"));
                name.clear();
            }
        }
        text.push_str("# here, o readable, ~ being thawed, . archived\n");
        text
    }

    fn table(&self) -> String {
        let mut table = vec![["MOUNT", "STATE", "SIZE", "OBJECT"].map(str::to_owned)];
        for volume in &self.volumes {
            let state = match volume.state {
                VolumeState::Frozen => "archived",
                VolumeState::Thawing => "being thawed",
                VolumeState::Ready => "readable",
                VolumeState::Here => "here",
            };
            table.push([
                volume.mount.to_string(),
                state.to_owned(),
                size(volume.size),
                volume.key.clone(),
            ]);
        }
        aligned(&table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Tier;
    use crate::plan::cost::price::Prices;
    use crate::plan::restore::estimate::EstimateTerms;

    fn status(volumes: &[(usize, VolumeState, usize)]) -> RestoreStatus {
        let one = |&(mount, state, count): &(usize, VolumeState, usize)| {
            let volume = VolumeStatus {
                mount,
                key: format!("key-{mount}"),
                size: 1,
                state,
            };
            std::iter::repeat_n(volume, count)
        };
        let terms = EstimateTerms {
            prices: &Prices::default(),
            tier: Tier::Bulk,
            keep_days: 7,
            files: (0, 0),
            room: 0,
            disk_free: None,
        };
        RestoreStatus {
            store: "s3".to_owned(),
            location: "pc".to_owned(),
            state: "20261124_100000.000000".parse().unwrap(),
            volumes: volumes.iter().flat_map(one).collect(),
            estimate: Estimate::new(&[], terms),
        }
    }

    #[test]
    fn many_volumes_are_a_grid_and_few_a_table_too() {
        use VolumeState::{Frozen, Here, Ready, Thawing};
        let many = status(&[
            (1, Here, 59),
            (1, Ready, 2),
            (2, Thawing, 3),
            (2, Frozen, 1),
        ]);
        let text = many.to_text(false);
        let line = "#".repeat(59);
        let grid = format!("mount 1   {line}o\n          o\nmount 2   ~~~.\n");
        assert!(text.contains(&grid), "{text}");
        assert!(
            !text.contains("key-1") && text.contains("--verbose"),
            "{text}"
        );
        assert!(many.to_text(true).contains("key-1"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        let few = status(&[(1, Here, 20)]).to_text(false);
        assert!(few.contains("key-1") && few.contains("####"), "{few}");
    }
}
