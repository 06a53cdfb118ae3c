//! `restore status`: where every volume of a restore is, and what is still ahead (SPEC#thawing).

use std::path::Path;

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
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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

impl RestoreStatus {
    /// As a table.
    pub fn to_text(&self) -> String {
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
        format!(
            "{} as of {}, from {}\n{}{}\n",
            self.location,
            self.state,
            self.store,
            aligned(&table),
            self.estimate.to_text()
        )
    }
}
