//! After extraction: makes a mount's directory what its manifest says (SPEC#manifest,
//! SPEC#restore).
//!
//! Goes through the manifest and the disk in the same order. Missing directories are made, sizes
//! are verified, times and permissions are set. With `--exact`, what is not listed is removed; in a
//! target that already contained files, only from directories that are listed. A directory gets its
//! times when everything in it is done. Memory holds the names of one directory for each level,
//! never a tree. No link is followed.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::adapters::fs::{remove, remove_all};
use crate::adapters::place::{Lacks, PlaceDirectory};
use crate::adapters::walk::native_name;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::manifest::{Details, Entry, EntryKind, Meta, RelPath};
use crate::model::path::Family;

use crate::plan::restore::layout::WORK_DIRECTORY;
use crate::plan::restore::unsafe_names;
use crate::run::restore::error::RestoreError;

use super::details;
use super::tally::Tally;

/// One directory on the way from the mount to the entry in hand.
pub(super) struct OpenDirectory {
    rel: RelPath,
    path: PathBuf,
    /// `None`: nothing can be looked at below.
    pub(super) place: Option<PlaceDirectory>,
    meta: Option<(Meta, Details)>,
    /// Why nothing below can be looked at.
    blocked: Option<&'static str>,
    /// `--exact`: names on the disk that are not yet accounted for, as the system compares them.
    names: BTreeMap<Vec<u8>, OsString>,
}

/// A place one step down: its path in the manifest, on the disk, and what blocks it.
pub(super) type Child = (RelPath, PathBuf, Option<&'static str>, OsString);

/// The verification of one mount.
pub struct Verification<'a> {
    pub events: &'a Events<'a>,
    pub cancel: &'a Cancel,
    pub exact: bool,
    /// Everything in the target was written by this restore.
    pub(super) is_fresh: bool,
    /// The manifest is of the other system: its links lead nowhere on this one.
    pub(super) is_foreign: bool,
    pub(super) levels: Vec<OpenDirectory>,
    pub(super) tally: Tally,
    /// The content of the entry in hand is lost.
    is_lost: bool,
    /// The first name of each file that has several, by the number of its group.
    pub(super) names: HashMap<u64, RelPath>,
    pub(super) lacks: Lacks,
}

