//! Manifests on their way in: fetched, opened with the key, and asked what of a mount is wanted
//! (SPEC#manifest, SPEC#restore).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::adapters::manifest_file::FileReader;
use crate::adapters::seven_zip::SevenZipExit;
use crate::model::manifest::{EntryKind, ManifestError, RelPath, Stored};
use crate::model::stamp::Stamp;
use crate::plan::restore::only::{Nearest, Wanted};
use crate::plan::restore::parts::PlannedVolume;
use crate::plan::restore::plan::{PlannedManifest, PlannedMount, RestorePlan};

use super::downloads::Downloads;
use super::error::RestoreError;
use super::keyed_seven_zip::KeyedSevenZip;
use super::target::Target;
use super::tools::RestoreTools;

/// The one file in a manifest object.
pub const MANIFEST_FILE: &str = "manifest.jsonl";

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
    /// With `--only`: lists of what of an archive is wanted, by mount number and stamp.
    pub lists: BTreeMap<(usize, Stamp), PathBuf>,
}

/// Fetches and opens manifests.
pub struct Manifests<'a> {
    seven_zip: KeyedSevenZip<'a>,
    downloads: &'a Downloads<'a>,
    target: &'a Target,
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
        }
    }

    /// Opens all manifests of a plan, and leaves out the archives that hold nothing wanted.
    pub fn narrow(&self, plan: RestorePlan) -> Result<(RestorePlan, WantedFiles), RestoreError> {
        let mut wanted = WantedFiles::default();
        for mount in &plan.mounts {
            if let Some(manifest) = &mount.manifest {
                let manifest = self.open(mount, manifest)?;
                wanted.manifests.insert(mount.number, manifest);
            }
        }
        let mut needed: BTreeMap<usize, BTreeSet<Stamp>> = BTreeMap::new();
        for mount in plan.mounts.iter().filter(|m| !m.wanted.is_empty()) {
            let Some(manifest) = wanted.manifests.get(&mount.number) else {
                continue;
            };
            let lists = self.select(mount, manifest)?;
            needed.insert(mount.number, lists.keys().copied().collect());
            let lists = lists
                .into_iter()
                .map(|(stamp, list)| ((mount.number, stamp), list));
            wanted.lists.extend(lists);
        }
        Ok((plan.narrowed(&needed), wanted))
    }

    /// Fetches and opens a mount's manifest. This is also the first test of the key: nothing is
    /// extracted yet.
    pub fn open(
        &self,
        mount: &PlannedMount,
        planned: &PlannedManifest,
    ) -> Result<OpenManifest, RestoreError> {
        let object = PlannedVolume {
            key: planned.object.key.clone(),
            size: planned.object.size,
            sha256: Some(planned.object.sha256.to_ascii_lowercase()),
            slices: None,
        };
        let download = self.target.work(&format!(
            "manifest-{}.{}",
            mount.number,
            planned.format.extension()
        ));
        let archive = self.downloads.fetch_object(&object, download)?;
        let key = object.key;
        let directory = self.target.work(&format!("manifest-{}", mount.number));
        self.extract(&key, &archive, &directory)?;
        let manifest = OpenManifest {
            key: key.clone(),
            state: planned.stamp,
            path: directory.join(MANIFEST_FILE),
        };
        let reader = manifest.read()?;
        let header = reader.header();
        if header.backup.map(|b| b.stamp()) != Some(planned.stamp)
            || mount.path.as_ref() != Some(&header.mount)
        {
            return Err(broken(
                &key,
                "it describes another backup than its name says",
            ));
        }
        Ok(manifest)
    }

    /// Extracts the one file of a manifest object.
    fn extract(&self, key: &str, archive: &Path, directory: &Path) -> Result<(), RestoreError> {
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
        if names != [(MANIFEST_FILE.to_owned(), false)] {
            return Err(broken(
                key,
                "the object holds something else than one encrypted manifest",
            ));
        }
        fs::create_dir(directory).map_err(RestoreError::disk("create", directory))?;
        match self
            .seven_zip
            .extract(archive, directory, None, &mut |_| {})?
        {
            SevenZipExit::Ok => Ok(()),
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

    /// Writes a list of the wanted files for each archive that holds any, from the manifest.
    /// Returns the lists by stamp.
    fn select(
        &self,
        mount: &PlannedMount,
        manifest: &OpenManifest,
    ) -> Result<BTreeMap<Stamp, PathBuf>, RestoreError> {
        let mut lists = ListWriters::default();
        let mut unknown: BTreeSet<usize> = (0..mount.wanted.len()).collect();
        for entry in manifest.read()? {
            let entry = entry.map_err(|why| manifest.broken(why))?;
            let Some(path) = entry.path.as_str() else {
                continue;
            };
            let mut wanted = false;
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
                Some(Stored::In(stamp)) => lists.add(stamp, path, place)?,
                // Any of them may hold it; extracted in order, the newest wins.
                Some(Stored::Earlier(_)) => {
                    mount
                        .archives
                        .iter()
                        .try_for_each(|archive| lists.add(archive.stamp, path, place))?;
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
        let near = nearest
            .names()
            .into_iter()
            .map(|path| format!("{}/{path}", mount.number))
            .collect();
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

/// Whether a path of a manifest is one of the wanted, or lies below one. No wanted: everything is.
pub fn is_wanted(wanted: &[Wanted], path: &RelPath) -> bool {
    wanted.is_empty()
        || path
            .as_str()
            .is_some_and(|path| wanted.iter().any(|w| w.holds(path)))
}

/// List files being written, one an archive.
#[derive(Default)]
struct ListWriters(BTreeMap<Stamp, (PathBuf, BufWriter<File>)>);

impl ListWriters {
    fn add(
        &mut self,
        stamp: Stamp,
        path: &str,
        place: impl Fn(Stamp) -> PathBuf,
    ) -> Result<(), RestoreError> {
        let (place, out) = match self.0.entry(stamp) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(new) => {
                let place = place(stamp);
                let file = File::create(&place).map_err(RestoreError::disk("write", &place))?;
                new.insert((place, BufWriter::new(file)))
            }
        };
        writeln!(out, "\"{path}\"").map_err(RestoreError::disk("write", place))
    }

    fn close(self) -> Result<BTreeMap<Stamp, PathBuf>, RestoreError> {
        let close = |(stamp, (place, mut out)): (Stamp, (PathBuf, BufWriter<File>))| {
            out.flush().map_err(RestoreError::disk("write", &place))?;
            Ok((stamp, place))
        };
        self.0.into_iter().map(close).collect()
    }
}
