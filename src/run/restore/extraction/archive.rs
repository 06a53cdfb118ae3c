//! One archive that was inspected, extracted into the directory of its mount (SPEC#restore).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::adapters::seven_zip::SevenZipExit;
use crate::model::event::{Event, Events, Section};
use crate::model::listed::Listed;
use crate::plan::restore::only::Wanted;
use crate::run::restore::error::RestoreError;

use super::inspection::Inspection;
use super::listed_names::ListedNames;
use super::paths::TargetPaths;

/// The extraction of one archive.
pub struct ArchiveExtraction<'a> {
    pub inspection: Inspection<'a>,
    pub events: &'a Events<'a>,
    /// The mount's directory.
    pub into: &'a Path,
    /// What of it is wanted. `None`: what is wanted of its mount.
    pub listed: Option<ListedNames>,
}

impl ArchiveExtraction<'_> {
    /// Extracts an archive of which all is here: what `list` names, or all that is wanted of its
    /// mount. Returns how many of its entries were wanted.
    pub fn run(&self, first: &Path, list: Option<&Path>) -> Result<u64, RestoreError> {
        let Inspection { target, mount, .. } = self.inspection;
        // Without a manifest, the archive itself says what of it is wanted.
        let made = (list.is_none() && !mount.wanted.is_empty()).then(|| target.work("wanted.txt"));
        let found = self.clear_paths(first, made.as_deref())?;
        if found == 0 {
            return Ok(0);
        }
        self.announce();
        self.unpack(first, list.or(made.as_deref()))?;
        Ok(found)
    }

    /// Extracts what the list `only` names, or everything, once its paths are clear.
    pub fn unpack(&self, first: &Path, only: Option<&Path>) -> Result<(), RestoreError> {
        let Inspection {
            seven_zip, target, ..
        } = self.inspection;
        target.begin_writing()?;
        let name = self.inspection.name();
        let tool = seven_zip.program();
        let mut said: Vec<String> = Vec::new();
        let mut full = false;
        let exit = seven_zip.extract(first, self.into, only, &mut |line| {
            if line.starts_with("ERROR") || line.starts_with("System ERROR") {
                said.push(line.trim().to_owned());
                said.truncate(3);
            }
            // Only decides which hint is given.
            full |= ["No space left", "errno=28", "not enough space"]
                .iter()
                .any(|t| line.contains(t));
            if !line.trim().is_empty() {
                self.events.emit(Event::ToolOutput {
                    tool: tool.clone(),
                    line: line.to_owned(),
                });
            }
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

    /// Makes sure that every entry that is wanted can be extracted to its path, and writes their
    /// names into `list`, if there is one. Returns their count.
    pub fn clear_paths(&self, first: &Path, list: Option<&Path>) -> Result<u64, RestoreError> {
        let Inspection {
            seven_zip, target, ..
        } = self.inspection;
        let mut paths = TargetPaths::new(self.into, target.fresh);
        let mut writer = match list {
            Some(path) => Some((
                path,
                BufWriter::new(File::create(path).map_err(RestoreError::disk("write", path))?),
            )),
            None => None,
        };
        let mut count: Result<u64, RestoreError> = Ok(0);
        seven_zip.list(first, &mut |listed| {
            let Ok(found) = &mut count else { return };
            if !self.wants(&listed) {
                return;
            }
            *found += 1;
            let written = match &mut writer {
                Some((path, out)) => {
                    writeln!(out, "\"{}\"", listed.path).map_err(RestoreError::disk("write", path))
                }
                None => Ok(()),
            };
            if let Err(error) =
                written.and_then(|()| paths.clear(&listed.path, listed.is_directory))
            {
                count = Err(error);
            }
        })?;
        if let Some((path, mut out)) = writer {
            out.flush().map_err(RestoreError::disk("write", path))?;
        }
        count
    }
}

fn is_wanted(wanted: &[Wanted], listed: &Listed) -> bool {
    wanted.is_empty()
        || wanted
            .iter()
            .any(|w| w.holds(listed.path.trim_end_matches('/')))
}
