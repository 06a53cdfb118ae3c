//! Brings objects to this computer, or finds them here, and checks them against their marker before
//! anything reads them (SPEC#restore).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::model::cancel::Cancel;
use crate::model::event::{Event, Section};

use super::error::RestoreError;
use super::parallel::{TRANSFERS, each};
use super::run::Restore;
use crate::plan::restore::plan::{PlannedArchive, PlannedMount, PlannedVolume};
use crate::plan::restore::portion::Portion;

/// An archive that is here and is what its marker says.
pub struct Fetched {
    /// Its first volume; 7-Zip finds the others beside it.
    pub first: PathBuf,
    /// Directory to delete after use.
    downloaded: Option<PathBuf>,
}

impl Fetched {
    /// Frees the space of what was downloaded.
    pub fn discard(self) -> Result<(), RestoreError> {
        self.downloaded.map_or(Ok(()), |path| {
            fs::remove_dir_all(&path).map_err(RestoreError::disk("remove", &path))
        })
    }
}

impl Restore<'_> {
    /// Whether every volume of an archive can be read where it lies.
    pub fn in_place(&self, archive: &PlannedArchive) -> bool {
        !archive.has_extra
            && archive
                .volumes
                .iter()
                .all(|v| self.store.local_path(&v.key).is_some())
    }

    /// Checks an archive where it lies. `None` when that backup had nothing to archive.
    pub fn verify_in_place(
        &self,
        archive: &PlannedArchive,
    ) -> Result<Option<Fetched>, RestoreError> {
        let volumes: Vec<(&PlannedVolume, PathBuf)> = archive
            .volumes
            .iter()
            .filter_map(|v| Some((v, self.store.local_path(&v.key)?)))
            .collect();
        let checked = each(&volumes, TRANSFERS, |(volume, path)| {
            self.verify_there(volume, path)
        });
        checked.map_err(|(index, error)| named(error, &archive.volumes, volumes[index].0))?;
        Ok(volumes.into_iter().next().map(|(_, first)| Fetched {
            first,
            downloaded: None,
        }))
    }

    /// An archive of which every volume was downloaded.
    pub fn downloaded(&self, mount: &PlannedMount, archive: &PlannedArchive) -> Option<Fetched> {
        let first = self.target.portion(mount.number, archive, 0);
        let downloaded = first.parent().map(Path::to_owned);
        (!archive.volumes.is_empty()).then_some(Fetched { first, downloaded })
    }

    /// Checks an object where it lies.
    pub fn verify_there(&self, object: &PlannedVolume, path: &Path) -> Result<(), RestoreError> {
        let store = self.store.label();
        self.events.note(
            Section::Objects,
            format!(
                "reading '{}' ({} bytes) in {store}",
                object.key, object.size
            ),
        );
        self.verify(&Portion::whole(object), path, self.cancel)
    }

    /// Waits for the line. Downloads go one after the other: what is needed first has the whole
    /// line and is here first.
    pub fn line(&self) -> MutexGuard<'_, ()> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings one object, or a part of it, to `path` and checks size and SHA-256. `line` is given
    /// back when it is here: another one is downloaded while this one is checked.
    pub fn object(
        &self,
        object: &Portion<'_>,
        path: &Path,
        stop: &Cancel,
        line: MutexGuard<'_, ()>,
    ) -> Result<(), RestoreError> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(RestoreError::disk("create", directory))?;
        }
        let part = part(path);
        // A longer file is no beginning of this object.
        if fs::metadata(&part).is_ok_and(|m| m.len() > object.size()) {
            discard(&part)?;
        }
        self.download(object, &part, stop)?;
        drop(line);
        match self.verify(object, &part, stop) {
            // Something on the way may have spoiled it; a second try costs little beside a failed
            // restore.
            Err(RestoreError::Damaged { .. } | RestoreError::Size { .. }) => {
                self.events.note(
                    Section::Objects,
                    format!(
                        "'{}' did not arrive as it was sent: once more",
                        object.shown()
                    ),
                );
                discard(&part)?;
                let again = self.line();
                self.download(object, &part, stop)?;
                drop(again);
                // The next start must not go on with it.
                self.verify(object, &part, stop)
                    .inspect_err(|_| drop(discard(&part)))?;
            }
            other => other?,
        }
        fs::rename(&part, path).map_err(RestoreError::disk("write", path))
    }

    fn download(
        &self,
        object: &Portion<'_>,
        path: &Path,
        stop: &Cancel,
    ) -> Result<(), RestoreError> {
        let (store, key, size) = (
            self.store.label().to_owned(),
            object.volume.key.clone(),
            object.size(),
        );
        let part = (!object.is_whole()).then(|| object.bytes.clone());
        let from = part.as_ref().map(|part| part.start);
        self.events.tell(Event::Downloading {
            store,
            key,
            from,
            size,
        });
        let progress = |bytes| self.events.tell(Event::Transferred { bytes });
        self.store
            .get_part(&object.volume.key, part, path, stop, &progress)?;
        Ok(())
    }

    fn verify(&self, object: &Portion<'_>, path: &Path, stop: &Cancel) -> Result<(), RestoreError> {
        let (store, key) = (self.store.label().to_owned(), object.shown());
        let mut file = File::open(path).map_err(RestoreError::disk("open", path))?;
        let found = file
            .metadata()
            .map_err(RestoreError::disk("look at", path))?
            .len();
        if found != object.size() {
            return Err(RestoreError::Size {
                store,
                key,
                found,
                expected: object.size(),
            });
        }
        let Some(expected) = object.sha256.map(str::to_owned) else {
            return Ok(());
        };
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            if stop.is_set() {
                return Err(RestoreError::Interrupted);
            }
            match file
                .read(&mut buffer)
                .map_err(RestoreError::disk("read", path))?
            {
                0 => break,
                count => digest.update(&buffer[..count]),
            }
        }
        let found = hex::encode(digest.finalize());
        if found == expected {
            Ok(())
        } else {
            Err(RestoreError::Damaged {
                store,
                key,
                found,
                expected,
                is: None,
            })
        }
    }
}

/// A download that is not checked yet.
fn part(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    name.into()
}

fn discard(path: &Path) -> Result<(), RestoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(RestoreError::disk("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Two volumes that were swapped are easier to put right when the message says so.
pub fn named(
    error: RestoreError,
    volumes: &[PlannedVolume],
    volume: &PlannedVolume,
) -> RestoreError {
    match error {
        RestoreError::Damaged {
            store,
            key,
            found,
            expected,
            ..
        } => {
            let other = volumes
                .iter()
                .find(|other| !std::ptr::eq(*other, volume) && other.has(&found));
            RestoreError::Damaged {
                store,
                key,
                found,
                expected,
                is: other.map(|other| other.key.clone()),
            }
        }
        other => other,
    }
}
