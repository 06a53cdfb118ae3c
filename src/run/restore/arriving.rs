//! Extraction of an archive while its volumes are still arriving: a restore takes little more than
//! the slower of download and extraction, also when all of it is one archive (SPEC#restore).
//!
//! A zip has its table of contents at its end, so the last volume is downloaded first. Files as
//! long as the missing portions stand in for them, and after each portion that arrives the entries
//! that are whole by then are extracted; a portion is deleted when all in it is extracted, so that
//! the disk need not hold the archive beside its files. Whatever is unusual is left to the ordinary
//! way, which waits for all of it; so is a 7z archive, whose files can only be had one after the
//! other from its beginning.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::event::Section;
use crate::model::name::Format;

use super::batches::{Batches, Cost, HANDS};
use super::error::RestoreError;
use super::journal::Used;
use super::mounts::Wait;
use super::parallel::each;
use super::run::Restore;
use super::view::{BEGINNINGS, View};
use crate::plan::restore::plan::{PlannedArchive, PlannedMount};
use crate::run::restore::pipeline::MARGIN;

/// What the table of contents says.
struct Ahead {
    batches: Batches,
    /// How many portions must have arrived until each one is used.
    last_use: Vec<usize>,
    /// The portions from this one on hold the table itself.
    table: usize,
}

