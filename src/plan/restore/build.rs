//! From catalog, markers and options to a plan (SPEC#restore). Pure.

use std::collections::BTreeMap;

use crate::model::catalog::{Backup, Catalog, ListedArchive};
use crate::model::marker::Marker;
use crate::model::name::{BackupId, MountName};
use crate::model::object::Object;
use crate::model::stamp::Stamp;

use super::chain::{Markers, MountArchives};
use super::choose::{Chosen, choose, left_out, newest_state};
use super::looks;
use super::mounts::{lay_out, select};
use super::parts::PlannedArchive;
use super::plan::{PlannedMount, RestoreFinding, RestoreOptions, RestorePlan};
use super::read_markers::{ReadMarkers, loss, parse, whole_state};
use super::volumes;
use crate::plan::restore::error::PlanError;

/// How far planning came.
#[derive(Clone, Debug)]
pub enum Planning {
    /// These markers must be read first.
    NeedsMarkers(Vec<Object>),
    Ready(Box<RestorePlan>),
}

/// Plans a restore. `bytes` holds the markers that were read so far, by key;
/// [`Planning::NeedsMarkers`] asks for more.
///
/// # Errors
/// When nothing complete exists to restore, or it is damaged.
pub fn decide(
    options: &RestoreOptions,
    catalog: &Catalog,
    bytes: &BTreeMap<String, Vec<u8>>,
) -> Result<Planning, Box<PlanError>> {
    let at = options.at.as_ref();
    let mut rejected = BTreeMap::new();
    loop {
        let Some(chosen) = choose(catalog, at, &rejected) else {
            return Err(Box::new(nothing(options, catalog, &rejected)));
        };
        let wanted: Vec<Object> = markers(&chosen)
            .filter(|marker| !bytes.contains_key(&marker.key))
            .cloned()
            .collect();
        if !wanted.is_empty() {
            return Ok(Planning::NeedsMarkers(wanted));
        }
        let read = parse(&chosen, bytes);
        // If nothing of a mount was uploaded, names alone do not show that it is missing. Markers
        // name all mounts.
        if let Some((id, why)) = unfinished(&chosen, &read.markers) {
            rejected.insert(id, why);
            continue;
        }
        return build(options, catalog, &chosen, &read, &rejected)
            .map(|plan| Planning::Ready(Box::new(plan)));
    }
}

fn markers<'a>(chosen: &Chosen<'a>) -> impl Iterator<Item = &'a Object> {
    let chain = chosen.chain.clone();
    chain
        .into_iter()
        .flat_map(|backup| backup.archives.values())
        .filter_map(|archive| archive.marker.as_ref())
}

fn unfinished(chosen: &Chosen<'_>, markers: &Markers<'_>) -> Option<(BackupId, String)> {
    markers.iter().find_map(|((id, _), marker)| {
        let backup = chosen.chain.iter().find(|b| b.id == *id)?;
        let missing = marker
            .as_ref()?
            .mounts
            .iter()
            .find(|m| !backup.archives.contains_key(&m.name))?;
        Some((
            *id,
            format!("the upload of '{}' was not finished", missing.path),
        ))
    })
}

fn nothing(
    options: &RestoreOptions,
    catalog: &Catalog,
    rejected: &BTreeMap<BackupId, String>,
) -> PlanError {
    let (location, store) = (options.location.clone(), options.store.clone());
    let newest = catalog
        .sets
        .iter()
        .rev()
        .flat_map(|s| s.full.as_ref())
        .next();
    if let (true, Some(before)) = (catalog.sets.is_empty(), options.written_before) {
        return PlanError::NothingWritten {
            location,
            store,
            before,
        };
    }
    match (&options.at, choose(catalog, None, rejected)) {
        (Some(at), Some(any)) => {
            let oldest = catalog
                .sets
                .iter()
                .find(|s| s.is_restorable())
                .map_or(any.set.stamp, |s| s.stamp);
            PlanError::NothingAt {
                location,
                store,
                at: at.to_string(),
                oldest,
            }
        }
        _ if catalog.sets.is_empty() => PlanError::NoBackup { location, store },
        _ => {
            let why = newest.and_then(|b| {
                let why = rejected
                    .get(&b.id)
                    .cloned()
                    .or_else(|| b.incomplete().map(|w| w.to_string()));
                why.map(|why| (b.id.stamp(), why))
            });
            PlanError::NothingComplete {
                location,
                store,
                newest: why,
            }
        }
    }
}

