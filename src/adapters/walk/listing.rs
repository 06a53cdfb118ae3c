//! One directory, read, judged and sorted: the unit of work of a walk.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::details;
use super::directory::{NameIn, SourceDirectory};
use super::found::Found;
use super::meta::{CaseTwin, kind_of};
use crate::model::exclusion::Exclusion;
#[cfg(windows)]
use crate::model::manifest::details::LinkKind;
use crate::model::path::Family;
use crate::model::select::{Kind, Location, Selection};

/// One entry of a directory, judged.
#[derive(Debug)]
pub(super) enum Judged {
    Directory(Found),
    File(Found),
    /// A symbolic link that is stored.
    Link(Found),
    Excluded(Kind, Exclusion),
    NotCopied(Kind),
    Unreadable(io::Error),
    /// A listed source that does not exist or is not a directory.
    Missing(String),
}

/// Where a directory is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// At a path: a source, or a directory above one.
    At(PathBuf),
    /// In a directory of a source.
    In(Arc<SourceDirectory>, OsString),
}

impl Place {
    fn open(&self) -> io::Result<SourceDirectory> {
        match self {
            Place::At(path) => SourceDirectory::at(path),
            Place::In(parent, name) => parent.open(name),
        }
    }
}

/// A directory's entries in walk order.
#[derive(Debug)]
pub(super) struct Listing {
    /// The directory itself; `None` above the sources.
    pub(super) directory: Option<Arc<SourceDirectory>>,
    entries: Vec<(OsString, Judged)>,
    really_empty: bool,
}

impl Listing {
    /// Reads a directory inside a source.
    pub(super) fn read(
        place: &Place,
        location: &Location,
        selection: &Selection,
        reads_attributes: bool,
    ) -> io::Result<Listing> {
        let directory = place.open()?;
        let mut entries = Vec::new();
        let mut not_found = Vec::new();
        directory.names(
            &mut |name, listed| match judge(&name, &listed, location, selection) {
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => not_found.push(name),
                Err(why) => entries.push((name, Judged::Unreadable(why))),
                Ok(found) => entries.push((name, found)),
            },
        )?;
        entries.extend(still_listed(&directory, &not_found)?);
        add_listed(&directory, &mut entries);
        if reads_attributes {
            for (name, found) in &mut entries {
                if let Judged::Directory(found) | Judged::File(found) = found {
                    found.details.attributes = directory.attributes(name);
                }
            }
        }
        set_twins_apart(&mut entries);
        entries.sort_unstable_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        let really_empty = entries.is_empty();
        Ok(Listing {
            directory: Some(Arc::new(directory)),
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
                    Some(by) => Judged::Excluded(Kind::Directory, by),
                    None => {
                        let is_source = location.enter(&name).is_source();
                        match source(&path.join(&name), is_source) {
                            Ok(found) => Judged::Directory(found),
                            Err(why) => Judged::Missing(why),
                        }
                    }
                };
                (OsString::from(name), found)
            })
            .collect();
        entries.sort_unstable_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        Listing {
            directory: None,
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
fn still_listed(
    directory: &SourceDirectory,
    not_found: &[OsString],
) -> io::Result<Vec<(OsString, Judged)>> {
    if not_found.is_empty() {
        return Ok(Vec::new());
    }
    let mut listed = Vec::new();
    directory.names(&mut |name, _| listed.push(name))?;
    let is_there = |name: &&OsString| {
        let is_missing = || {
            let found = directory.look(name);
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

#[cfg(windows)]
fn add_listed(directory: &SourceDirectory, entries: &mut [(OsString, Judged)]) {
    let Some(listed) = directory.listed() else {
        return;
    };
    for (name, found) in entries {
        let Some(listed) = listed.get(name.as_os_str()) else {
            continue;
        };
        match found {
            Judged::File(_) if listed.tag.is_some_and(super::meta::is_special_tag) => {
                *found = Judged::NotCopied(Kind::Special);
            }
            Judged::Directory(found) | Judged::File(found) => {
                found.meta.changed = listed.changed;
            }
            Judged::Link(found) => {
                found.meta.changed = listed.changed;
                if listed.tag.is_some_and(super::meta::is_junction_tag)
                    && let Some(link) = &mut found.details.link
                {
                    link.kind = LinkKind::Junction;
                }
            }
            _ => {}
        }
    }
}

#[cfg(not(windows))]
fn add_listed(_directory: &SourceDirectory, _entries: &mut [(OsString, Judged)]) {}

/// Entries whose names differ only in case become unreadable, all of them: what is left out by the
/// path of one is left out by that of the other, too.
fn set_twins_apart(entries: &mut [(OsString, Judged)]) {
    if Family::HOST == Family::Unix {
        return;
    }
    let folded = |name: &OsStr| Family::HOST.fold(&name_text(name));
    let mut known: HashMap<String, Vec<OsString>> = HashMap::new();
    for (name, judged) in entries.iter() {
        if !matches!(judged, Judged::Excluded(..)) {
            known.entry(folded(name)).or_default().push(name.clone());
        }
    }
    known.retain(|_, names| names.len() > 1);
    for (name, judged) in entries {
        let kind = match judged {
            Judged::File(_) => Kind::File,
            Judged::Directory(_) => Kind::Directory,
            _ => continue,
        };
        let names = known.get(&folded(name)).into_iter().flatten();
        let other = names.into_iter().find(|other| *other != name);
        if let Some(other) = other {
            let other = other.to_string_lossy().into_owned();
            *judged = Judged::Unreadable(io::Error::other(CaseTwin { other, kind }));
        }
    }
}

fn judge(
    name: &OsStr,
    listed: &NameIn<'_>,
    location: &Location,
    selection: &Selection,
) -> io::Result<Judged> {
    let text = name_text(name);
    let excluded = |kind| selection.excludes(location, &text, kind);
    let kind = listed.kind(name)?;
    if let Some(by) = excluded(kind) {
        return Ok(Judged::Excluded(kind, by));
    }
    // A profile of the other system is never walked here.
    let is_stored = |kind| selection.spec().stores(kind);
    if !is_stored(kind) {
        return Ok(Judged::NotCopied(kind));
    }
    // It may have become something else since it was listed.
    let (now, found) = listed.look(name)?;
    if now != kind
        && let Some(by) = excluded(now)
    {
        return Ok(Judged::Excluded(now, by));
    }
    Ok(match now {
        Kind::Directory => Judged::Directory(found),
        Kind::File => Judged::File(found),
        Kind::Link if is_stored(Kind::Link) && found.details.link.is_some() => Judged::Link(found),
        now => Judged::NotCopied(now),
    })
}

/// Looks at a source, or at a directory above one (where a link is followed, as the system does).
///
/// # Errors
/// Why it cannot be walked, in words.
pub(super) fn source(path: &Path, is_source: bool) -> Result<Found, String> {
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
        Kind::Directory => details::found(path, &metadata).map_err(|e| e.to_string()),
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
