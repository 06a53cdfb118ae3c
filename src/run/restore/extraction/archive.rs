//! One archive that was inspected, extracted into the directory of its mount (SPEC#restore).

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::{SevenZipExit, list_line, percent};
use crate::model::event::{Event, Events, Section, Work};
use crate::model::listed::Listed;
use crate::model::path::Family;
use crate::plan::restore::legal_names::LegalNames;
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::{PlannedMount, RestorePlan};
use crate::run::restore::error::RestoreError;

use super::inspection::{Inspection, is_wanted};
use super::listed_names::ListedNames;
use super::paths::TargetPaths;
use super::renamed::{self, Renamed};

/// The extraction of one archive.
pub struct ArchiveExtraction<'a> {
    pub inspection: Inspection<'a>,
    pub events: &'a Events<'a>,
    /// The mount's directory.
    pub into: &'a Path,
    /// What of it is wanted. `None`: what is wanted of its mount.
    pub listed: Option<ListedNames>,
    /// Where its entries are put.
    pub names: &'a Mutex<LegalNames>,
}

impl ArchiveExtraction<'_> {
    /// Extracts a completely downloaded archive: what `list` names, or everything that is wanted of
    /// its mount. Returns how many of its entries were wanted.
    pub fn run(&self, first: &Path, list: Option<&Path>) -> Result<u64, RestoreError> {
        let Inspection { target, mount, .. } = self.inspection;
        let has_renamed = !self.names().is_empty();
        // Without a manifest, the archive itself says what of it is wanted.
        let made = (has_renamed || (list.is_none() && !mount.wanted.is_empty()))
            .then(|| target.work("wanted.txt"));
        let mut renamed = Vec::new();
        let wants = |listed: &Listed| self.wants(listed);
        let found = self.clear_paths(first, made.as_deref(), &wants, &mut renamed)?;
        self.write(first, found, made.as_deref().or(list), &renamed)
    }

    /// Extracts the `found` entries that the list `only` names (or everything), and the `renamed`.
    /// Returns how many that were.
    pub fn write(
        &self,
        first: &Path,
        found: u64,
        only: Option<&Path>,
        renamed: &[Renamed],
    ) -> Result<u64, RestoreError> {
        if found == 0 && renamed.is_empty() {
            return Ok(0);
        }
        self.announce();
        if found > 0 {
            self.unpack(first, only)?;
        }
        let one = |entry: &str, alone: &Path| self.unpack_one(first, entry, alone);
        let alone = self.inspection.target.work("renamed");
        renamed::extract(renamed, self.into, &alone, &one)?;
        Ok(found + renamed.len() as u64)
    }

    /// Chooses the places of what is in the archive and not in the wanted state.
    pub fn choose_names(&self, first: &Path) -> Result<(), RestoreError> {
        if Family::HOST == Family::Unix {
            return Ok(());
        }
        let mut names = self.names();
        self.inspection.list(first, &mut |listed| {
            if self.wants(&listed) {
                names.place(listed.path.trim_end_matches('/'));
            }
        })?;
        Ok(())
    }

    /// The places of this mount's entries.
    pub fn names(&self) -> MutexGuard<'_, LegalNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Extracts one entry into a directory of its own, without its path.
    fn unpack_one(&self, first: &Path, entry: &str, into: &Path) -> Result<(), RestoreError> {
        let Inspection {
            seven_zip, target, ..
        } = self.inspection;
        let list = target.work("renamed.txt");
        fs::write(&list, list_line(entry)).map_err(RestoreError::disk("write", &list))?;
        self.unpacked(&mut |line| seven_zip.extract_flat(first, into, &list, line))
    }

    /// Extracts what the list `only` names, or everything, once its paths are clear.
    pub fn unpack(&self, first: &Path, only: Option<&Path>) -> Result<(), RestoreError> {
        let seven_zip = self.inspection.seven_zip;
        self.unpacked(&mut |line| seven_zip.extract(first, self.into, only, line))
    }

    /// Lets 7-Zip write, and returns the result.
    fn unpacked(&self, write: &mut Unpacking<'_>) -> Result<(), RestoreError> {
        let Inspection {
            seven_zip, target, ..
        } = self.inspection;
        target.begin_writing()?;
        let name = self.inspection.name();
        let tool = seven_zip.program();
        let mut said: Vec<String> = Vec::new();
        let mut full = false;
        let exit = write(&mut |line| {
            if line.starts_with("ERROR") || line.starts_with("System ERROR") {
                said.push(line.trim().to_owned());
                said.truncate(3);
            }
            // Only decides which hint is given.
            full |= ["No space left", "errno=28", "not enough space"]
                .iter()
                .any(|t| line.contains(t));
            self.events.emit(match percent(line) {
                None => Event::ToolOutput {
                    tool: tool.clone(),
                    line: line.to_owned(),
                },
                percent => Event::Progress {
                    work: Work::Extracting,
                    percent,
                    of: None,
                },
            });
        })?;
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
            exit => Err(RestoreError::Archive {
                archive: name,
                doing: "extracted",
                exit,
                said,
                full: full || target.is_full(),
            }),
        }
    }

    /// Whether an entry is wanted.
    pub fn wants(&self, listed: &Listed) -> bool {
        let names = self.listed.as_ref();
        is_wanted(&self.inspection.mount.wanted, listed)
            && names.is_none_or(|names| names.has(&listed.path))
    }

    pub fn announce(&self) {
        let Inspection { mount, archive, .. } = self.inspection;
        let to = self.into.display().to_string();
        match &mount.path {
            Some(path) => self.events.emit(Event::Extracting {
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

    /// Makes sure that every entry that one `wants` can be extracted to its path, and writes their
    /// names into `list`, if there is one. Returns their count; entries that need another name are
    /// `renamed` instead.
    pub fn clear_paths(
        &self,
        first: &Path,
        list: Option<&Path>,
        wants: &dyn Fn(&Listed) -> bool,
        renamed: &mut Vec<Renamed>,
    ) -> Result<u64, RestoreError> {
        let target = self.inspection.target;
        let mut paths = TargetPaths::new(self.into, target.fresh);
        let mut writer = match list {
            Some(path) => Some((
                path,
                BufWriter::new(File::create(path).map_err(RestoreError::disk("write", path))?),
            )),
            None => None,
        };
        let mut names = self.names();
        let mut count: Result<u64, RestoreError> = Ok(0);
        self.inspection.list(first, &mut |listed| {
            let Ok(found) = &mut count else { return };
            if !wants(&listed) {
                return;
            }
            let entry = listed.path.trim_end_matches('/');
            let place = names.place(entry);
            // 7-Zip takes the name of a directory for all below it as well.
            let is_by_itself = place != entry || (listed.is_directory && !names.is_empty());
            let written = match &mut writer {
                _ if is_by_itself => Ok(()),
                Some((path, out)) => out
                    .write_all(list_line(&listed.path).as_bytes())
                    .map_err(RestoreError::disk("write", path)),
                None => Ok(()),
            };
            if let Err(error) = written.and_then(|()| paths.clear(&place, listed.is_directory)) {
                count = Err(error);
                return;
            }
            if is_by_itself {
                renamed.push(Renamed {
                    entry: entry.to_owned(),
                    place,
                    is_directory: listed.is_directory,
                });
            } else {
                *found += 1;
            }
        })?;
        if let Some((path, mut out)) = writer {
            out.flush().map_err(RestoreError::disk("write", path))?;
        }
        count
    }
}

/// Which archive of the whole restore is next.
pub fn step(plan: &RestorePlan, mount: &PlannedMount, archive: &PlannedArchive) -> Event {
    let is_it = |(at, other): (&PlannedMount, &PlannedArchive)| {
        at.number == mount.number && other.stamp == archive.stamp
    };
    Event::Step {
        number: plan.archives().position(is_it).unwrap_or(0) + 1,
        of: plan.archives().count(),
        what: match &mount.path {
            Some(path) => format!("{path} of {}", archive.stamp.short()),
            None => format!("{} of {}", mount.name, archive.stamp.short()),
        },
    }
}

/// Runs 7-Zip, which says something line by line.
type Unpacking<'u> = dyn FnMut(&mut dyn FnMut(&str)) -> Result<SevenZipExit, ToolError> + 'u;
