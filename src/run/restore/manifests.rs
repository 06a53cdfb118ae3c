//! Reads manifests: downloads them, opens them with the key, and finds out what is wanted of a
//! mount (SPEC#manifest, SPEC#restore).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use crate::adapters::manifest_file::FileReader;
use crate::adapters::seven_zip::SevenZipExit;
use crate::model::event::{Events, Section};
use crate::model::manifest::delta::{ChainError, write_state};
use crate::model::manifest::{EntryKind, ManifestError, RelPath, Stored};
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;
use crate::plan::restore::chain::LISTLESS;
use crate::plan::restore::only::{Nearest, Wanted};
use crate::plan::restore::parts::PlannedVolume;
use crate::plan::restore::plan::{PlannedManifest, PlannedMount, RestorePlan};
use crate::render::MANIFEST_FILE;

use super::downloads::Downloads;
use super::error::RestoreError;
use super::keyed_seven_zip::KeyedSevenZip;
use super::left_out::{is_of_its_mount, leave_out};
use super::target::Target;
use super::tools::RestoreTools;
use super::wanted_lists::{ListWriters, WrittenList};

/// The one file in a manifest object: of version 2, or of version 1.
const MANIFEST_FILES: [&str; 2] = [MANIFEST_FILE, "manifest.jsonl"];

/// A manifest that is here, decrypted, in the working directory.
pub struct OpenManifest {
    key: String,
    state: Stamp,
    path: PathBuf,
}

impl OpenManifest {
    /// Reads it from the start.
    pub fn read(&self) -> Result<FileReader, RestoreError> {
        FileReader::open(&self.path).map_err(|why| self.broken(why))
    }

    pub fn file(&self) -> &Path {
        &self.path
    }

    pub fn broken(&self, why: ManifestError) -> RestoreError {
        RestoreError::Manifest {
            key: self.key.clone(),
            why,
        }
    }
}

/// What a restore knows of its manifests.
#[derive(Default)]
pub struct WantedFiles {
    /// By mount number.
    pub manifests: BTreeMap<usize, OpenManifest>,
    /// Lists of what of an archive is wanted, where that is not all of it, by mount number and
    /// stamp.
    pub lists: BTreeMap<(usize, Stamp), PathBuf>,
}

/// Fetches and opens manifests.
pub struct Manifests<'a> {
    seven_zip: KeyedSevenZip<'a>,
    downloads: &'a Downloads<'a>,
    target: &'a Target,
    events: &'a Events<'a>,
}

