//! `ls`: what is in a directory of a state (SPEC#search). Pure.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::manifest::{Entry, RelPath};
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;
use crate::model::text::{aligned, count, one_line, size};
use crate::plan::restore::error::PlanError;
use crate::plan::restore::only::Wanted;

use super::entry::Seen;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// As the user wrote it. None: the mounts.
    pub path: Option<String>,
    /// Everything below, not only what is directly in it.
    pub recursive: bool,
}

impl Question {
    /// What is asked for of a mount.
    pub fn within(&self, number: usize, mount: &FullPath) -> Option<Asked> {
        let Some(text) = &self.path else {
            return Some(Asked::Mount);
        };
        let above = FullPath::parse(text)
            .is_ok_and(|path| mount.starts_with(&path) && !path.starts_with(mount));
        match above {
            true => Some(Asked::Mount),
            false => Wanted::within(text, number, Some(mount)).map(Asked::Below),
        }
    }
}

/// What is asked for of a mount.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The mount itself, because a directory above it was asked for.
    Mount,
    Below(Wanted),
}

impl Asked {
    fn shows(&self, path: &str, is_directory: bool, recursive: bool) -> bool {
        let depth = path.split('/').filter(|name| !name.is_empty()).count();
        match self {
            Asked::Mount => depth == 0 || recursive,
            Asked::Below(wanted) => {
                let asked = wanted.names.len();
                wanted.holds(path)
                    && match depth.checked_sub(asked) {
                        Some(0) => !is_directory,
                        Some(1) => true,
                        Some(_) => recursive,
                        None => false,
                    }
            }
        }
    }

    fn is_at(&self, path: &str) -> bool {
        match self {
            Asked::Mount => true,
            Asked::Below(wanted) => wanted.holds(path),
        }
    }
}

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListedPath {
    pub path: String,
    #[serde(flatten)]
    pub seen: Seen,
    /// The backup whose archive holds the content. None: not known, or none does.
    pub backup: Option<Stamp>,
}

/// A directory of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DirectoryView {
    pub location: String,
    pub state: Stamp,
    pub paths: Vec<ListedPath>,
    #[serde(skip)]
    is_there: bool,
    /// The last entry of a mount that is in no listed directory, and its mount.
    #[serde(skip)]
    top: Option<(FullPath, RelPath)>,
}

impl DirectoryView {
    pub fn new(location: &str, state: Stamp) -> DirectoryView {
        DirectoryView {
            location: location.to_owned(),
            state,
            paths: Vec::new(),
            is_there: false,
            top: None,
        }
    }

    /// The mount itself, or its sources where it is only the directory above them.
    fn is_top(&mut self, mount: &FullPath, path: &RelPath) -> bool {
        let above = self.top.as_ref();
        if above.is_some_and(|(of, top)| of == mount && path.starts_with(top)) {
            return false;
        }
        self.top = Some((mount.clone(), path.clone()));
        true
    }

    /// Takes an entry if it is asked for.
    pub fn consider(
        &mut self,
        question: &Question,
        asked: &Asked,
        mount: &FullPath,
        entry: &Entry,
    ) {
        let text = entry.path.to_string();
        self.is_there |= asked.is_at(&text);
        let seen = Seen::of(entry);
        let is_top = matches!(asked, Asked::Mount) && self.is_top(mount, &entry.path);
        if is_top || asked.shows(&text, !seen.is_file(), question.recursive) {
            self.paths.push(ListedPath {
                path: entry.shown_below(mount),
                seen,
                backup: entry.stored_in(),
            });
        }
    }

    /// The listing, if the path exists at all. `mounts` are those of the state, as people see them.
    ///
    /// # Errors
    /// When it is not there.
    pub fn finish(
        mut self,
        question: &Question,
        mounts: Vec<String>,
    ) -> Result<DirectoryView, PlanError> {
        let state = self.state;
        match &question.path {
            Some(path) if !self.is_there => Err(PlanError::NotInState {
                path: path.clone(),
                state,
                mounts,
            }),
            _ => {
                self.paths.sort_by(|a, b| a.path.cmp(&b.path));
                Ok(self)
            }
        }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let table: Vec<[String; 3]> = self.paths.iter().map(ListedPath::row).collect();
        let files = self.paths.iter().filter(|p| p.seen.is_file());
        let bytes: u64 = files.map(|p| p.seen.size).sum();
        let of_state = format!("as of {}", self.state);
        let number = count(self.paths.len() as u64, "path");
        format!("{}{number}, {}, {of_state}\n", aligned(&table), size(bytes))
    }
}

impl ListedPath {
    fn row(&self) -> [String; 3] {
        [
            self.seen.what(),
            self.seen.time(),
            one_line(&self.path).into_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_and_what_is_in_it() {
        let mount = FullPath::parse("/home/a").unwrap();
        let paths = ["", "docs", "docs/x", "docs/x/y", "z"];
        let is_directory = |path: &str| !matches!(path, "docs/x/y" | "z");
        for (asked, recursive, shown) in [
            (None, false, &[""][..]),
            (Some("/home"), false, &[""]),
            (Some("/home/a"), false, &["docs", "z"]),
            (Some("1/docs"), false, &["docs/x"]),
            (Some("/home/a/docs"), true, &["docs/x", "docs/x/y"]),
            (Some("/home/a/z"), false, &["z"]),
            (Some("/home/a/docs/x/y"), false, &["docs/x/y"]),
        ] {
            let question = Question {
                path: asked.map(str::to_owned),
                recursive,
            };
            let within = question.within(1, &mount).unwrap();
            let found: Vec<&str> = paths
                .into_iter()
                .filter(|p| within.shows(p, is_directory(p), recursive))
                .collect();
            assert_eq!(found, shown, "{asked:?} {recursive}");
        }
        let elsewhere = Question {
            path: Some("/etc".into()),
            recursive: false,
        };
        assert!(elsewhere.within(1, &mount).is_none());
    }
}
