//! Extraction of an archive while its parts are still arriving: a restore takes little more than
//! the slower of download and extraction, also when all of it is one archive (SPEC#restore).
//!
//! A zip has its table of contents at its end, so the last volume is downloaded first. Files of the
//! same length take the place of missing parts. After each part arrives, the entries that are now
//! complete are extracted. A part is deleted when everything in it is extracted, so that the disk
//! need not hold the archive besides its files. Unusual archives are left to the ordinary
//! extraction, which waits for the whole archive. So are 7z archives, whose files can only be
//! extracted in order from the beginning.

use std::io;
use std::path::PathBuf;

use crate::model::event::Section;
use crate::model::listed::Listed;
use crate::model::name::Format;
use crate::plan::restore::arrival::PartUses;
use crate::plan::restore::list_cost::ListCost;
use crate::run::parallel::each;
use crate::run::restore::disk;
use crate::run::restore::downloads::Downloads;
use crate::run::restore::error::RestoreError;
use crate::run::restore::journal::UsedPart;

use super::WaitForParts;
use super::archive::ArchiveExtraction;
use super::entry_lists::{EXTRACTORS, EntryLists};
use super::inspection::Inspection;
use super::partial::{BEGINNINGS, PartialArchive};

/// The extraction of one archive as it arrives.
pub struct ArrivingExtraction<'a> {
    extraction: &'a ArchiveExtraction<'a>,
    downloads: &'a Downloads<'a>,
    wait: WaitForParts<'a>,
    partial: PartialArchive,
    /// How many parts there are.
    all: usize,
}

/// What the table of contents says.
struct Contents {
    lists: EntryLists,
    uses: PartUses,
}

