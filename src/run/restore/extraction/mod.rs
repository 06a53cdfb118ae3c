//! The owner of **extraction**. Mount by mount: every archive in stamp order, then what the
//! manifest says, then the table (SPEC#restore).

mod archive;
mod arriving;
mod details;
mod entry_lists;
mod inspection;
mod listed_names;
mod local;
mod names;
mod partial;
mod paths;
mod renamed;
mod salvage;
mod table;
pub mod tally;
pub mod verification;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::adapters::accounts::Owners;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::manifest::RelPath;
use crate::model::stamp::Stamp;
use crate::model::text;
use crate::plan::restore::layout::Layout;
use crate::plan::restore::legal_names::LegalNames;
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::{PlannedMount, RestorePlan};

use super::downloads::Downloads;
use super::error::RestoreError;
use super::journal::Extracted;
use super::keyed_seven_zip::KeyedSevenZip;
use super::manifests::{self, OpenManifest, WantedFiles};
use super::target::Target;
use super::tools::RestoreTools;

use archive::ArchiveExtraction;
use arriving::ArrivingExtraction;
use inspection::Inspection;
use listed_names::ListedNames;
use local::LocalArchive;
use salvage::{LostFiles, Salvage};
use tally::Tally;
use verification::Verification;

/// Returns when more than this many parts of an archive are downloaded, in their order of arrival.
/// Returns how many.
pub type WaitForParts<'w> = &'w dyn Fn(&PlannedArchive, usize) -> Result<usize, RestoreError>;

