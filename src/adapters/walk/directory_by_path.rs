//! A directory in a source, by its path: for systems whose listing of a directory holds all that a
//! walk needs, or that have no better way.

pub(super) use self::{DirectoryByPath as SourceDirectory, NameByPath as NameIn};

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::details;
use super::found::Found;
use super::meta::{kind_of, refuse_in_cloud};
#[cfg(windows)]
use crate::adapters::windows::ListedEntry;
use crate::model::manifest::details::Attributes;
use crate::model::select::Kind;

/// A directory.
#[derive(Debug)]
pub(super) struct DirectoryByPath(PathBuf);

impl DirectoryByPath {
    /// A directory by its path.
    pub(super) fn at(path: &Path) -> io::Result<DirectoryByPath> {
        Ok(DirectoryByPath(path.to_owned()))
    }

    /// A directory in this one.
    pub(super) fn open(&self, name: &OsStr) -> io::Result<DirectoryByPath> {
        Ok(DirectoryByPath(self.0.join(name)))
    }

    /// Calls `each` for every name in it.
    pub(super) fn names(&self, each: &mut dyn FnMut(OsString, NameByPath<'_>)) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            each(entry.file_name(), NameByPath(&entry));
        }
        Ok(())
    }

    /// What a name is now.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<(Kind, Found)> {
        let path = self.0.join(name);
        let found = fs::symlink_metadata(&path)?;
        Ok((kind_of(found.file_type()), details::found(&path, &found)?))
    }

    /// What a look has not read of a name: nothing.
    pub(super) fn attributes(&self, _: &OsStr) -> Option<Arc<Attributes>> {
        None
    }

    /// Windows tells change times and reparse tags by directory only. Without them the other times
    /// have to do.
    #[cfg(windows)]
    pub(super) fn listed(&self) -> Option<std::collections::HashMap<OsString, ListedEntry>> {
        crate::adapters::windows::listed(&self.0).ok()
    }
}

/// Nothing is held open here.
pub(super) fn allow_many() {}

/// What a directory says of a name in it.
pub(super) struct NameByPath<'a>(&'a DirEntry);

impl NameByPath<'_> {
    /// What it is.
    pub(super) fn kind(&self, _: &OsStr) -> io::Result<Kind> {
        Ok(kind_of(self.0.file_type()?))
    }

    /// What it is and what is known of it.
    pub(super) fn look(&self, _: &OsStr) -> io::Result<(Kind, Found)> {
        let found = self.0.metadata()?;
        refuse_in_cloud(&found)?;
        let path = self.0.path();
        Ok((kind_of(found.file_type()), details::found(&path, &found)?))
    }
}
