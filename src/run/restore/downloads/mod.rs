//! The owner of **downloads**: brings objects to this computer, or finds them here, and checks them
//! against their marker before anything reads them (SPEC#restore).

mod check;
pub mod queue;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::adapters::store::{Direction, Store};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section};
use crate::plan::restore::estimate::VolumeState;
use crate::plan::restore::needed::{LocatedVolume, NeededPart, NeededVolume};
use crate::plan::restore::parts::{ArchivePart, PlannedArchive, PlannedVolume};
use crate::plan::restore::plan::PlannedMount;

use super::disk;
use super::error::RestoreError;
use super::target::Target;
use super::tools::RestoreTools;
use crate::run::parallel::{CHECKS, Turn, Turns, each};

/// Downloads objects into a target.
pub struct Downloads<'a> {
    store: &'a dyn Store,
    target: &'a Target,
    cancel: &'a Cancel,
    events: &'a Events<'a>,
    /// Downloads of large parts go one after the other: what is needed first has all connections and
    /// is here first.
    turns: Turns,
}

impl<'a> Downloads<'a> {
    pub fn new(tools: &RestoreTools<'a>, target: &'a Target) -> Downloads<'a> {
        Downloads {
            store: tools.store,
            target,
            cancel: tools.cancel,
            events: tools.events,
            turns: Turns::new(tools.store.connections(Direction::Download)),
        }
    }

    /// Whether every volume of an archive can be read in place.
    pub fn is_in_place(&self, archive: &PlannedArchive) -> bool {
        !archive.has_extra
            && archive
                .volumes
                .iter()
                .all(|v| v.lost.is_none() && self.store.local_path(&v.key).is_some())
    }

    /// Which parts of an archive need no download.
    pub fn parts_here(&self, mount: &PlannedMount, archive: &PlannedArchive) -> BTreeSet<usize> {
        let all = 0..archive.parts().len();
        let extracted = self.target.extracted(mount.number, archive.stamp);
        if extracted.is_some() || self.is_in_place(archive) {
            return all.collect();
        }
        let used = self.target.journal().used(mount.number, archive.stamp);
        let is_here = |index: &usize| {
            used.contains(index) || self.target.part_path(mount, archive, *index).is_file()
        };
        all.filter(is_here).collect()
    }

    /// Downloads what is readable; the rest is a warning.
    pub fn fetch_ready(&self, volumes: &[LocatedVolume<'_>]) -> Result<(), RestoreError> {
        let count = |state: VolumeState| volumes.iter().filter(|v| v.state == state).count();
        let (frozen, thawing) = (count(VolumeState::Frozen), count(VolumeState::Thawing));
        if frozen > 0 {
            return Err(RestoreError::NotRequested {
                frozen,
                all: volumes.len(),
            });
        }
        let ready: Vec<(&NeededVolume<'_>, &NeededPart<'_>)> = volumes
            .iter()
            .filter(|volume| volume.state == VolumeState::Ready)
            .flat_map(|volume| {
                volume
                    .needed
                    .parts
                    .iter()
                    .map(|part| (&volume.needed, part))
            })
            .filter(|(_, part)| !part.is_here)
            .collect();
        each(&ready, self.threads(), |(volume, part)| {
            self.fetch_needed(volume, part, self.cancel, self.turn(part.part.size()))
        })
        .map_err(|(_, error)| error)?;
        if thawing > 0 {
            let text = format!(
                "{thawing} of {} objects are not readable yet",
                volumes.len()
            );
            self.events.warn(
                Section::Restore,
                text,
                Some("start this again later; restore status shows when".into()),
            );
        }
        Ok(())
    }

    /// Brings an object that belongs to no archive to `path`, or finds it in the store's own
    /// directory; checks it, and says where it is.
    pub fn fetch_object(
        &self,
        object: &PlannedVolume,
        path: PathBuf,
    ) -> Result<PathBuf, RestoreError> {
        match self.store.local_path(&object.key) {
            Some(path) => self.check_in_place(object, &path).map(|()| path),
            None => self
                .fetch(
                    &ArchivePart::whole(object),
                    &path,
                    self.cancel,
                    self.turn(object.size),
                )
                .map_err(RestoreError::index(&object.key))
                .map(|()| path),
        }
    }

    /// Downloads a part of an archive again.
    pub fn fetch_again(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        index: usize,
    ) -> Result<(), RestoreError> {
        let parts = archive.parts();
        let path = self.target.part_path(mount, archive, index);
        let turn = self.turn(parts[index].size());
        self.fetch(&parts[index], &path, self.cancel, turn)
    }

    /// Checks an archive in place. Returns where its first volume is. `None` if that backup had
    /// nothing to archive.
    pub fn check_archive_in_place(
        &self,
        archive: &PlannedArchive,
    ) -> Result<Option<PathBuf>, RestoreError> {
        let volumes: Vec<(&PlannedVolume, PathBuf)> = archive
            .volumes
            .iter()
            .filter_map(|v| Some((v, self.store.local_path(&v.key)?)))
            .collect();
        let checked = each(&volumes, CHECKS, |(volume, path)| {
            self.check_in_place(volume, path)
                .map_err(|error| check::named(error, &archive.volumes, volume))
        });
        checked.map_err(|(_, error)| error)?;
        Ok(volumes.into_iter().next().map(|(_, first)| first))
    }

    /// The path of a volume in a directory store, and which bytes of it are damaged.
    pub fn damage_in_place(
        &self,
        volume: &PlannedVolume,
    ) -> Result<(Option<PathBuf>, Vec<Range<u64>>), RestoreError> {
        let Some(path) = self.store.local_path(&volume.key) else {
            return Ok((None, vec![ArchivePart::whole(volume).bytes]));
        };
        let slices = match volume.slices() {
            none if none.is_empty() => vec![ArchivePart::whole(volume)],
            slices => slices,
        };
        if fs::metadata(&path).map_or(0, |found| found.len()) != volume.size {
            return Ok((None, vec![ArchivePart::whole(volume).bytes]));
        }
        let mut bad = Vec::new();
        for slice in slices {
            match check::range(&path, &slice, self.cancel)? {
                true => {}
                false => bad.push(slice.bytes),
            }
        }
        Ok((Some(path), bad))
    }

    /// Checks an object in place.
    fn check_in_place(&self, object: &PlannedVolume, path: &Path) -> Result<(), RestoreError> {
        let store = self.store.label();
        // Without a download there may be thousands of them within seconds.
        self.events.detail(
            Section::Objects,
            format!(
                "reading '{}' ({} bytes) in {store}",
                object.key, object.size
            ),
        );
        check::verify(
            self.store.label(),
            &ArchivePart::whole(object),
            path,
            self.cancel,
        )
    }

    /// How many parts are in progress at a time: one for each connection, and one that is being
    /// checked.
    fn threads(&self) -> usize {
        self.store.connections(Direction::Download) + 1
    }

    /// Waits for the turn to download a part of this many bytes.
    fn turn(&self, bytes: u64) -> Turn<'_> {
        self.turns.wait(bytes)
    }

    fn fetch_needed(
        &self,
        volume: &NeededVolume<'_>,
        part: &NeededPart<'_>,
        stop: &Cancel,
        turn: Turn<'_>,
    ) -> Result<(), RestoreError> {
        let path = self
            .target
            .part_path(volume.mount, volume.archive, part.index);
        self.fetch(&part.part, &path, stop, turn)
            .map_err(|error| check::named(error, &volume.archive.volumes, volume.volume))
    }

    /// Brings one part to `path` and checks size and SHA-256. `turn` is given back when it is here:
    /// another one is downloaded while this one is checked.
    fn fetch(
        &self,
        part: &ArchivePart<'_>,
        path: &Path,
        stop: &Cancel,
        turn: Turn<'_>,
    ) -> Result<(), RestoreError> {
        if let Some(why) = &part.volume.lost {
            return Err(RestoreError::Lost(format!("{}: {why}", self.store.label())));
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(RestoreError::disk("create", directory))?;
        }
        let unchecked = unchecked(path);
        // A longer file is not the beginning of this object.
        if fs::metadata(&unchecked).is_ok_and(|m| m.len() > part.size()) {
            disk::remove_file(&unchecked)?;
        }
        self.download(part, &unchecked, stop)?;
        drop(turn);
        match check::verify(self.store.label(), part, &unchecked, stop) {
            // It may have been damaged during the transfer. A second attempt costs little compared
            // with a failed restore.
            Err(RestoreError::Damaged { .. } | RestoreError::Size { .. }) => {
                self.events.note(
                    Section::Objects,
                    format!(
                        "'{}' did not arrive as it was sent: downloading it again",
                        part.shown()
                    ),
                );
                disk::remove_file(&unchecked)?;
                let again = self.turn(part.size());
                self.download(part, &unchecked, stop)?;
                drop(again);
                // The next start must not resume it.
                check::verify(self.store.label(), part, &unchecked, stop)
                    .inspect_err(|_| drop(disk::remove_file(&unchecked)))?;
            }
            other => other?,
        }
        fs::rename(&unchecked, path).map_err(RestoreError::disk("write", path))
    }

    fn download(
        &self,
        part: &ArchivePart<'_>,
        path: &Path,
        stop: &Cancel,
    ) -> Result<(), RestoreError> {
        let (store, key, size) = (
            self.store.label().to_owned(),
            part.volume.key.clone(),
            part.size(),
        );
        let range = (!part.is_whole()).then(|| part.bytes.clone());
        let from = range.as_ref().map(|range| range.start);
        self.events.emit(Event::Downloading {
            store,
            key,
            from,
            size,
        });
        let progress = |bytes| self.events.emit(Event::Transferred { bytes });
        self.store
            .get_part(&part.volume.key, range, path, stop, &progress)?;
        Ok(())
    }
}

/// Where a download is until it is checked.
fn unchecked(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    name.into()
}
