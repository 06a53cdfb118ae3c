//! `restore status`: where every volume of a restore is, and what is still ahead (SPEC#thawing).

use std::path::Path;

use serde::Serialize;

use crate::adapters::store::Store;
use crate::model::stamp::Stamp;
use crate::model::text::{aligned, size};

use super::error::RestoreError;
use super::journal::Journal;
use super::parallel::{QUESTIONS, each};
use super::target::{WORK, portion_place};
use super::thaw::Thawing;
use crate::plan::restore::estimate::{Estimate, Load, Terms, VolumeState};
use crate::plan::restore::plan::{PlannedArchive, PlannedVolume, RestorePlan};

/// The state of a restore.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
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

/// Looks, changes nothing. `to` is the destination, where a restore may have been begun.
///
/// # Errors
/// When the store cannot be asked, or the destination's state cannot be read.
pub fn status(
    plan: &RestorePlan,
    to: Option<&Path>,
    store: &dyn Store,
    thaw: &Thawing<'_>,
) -> Result<Status, RestoreError> {
    let work = to.map(|to| to.join(WORK));
    let journal = work.as_deref().map_or(Ok(None), Journal::load)?;
    let extracted = |mount: usize, stamp: Stamp| {
        journal.as_ref().is_some_and(|j| {
            j.extracted
                .iter()
                .any(|e| e.mount == mount && e.stamp == stamp)
        })
    };
    let needed = journal.as_ref().and_then(|j| j.needed.as_ref());
    let is_here = |mount: usize, archive: &PlannedArchive, index: usize| {
        extracted(mount, archive.stamp)
            || journal
                .as_ref()
                .is_some_and(|j| j.used(mount, archive.stamp).contains(&index))
            || work
                .as_deref()
                .is_some_and(|work| portion_place(work, mount, archive, index).is_file())
    };
    let mut volumes: Vec<(usize, &PlannedVolume, bool)> = Vec::new();
    for (mount, archive) in plan.archives() {
        for (index, portion) in archive.portions().into_iter().enumerate() {
            let here = is_here(mount.number, archive, index);
            match volumes.last_mut() {
                Some((_, volume, all)) if std::ptr::eq(*volume, portion.volume) => *all &= here,
                _ => volumes.push((mount.number, portion.volume, here)),
            }
        }
    }
    volumes.retain(|(_, volume, _)| needed.is_none_or(|needed| needed.contains(&volume.key)));
    let states = each(&volumes, QUESTIONS, |(_, volume, here)| {
        match *here || store.local_path(&volume.key).is_some() {
            true => Ok(VolumeState::Here),
            false => store.thaw_state(&volume.key).map(VolumeState::from),
        }
    });
    let states = states.map_err(|(_, error)| error)?;
    let rows = volumes.into_iter().zip(states);
    let volumes: Vec<VolumeStatus> = rows
        .map(|((mount, volume, _), state)| VolumeStatus {
            mount,
            key: volume.key.clone(),
            size: volume.size,
            state,
        })
        .collect();
    let loads: Vec<Load> = volumes
        .iter()
        .map(|v| Load {
            size: v.size,
            state: v.state,
        })
        .collect();
    let terms = Terms {
        prices: thaw.prices,
        tier: thaw.tier,
        keep_days: thaw.keep_days,
        files: plan.least_bytes(extracted),
        room: plan.room(extracted),
        disk_free: to.and_then(|to| {
            to.ancestors()
                .find_map(|path| fs4::available_space(path).ok())
        }),
    };
    let estimate = Estimate::new(&loads, terms);
    Ok(Status {
        store: plan.store.clone(),
        location: plan.location.clone(),
        state: plan.state,
        volumes,
        estimate,
    })
}

impl Status {
    /// As a table.
    pub fn to_text(&self) -> String {
        let mut table = vec![["MOUNT", "STATE", "SIZE", "OBJECT"].map(str::to_owned)];
        for volume in &self.volumes {
            let state = match volume.state {
                VolumeState::Frozen => "archived",
                VolumeState::Thawing => "on its way",
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
