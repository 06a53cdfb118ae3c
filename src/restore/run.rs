//! Runs a restore plan: fetch, check, extract, verify (SPEC §9). Tells events, prints nothing, chooses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::cancel::Cancel;
use crate::event::{Events, Section};
use crate::secret::Secret;
use crate::stamp::Stamp;
use crate::store::Store;
use crate::tool::seven_zip::SevenZip;

use super::archive::Selected;
use super::error::RestoreError;
use super::fetch::Fetched;
use super::finish::{Finish, Tally};
use super::index::{self, Index};
use super::layout::{Layout, TABLE};
use super::plan::{PlannedArchive, PlannedMount, RestorePlan};
use super::target::Target;

/// What a restore works with.
pub struct Tools<'a> {
    pub store: &'a dyn Store,
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    /// Where the key came from, for messages: `$AAM_BACKUP_KEY`.
    pub key_from: &'a str,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// A restore at work.
pub(super) struct Restore<'a> {
    pub store: &'a dyn Store,
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    pub key_from: &'a str,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
    pub target: Target,
}

/// Restores what the plan says into `to`. Differences from the manifest are told as events; the events' outcome says
/// whether the restore is what was asked for.
///
/// # Errors
/// When it could not go on; what is in `to` then is not a complete restore.
pub fn run(plan: RestorePlan, to: &Path, into_existing: bool, tools: &Tools<'_>) -> Result<Tally, RestoreError> {
    let target = Target::open(to, into_existing)?;
    let restore = Restore {
        store: tools.store,
        seven_zip: tools.seven_zip,
        key: tools.key,
        key_from: tools.key_from,
        cancel: tools.cancel,
        events: tools.events,
        target,
    };
    let result = restore.all(plan);
    let closed = restore.target.close(result.is_err());
    let tally = result?;
    closed?;
    Ok(tally)
}

/// With `--only`: what of an archive is wanted, by mount number and stamp.
type Lists = BTreeMap<(usize, Stamp), PathBuf>;

/// An archive of the plan, by its place in it.
type Place = (usize, usize);