impl Restore<'_> {
    /// Extracts an archive as it arrives. `None` when that cannot be done: all of it is here then.
    pub fn extract_arriving(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        into: &Path,
        wait: Wait<'_>,
    ) -> Result<Option<u64>, RestoreError> {
        let all = archive.portions().len();
        // Without a manifest nothing but a listed directory would make an empty one.
        let fits = archive.format == Format::Zip
            && all > 1
            && mount.manifest.is_some()
            && mount.wanted.is_empty();
        let mut view = View::new(self, mount, archive);
        let (mut have, mut given_up) = (if fits { 0 } else { all }, false);
        let (mut here, ahead) = loop {
            let here = wait(archive, have)?;
            if here == all
                && (given_up || (view.used.is_empty() && !(fits && self.is_short(archive))))
            {
                self.fetch_used(mount, archive, &view)?;
                clear(&view.directory)?;
                return Ok(None);
            }
            let ahead = match self.look_ahead(mount, archive, &mut view, here, BEGINNINGS[0]) {
                Err(error) if !is_final(&error) => {
                    self.look_ahead(mount, archive, &mut view, here, BEGINNINGS[1])
                }
                ahead => ahead,
            };
            match ahead {
                Ok(Some(ahead)) => break (here, ahead),
                Ok(None) => (have, given_up) = (all, true),
                Err(error) if is_final(&error) => return Err(error),
                // Such as a table of contents that begins in a portion that is not here, or a disk
                // without hard links. A look costs time: the next one when twice as much is here.
                Err(_) => (have, given_up) = (2 * here, here == all),
            }
        };
        let directory = view.directory.clone();
        let written = || RestoreError::disk("write", &directory);
        let found = self.clear_way(mount, &view.name(0), into, None)?;
        self.announce(mount, archive, into);
        let what = if archive.is_sliced() {
            "slices"
        } else {
            "volumes"
        };
        let mut done = 0;
        while done < all {
            if done == here {
                here = wait(archive, done)?;
            }
            view.show(here).map_err(written())?;
            // All that became whole since the last time at once, for each start of 7-Zip reads the
            // table of contents; but piece by piece where there is no room for it.
            let until = if self.is_short(archive) {
                done + 1
            } else {
                here
            };
            let lists = (0..HANDS)
                .map(|hand| ahead.batches.join(done, until, hand))
                .collect::<io::Result<Vec<_>>>();
            let lists: Vec<PathBuf> = lists.map_err(written())?.into_iter().flatten().collect();
            if !lists.is_empty() {
                let text = format!("{here} of {all} {what} are here: extracting what is whole");
                self.events.note(Section::Restore, text);
            }
            match each(&lists, HANDS, |list| {
                self.unpack(mount, archive, &view.name(0), Some(list), into)
            }) {
                // Every portion here is what was uploaded, and something stands in for others: a
                // 7-Zip that does not bear this may bear the whole archive.
                Err((_, error @ RestoreError::Archive { full: false, .. }))
                    if here < all || !view.used.is_empty() =>
                {
                    self.events
                        .note(Section::Restore, format!("{error}; waiting for all of it"));
                    wait(archive, all)?;
                    self.fetch_used(mount, archive, &view)?;
                    clear(&view.directory)?;
                    return Ok(None);
                }
                unpacked => drop(unpacked.map_err(|(_, error)| error)?),
            }
            done = until;
            if done < all {
                self.discard_used(mount, archive, &mut view, &ahead, done)?;
            }
        }
        clear(&view.directory)?;
        Ok(Some(found))
    }

    /// Inspects the archive by its table of contents, and lists what is whole when. `None` when
    /// extracting by lists would take too long.
    fn look_ahead(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        view: &mut View,
        here: usize,
        beginning: &'static [u8],
    ) -> Result<Option<Ahead>, RestoreError> {
        view.beginning = beginning;
        clear(&view.directory)?;
        fs::create_dir(&view.directory).map_err(RestoreError::disk("create", &view.directory))?;
        view.show(here)
            .map_err(RestoreError::disk("write", &view.directory))?;
        let mut batches = Batches::new(view.directory.clone());
        let (mut last_use, mut table) = (vec![0; archive.portions().len()], 0);
        let (mut cost, mut written) = (Cost::default(), Ok(()));
        self.inspect_part(mount, archive, &view.name(0), &mut |listed| {
            let (needs, touched) = (view.needs(listed), view.touched(listed));
            cost.add(listed);
            let Some(touched) = touched else {
                // It may lie anywhere.
                last_use.fill(usize::MAX);
                return false;
            };
            table =
                table.max(view.portion(listed.offset.unwrap_or(0).saturating_add(listed.packed)));
            // What is used was extracted by an earlier start, with all that lay in it.
            if touched.clone().any(|portion| view.used.contains(&portion)) {
                return false;
            }
            for portion in touched {
                if let Some(last) = last_use.get_mut(portion) {
                    *last = needs.max(*last);
                }
            }
            // Directories come from the manifest; naming one here would name all that is in it.
            if !listed.is_directory && written.is_ok() {
                written = batches.add(needs, listed);
            }
            needs <= here
        })?;
        written
            .and_then(|()| batches.close())
            .map_err(RestoreError::disk("write", &view.directory))?;
        Ok((!cost.is_too_high()).then_some(Ahead {
            batches,
            last_use,
            table,
        }))
    }

    /// Makes room: deletes the portions that nothing needs any more when so many have arrived and
    /// were used. The first one stays, for 7-Zip begins with it.
    fn discard_used(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        view: &mut View,
        ahead: &Ahead,
        done: usize,
    ) -> Result<(), RestoreError> {
        let is_used = |portion: &usize| {
            *portion > 0 && *portion < ahead.table && ahead.last_use[*portion] <= done
        };
        let portions: Vec<usize> = view.here(done).filter(is_used).collect();
        if portions.is_empty() {
            return Ok(());
        }
        let used = |portion: &usize| Used {
            mount: mount.number,
            stamp: archive.stamp,
            portion: *portion,
        };
        self.target.settle();
        // Noted first: what is deleted and not noted would be downloaded and extracted once more.
        self.target
            .change(|journal| journal.used.extend(portions.iter().map(used)))?;
        portions
            .into_iter()
            .try_for_each(|portion| view.discard(portion))
            .map_err(|error| {
                let directory = &view.directory;
                RestoreError::disk("delete a part of the archive in", directory)(error)
            })
    }

    /// Whether the disk has no room for all files of an archive beside what is there.
    fn is_short(&self, archive: &PlannedArchive) -> bool {
        // Some file systems do not know and say 0.
        self.target
            .free()
            .is_some_and(|free| free > 0 && free < archive.bytes().saturating_add(MARGIN))
    }

    /// Downloads once more what was deleted, for who needs all of it.
    fn fetch_used(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        view: &View,
    ) -> Result<(), RestoreError> {
        if view.used.is_empty() {
            return Ok(());
        }
        // If one of them is archived again by now, the next start must order it.
        self.target.change(|journal| {
            journal
                .used
                .retain(|used| (used.mount, used.stamp) != (mount.number, archive.stamp));
        })?;
        let portions = archive.portions();
        view.used.iter().try_for_each(|portion| {
            let place = self.target.portion(mount.number, archive, *portion);
            self.object(&portions[*portion], &place, self.cancel, self.line())
        })
    }
}

/// Whether waiting for the rest of the archive would change nothing.
fn is_final(error: &RestoreError) -> bool {
    error.is_interrupted() || matches!(error, RestoreError::Entry { .. })
}

fn clear(directory: &Path) -> Result<(), RestoreError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RestoreError::disk("remove", directory)(error))
        }
        _ => Ok(()),
    }
}