impl<'a> ArrivingExtraction<'a> {
    pub fn new(
        extraction: &'a ArchiveExtraction<'a>,
        downloads: &'a Downloads<'a>,
        wait: WaitForParts<'a>,
    ) -> ArrivingExtraction<'a> {
        let Inspection {
            target,
            mount,
            archive,
            ..
        } = extraction.inspection;
        let partial = PartialArchive::new(target, mount, archive);
        ArrivingExtraction {
            extraction,
            downloads,
            wait,
            all: partial.arrival.count(),
            partial,
        }
    }

    /// Extracts the archive as it arrives, and says how many entries were wanted. `None` when that
    /// cannot be done: all of it is here then.
    pub fn run(mut self) -> Result<Option<u64>, RestoreError> {
        let Some((mut here, contents)) = self.wait_for_contents()? else {
            return self.give_up();
        };
        let first = self.partial.first();
        let extraction = self.extraction;
        let wants = |listed: &Listed| extraction.wants(listed);
        let found = extraction.clear_paths(&first, None, &wants, &mut Vec::new())?;
        self.extraction.announce();
        let mut done = 0;
        while done < self.all {
            if done == here {
                here = self.wait(done)?;
            }
            self.partial
                .show(here)
                .map_err(RestoreError::disk("write", &self.partial.directory))?;
            // Everything that became complete since the last time is extracted at once, because
            // each start of 7-Zip reads the table of contents. If the disk is too small for that,
            // it is done part by part.
            let until = if self.is_short() { done + 1 } else { here };
            match self.extract_whole(&contents.lists, done, until, here) {
                // Every downloaded part is what was uploaded, and placeholders replace the others.
                // A 7-Zip that cannot read this may be able to read the whole archive.
                Err(error @ RestoreError::Archive { full: false, .. })
                    if here < self.all || !self.partial.used.is_empty() =>
                {
                    let text = format!("{error}; waiting for the whole archive");
                    self.extraction.events.note(Section::Restore, text);
                    self.wait(self.all)?;
                    return self.give_up();
                }
                extracted => extracted?,
            }
            done = until;
            if done < self.all {
                self.discard_used(&contents.uses, done)?;
            }
        }
        disk::remove_directory(&self.partial.directory)?;
        Ok(Some(found))
    }

    fn wait(&self, have: usize) -> Result<usize, RestoreError> {
        (self.wait)(self.extraction.inspection.archive, have)
    }

    /// Waits until the table of contents can be read; says how many parts are here, and what it
    /// says. `None` when the archive is left to the ordinary extraction.
    fn wait_for_contents(&mut self) -> Result<Option<(usize, Contents)>, RestoreError> {
        let Inspection { mount, archive, .. } = self.extraction.inspection;
        // Without a manifest nothing but a listed directory would make an empty one.
        let fits = archive.format == Format::Zip
            && self.all > 1
            && mount.manifest.is_some()
            && mount.wanted.is_empty();
        let (mut have, mut given_up) = (if fits { 0 } else { self.all }, false);
        loop {
            let here = self.wait(have)?;
            let is_needless = self.partial.used.is_empty() && !(fits && self.is_short());
            if here == self.all && (given_up || is_needless) {
                return Ok(None);
            }
            let contents = match self.look_ahead(here, BEGINNINGS[0]) {
                Err(error) if !is_final(&error) => self.look_ahead(here, BEGINNINGS[1]),
                contents => contents,
            };
            match contents {
                Ok(Some(contents)) => return Ok(Some((here, contents))),
                Ok(None) => (have, given_up) = (self.all, true),
                Err(error) if is_final(&error) => return Err(error),
                // Such as a table of contents that begins in a part that is not here, or a disk
                // without hard links. A look costs time: the next one when twice as much is here.
                Err(_) => (have, given_up) = (2 * here, here == self.all),
            }
        }
    }

    /// Inspects the archive by its table of contents, and lists which entries are complete when.
    /// `None` when extracting by lists would take too long.
    fn look_ahead(
        &mut self,
        here: usize,
        beginning: &'static [u8],
    ) -> Result<Option<Contents>, RestoreError> {
        let partial = &mut self.partial;
        partial.begin(beginning)?;
        partial
            .show(here)
            .map_err(RestoreError::disk("write", &partial.directory))?;
        let mut lists = EntryLists::new(partial.directory.clone());
        let mut uses = PartUses::new(self.all);
        let (mut cost, mut written) = (ListCost::default(), Ok(()));
        let mut is_odd = false;
        let inspection = &self.extraction.inspection;
        inspection.arriving(&partial.first(), &mut |listed| {
            cost.add(listed);
            // What is not wanted keeps no part from being deleted.
            if !self.extraction.wants(listed) {
                return false;
            }
            let entry = listed.path.trim_end_matches('/');
            is_odd |= self.extraction.names().place(entry) != entry;
            let Some(needs) = uses.add(listed, &partial.arrival, &partial.used) else {
                return false;
            };
            // Directories come from the manifest; naming one here would name all that is in it.
            if !listed.is_directory && written.is_ok() {
                written = lists.add(needs, listed);
            }
            needs <= here
        })?;
        written
            .and_then(|()| lists.close())
            .map_err(RestoreError::disk("write", &partial.directory))?;
        Ok((!is_odd && !cost.is_too_high()).then_some(Contents { lists, uses }))
    }

    /// Extracts the entries that became complete when the parts after `done` arrived, up to
    /// `until`.
    fn extract_whole(
        &self,
        lists: &EntryLists,
        done: usize,
        until: usize,
        here: usize,
    ) -> Result<(), RestoreError> {
        let joined = (0..EXTRACTORS)
            .map(|extractor| lists.join(done, until, extractor))
            .collect::<io::Result<Vec<_>>>()
            .map_err(RestoreError::disk("write", &self.partial.directory))?;
        let joined: Vec<PathBuf> = joined.into_iter().flatten().collect();
        if !joined.is_empty() {
            let what = match self.extraction.inspection.archive.is_sliced() {
                true => "slices",
                false => "volumes",
            };
            let all = self.all;
            let text =
                format!("{here} of {all} {what} are downloaded: extracting what is complete");
            self.extraction.events.note(Section::Restore, text);
        }
        let first = self.partial.first();
        each(&joined, EXTRACTORS, |list| {
            self.extraction.unpack(&first, Some(list))
        })
        .map(drop)
        .map_err(|(_, error)| error)
    }

    /// Makes room: deletes the parts that nothing needs any more when this many have arrived and
    /// were used.
    fn discard_used(&mut self, uses: &PartUses, done: usize) -> Result<(), RestoreError> {
        let Inspection {
            target,
            mount,
            archive,
            ..
        } = self.extraction.inspection;
        let is_over = |part: &usize| uses.is_over(*part, done);
        let parts: Vec<usize> = self.partial.here(done).filter(is_over).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let used = |part: &usize| UsedPart {
            mount: mount.number,
            stamp: archive.stamp,
            part: *part,
        };
        target.settle();
        // Recorded first: a part that is deleted but not recorded would be downloaded and extracted
        // again.
        target.change(|journal| journal.used.extend(parts.iter().map(used)))?;
        parts
            .into_iter()
            .try_for_each(|part| self.partial.discard(part))
            .map_err(|error| {
                let directory = &self.partial.directory;
                RestoreError::disk("delete a part of the archive in", directory)(error)
            })
    }

    /// Whether the disk has no room for all files of an archive besides the existing data.
    fn is_short(&self) -> bool {
        let Inspection {
            target, archive, ..
        } = self.extraction.inspection;
        !target.has_room(archive.bytes())
    }

    /// Leaves the archive to the ordinary extraction, which needs the whole archive: deleted parts
    /// are downloaded again.
    fn give_up(self) -> Result<Option<u64>, RestoreError> {
        let Inspection {
            target,
            mount,
            archive,
            ..
        } = self.extraction.inspection;
        if !self.partial.used.is_empty() {
            // If one of them is archived again, the next start must request it.
            target.change(|journal| {
                journal
                    .used
                    .retain(|used| (used.mount, used.stamp) != (mount.number, archive.stamp));
            })?;
            for part in &self.partial.used {
                self.downloads.fetch_again(mount, archive, *part)?;
            }
        }
        disk::remove_directory(&self.partial.directory)?;
        Ok(None)
    }
}

/// Whether waiting for the rest of the archive would change nothing.
fn is_final(error: &RestoreError) -> bool {
    error.is_interrupted() || matches!(error, RestoreError::Entry { .. })
}
