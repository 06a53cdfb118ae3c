//! The markers of a state as far as they can be read, and what is said of the rest. Pure.

use std::collections::BTreeMap;

use crate::model::catalog::{Backup, Catalog};
use crate::model::marker::Marker;
use crate::model::name::{BackupId, MountName};

use super::chain::Markers;
use super::choose::{Chosen, choose};
use super::plan::RestoreOptions;
use crate::plan::restore::error::PlanError;

/// The markers of a state.
pub struct ReadMarkers<'a> {
    pub markers: Markers<'a>,
    pub broken: BrokenMarkers<'a>,
}

/// Markers that cannot be read, by mount: each with its backup and the reason.
pub type BrokenMarkers<'a> = BTreeMap<&'a MountName, Vec<(BackupId, String)>>;

/// Parses the markers of a state. One that cannot be read, is of a newer program or of another
/// archive, or rests on a backup that is not there, costs its mount.
pub fn parse<'a>(chosen: &Chosen<'a>, bytes: &BTreeMap<String, Vec<u8>>) -> ReadMarkers<'a> {
    let mut markers = Markers::new();
    let mut broken = BrokenMarkers::new();
    for &backup in &chosen.chain {
        for (mount, archive) in &backup.archives {
            let Some(object) = &archive.marker else {
                continue;
            };
            let content = bytes.get(&object.key).map_or(&[][..], Vec::as_slice);
            match usable(chosen, backup, mount, &object.key, content) {
                Ok(marker) => drop(markers.insert((backup.id, mount), marker)),
                Err(why) => {
                    let of_mount = broken.entry(mount).or_default();
                    of_mount.push((backup.id, why.to_string()));
                }
            }
        }
    }
    ReadMarkers { markers, broken }
}

fn usable(
    chosen: &Chosen<'_>,
    backup: &Backup,
    mount: &MountName,
    key: &str,
    content: &[u8],
) -> Result<Option<Marker>, PlanError> {
    let Some(marker) = Marker::parse(key, content)? else {
        return Ok(None);
    };
    // A marker copied under another name would restore one mount's files as another's.
    if marker.backup != backup.id || MountName::of(&marker.mount) != *mount {
        return Err(PlanError::ForeignMarker(key.to_owned()));
    }
    // An incremental backup lists changes since its base. Without the base, files would be missing
    // silently.
    let stamp = backup.id.stamp();
    let is_there = |since| {
        let mut chain = chosen.chain.iter();
        chain.any(|b| b.id.stamp() == since && since < stamp)
    };
    match marker.since.filter(|since| !is_there(*since)) {
        Some(since) => Err(PlanError::Unchained {
            backup: stamp,
            since,
        }),
        None => Ok(Some(marker)),
    }
}

/// What is said of a mount that cannot be restored while others can.
pub fn loss(number: usize, name: &MountName, damage: &[String]) -> String {
    let damage = damage.join("; ");
    format!("the mount {number} ('{name}') is NOT restored: {damage}")
}

/// The newest state before one whose markers are damaged.
pub fn whole_state(
    catalog: &Catalog,
    options: &RestoreOptions,
    read: &ReadMarkers<'_>,
    rejected: &BTreeMap<BackupId, String>,
) -> Option<String> {
    let mut rejected = rejected.clone();
    rejected.extend(read.broken.values().flatten().cloned());
    let older = choose(catalog, options.at.as_ref(), &rejected)?;
    let stamp = older.chain.last()?.id.stamp();
    let is_other = !read.broken.is_empty();
    is_other
        .then(|| format!("the state {stamp} is unaffected by the damage: --at {stamp} restores it"))
}