impl Restore<'_> {
    fn all(&self, plan: RestorePlan) -> Result<Tally, RestoreError> {
        for finding in &plan.findings {
            match finding.warning {
                true => self.events.warn(Section::Restore, finding.text.clone(), None),
                false => self.events.note(Section::Restore, finding.text.clone()),
            }
        }
        let mut indexes = BTreeMap::new();
        for mount in &plan.mounts {
            if let Some(manifest) = &mount.manifest {
                indexes.insert(mount.number, self.index(mount, manifest)?);
            }
        }
        let (plan, lists) = self.narrow(plan, &indexes)?;
        self.estimate(&plan);
        // What lies here is looked through before anything at all is extracted.
        let mut ready = BTreeMap::new();
        for (m, mount) in plan.mounts.iter().enumerate() {
            for (a, archive) in mount.archives.iter().enumerate().filter(|(_, archive)| self.in_place(archive)) {
                ready.insert((m, a), self.prepare(mount, archive)?);
            }
        }
        let mut total = Tally::default();
        for (m, mount) in plan.mounts.iter().enumerate() {
            let into = self.target.make(&mount.target)?;
            self.mount(m, mount, &into, &lists, &mut ready)?;
            if let Some(index) = indexes.get(&mount.number) {
                total = total.plus(self.finish(&plan, mount, index, &into)?);
            } else if plan.exact {
                let text = format!("'{}' has no manifest: nothing was removed from it", mount.name);
                self.events.warn(Section::Restore, text, None);
            }
        }
        if plan.layout == Layout::Numbered {
            self.table(&plan)?;
        }
        Ok(total)
    }

    /// With `--only` and manifests: which archives are needed, and what of them.
    fn narrow(
        &self,
        plan: RestorePlan,
        indexes: &BTreeMap<usize, Index>,
    ) -> Result<(RestorePlan, Lists), RestoreError> {
        let mut needed: BTreeMap<usize, BTreeSet<Stamp>> = BTreeMap::new();
        let mut lists = BTreeMap::new();
        for mount in plan.mounts.iter().filter(|m| !m.wanted.is_empty()) {
            let Some(index) = indexes.get(&mount.number) else { continue };
            let of_mount = self.select(mount, index)?;
            needed.insert(mount.number, of_mount.keys().copied().collect());
            lists.extend(of_mount.into_iter().map(|(stamp, list)| ((mount.number, stamp), list)));
        }
        Ok((plan.narrowed(&needed), lists))
    }

    /// Says what is coming, and that the disk may be too small for it: compression of the file system may still help.
    fn estimate(&self, plan: &RestorePlan) {
        let text = format!("{} volumes, {} bytes, from {}", plan.volumes(), plan.bytes(), plan.store);
        self.events.note(Section::Restore, text);
        let largest = |m: &PlannedMount| m.archives.iter().filter_map(|a| a.content).map(|(_, bytes)| bytes).max();
        let least: u64 = match plan.mounts.iter().all(|m| m.wanted.is_empty()) {
            true => plan.mounts.iter().filter_map(largest).sum(),
            false => 0,
        };
        if let Some(free) = self.target.free().filter(|free| *free > 0 && *free < least) {
            let text = format!(
                "{} has {free} bytes free; the files alone have {least} or more: it will probably be too small",
                self.target.path.display()
            );
            self.events.note(Section::Restore, text);
        }
    }

    fn prepare(&self, mount: &PlannedMount, archive: &PlannedArchive) -> Result<Option<Fetched>, RestoreError> {
        let fetched = self.fetch(archive)?;
        if let Some(fetched) = &fetched {
            self.inspect(mount, archive, &fetched.first)?;
        }
        Ok(fetched)
    }

    /// Extracts a mount's archives in stamp order.
    fn mount(
        &self,
        m: usize,
        mount: &PlannedMount,
        into: &Path,
        lists: &Lists,
        ready: &mut BTreeMap<Place, Option<Fetched>>,
    ) -> Result<(), RestoreError> {
        let mut found = 0;
        for (a, archive) in mount.archives.iter().enumerate() {
            let fetched = match ready.remove(&(m, a)) {
                Some(fetched) => fetched,
                None => self.prepare(mount, archive)?,
            };
            let Some(fetched) = fetched else { continue };
            let selected = match lists.get(&(mount.number, archive.stamp)) {
                Some(list) => Selected::List(list.clone()),
                None => Selected::Everything,
            };
            found += self.extract(mount, archive, &fetched.first, &selected, into)?;
            fetched.discard()?;
        }
        match mount.wanted.first() {
            Some(wanted) if mount.manifest.is_none() && found == 0 => {
                Err(RestoreError::Unknown { path: wanted.to_string(), near: Vec::new() })
            }
            _ => Ok(()),
        }
    }

    fn finish(
        &self,
        plan: &RestorePlan,
        mount: &PlannedMount,
        index: &Index,
        into: &Path,
    ) -> Result<Tally, RestoreError> {
        let exact = plan.exact && mount.wanted.is_empty();
        let mut finish = Finish::new(self.events, self.cancel, exact, into)?;
        for entry in index.read()? {
            let entry = entry.map_err(|why| index.broken(why))?;
            if index::is_wanted(&mount.wanted, &entry.path) {
                finish.entry(&entry)?;
            }
        }
        let tally = finish.end()?;
        let text = format!(
            "{}: {} files ({} bytes) and {} directories are there as listed{}",
            mount.shown(),
            tally.files,
            tally.bytes,
            tally.directories,
            if tally.different == 0 { String::new() } else { format!(", {} are not", tally.different) },
        );
        self.events.note(Section::Verification, text);
        Ok(tally)
    }

    /// `restored.txt`: what each number was.
    fn table(&self, plan: &RestorePlan) -> Result<(), RestoreError> {
        let mut text = format!(
            "Restored by aam-backup: location {}, state {} (full backup {}), from {}\n\n",
            plan.location, plan.state, plan.set, plan.store
        );
        for mount in &plan.mounts {
            text.push_str(&format!("{}\t{}\n", mount.number, mount.shown()));
        }
        let path = self.target.path.join(TABLE);
        if super::target::is_link(&path) {
            return Err(RestoreError::ThroughLink(path));
        }
        fs::write(&path, text).map_err(RestoreError::disk("write", &path))
    }
}

impl Tally {
    fn plus(self, other: Tally) -> Tally {
        Tally {
            files: self.files + other.files,
            directories: self.directories + other.directories,
            bytes: self.bytes + other.bytes,
            different: self.different + other.different,
            removed: self.removed + other.removed,
            unsaved: self.unsaved + other.unsaved,
        }
    }
}
