//! Manifests on their way in: fetched, opened with the key, and asked what of a mount is wanted
//! (SPEC#manifest, SPEC#restore).

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::adapters::manifest_file::FileReader;
use crate::adapters::seven_zip::SevenZipExit;
use crate::model::manifest::{EntryKind, ManifestError, Stored};
use crate::model::stamp::Stamp;

use super::error::RestoreError;
use super::run::Restore;
use crate::plan::restore::only::{Nearest, Wanted};
use crate::plan::restore::plan::{PlannedManifest, PlannedMount, PlannedVolume};
use crate::plan::restore::portion::Portion;

/// The one file in a manifest object.
pub const MANIFEST_FILE: &str = "manifest.jsonl";

/// A manifest that is here, decrypted, in the working directory.
pub struct Index {
    key: String,
    path: PathBuf,
}

impl Index {
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

impl Restore<'_> {
    /// Fetches and opens a mount's manifest. This is also the first test of the key: nothing is
    /// extracted yet.
    pub fn index(
        &self,
        mount: &PlannedMount,
        planned: &PlannedManifest,
    ) -> Result<Index, RestoreError> {
        let object = PlannedVolume {
            key: planned.object.key.clone(),
            size: planned.object.size,
            sha256: Some(planned.object.sha256.to_ascii_lowercase()),
            slices: None,
        };
        let local = self.store.local_path(&object.key);
        let fetched = self.target.work(&format!(
            "manifest-{}.{}",
            mount.number,
            planned.format.extension()
        ));
        let path = local.clone().unwrap_or(fetched);
        match local {
            Some(path) => self.verify_there(&object, &path)?,
            None => {
                let fetched =
                    self.object(&Portion::whole(&object), &path, self.cancel, self.line());
                fetched.map_err(RestoreError::index(&object.key))?;
            }
        }
        let key = object.key;
        let mut names = Vec::new();
        let exit = self
            .seven_zip
            .list(&path, self.key, self.cancel, &mut |listed| {
                if names.len() < 2 {
                    names.push((
                        listed.path,
                        listed.is_link || listed.is_directory || !listed.is_encrypted,
                    ));
                }
            })?;
        if exit != SevenZipExit::Ok {
            return Err(self.unopened(key, exit));
        }
        let broken = |why: &str| RestoreError::Manifest {
            key: key.clone(),
            why: ManifestError::Broken {
                line: 1,
                why: why.to_owned(),
            },
        };
        if names != [(MANIFEST_FILE.to_owned(), false)] {
            return Err(broken(
                "the object holds something else than one encrypted manifest",
            ));
        }
        let directory = self.target.work(&format!("manifest-{}", mount.number));
        fs::create_dir(&directory).map_err(RestoreError::disk("create", &directory))?;
        match self
            .seven_zip
            .extract(&path, &directory, self.key, self.cancel, &mut |_| {})?
        {
            SevenZipExit::Ok => {}
            _ if self.target.free().is_some_and(|free| free < 1 << 20) => {
                let (doing, said) = ("extracted", String::new());
                return Err(RestoreError::Archive {
                    archive: key,
                    doing,
                    exit: SevenZipExit::Fatal,
                    said,
                    full: true,
                });
            }
            exit => return Err(self.unopened(key, exit)),
        }
        let index = Index {
            key: key.clone(),
            path: directory.join(MANIFEST_FILE),
        };
        let reader = index.read()?;
        let header = reader.header();
        if header.backup.map(|b| b.stamp()) != Some(planned.stamp)
            || mount.path.as_ref() != Some(&header.mount)
        {
            return Err(broken("it describes another backup than its name says"));
        }
        Ok(index)
    }

    /// Writes a list of the wanted files for each archive that holds any, from the manifest.
    /// Returns the lists by stamp.
    pub fn select(
        &self,
        mount: &PlannedMount,
        index: &Index,
    ) -> Result<BTreeMap<Stamp, PathBuf>, RestoreError> {
        let mut lists = Lists::default();
        let mut unknown: BTreeSet<usize> = (0..mount.wanted.len()).collect();
        for entry in index.read()? {
            let entry = entry.map_err(|why| index.broken(why))?;
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
            return Err(self.unknown(wanted, mount, index));
        }
        lists.close()
    }

    fn unknown(&self, wanted: &Wanted, mount: &PlannedMount, index: &Index) -> RestoreError {
        let mut nearest = Nearest::new(wanted);
        // The manifest was read to its end a moment ago; names are a courtesy.
        for entry in index.read().into_iter().flatten().flatten() {
            if let Some(path) = entry.path.as_str() {
                nearest.meet(path);
            }
        }
        let near = nearest
            .names()
            .into_iter()
            .map(|path| format!("{}/{path}", mount.number))
            .collect();
        RestoreError::Unknown {
            path: wanted.to_string(),
            near,
        }
    }
}

/// Whether a path of a manifest is one of the wanted, or lies below one. No wanted: everything is.
pub fn is_wanted(wanted: &[Wanted], path: &crate::model::manifest::RelPath) -> bool {
    wanted.is_empty()
        || path
            .as_str()
            .is_some_and(|path| wanted.iter().any(|w| w.holds(path)))
}

/// List files being written, one an archive.
#[derive(Default)]
struct Lists(BTreeMap<Stamp, (PathBuf, BufWriter<File>)>);

impl Lists {
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
