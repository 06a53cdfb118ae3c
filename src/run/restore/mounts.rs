//! Mount by mount: every archive in stamp order, then what the manifest says, then the table
//! (SPEC#restore).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::model::event::Section;
use crate::model::stamp::Stamp;

use super::archive::Selected;
use super::error::RestoreError;
use super::fetch::Fetched;
use super::finish::{Finish, Tally};
use super::index::{self, Index};
use super::journal::Extracted;
use super::run::{Lists, Restore};
use crate::plan::restore::layout::{Layout, TABLE};
use crate::plan::restore::plan::{PlannedArchive, PlannedMount, RestorePlan};

/// Archives that were looked through before anything is extracted, by mount number and stamp.
type Prepared = BTreeMap<(usize, Stamp), Option<Fetched>>;

/// Returns when more than this many of an archive's first portions to arrive are here; says how
/// many.
pub type Wait<'w> = &'w dyn Fn(&PlannedArchive, usize) -> Result<usize, RestoreError>;

impl Restore<'_> {
    /// Extracts and verifies; `wait` returns when volumes of an archive were downloaded.
    pub fn extract_all(
        &self,
        plan: &RestorePlan,
        indexes: &BTreeMap<usize, Index>,
        lists: &Lists,
        wait: Wait<'_>,
    ) -> Result<Tally, RestoreError> {
        // What lies here is looked through before anything at all is extracted.
        let mut prepared = Prepared::new();
        for (mount, archive) in plan
            .archives()
            .filter(|(_, archive)| self.in_place(archive))
        {
            if self.target.extracted(mount.number, archive.stamp).is_none() {
                let fetched = self.verify_in_place(archive)?;
                self.inspected(mount, archive, fetched.as_ref())?;
                prepared.insert((mount.number, archive.stamp), fetched);
            }
        }
        let mut total = Tally::default();
        for mount in &plan.mounts {
            let into = self.target.make(&mount.target)?;
            self.mount(mount, &into, lists, &mut prepared, wait)?;
            if let Some(index) = indexes.get(&mount.number) {
                total = total.plus(self.finish(plan, mount, index, &into)?);
            } else if plan.exact {
                let text = format!(
                    "'{}' has no manifest: nothing was removed from it",
                    mount.name
                );
                self.events.warn(Section::Restore, text, None);
            }
        }
        if plan.layout == Layout::Numbered {
            self.table(plan)?;
        }
        Ok(total)
    }

    fn inspected(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        fetched: Option<&Fetched>,
    ) -> Result<(), RestoreError> {
        fetched.map_or(Ok(()), |fetched| {
            self.inspect(mount, archive, &fetched.first)
        })
    }

    /// Extracts a mount's archives in stamp order, each only once.
    fn mount(
        &self,
        mount: &PlannedMount,
        into: &Path,
        lists: &Lists,
        prepared: &mut Prepared,
        wait: Wait<'_>,
    ) -> Result<(), RestoreError> {
        let mut all = 0;
        for archive in &mount.archives {
            if let Some(found) = self.target.extracted(mount.number, archive.stamp) {
                all += found;
                continue;
            }
            let fetched = match prepared.remove(&(mount.number, archive.stamp)) {
                Some(fetched) => fetched,
                None => {
                    if let Some(found) = self.extract_arriving(mount, archive, into, wait)? {
                        all += found;
                        self.extracted(mount, archive, found, self.downloaded(mount, archive))?;
                        continue;
                    }
                    let fetched = self.downloaded(mount, archive);
                    self.inspected(mount, archive, fetched.as_ref())?;
                    fetched
                }
            };
            let Some(fetched) = fetched else { continue };
            let selected = match lists.get(&(mount.number, archive.stamp)) {
                Some(list) => Selected::List(list.clone()),
                None => Selected::Everything,
            };
            let found = self.extract(mount, archive, &fetched.first, &selected, into)?;
            all += found;
            self.extracted(mount, archive, found, Some(fetched))?;
        }
        match mount.wanted.first() {
            Some(wanted) if mount.manifest.is_none() && all == 0 => Err(RestoreError::Unknown {
                path: wanted.to_string(),
                near: Vec::new(),
            }),
            _ => Ok(()),
        }
    }

    /// Remembers that an archive is done before its volumes go.
    fn extracted(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        found: u64,
        fetched: Option<Fetched>,
    ) -> Result<(), RestoreError> {
        let done = Extracted {
            mount: mount.number,
            stamp: archive.stamp,
            found,
        };
        self.target.settle();
        self.target.change(|journal| {
            journal.extracted.push(done);
            journal
                .used
                .retain(|used| (used.mount, used.stamp) != (done.mount, done.stamp));
        })?;
        fetched.map_or(Ok(()), Fetched::discard)
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
            if tally.different == 0 {
                String::new()
            } else {
                format!(", {} are not", tally.different)
            },
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
