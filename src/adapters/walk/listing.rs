//! One directory, read, judged and sorted: the unit of work of a walk.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::meta::meta_of;
use crate::model::manifest::Meta;
use crate::model::select::{Kind, Location, Selection};

/// One entry of a directory, judged.
#[derive(Debug)]
pub(super) enum Judged {
    Directory(Meta),
    File(Meta),
    Excluded(Kind),
    NotCopied(Kind),
    Unreadable(io::Error),
    /// A listed source that does not exist or is not a directory.
    Missing(String),
}

/// A directory's entries in walk order.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Vec<(OsString, Judged)>,
    really_empty: bool,
}

impl Listing {
    /// Reads a directory inside a source.
    pub(super) fn read(
        path: &Path,
        location: &Location,
        selection: &Selection,
    ) -> io::Result<Listing> {
        let mut entries = Vec::new();
        let mut not_found = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match judge(&entry, location, selection) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {
                    not_found.push(entry.file_name());
                }
                Err(why) => entries.push((entry.file_name(), Judged::Unreadable(why))),
                Ok(found) => entries.push((entry.file_name(), found)),
            }
        }
        entries.extend(still_listed(path, &not_found)?);
        add_change_times(path, &mut entries);
        entries.sort_unstable_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        let really_empty = entries.is_empty();
        Ok(Listing {
            entries,
            really_empty,
        })
    }

    /// The way on from a directory above the sources: it may not be readable, and need not be.
    pub(super) fn towards_sources(
        path: &Path,
        location: &Location,
        selection: &Selection,
    ) -> Listing {
        let mut entries: Vec<(OsString, Judged)> = location
            .next_names()
            .into_iter()
            .map(|name| {
                let found = match selection.excludes(location, &name, Kind::Directory) {
                    Some(_) => Judged::Excluded(Kind::Directory),
                    None => {
                        let is_source = location.enter(&name).is_source();
                        match source(&path.join(&name), is_source) {
                            Ok(meta) => Judged::Directory(meta),
                            Err(why) => Judged::Missing(why),
                        }
                    }
                };
                (OsString::from(name), found)
            })
            .collect();
        entries.sort_unstable_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        Listing {
            entries,
            really_empty: false,
        }
    }

    pub(super) fn really_empty(&self) -> bool {
        self.really_empty
    }

    /// Names of the directories to go on into, in order.
    pub(super) fn directories(&self) -> Vec<OsString> {
        let is_directory = |(_, found): &&(OsString, Judged)| matches!(found, Judged::Directory(_));
        self.entries
            .iter()
            .filter(is_directory)
            .map(|(name, _)| name.clone())
            .collect()
    }

    pub(super) fn into_entries(self) -> std::vec::IntoIter<(OsString, Judged)> {
        self.entries.into_iter()
    }
}

/// Names that the directory lists and that cannot be found: those that are listed still were not
/// deleted meanwhile (odd names on network shares), so what they hold is not known.
fn still_listed(path: &Path, not_found: &[OsString]) -> io::Result<Vec<(OsString, Judged)>> {
    if not_found.is_empty() {
        return Ok(Vec::new());
    }
    let listed = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    let is_there = |name: &&OsString| {
        let is_missing = || {
            let found = fs::symlink_metadata(path.join(name));
            found.is_err_and(|why| why.kind() == io::ErrorKind::NotFound)
        };
        listed.contains(name) && is_missing()
    };
    let unreadable = |name: &OsString| {
        let why = io::Error::other("its directory lists it, but it cannot be found by that name");
        (name.clone(), Judged::Unreadable(why))
    };
    Ok(not_found.iter().filter(is_there).map(unreadable).collect())
}

/// Windows tells change times by directory only. Without them the other times have to do.
#[cfg(windows)]
fn add_change_times(directory: &Path, entries: &mut [(OsString, Judged)]) {
    let Ok(times) = crate::adapters::windows::change_times(directory) else {
        return;
    };
    for (name, found) in entries {
        if let Judged::Directory(meta) | Judged::File(meta) = found {
            meta.changed = times.get(name.as_os_str()).copied();
        }
    }
}

#[cfg(not(windows))]
fn add_change_times(_directory: &Path, _entries: &mut [(OsString, Judged)]) {}