impl<'a> Manifests<'a> {
    pub fn new(
        tools: &RestoreTools<'a>,
        downloads: &'a Downloads<'a>,
        target: &'a Target,
    ) -> Manifests<'a> {
        Manifests {
            seven_zip: KeyedSevenZip::new(tools),
            downloads,
            target,
            events: tools.events,
        }
    }

    /// Opens all manifests of a plan, and leaves out the archives that hold nothing wanted. If the
    /// state need not be exact, a lost manifest is skipped.
    pub fn narrow(
        &self,
        mut plan: RestorePlan,
    ) -> Result<(RestorePlan, WantedFiles), RestoreError> {
        let mut wanted = WantedFiles::default();
        let mut lost = Vec::new();
        for mount in &mut plan.mounts {
            let Some(manifest) = &mount.manifest else {
                continue;
            };
            match self.open(mount, manifest) {
                Ok(manifest) => drop(wanted.manifests.insert(mount.number, manifest)),
                Err(error) if !is_of_its_mount(&error) => return Err(error),
                // With another key nothing of the mount can be read.
                Err(error) if plan.exact || matches!(error, RestoreError::Key { .. }) => {
                    let error = RestoreError::NoManifest(manifest.stamp, Box::new(error));
                    lost.push((mount.number, mount.shown(), error));
                }
                Err(error) => {
                    let text = format!("{}: {error}; {LISTLESS}", mount.shown());
                    self.events.warn(Section::Restore, text, None);
                    mount.manifest = None;
                }
            }
        }
        leave_out(lost, &mut plan, self.events)?;
        let mut needed: BTreeMap<usize, BTreeSet<Stamp>> = BTreeMap::new();
        let exact = plan.exact;
        let is_partial = |m: &PlannedMount| exact || !m.wanted.is_empty();
        for mount in plan.mounts.iter_mut().filter(|mount| is_partial(mount)) {
            let Some(manifest) = wanted.manifests.get(&mount.number) else {
                continue;
            };
            let mut lists = self.select(mount, manifest)?;
            for archive in &mut mount.archives {
                let list = lists.get(&archive.stamp);
                archive.wanted_bytes = Some(list.map_or(0, |list| list.bytes));
            }
            needed.insert(mount.number, lists.keys().copied().collect());
            if mount.wanted.is_empty() {
                // If everything is wanted, no list is needed.
                lists.retain(|stamp, list| {
                    let mut archives = mount.archives.iter();
                    let archive = archives.find(|archive| archive.stamp == *stamp);
                    let content = archive.and_then(|archive| archive.content);
                    content.map(|(files, _)| files) != Some(list.files)
                });
            }
            let lists = lists
                .into_iter()
                .map(|(stamp, list)| ((mount.number, stamp), list.path));
            wanted.lists.extend(lists);
        }
        Ok((plan.narrowed(&needed), wanted))
    }

    /// Fetches and opens a mount's manifest, with those that it rests on. This is also the first
    /// test of the key: nothing is extracted yet.
    pub fn open(
        &self,
        mount: &PlannedMount,
        planned: &PlannedManifest,
    ) -> Result<OpenManifest, RestoreError> {
        let mut opened = vec![self.fetch(mount, planned, 0)?];
        for (number, planned) in (1..).zip(&planned.rests_on) {
            opened.push(self.fetch(mount, planned, number)?);
        }
        let mut readers = Vec::new();
        for manifest in &opened {
            readers.push(manifest.read()?);
        }
        if let ([reader], [manifest]) = (&mut readers[..], &opened[..]) {
            // To the end, so that whoever reads it later meets no damage.
            let end = reader.try_for_each(|entry| entry.map(drop));
            end.map_err(|why| manifest.broken(why))?;
            return Ok(opened.remove(0));
        }
        let path = self.target.work(&format!("state-{}.v2", mount.number));
        let out = File::create(&path).map_err(RestoreError::disk("write", &path))?;
        match write_state(readers, BufWriter::new(out)) {
            Ok(_) => Ok(OpenManifest {
                key: opened[0].key.clone(),
                state: planned.stamp,
                path,
            }),
            Err(ChainError::Manifest(number, why)) => Err(opened[number].broken(why)),
            Err(error @ ChainError::Unchained(number)) => {
                Err(broken(&opened[number].key, &error.to_string()))
            }
            Err(ChainError::Write(why)) => Err(RestoreError::disk("write", &path)(why)),
        }
    }

    /// Fetches and opens one manifest of a mount; `number` is 0 for that of the state.
    fn fetch(
        &self,
        mount: &PlannedMount,
        planned: &PlannedManifest,
        number: usize,
    ) -> Result<OpenManifest, RestoreError> {
        let object = PlannedVolume {
            key: planned.object.key.clone(),
            size: planned.object.size,
            sha256: Some(planned.object.sha256.to_ascii_lowercase()),
            slices: None,
            lost: None,
        };
        let name = format!("manifest-{}-{number}", mount.number);
        let download = format!("{name}.{}", planned.format.extension());
        let download = self.target.work(&download);
        let archive = self.downloads.fetch_object(&object, download)?;
        let key = object.key;
        let directory = self.target.work(&name);
        let file = self.extract(&key, &archive, &directory)?;
        let manifest = OpenManifest {
            key: key.clone(),
            state: planned.stamp,
            path: directory.join(file),
        };
        let reader = manifest.read()?;
        let header = reader.header();
        if header.backup.map(|b| b.stamp()) != Some(planned.stamp)
            || mount.path.as_ref() != Some(&header.mount)
        {
            return Err(broken(
                &key,
                "it describes a different backup than its name",
            ));
        }
        Ok(manifest)
    }

    /// Extracts the one file of a manifest object, and says its name.
    fn extract(
        &self,
        key: &str,
        archive: &Path,
        directory: &Path,
    ) -> Result<&'static str, RestoreError> {
        let mut names = Vec::new();
        let exit = self.seven_zip.list(archive, &mut |listed| {
            if names.len() < 2 {
                names.push((
                    listed.path,
                    listed.is_link || listed.is_directory || !listed.is_encrypted,
                ));
            }
        })?;
        if exit != SevenZipExit::Ok {
            return Err(self.seven_zip.unopened(key.to_owned(), exit));
        }
        let file = MANIFEST_FILES
            .into_iter()
            .find(|file| names == [((*file).to_owned(), false)]);
        let Some(file) = file else {
            let why = "the object is not a single encrypted manifest";
            return Err(broken(key, why));
        };
        fs::create_dir(directory).map_err(RestoreError::disk("create", directory))?;
        match self
            .seven_zip
            .extract(archive, directory, None, &mut |_| {})?
        {
            SevenZipExit::Ok => Ok(file),
            _ if self.target.is_full() => Err(RestoreError::Archive {
                archive: key.to_owned(),
                doing: "extracted",
                exit: SevenZipExit::Fatal,
                said: String::new(),
                full: true,
            }),
            exit => Err(self.seven_zip.unopened(key.to_owned(), exit)),
        }
    }

    /// Writes a list of the wanted files for each archive that holds any, from the manifest: if
    /// several archives have a file, only the archive with the wanted state is used. Returns the
    /// lists by stamp, with the number of files in each.
    fn select(
        &self,
        mount: &PlannedMount,
        manifest: &OpenManifest,
    ) -> Result<BTreeMap<Stamp, WrittenList>, RestoreError> {
        let mut lists = ListWriters::default();
        let mut unknown: BTreeSet<usize> = (0..mount.wanted.len()).collect();
        for entry in manifest.read()? {
            let entry = entry.map_err(|why| manifest.broken(why))?;
            let Some(path) = entry.path.as_str() else {
                continue;
            };
            let mut wanted = mount.wanted.is_empty();
            for (i, _) in mount
                .wanted
                .iter()
                .enumerate()
                .filter(|(_, w)| w.holds(path))
            {
                wanted = true;
                unknown.remove(&i);
            }
            if !wanted || entry.kind != EntryKind::File {
                continue;
            }
            let place = |stamp: Stamp| {
                self.target
                    .work(&format!("wanted-{}-{stamp}.txt", mount.number))
            };
            match entry.stored {
                Some(Stored::In(stamp)) => lists.add(stamp, path, entry.meta.size, place)?,
                // Any of them may have it. They are extracted in order, so the newest wins.
                Some(Stored::Earlier(_)) => {
                    let last = mount.archives.last().map(|archive| archive.stamp);
                    for archive in &mount.archives {
                        let is_last = last == Some(archive.stamp);
                        let bytes = if is_last { entry.meta.size } else { 0 };
                        lists.add(archive.stamp, path, bytes, place)?;
                    }
                }
                None => {}
            }
        }
        if let Some(wanted) = unknown.first().and_then(|i| mount.wanted.get(*i)) {
            return Err(self.unknown(wanted, mount, manifest));
        }
        lists.close()
    }

    fn unknown(
        &self,
        wanted: &Wanted,
        mount: &PlannedMount,
        manifest: &OpenManifest,
    ) -> RestoreError {
        let mut nearest = Nearest::new(wanted);
        // The manifest was read to its end a moment ago; names are a courtesy.
        for entry in manifest.read().into_iter().flatten().flatten() {
            if let Some(path) = entry.path.as_str() {
                nearest.consider(path);
            }
        }
        // As the user writes paths, so that one of them can be copied.
        let mount_path = mount.path.as_ref();
        let mount_path = mount_path.filter(|_| FullPath::parse(&wanted.written).is_ok());
        let shown = |path: &String| match mount_path {
            Some(mount) => mount.display_below(path),
            None => format!("{}/{path}", mount.number),
        };
        let near = nearest.names().iter().map(shown).collect();
        RestoreError::Unknown {
            path: wanted.to_string(),
            state: manifest.state,
            near,
        }
    }
}

fn broken(key: &str, why: &str) -> RestoreError {
    RestoreError::Manifest {
        key: key.to_owned(),
        why: ManifestError::Broken {
            line: 1,
            why: why.to_owned(),
        },
    }
}

/// Whether a path of a manifest is wanted, or is below a wanted one. If no paths are given,
/// everything is wanted.
pub fn is_wanted(wanted: &[Wanted], path: &RelPath) -> bool {
    wanted.is_empty()
        || path
            .as_str()
            .is_some_and(|path| wanted.iter().any(|w| w.holds(path)))
}
