//! The markers of a state as far as they can be read, and what is said of the rest. Pure.

use std::collections::BTreeMap;

use crate::model::catalog::Catalog;
use crate::model::marker::{Marker, MarkerError};
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

/// Parses the markers of a state.
///
/// # Errors
/// When one is of a newer program, or of another archive.
pub fn parse<'a>(
    chosen: &Chosen<'a>,
    bytes: &BTreeMap<String, Vec<u8>>,
) -> Result<ReadMarkers<'a>, Box<PlanError>> {
    let mut markers = BTreeMap::new();
    let mut broken = BrokenMarkers::new();
    for &backup in &chosen.chain {
        for (mount, archive) in &backup.archives {
            let Some(object) = &archive.marker else {
                continue;
            };
            let content = bytes.get(&object.key).map_or(&[][..], Vec::as_slice);
            let marker = match Marker::parse(&object.key, content) {
                Ok(marker) => marker,
                Err(why @ MarkerError::Broken { .. }) => {
                    let of_mount = broken.entry(mount).or_default();
                    of_mount.push((backup.id, why.to_string()));
                    continue;
                }
                Err(newer) => return Err(Box::new(newer.into())),
            };
            // A marker copied under another name would restore one mount's files as another's.
            if marker
                .as_ref()
                .is_some_and(|m| m.backup != backup.id || MountName::of(&m.mount) != *mount)
            {
                return Err(Box::new(PlanError::ForeignMarker(object.key.clone())));
            }
            markers.insert((backup.id, mount), marker);
        }
    }
    Ok(ReadMarkers { markers, broken })
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