fn judge(entry: &DirEntry, location: &Location, selection: &Selection) -> io::Result<Judged> {
    let kind = kind_of(entry.file_type()?);
    if selection
        .excludes(location, &name_text(&entry.file_name()), kind)
        .is_some()
    {
        return Ok(Judged::Excluded(kind));
    }
    match kind {
        Kind::Directory => Ok(Judged::Directory(meta_of(&entry.metadata()?)?)),
        Kind::File => {
            let metadata = entry.metadata()?;
            match is_in_cloud(attributes(&metadata)) {
                true => Ok(Judged::Unreadable(io::Error::other(IN_CLOUD))),
                false => Ok(Judged::File(meta_of(&metadata)?)),
            }
        }
        Kind::Link | Kind::Special => Ok(Judged::NotCopied(kind)),
    }
}

const IN_CLOUD: &str =
    "its content is in the cloud only, which a shadow copy cannot get; have it kept on this device";

/// Whether the content of a file of Windows is elsewhere and fetched when it is read. Robocopy
/// leaves out what has the first of these attributes (`/XA:O`).
fn is_in_cloud(attributes: u32) -> bool {
    const OFFLINE: u32 = 0x1000;
    const RECALL_ON_OPEN: u32 = 0x4_0000;
    const RECALL_ON_DATA_ACCESS: u32 = 0x40_0000;
    attributes & (OFFLINE | RECALL_ON_OPEN | RECALL_ON_DATA_ACCESS) != 0
}

#[cfg(windows)]
fn attributes(of: &fs::Metadata) -> u32 {
    std::os::windows::fs::MetadataExt::file_attributes(of)
}

#[cfg(not(windows))]
fn attributes(_: &fs::Metadata) -> u32 {
    0
}

pub(super) fn kind_of(file_type: fs::FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Directory
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Special
    }
}

/// Looks at a source, or at a directory above one (where a link is followed, as the system does).
///
/// # Errors
/// Why it cannot be walked, in words.
pub(super) fn source(path: &Path, is_source: bool) -> Result<Meta, String> {
    let metadata = if is_source {
        fs::symlink_metadata(path)
    } else {
        fs::metadata(path)
    };
    let metadata = metadata.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        _ => e.to_string(),
    })?;
    match kind_of(metadata.file_type()) {
        Kind::Directory => meta_of(&metadata).map_err(|e| e.to_string()),
        Kind::Link => Err(
            "it is a symbolic link, and links are not followed; list the directory it leads to"
                .to_owned(),
        ),
        Kind::File | Kind::Special => Err("it is not a directory".to_owned()),
    }
}

/// Why a source cannot be backed up, if it cannot.
pub fn source_problem(path: &Path) -> Option<String> {
    source(path, true).err()
}

/// A name as the selection rule takes it. Bytes that are not text become NUL, which wildcards match
/// and no profile can say: a path with the replacement character, copied from a terminal, must not
/// stand for every broken name.
pub(super) fn name_text(name: &OsStr) -> Cow<'_, str> {
    match name.to_str() {
        Some(text) => Cow::Borrowed(text),
        None => name
            .to_string_lossy()
            .replace(char::REPLACEMENT_CHARACTER, "\0")
            .into(),
    }
}

/// A name from a manifest as the operating system takes it. `None` when this system cannot have
/// such a name.
pub fn native_name(bytes: &[u8]) -> Option<OsString> {
    #[cfg(unix)]
    {
        Some(std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec()))
    }
    #[cfg(not(unix))]
    {
        std::str::from_utf8(bytes).ok().map(OsString::from)
    }
}

#[cfg(test)]
mod tests {
    use super::is_in_cloud;

    #[test]
    fn files_whose_content_is_in_the_cloud() {
        for (attributes, expected) in [
            (0x20, false),
            (0x1020, true),
            (0x0050_1620, true),
            (0x0004_0020, true),
            // Deduplicated, compressed or sparse files are read as others.
            (0x620, false),
            // Kept on this device.
            (0x0008_0020, false),
        ] {
            assert_eq!(is_in_cloud(attributes), expected, "{attributes:x}");
        }
    }
}
