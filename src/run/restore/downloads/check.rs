//! Whether downloaded data, or data in a store, matches its marker.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::model::cancel::Cancel;
use crate::plan::restore::parts::{ArchivePart, PlannedVolume};
use crate::run::restore::error::RestoreError;

/// Whether a file is this part of an object of the store: its size and its SHA-256.
pub fn verify(
    store: &str,
    part: &ArchivePart<'_>,
    path: &Path,
    stop: &Cancel,
) -> Result<(), RestoreError> {
    let (store, key) = (store.to_owned(), part.shown());
    let file = File::open(path).map_err(RestoreError::disk("open", path))?;
    let found = file
        .metadata()
        .map_err(RestoreError::disk("look at", path))?
        .len();
    if found != part.size() {
        return Err(RestoreError::Size {
            store,
            key,
            found,
            expected: part.size(),
        });
    }
    let Some(expected) = part.sha256.map(str::to_owned) else {
        return Ok(());
    };
    let found = sha256(file, path, stop)?;
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

/// Whether these bytes of the volume at `path` match its marker.
pub fn range(path: &Path, part: &ArchivePart<'_>, stop: &Cancel) -> Result<bool, RestoreError> {
    let mut file = File::open(path).map_err(RestoreError::disk("open", path))?;
    file.seek(SeekFrom::Start(part.bytes.start))
        .map_err(RestoreError::disk("read", path))?;
    let found = sha256(file.take(part.size()), path, stop)?;
    Ok(part.sha256.is_none_or(|expected| expected == found))
}

fn sha256(mut input: impl Read, path: &Path, stop: &Cancel) -> Result<String, RestoreError> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if stop.is_set() {
            return Err(RestoreError::Interrupted);
        }
        match input
            .read(&mut buffer)
            .map_err(RestoreError::disk("read", path))?
        {
            0 => return Ok(hex::encode(digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
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