/// Extracts the archives of a plan and verifies the result.
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
    /// What was found damaged then.
    damaged: BTreeMap<(usize, Stamp), RestoreError>,
    /// What is lost, by mount number.
    lost: BTreeMap<usize, Vec<LostFiles>>,
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
            damaged: BTreeMap::new(),
            lost: BTreeMap::new(),
        }
    }

    /// Extracts and verifies everything.
    pub fn run(mut self) -> Result<Tally, RestoreError> {
        self.inspect_in_place()?;
        let mut total = Tally::default();
        for mount in &self.plan.mounts {
            let into = self.target.make(&mount.target)?;
            let manifest = self.wanted.manifests.get(&mount.number);
            let names = Mutex::new(renamed::legal_names(mount, manifest)?);
            self.mount(mount, &into, &names)?;
            let mut names = names.into_inner().unwrap_or_else(PoisonError::into_inner);
            renamed::report(&names, &into, self.events);
            if let Some(manifest) = manifest {
                total = total.plus(self.verify(mount, manifest, &into, &mut names)?);
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
            table::write(self.plan, self.target)?;
        }
        self.report_whole();
        total.lost = self.lost.values().map(|lost| lost.len() as u64).sum();
        Ok(total)
    }

    /// Archives that can be read in place are inspected before anything is extracted.
    fn inspect_in_place(&mut self) -> Result<(), RestoreError> {
        for (mount, archive) in self.plan.archives() {
            if !self.downloads.is_in_place(archive)
                || self.target.extracted(mount.number, archive.stamp).is_some()
            {
                continue;
            }
            let first = match self.downloads.check_archive_in_place(archive) {
                Err(error) if error.is_loss() => {
                    self.damaged.insert((mount.number, archive.stamp), error);
                    continue;
                }
                first => first?,
            };
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

    fn extraction<'b>(
        &self,
        mount: &'a PlannedMount,
        archive: &'a PlannedArchive,
        into: &'b Path,
        names: &'b Mutex<LegalNames>,
    ) -> Result<ArchiveExtraction<'b>, RestoreError>
    where
        'a: 'b,
    {
        let list = self.wanted.lists.get(&(mount.number, archive.stamp));
        Ok(ArchiveExtraction {
            inspection: self.inspection(mount, archive),
            events: self.events,
            into,
            listed: list.map(|list| ListedNames::read(list)).transpose()?,
            names,
        })
    }

    /// Extracts a mount's archives in stamp order, each only once.
    fn mount(
        &mut self,
        mount: &'a PlannedMount,
        into: &Path,
        names: &Mutex<LegalNames>,
    ) -> Result<(), RestoreError> {
        let mut all = 0;
        for archive in &mount.archives {
            self.events.emit(archive::step(self.plan, mount, archive));
            all += match self.target.extracted(mount.number, archive.stamp) {
                Some(found) => found,
                None => match self.archive(mount, archive, into, names) {
                    Err(error) if error.is_loss() => {
                        self.salvage(mount, archive, into, names, error)?
                    }
                    found => found?,
                },
            };
        }
        match mount.wanted.first() {
            _ if self.lost.contains_key(&mount.number) => Ok(()),
            Some(wanted) if mount.manifest.is_none() && all == 0 => Err(RestoreError::Unknown {
                state: self.plan.state,
                path: wanted.to_string(),
                near: Vec::new(),
            }),
            _ => Ok(()),
        }
    }

    /// Extracts what is left of a damaged archive. It is not recorded as extracted, so a resumed
    /// restore finds the damage again.
    fn salvage(
        &mut self,
        mount: &'a PlannedMount,
        archive: &'a PlannedArchive,
        into: &Path,
        names: &Mutex<LegalNames>,
        error: RestoreError,
    ) -> Result<u64, RestoreError> {
        let extraction = self.extraction(mount, archive, into, names)?;
        let salvage = Salvage::new(&extraction, self.downloads)?;
        let (found, lost) = salvage.run()?;
        let what = match lost.count() {
            None => format!("nothing of '{}' is restored", extraction.inspection.name()),
            Some(files) => format!(
                "{} of the backup {} lost, {} of it restored",
                are(files as u64),
                archive.stamp,
                are(found)
            ),
        };
        self.events.fail(
            Section::Restore,
            format!("{error}: {what}; the restore continues"),
            Some(error.hint()).filter(|hint| !hint.is_empty()),
        );
        if !self.downloads.is_in_place(archive)
            && let Some(local) = LocalArchive::downloaded(self.target, mount, archive)
        {
            local.discard()?;
        }
        self.lost.entry(mount.number).or_default().push(lost);
        Ok(found)
    }

    /// Where something is lost: which state needs nothing of it.
    fn report_whole(&self) {
        let lost = self.lost.values().flatten().map(|lost| lost.stamp).min();
        let Some(first) = lost else { return };
        let before = self.plan.archives().map(|(_, archive)| archive.stamp);
        let before = before.filter(|stamp| *stamp < first).max();
        let (text, hint) = match before.or(self.plan.other_state) {
            Some(state) => (
                format!("the state {state} is unaffected by the loss"),
                Some(format!(
                    "restore it with --at {state}, into another directory"
                )),
            ),
            None => (
                format!(
                    "{} has no state that is unaffected by the loss",
                    self.plan.store
                ),
                None,
            ),
        };
        self.events.fail(Section::Restore, text, hint);
    }

    /// Extracts one archive. Returns how many entries of it were wanted.
    fn archive(
        &mut self,
        mount: &'a PlannedMount,
        archive: &'a PlannedArchive,
        into: &Path,
        names: &Mutex<LegalNames>,
    ) -> Result<u64, RestoreError> {
        if let Some(error) = self.damaged.remove(&(mount.number, archive.stamp)) {
            return Err(error);
        }
        let extraction = self.extraction(mount, archive, into, names)?;
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
        extraction.choose_names(&local.first)?;
        let list = self.wanted.lists.get(&(mount.number, archive.stamp));
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
        names: &mut LegalNames,
    ) -> Result<Tally, RestoreError> {
        let lost = self.lost.get(&mount.number).map_or(&[][..], Vec::as_slice);
        let entries = manifest.read()?;
        let family = entries.header().mount.family();
        // What lies beside a part is not the part's.
        let fresh = self.target.fresh && mount.wanted.is_empty();
        let exact = self.plan.exact;
        let mut verification =
            Verification::new(self.events, self.cancel, exact, fresh, family, into)?;
        let mut owners = Owners::default();
        for entry in entries {
            let mut entry = entry.map_err(|why| manifest.broken(why))?;
            if manifests::is_wanted(&mount.wanted, &entry.path) {
                if !self.plan.numeric_owner
                    && let Some(owner) = &mut entry.details.owner
                {
                    *owner = owners.here(owner);
                }
                let is_lost = lost.iter().any(|lost| lost.holds(&entry));
                if let Some(path) = entry.path.as_str() {
                    entry.path = RelPath::from_bytes(names.place(path));
                }
                match is_lost {
                    true => verification.lost(&entry)?,
                    false => verification.entry(&entry)?,
                }
            }
        }
        let tally = verification.end(&mount.shown())?;
        if tally.different > tally.in_lost {
            self.target.change(|journal| journal.forget(mount.number))?;
        }
        details::report_renumbered(owners.renumbered(), &mount.shown(), self.events);
        let text = tally.sentence(&mount.shown());
        self.events.note(Section::Verification, text);
        Ok(tally)
    }
}

/// "1 file is", "2 files are".
fn are(files: u64) -> String {
    let verb = if files == 1 { "is" } else { "are" };
    format!("{} {verb}", text::count(files, "file"))
}
