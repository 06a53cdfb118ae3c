//! Entries whose names this system cannot create: extracted one at a time, and put under legal
//! names (SPEC#restore).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::adapters::fs::remove;
use crate::model::event::{Events, Section};
use crate::model::path::Family;
use crate::plan::restore::legal_names::LegalNames;
use crate::plan::restore::plan::PlannedMount;
use crate::run::restore::disk;
use crate::run::restore::error::RestoreError;
use crate::run::restore::manifests::{self, OpenManifest};

/// An entry of an archive, and where it is put below the mount's directory.
pub struct Renamed {
    pub entry: String,
    pub place: String,
    pub is_directory: bool,
}

/// Extracts one entry into an empty directory.
type ExtractOne<'e> = dyn Fn(&str, &Path) -> Result<(), RestoreError> + 'e;

/// Puts each of them into its place below `into`, through the directory `alone`. 7-Zip would choose
/// names itself, and the same name for two files whose names differ only in case.
pub fn extract(
    renamed: &[Renamed],
    into: &Path,
    alone: &Path,
    extract_one: &ExtractOne<'_>,
) -> Result<(), RestoreError> {
    for Renamed {
        entry,
        place,
        is_directory,
    } in renamed
    {
        let place = into.join(place);
        let directory = match is_directory {
            true => Some(place.as_path()),
            false => place.parent(),
        };
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(RestoreError::disk("create", directory))?;
        }
        if *is_directory {
            continue;
        }
        disk::remove_directory(alone)?;
        fs::create_dir(alone).map_err(RestoreError::disk("create", alone))?;
        extract_one(entry, alone)?;
        let files = fs::read_dir(alone).map_err(RestoreError::disk("read", alone))?;
        // 7-Zip reported what could not be extracted, and the verification finds that it is
        // missing.
        for file in files.flatten() {
            move_to(&file.path(), &place)?;
        }
    }
    disk::remove_directory(alone)
}

fn move_to(file: &Path, place: &Path) -> Result<(), RestoreError> {
    match remove(place) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(RestoreError::disk("replace", place)(error));
        }
        _ => {}
    }
    fs::rename(file, place)
        .or_else(|_| fs::copy(file, place).map(drop))
        .map_err(RestoreError::disk("write", place))
}

/// Where the entries of a mount are put. Those of the wanted state choose first.
pub fn legal_names(
    mount: &PlannedMount,
    manifest: Option<&OpenManifest>,
) -> Result<LegalNames, RestoreError> {
    let mut names = LegalNames::new(Family::HOST);
    if let Some(manifest) = manifest.filter(|_| Family::HOST == Family::Windows) {
        for entry in manifest.read()? {
            let entry = entry.map_err(|why| manifest.broken(why))?;
            if let Some(path) = entry.path.as_str()
                && manifests::is_wanted(&mount.wanted, &entry.path)
            {
                names.place(path);
            }
        }
    }
    Ok(names)
}

/// Names what has another name now.
pub fn report(names: &LegalNames, into: &Path, events: &Events<'_>) {
    for (path, place) in names.renamed() {
        let text = format!(
            "'{}' was restored as '{}': this system cannot create its name beside the others",
            path.escape_debug(),
            into.join(place).display()
        );
        events.warn(Section::Restore, text, None);
    }
}