impl<'a> Verification<'a> {
    /// Starts at the mount's directory `root`, which is a real directory. The manifest is that of a
    /// system of `family`.
    pub fn new(
        events: &'a Events<'a>,
        cancel: &'a Cancel,
        exact: bool,
        is_fresh: bool,
        family: Family,
        root: &Path,
    ) -> Result<Verification<'a>, RestoreError> {
        let mut verification = Verification {
            events,
            cancel,
            exact,
            is_fresh,
            is_foreign: family != Family::HOST,
            levels: Vec::new(),
            tally: Tally::default(),
            is_lost: false,
            names: HashMap::new(),
            lacks: Lacks::default(),
        };
        let place = PlaceDirectory::open(root).map_err(RestoreError::disk("open", root))?;
        let root = root.to_owned();
        verification.push(RelPath::root(), root, Some(place), None, None)?;
        Ok(verification)
    }

    /// Takes the next entry, in manifest order.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        if self.cancel.is_set() {
            return Err(RestoreError::Interrupted);
        }
        if entry.path.is_root() {
            if let Some(root) = self.levels.first_mut() {
                root.meta = Some((entry.meta, entry.details.clone()));
            }
            return Ok(());
        }
        let shown = entry.path.to_string();
        if let Some(why) = entry
            .path
            .as_str()
            .and_then(|path| unsafe_names::path(path).err())
        {
            self.differs(&shown, &why.to_string());
            return Ok(());
        }
        while self.levels.len() > 1
            && !self
                .levels
                .last()
                .is_some_and(|l| entry.path.starts_with(&l.rel))
        {
            self.pop()?;
        }
        let depth = self.levels.len() - 1;
        let names: Vec<&[u8]> = entry.path.names().skip(depth).collect();
        let Some((last, above)) = names.split_last() else {
            return Ok(());
        };
        for name in above {
            // A directory above a source is not listed itself.
            self.descend(name, None, entry.kind == EntryKind::Directory)?;
        }
        match entry.kind {
            EntryKind::Directory => {
                self.tally.directories += 1;
                let found = (entry.meta, entry.details.clone());
                self.descend(last, Some(found), true)
            }
            EntryKind::File => self.file(last, entry, &shown),
            EntryKind::Link => self.link(last, entry, &shown),
        }
    }

    /// Takes the next entry, whose content is lost. A file at its path is an older state.
    pub fn lost(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        self.is_lost = entry.kind == EntryKind::File;
        let taken = self.entry(entry);
        self.is_lost = false;
        taken
    }

    /// Everything was listed: settles the directories still open.
    /// What could not be restored is said for `mount`.
    pub fn end(mut self, mount: &str) -> Result<Tally, RestoreError> {
        while !self.levels.is_empty() {
            self.pop()?;
        }
        details::report(&self.lacks, mount, self.events);
        Ok(self.tally)
    }

    /// Goes down into a directory; `make` makes it when it is not there.
    fn descend(
        &mut self,
        name: &[u8],
        meta: Option<(Meta, Details)>,
        make: bool,
    ) -> Result<(), RestoreError> {
        let Some((rel, path, blocked, name)) = self.step(name)? else {
            return Ok(());
        };
        if blocked.is_some() {
            return self.push(rel, path, None, None, blocked);
        }
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => self.enter(rel, path, &name, meta),
            // A file of an older archive: no archive names a directory that holds nothing selected.
            Ok(found) if found.is_file() && make => {
                remove(&path).map_err(RestoreError::disk("replace", &path))?;
                fs::create_dir(&path).map_err(RestoreError::disk("create", &path))?;
                self.enter(rel, path, &name, meta)
            }
            Ok(found) => {
                let why = if found.is_symlink() {
                    "it is a symbolic link"
                } else {
                    "it is not a directory"
                };
                self.differs(&rel.to_string(), why);
                self.push(rel, path, None, None, Some(NOT_THERE))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && make => {
                fs::create_dir(&path).map_err(RestoreError::disk("create", &path))?;
                self.enter(rel, path, &name, meta)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.push(rel, path, None, None, Some(NOT_THERE))
            }
            // The walk of a source knows no longest path. Everything else comes back.
            Err(error) if error.kind() == ErrorKind::InvalidFilename => {
                self.differs(&rel.to_string(), TOO_LONG);
                self.push(rel, path, None, None, Some(TOO_LONG))
            }
            Err(error) => Err(RestoreError::disk("look at", &path)(error)),
        }
    }

    fn file(&mut self, name: &[u8], entry: &Entry, shown: &str) -> Result<(), RestoreError> {
        let Some((_, path, blocked, name)) = self.step(name)? else {
            self.differs(shown, "no file on this system can have its name");
            return Ok(());
        };
        let (found, blocked) = match blocked {
            Some(_) => (None, blocked),
            None => match fs::symlink_metadata(&path) {
                Ok(found) => (Some(found), None),
                Err(error) if error.kind() == ErrorKind::NotFound => (None, None),
                Err(error) if error.kind() == ErrorKind::InvalidFilename => (None, Some(TOO_LONG)),
                Err(error) => return Err(RestoreError::disk("look at", &path)(error)),
            },
        };
        if entry.stored.is_none() {
            self.tally.unsaved += 1;
            let text = format!(
                "'{shown}' was not archived (it could not be read, or 7-Zip cannot take its \
                 name): no backup holds it"
            );
            self.events.warn(Section::Verification, text, None);
            return Ok(());
        }
        match found {
            None if self.is_lost => self.differs(shown, "it is in the lost part"),
            Some(_) if self.is_lost => self.differs(
                shown,
                "it is in the lost part; an older state of it was restored instead",
            ),
            None => self.differs(shown, blocked.unwrap_or("it is not there")),
            Some(found) if !found.is_file() => self.differs(shown, "it is not a file"),
            Some(found) if found.len() != entry.meta.size => {
                self.differs(
                    shown,
                    &format!("it has {} bytes, not {}", found.len(), entry.meta.size),
                );
            }
            Some(_) => {
                self.tally.files += 1;
                self.tally.bytes += entry.meta.size;
                self.joined_or_set(&path, &name, entry);
            }
        }
        Ok(())
    }

    /// Goes into a directory that is there.
    fn enter(
        &mut self,
        rel: RelPath,
        path: PathBuf,
        name: &OsStr,
        meta: Option<(Meta, Details)>,
    ) -> Result<(), RestoreError> {
        let above = self.levels.last().and_then(|level| level.place.as_ref());
        let place = above.map(|above| above.enter(name)).transpose();
        let place = place.map_err(RestoreError::disk("open", &path))?;
        self.push(rel, path, place, meta, None)
    }

    /// Where `name` lies in the directory in hand.
    pub(super) fn step(&mut self, name: &[u8]) -> Result<Option<Child>, RestoreError> {
        let Some(level) = self.levels.last_mut() else {
            return Ok(None);
        };
        level.names.remove(&compared(name));
        let rel = level.rel.join(name);
        Ok(native_name(name).map(|name| (rel, level.path.join(&name), level.blocked, name)))
    }

    fn push(
        &mut self,
        rel: RelPath,
        path: PathBuf,
        place: Option<PlaceDirectory>,
        meta: Option<(Meta, Details)>,
        blocked: Option<&'static str>,
    ) -> Result<(), RestoreError> {
        let mut names = BTreeMap::new();
        if self.exact && blocked.is_none() {
            for entry in fs::read_dir(&path).map_err(RestoreError::disk("read", &path))? {
                let name = entry
                    .map_err(RestoreError::disk("read", &path))?
                    .file_name();
                // The whole target can be a mount: `/` in the original layout.
                if !(rel.is_root() && name == WORK_DIRECTORY) {
                    names.insert(compared(name.as_encoded_bytes()), name);
                }
            }
        }
        self.levels.push(OpenDirectory {
            rel,
            path,
            place,
            meta,
            blocked,
            names,
        });
        Ok(())
    }

    fn pop(&mut self) -> Result<(), RestoreError> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        // What is beside the sources is not part of the state.
        if self.is_fresh || level.meta.is_some() {
            for name in level.names.values() {
                self.remove(&level.path.join(name))?;
            }
        }
        if let (Some((meta, details)), Some(place)) = (&level.meta, &level.place) {
            let set = place.set_itself(meta, details, &mut self.lacks);
            self.report_unset(set, &level.path);
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> Result<(), RestoreError> {
        let found = fs::symlink_metadata(path).map_err(RestoreError::disk("look at", path))?;
        let removed = match found.is_dir() {
            true => remove_all(path),
            false => remove(path),
        };
        removed.map_err(RestoreError::disk("remove", path))?;
        self.tally.removed += 1;
        let text = format!(
            "removed '{}': the newest backup does not list it",
            path.display()
        );
        self.events.note(Section::Verification, text);
        Ok(())
    }

    pub(super) fn report_unset(&self, set: io::Result<()>, path: &Path) {
        if let Err(error) = set {
            let text = format!(
                "'{}': its times or permissions could not be set: {error}",
                path.display()
            );
            self.events.warn(Section::Verification, text, None);
        }
    }

    pub(super) fn differs(&mut self, path: &str, what: &str) {
        self.tally.different += 1;
        self.tally.in_lost += u64::from(self.is_lost);
        self.events.fail(
            Section::Verification,
            format!("'{path}' is not as the backup lists it: {what}"),
            None,
        );
    }
}

const NOT_THERE: &str = "the directory above it is not there";
const TOO_LONG: &str = "its path is too long: restore it into a directory with a shorter path";

/// A name in the form in which the system compares it.
fn compared(name: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(name) {
        Ok(text) => Family::HOST.fold(text).into_bytes(),
        Err(_) => name.to_vec(),
    }
}
