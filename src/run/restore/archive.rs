//! One archive: looked through before anything is extracted, opened with the key, extracted
//! (SPEC#restore).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::adapters::seven_zip::SevenZipExit;
use crate::model::event::{Event, Section};
use crate::model::listed::Listed;
use crate::model::name::Format;
use crate::model::path::Family;

use super::error::RestoreError;
use super::run::Restore;
use crate::plan::restore::only::Wanted;
use crate::plan::restore::plan::{PlannedArchive, PlannedMount};
use crate::plan::restore::unsafe_names;
use crate::run::restore::paths::Way;

/// What of an archive is extracted.
pub enum Selected {
    Everything,
    /// The paths in this list file.
    List(PathBuf),
}

/// How an archive is called in messages.
pub fn shown(mount: &PlannedMount, archive: &PlannedArchive) -> String {
    match archive.volumes.first() {
        Some(volume) => volume.key.clone(),
        None => format!("{} of {}", mount.shown(), archive.stamp),
    }
}

impl Restore<'_> {
    /// Goes through an archive's entries: each must be safe to extract, and the key must open it.
    /// Nothing is written to the target.
    pub fn inspect(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        first: &Path,
    ) -> Result<(), RestoreError> {
        self.inspect_part(mount, archive, first, &mut |_| true)
    }

    /// As [`Restore::inspect`]; `readable` sees every entry and says whether its content is here to
    /// try the key on.
    pub fn inspect_part(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        first: &Path,
        readable: &mut dyn FnMut(&Listed) -> bool,
    ) -> Result<(), RestoreError> {
        let name = shown(mount, archive);
        let mut bad: Option<RestoreError> = None;
        let mut plain: Option<RestoreError> = None;
        let mut smallest: Option<Listed> = None;
        let exit = self
            .seven_zip
            .list(first, self.key, self.cancel, &mut |listed| {
                let refused = |why| {
                    let entry = listed.path.escape_debug().to_string();
                    RestoreError::Entry {
                        archive: name.clone(),
                        entry,
                        why,
                    }
                };
                if bad.is_none() {
                    bad = unsafe_names::entry(&listed, Family::HOST)
                        .err()
                        .map(refused);
                }
                if plain.is_none() {
                    plain = unsafe_names::encrypted(&listed).err().map(refused);
                }
                if readable(&listed)
                    && !listed.is_directory
                    && listed.size > 0
                    && smallest.as_ref().is_none_or(|s| listed.size < s.size)
                {
                    smallest = Some(listed);
                }
            })?;
        if let Some(error) = bad.or(plain) {
            return Err(error);
        }
        if exit != SevenZipExit::Ok {
            return Err(self.unopened(name, exit));
        }
        // A zip lists without its key; reading its smallest file tells whether the key is right. A
        // 7z archive hides its names, so the listing was that test.
        if let (Format::Zip, Some(smallest)) = (archive.format, smallest) {
            let list = self.target.work("probe.txt");
            std::fs::write(&list, format!("\"{}\"\n", smallest.path))
                .map_err(RestoreError::disk("write", &list))?;
            let exit =
                self.seven_zip
                    .test_listed(first, &list, self.key, self.cancel, &mut |_| {})?;
            if exit != SevenZipExit::Ok {
                return Err(self.unopened(name, exit));
            }
        }
        Ok(())
    }

    pub fn unopened(&self, name: String, exit: SevenZipExit) -> RestoreError {
        match exit {
            SevenZipExit::Fatal => RestoreError::Key {
                what: name,
                key: self.key_from.to_owned(),
            },
            exit => RestoreError::Archive {
                archive: name,
                doing: "read",
                exit,
                said: String::new(),
                full: false,
            },
        }
    }

    /// Extracts an archive that was inspected into the mount's directory. Returns how many entries
    /// of it were wanted.
    pub fn extract(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        first: &Path,
        selected: &Selected,
        into: &Path,
    ) -> Result<u64, RestoreError> {
        let made;
        let (only, wanted) = match selected {
            Selected::Everything if mount.wanted.is_empty() => (None, false),
            // Without a manifest, the archive itself says what of it is wanted.
            Selected::Everything => {
                made = self.target.work("wanted.txt");
                (Some(made.as_path()), true)
            }
            Selected::List(list) => (Some(list.as_path()), false),
        };
        let found = self.clear_way(mount, first, into, only.filter(|_| wanted))?;
        if found == 0 {
            return Ok(0);
        }
        self.announce(mount, archive, into);
        self.unpack(mount, archive, first, only, into)?;
        Ok(found)
    }

    /// Extracts what the list `only` names, or everything, once its way is clear.
    pub fn unpack(
        &self,
        mount: &PlannedMount,
        archive: &PlannedArchive,
        first: &Path,
        only: Option<&Path>,
        into: &Path,
    ) -> Result<(), RestoreError> {
        let name = shown(mount, archive);
        let tool = self.seven_zip.program().display().to_string();
        let mut said: Vec<String> = Vec::new();
        let mut full = false;
        let exit = self.seven_zip.extract_listed(
            first,
            into,
            only,
            self.key,
            self.cancel,
            &mut |line| {
                if line.starts_with("ERROR") || line.starts_with("System ERROR") {
                    said.push(line.trim().to_owned());
                    said.truncate(3);
                }
                // Only decides which hint is given.
                full |= ["No space left", "errno=28", "not enough space"]
                    .iter()
                    .any(|t| line.contains(t));
                if !line.trim().is_empty() {
                    self.events.tell(Event::ToolOutput {
                        tool: tool.clone(),
                        line: line.to_owned(),
                    });
                }
            },
        )?;
        let said = said.join("; ");
        match exit {
            SevenZipExit::Ok => Ok(()),
            SevenZipExit::Warning => {
                self.events.warn(
                    Section::Restore,
                    format!("'{name}': {exit} {said}").trim_end().to_owned(),
                    None,
                );
                Ok(())
            }
            exit => {
                full |= self.target.free().is_some_and(|free| free < 1 << 20);
                Err(RestoreError::Archive {
                    archive: name,
                    doing: "extracted",
                    exit,
                    said,
                    full,
                })
            }
        }
    }

    pub fn announce(&self, mount: &PlannedMount, archive: &PlannedArchive, into: &Path) {
        let to = into.display().to_string();
        match &mount.path {
            Some(path) => self.events.tell(Event::Extracting {
                mount: path.clone(),
                stamp: archive.stamp,
                to,
            }),
            None => {
                let text = format!("extracting '{}' of {} to {to}", mount.name, archive.stamp);
                self.events.note(Section::Restore, text);
            }
        }
    }

    /// Clears the way of every entry that is wanted, and with `list` writes their paths there.
    /// Returns their count.
    pub fn clear_way(
        &self,
        mount: &PlannedMount,
        first: &Path,
        into: &Path,
        list: Option<&Path>,
    ) -> Result<u64, RestoreError> {
        let mut way = Way::new(into, self.target.fresh);
        let mut writer = match list {
            Some(path) => Some((
                path,
                BufWriter::new(File::create(path).map_err(RestoreError::disk("write", path))?),
            )),
            None => None,
        };
        let mut failed: Result<u64, RestoreError> = Ok(0);
        self.seven_zip
            .list(first, self.key, self.cancel, &mut |listed| {
                let Ok(count) = &mut failed else { return };
                if !is_wanted(&mount.wanted, &listed) {
                    return;
                }
                *count += 1;
                let written = match &mut writer {
                    Some((path, out)) => writeln!(out, "\"{}\"", listed.path)
                        .map_err(RestoreError::disk("write", path)),
                    None => Ok(()),
                };
                if let Err(error) =
                    written.and_then(|()| way.clear(&listed.path, listed.is_directory))
                {
                    failed = Err(error);
                }
            })?;
        if let Some((path, mut out)) = writer {
            out.flush().map_err(RestoreError::disk("write", path))?;
        }
        failed
    }
}

fn is_wanted(wanted: &[Wanted], listed: &Listed) -> bool {
    wanted.is_empty()
        || wanted
            .iter()
            .any(|w| w.holds(listed.path.trim_end_matches('/')))
}