fn build(
    options: &RestoreOptions,
    catalog: &Catalog,
    chosen: &Chosen<'_>,
    read: &ReadMarkers<'_>,
    rejected: &BTreeMap<BackupId, String>,
) -> Result<RestorePlan, Box<PlanError>> {
    let markers = &read.markers;
    let mut mounts = MountPlanner {
        options,
        chosen,
        markers,
        state: chosen
            .chain
            .last()
            .map_or(chosen.set.stamp, |b| b.id.stamp()),
        findings: unused(catalog, chosen, options, rejected),
        damage: Vec::new(),
    };
    let (mut planned, damage, mut losses) = mounts.all(read);
    let MountPlanner {
        state,
        mut findings,
        ..
    } = mounts;
    let whole = whole_state(catalog, options, read, rejected);
    let damaged = || {
        Box::new(PlanError::Damaged {
            store: options.store.clone(),
            problems: damage.iter().chain(&whole).cloned().collect(),
        })
    };
    if planned.is_empty() && !damage.is_empty() {
        return Err(damaged());
    }
    lay_out(&mut planned, options.layout)?;
    select(&mut planned, options, &mut findings).map_err(|why| match losses.is_empty() {
        true => why,
        // What is wanted may lie in what is lost.
        false => damaged(),
    })?;
    if !losses.is_empty() {
        losses.extend(whole.clone());
    }
    Ok(RestorePlan {
        location: options.location.clone(),
        store: options.store.clone(),
        set: chosen.set.stamp,
        state,
        layout: options.layout,
        exact: options.exact,
        only: options.only.clone(),
        written_before: options.written_before,
        numeric_owner: options.numeric_owner,
        other_state: other_state(catalog, chosen),
        mounts: planned,
        losses,
        findings,
    })
}

/// Backups that are left out, with the reason.
fn unused(
    catalog: &Catalog,
    chosen: &Chosen<'_>,
    options: &RestoreOptions,
    rejected: &BTreeMap<BackupId, String>,
) -> Vec<RestoreFinding> {
    left_out(catalog, chosen, options.at.as_ref(), rejected)
        .into_iter()
        .map(|(id, why)| RestoreFinding {
            warning: false,
            text: format!("the backup {} is not used: {why}", id.stamp()),
        })
        .collect()
}

/// The newest state that shares no archive with the chosen one.
fn other_state(catalog: &Catalog, chosen: &Chosen<'_>) -> Option<Stamp> {
    let mut others = catalog.clone();
    others.sets.retain(|set| set.stamp != chosen.set.stamp);
    newest_state(&others, None)
}

/// Plans the mounts of a state, one after the other.
struct MountPlanner<'a> {
    options: &'a RestoreOptions,
    chosen: &'a Chosen<'a>,
    markers: &'a Markers<'a>,
    state: Stamp,
    findings: Vec<RestoreFinding>,
    /// Everything that makes the state unusable, as one sentence each.
    damage: Vec<String>,
}

/// The mounts that can be restored, what is damaged, and what is said of those that cannot.
type PlannedAndLost = (Vec<PlannedMount>, Vec<String>, Vec<String>);

