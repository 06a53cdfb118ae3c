//! Which manifests describe a state: that of its backup, and those that it rests on (SPEC#formats).
//! Pure.

use std::collections::BTreeMap;

use crate::model::catalog::{Backup, ListedArchive};
use crate::model::marker::Marker;
use crate::model::name::{BackupId, MountName, ObjectName, Part};
use crate::model::stamp::Stamp;

use super::error::PlanError;
use super::plan::{PlannedManifest, RestoreFinding, RestoreOptions};

/// What is restored without a manifest.
pub const LISTLESS: &str = "what all archives of the set hold is restored, deleted files too, and \
                            cannot be compared with a list";

/// Markers that were read, by backup and mount. `None`: written by v1.0, empty.
pub type Markers<'a> = BTreeMap<(BackupId, &'a MountName), Option<Marker>>;

/// The archives of one mount in the backups of a set, oldest first, with what their markers say.
pub struct MountArchives<'a> {
    pub name: &'a MountName,
    pub archives: Vec<(&'a Backup, &'a ListedArchive)>,
    pub markers: &'a Markers<'a>,
}

impl MountArchives<'_> {
    /// What the marker of a backup says; nothing if v1.0 wrote it.
    pub fn marker(&self, id: BackupId) -> Option<&Marker> {
        self.markers.get(&(id, self.name))?.as_ref()
    }

    /// The marker of the backup whose manifest a delta changes, if both exist.
    fn base(&self, of: &Marker) -> Result<Option<&Marker>, Stamp> {
        let Some(delta) = of.delta else {
            return Ok(None);
        };
        let is_base = |(backup, archive): &&(&Backup, &ListedArchive)| {
            let stamp = backup.id.stamp();
            stamp == delta.base && stamp < of.backup.stamp() && archive.manifest.is_some()
        };
        let base = self.archives.iter().find(is_base);
        let base = base.and_then(|(backup, _)| self.marker(backup.id));
        base.map(Some).ok_or(delta.base)
    }

    /// The markers whose manifests a state is read from, its own first.
    fn chain<'m>(&'m self, of: &'m Marker) -> Result<Vec<&'m Marker>, Stamp> {
        let is_own = |(backup, _): &&(&Backup, &ListedArchive)| backup.id == of.backup;
        let own = self.archives.iter().find(is_own);
        if own.is_none_or(|(_, archive)| archive.manifest.is_none()) {
            return Err(of.backup.stamp());
        }
        let (mut chain, mut last) = (vec![of], of);
        while let Some(base) = self.base(last)? {
            chain.push(base);
            last = base;
        }
        Ok(chain)
    }

    /// The manifests that a state is read from. `None` if one of them is missing: that is damage if
    /// the state must be exact, else a note.
    pub fn manifest(
        &self,
        options: &RestoreOptions,
        of: &Marker,
        damage: &mut Vec<String>,
        findings: &mut Vec<RestoreFinding>,
    ) -> Option<PlannedManifest> {
        let chain = match self.chain(of) {
            Ok(chain) => chain,
            Err(lost) if options.exact => {
                let all = "--with-deleted restores what all archives of the set hold";
                damage.push(format!("{}; {all}", self.lost(of, lost)));
                return None;
            }
            Err(lost) => {
                let text = format!("{}; {LISTLESS}", self.lost(of, lost));
                findings.push(RestoreFinding {
                    warning: true,
                    text,
                });
                return None;
            }
        };
        let mut planned = Vec::new();
        for marker in chain {
            match self.planned(options, marker) {
                Ok(manifest) => planned.push(manifest),
                Err(foreign) => {
                    damage.push(foreign.to_string());
                    return None;
                }
            }
        }
        let mut state = planned.remove(0);
        state.rests_on = planned;
        Some(state)
    }

    /// The message about a state whose manifest rests on a missing one.
    fn lost(&self, of: &Marker, lost: Stamp) -> String {
        let state = of.backup.stamp();
        let all = self.archives.iter().rev();
        let whole = all.filter_map(|(backup, archive)| {
            archive.manifest.as_ref()?;
            self.chain(self.marker(backup.id)?).ok()?;
            Some(backup.id.stamp())
        });
        let others: Vec<String> = whole.map(|stamp| stamp.to_string()).collect();
        let others = match others.len() {
            0 => "no state of this set can".to_owned(),
            _ => format!("these states can: {}", others.join(", ")),
        };
        let manifest = match lost == state {
            true => "its manifest is missing".to_owned(),
            false => format!("its manifest rests on that of the backup {lost}, which is missing"),
        };
        format!(
            "the state {state} of '{}' cannot be restored exactly: {manifest}; {others}",
            of.mount
        )
    }

    fn planned(
        &self,
        options: &RestoreOptions,
        marker: &Marker,
    ) -> Result<PlannedManifest, PlanError> {
        let object = marker.manifest.clone();
        let parsed = ObjectName::parse(&object.key);
        let ours = parsed.filter(|n| {
            n.location == options.location && n.backup == marker.backup && n.mount == *self.name
        });
        match ours.map(|n| n.part) {
            Some(Part::Manifest(extension)) => Ok(PlannedManifest {
                stamp: marker.backup.stamp(),
                format: extension.into(),
                object,
                rests_on: Vec::new(),
            }),
            _ => Err(PlanError::ForeignKey {
                backup: marker.backup.stamp(),
                key: object.key,
            }),
        }
    }
}
