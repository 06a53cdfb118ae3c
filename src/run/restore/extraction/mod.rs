//! The owner of **extraction**. Mount by mount: every archive in stamp order, then what the
//! manifest says, then the table (SPEC#restore).

mod archive;
mod arriving;
mod entry_lists;
mod inspection;
mod listed_names;
mod local;
mod metadata;
mod partial;
mod paths;
pub mod verification;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::stamp::Stamp;
use crate::plan::restore::layout::{Layout, TABLE};
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::{PlannedMount, RestorePlan};

use super::downloads::Downloads;
use super::error::RestoreError;
use super::journal::Extracted;
use super::keyed_seven_zip::KeyedSevenZip;
use super::manifests::{self, OpenManifest, WantedFiles};
use super::target::{Target, is_link};
use super::tools::RestoreTools;

use archive::ArchiveExtraction;
use arriving::ArrivingExtraction;
use inspection::Inspection;
use listed_names::ListedNames;
use local::LocalArchive;
use verification::{Tally, Verification};

/// Returns when more than this many of an archive's parts are here, in the order in which they
/// arrive; says how many.
pub type WaitForParts<'w> = &'w dyn Fn(&PlannedArchive, usize) -> Result<usize, RestoreError>;

/// Extracts the archives of a plan and verifies what came of them.
pub struct Extraction<'a> {
    plan: &'a RestorePlan,
    wanted: &'a WantedFiles,
    seven_zip: KeyedSevenZip<'a>,
    cancel: &'a Cancel,
    events: &'a Events<'a>,
    target: &'a Target,
    downloads: &'a Downloads<'a>,
    wait: WaitForParts<'a>,
    /// Archives that were looked through before anything is extracted, by mount number and stamp.
    /// `None`: that backup had nothing to archive.
    inspected: BTreeMap<(usize, Stamp), Option<LocalArchive>>,
}

impl<'a> Extraction<'a> {
    /// `wait` says when parts of an archive were downloaded.
    pub fn new(
        plan: &'a RestorePlan,
        wanted: &'a WantedFiles,
        tools: &RestoreTools<'a>,
        target: &'a Target,
        downloads: &'a Downloads<'a>,
        wait: WaitForParts<'a>,
    ) -> Extraction<'a> {
        Extraction {
            plan,
            wanted,
            seven_zip: KeyedSevenZip::new(tools),
            cancel: tools.cancel,
            events: tools.events,
            target,
            downloads,
            wait,
            inspected: BTreeMap::new(),
        }
    }

    /// Extracts and verifies everything.
    pub fn run(mut self) -> Result<Tally, RestoreError> {
        self.inspect_in_place()?;
        let mut total = Tally::default();
        for mount in &self.plan.mounts {
            let into = self.target.make(&mount.target)?;
            self.mount(mount, &into)?;
            if let Some(manifest) = self.wanted.manifests.get(&mount.number) {
                total = total.plus(self.verify(mount, manifest, &into)?);
            } else if self.plan.exact {
                let text = format!(
                    "'{}' has no manifest: files that were deleted since the full backup are there, \
                     too",
                    mount.name
                );
                self.events.note(Section::Restore, text);
            }
        }
        if self.plan.layout == Layout::Numbered {
            self.write_table()?;
        }
        Ok(total)
    }

    /// What can be read where it lies is looked through before anything at all is extracted.
    fn inspect_in_place(&mut self) -> Result<(), RestoreError> {
        for (mount, archive) in self.plan.archives() {
            if !self.downloads.is_in_place(archive)
                || self.target.extracted(mount.number, archive.stamp).is_some()
            {
                continue;
            }
            let first = self.downloads.check_archive_in_place(archive)?;
            if let Some(first) = &first {
                self.inspection(mount, archive).whole(first)?;
            }
            let local = first.map(LocalArchive::in_place);
            self.inspected.insert((mount.number, archive.stamp), local);
        }
        Ok(())
    }

    fn inspection(&self, mount: &'a PlannedMount, archive: &'a PlannedArchive) -> Inspection<'a> {
        Inspection {
            seven_zip: self.seven_zip,
            target: self.target,
            mount,
            archive,
        }
    }

    /// Extracts a mount's archives in stamp order, each only once.
    fn mount(&mut self, mount: &'a PlannedMount, into: &Path) -> Result<(), RestoreError> {
        let mut all = 0;
        for archive in &mount.archives {
            all += match self.target.extracted(mount.number, archive.stamp) {
                Some(found) => found,
                None => self.archive(mount, archive, into)?,
            };
        }
        match mount.wanted.first() {
            Some(wanted) if mount.manifest.is_none() && all == 0 => Err(RestoreError::Unknown {
                state: self.plan.state,
                path: wanted.to_string(),
                near: Vec::new(),
            }),
            _ => Ok(()),
        }
    }

    /// Extracts one archive. Returns how many entries of it were wanted.
    fn archive(
        &mut self,
        mount: &'a PlannedMount,
        archive: &'a PlannedArchive,
        into: &Path,
    ) -> Result<u64, RestoreError> {
        let list = self.wanted.lists.get(&(mount.number, archive.stamp));
        let extraction = ArchiveExtraction {
            inspection: self.inspection(mount, archive),
            events: self.events,
            into,
            listed: list.map(|list| ListedNames::read(list)).transpose()?,
        };
        let local = match self.inspected.remove(&(mount.number, archive.stamp)) {
            Some(local) => local,
            None => {
                let arriving = ArrivingExtraction::new(&extraction, self.downloads, self.wait);
                let found = arriving.run()?;
                let local = LocalArchive::downloaded(self.target, mount, archive);
                if let Some(found) = found {
                    self.extracted(mount, archive, found, local)?;
                    return Ok(found);
                }
                if let Some(local) = &local {
                    extraction.inspection.whole(&local.first)?;
                }
                local
            }
        };
        let Some(local) = local else { return Ok(0) };
        let found = extraction.run(&local.first, list.map(|list| list.as_path()))?;
        self.extracted(mount, archive, found, Some(local))?;
        Ok(found)
    }

    /// Remembers that an archive is done before its volumes go.
    fn extracted(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        found: u64,
        local: Option<LocalArchive>,
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
        local.map_or(Ok(()), LocalArchive::discard)
    }

    fn verify(
        &self,
        mount: &PlannedMount,
        manifest: &OpenManifest,
        into: &Path,
    ) -> Result<Tally, RestoreError> {
        let exact = self.plan.exact && mount.wanted.is_empty();
        let mut verification = Verification::new(self.events, self.cancel, exact, into)?;
        for entry in manifest.read()? {
            let entry = entry.map_err(|why| manifest.broken(why))?;
            if manifests::is_wanted(&mount.wanted, &entry.path) {
                verification.entry(&entry)?;
            }
        }
        let tally = verification.end()?;
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
    fn write_table(&self) -> Result<(), RestoreError> {
        let plan = self.plan;
        let mut text = format!(
            "Restored by aam-backup: location {}, state {} (full backup {}), from {}\n\n",
            plan.location, plan.state, plan.set, plan.store
        );
        for mount in &plan.mounts {
            text.push_str(&format!("{}\t{}\n", mount.number, mount.shown()));
        }
        let path = self.target.path.join(TABLE);
        if is_link(&path) {
            return Err(RestoreError::ThroughLink(path));
        }
        fs::write(&path, text).map_err(RestoreError::disk("write", &path))
    }
}