impl MountPlanner<'_> {
    fn all(&mut self, read: &ReadMarkers<'_>) -> PlannedAndLost {
        let (mut planned, mut damage, mut losses) = (Vec::new(), Vec::new(), Vec::new());
        for (number, name) in (1..).zip(mount_order(self.chosen, self.markers)) {
            let broken = read.broken.get(name).into_iter().flatten();
            self.damage = broken.map(|(_, why)| why.clone()).collect();
            let mount = match self.damage.is_empty() {
                true => Some(self.mount(number, name)),
                false => None,
            };
            match mount.filter(|_| self.damage.is_empty()) {
                Some(mount) => planned.push(mount),
                None => losses.push(loss(number, name, &self.damage)),
            }
            damage.append(&mut self.damage);
        }
        (planned, damage, losses)
    }

    fn mount(&mut self, number: usize, name: &MountName) -> PlannedMount {
        let markers = self.markers;
        let marker = |backup: &Backup| markers.get(&(backup.id, name)).and_then(Option::as_ref);
        let with: Vec<(&Backup, &ListedArchive)> = self
            .chosen
            .chain
            .iter()
            .filter_map(|b| Some((*b, b.archives.get(name)?)))
            .collect();
        let mut archives = Vec::new();
        for (backup, archive) in &with {
            archives.push(self.archive(backup, name, archive, marker(backup)));
        }
        let last = with.last().map(|(backup, _)| *backup);
        // Only the manifest of the newest backup describes the state.
        let manifest = match last.and_then(marker) {
            Some(marker) => {
                let archives = MountArchives {
                    name,
                    archives: with.clone(),
                    markers,
                };
                if self.options.only.is_empty() {
                    self.findings.extend(looks::findings(&archives, marker));
                }
                let (damage, findings) = (&mut self.damage, &mut self.findings);
                archives.manifest(self.options, marker, damage, findings)
            }
            None => {
                self.findings.push(v1(name));
                None
            }
        };
        if last.map(|backup| backup.id.stamp()) != Some(self.state) {
            let text = format!(
                "'{name}' is not in the newest backup {}: it is restored as of the last one that \
                 has it",
                self.state
            );
            self.findings.push(RestoreFinding {
                warning: false,
                text,
            });
        }
        let counts = last.and_then(marker).and_then(|marker| marker.counts);
        let mut newest_first = with.iter().rev().filter_map(|(backup, _)| marker(backup));
        PlannedMount {
            number,
            name: name.clone(),
            path: newest_first.next().map(|m| m.mount.clone()),
            target: Vec::new(),
            archives,
            manifest,
            state_bytes: counts.map(|counts| counts.bytes),
            wanted: Vec::new(),
        }
    }

    fn archive(
        &mut self,
        backup: &Backup,
        name: &MountName,
        archive: &ListedArchive,
        marker: Option<&Marker>,
    ) -> PlannedArchive {
        let planned = volumes::plan(
            &self.options.location,
            backup.id,
            name,
            archive,
            marker,
            &mut self.damage,
        );
        let store = &self.options.store;
        self.findings
            .extend(planned.extra.iter().map(|key| RestoreFinding {
                warning: true,
                text: format!(
                    "{store}: the volume '{key}' is not named by its marker and is not used"
                ),
            }));
        planned.archive
    }
}

/// The mounts of the newest backup in its own order, then any that only older backups of the set
/// have.
fn mount_order<'a>(chosen: &Chosen<'a>, markers: &Markers<'a>) -> Vec<&'a MountName> {
    let mut order: Vec<&MountName> = Vec::new();
    for &backup in chosen.chain.iter().rev() {
        let marker = backup
            .archives
            .keys()
            .find_map(|name| markers.get(&(backup.id, name))?.as_ref());
        let said = marker.into_iter().flat_map(|m| &m.mounts).map(|m| &m.name);
        let said = said
            .filter_map(|name| backup.archives.get_key_value(name))
            .map(|(name, _)| name);
        for name in said.chain(backup.archives.keys()) {
            if !order.contains(&name) {
                order.push(name);
            }
        }
    }
    order
}

fn v1(name: &MountName) -> RestoreFinding {
    let text = format!(
        "'{name}' was written by v1.0, whose markers are empty: its original path, the checksums \
         of its volumes and \
         the list of its files are not known; what 7-Zip extracts is all that can be checked"
    );
    RestoreFinding {
        warning: false,
        text,
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
