//! Which file a profile's name means (SPEC#profile).
//!
//! A path is used as it is. A name is looked up in a list of directories, and the first match wins.
//! If two files of one directory have the same name, that is an error, so that it is always clear
//! which profile runs.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::diagnose::Diagnostics;
use super::{load, suggest};
use crate::model::job::Job;

/// The environment variable that names directories of profiles, separated as in `PATH`.
pub const VARIABLE: &str = "AAM_BACKUP_PROFILES";

/// Where profiles are looked up by name.
#[derive(Clone, Debug)]
pub struct Search {
    directories: Vec<PathBuf>,
    /// How many of them the user named.
    named: usize,
}

/// Why a name means no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("no profile with this name was found; looked in {}", list(.looked))]
    NotFound {
        looked: Vec<PathBuf>,
        near: Vec<String>,
    },
    #[error("a profile named twice: {}", list(.files))]
    Twice { files: Vec<PathBuf> },
    #[error("the file says `name: {inside}`: {}", .file.display())]
    OtherName { file: PathBuf, inside: String },
}

impl FindError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            FindError::NotFound { near, .. } if near.is_empty() => Some(
                "give the path of a file, or a directory of profiles with --profiles DIR"
                    .to_owned(),
            ),
            FindError::NotFound { near, .. } => Some(format!("did you mean {}?", near.join(", "))),
            FindError::Twice { .. } => {
                Some("give each profile its own `name`, equal to its file name".to_owned())
            }
            FindError::OtherName { inside, .. } => Some(format!(
                "use the name '{inside}', rename the file, or give its path"
            )),
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

impl Search {
    /// The search order: `--profiles`, then `AAM_BACKUP_PROFILES`, then `./profiles`, then the
    /// configuration directories of the operating system.
    pub fn new(option: Option<&Path>) -> Search {
        let mut directories: Vec<PathBuf> = option.map(Path::to_owned).into_iter().collect();
        if let Some(variable) = env::var_os(VARIABLE) {
            directories
                .extend(env::split_paths(&variable).filter(|path| !path.as_os_str().is_empty()));
        }
        let named = directories.len();
        directories.push(PathBuf::from("profiles"));
        directories.extend(configuration());
        Search { directories, named }
    }

    /// The directory for a new profile: the first that the user named, else that of the operating
    /// system, for the whole computer or for the user. A scheduled run finds it there; `./profiles`
    /// depends on the current directory.
    pub fn home(&self, for_all: bool) -> Option<PathBuf> {
        let mut configuration = configuration();
        let own = if for_all {
            configuration.first().cloned()
        } else {
            configuration.pop()
        };
        self.directories[..self.named].first().cloned().or(own)
    }

    /// The directories that are for profiles alone, whether they exist or not.
    pub fn standard_directories() -> Vec<PathBuf> {
        configuration()
    }

    /// Every profile of the first directory that has any, by name.
    pub fn all(&self) -> Vec<String> {
        let lists = self.directories.iter().map(|directory| entries(directory));
        let first = lists.into_iter().find(|entries| !entries.is_empty());
        let files = first.into_iter().flatten();
        let paths = files.map(|entry| entry.path.to_string_lossy().into_owned());
        let mut paths: Vec<String> = paths.collect();
        paths.sort();
        paths
    }

    /// Finds and loads a profile, by path or by name.
    ///
    /// # Errors
    /// When it is not found, or anything is wrong with it.
    pub fn load(&self, profile: &str) -> Result<Job, Diagnostics> {
        let file = self.find(profile).map_err(|error| {
            Diagnostics::file(Path::new(profile), error.to_string(), error.hint())
        })?;
        load(&file)
    }

    /// The file that a path or name means.
    ///
    /// # Errors
    /// When no file or more than one file has the name.
    pub fn find(&self, profile: &str) -> Result<PathBuf, FindError> {
        if is_path(profile) {
            return Ok(PathBuf::from(profile));
        }
        let mut near: Vec<String> = Vec::new();
        for directory in &self.directories {
            let entries = entries(directory);
            let claims: Vec<&ProfileFile> = entries
                .iter()
                .filter(|entry| entry.name() == profile)
                .collect();
            let files: Vec<&ProfileFile> = entries
                .iter()
                .filter(|entry| entry.stem == profile)
                .collect();
            match (files.as_slice(), claims.as_slice()) {
                ([_, _, ..], _) => return Err(twice(&files)),
                (_, [_, _, ..]) => return Err(twice(&claims)),
                ([file], [claim]) if file.path != claim.path => return Err(twice(&[file, claim])),
                (_, [claim]) => return Ok(claim.path.clone()),
                ([file], []) => {
                    return Err(FindError::OtherName {
                        file: file.path.clone(),
                        inside: file.name().to_owned(),
                    });
                }
                ([], []) => {}
            }
            near.extend(
                suggest::near(profile, entries.iter().map(ProfileFile::name)).map(str::to_owned),
            );
        }
        near.sort();
        near.dedup();
        Err(FindError::NotFound {
            looked: self.directories.clone(),
            near,
        })
    }
}

/// A text is a path when it looks like one: it has a separator or a profile's extension.
fn is_path(text: &str) -> bool {
    let extension = Path::new(text).extension();
    text.contains(['/', '\\']) || extension.is_some_and(is_yaml) || Path::new(text).is_absolute()
}

fn is_yaml(extension: &OsStr) -> bool {
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

fn twice(entries: &[&ProfileFile]) -> FindError {
    FindError::Twice {
        files: entries.iter().map(|entry| entry.path.clone()).collect(),
    }
}

/// A file of a profile directory.
#[derive(Debug)]
struct ProfileFile {
    path: PathBuf,
    /// The file's name without extension.
    stem: String,
    /// What it says its name is, when that can be read.
    inside: Option<String>,
}

impl ProfileFile {
    /// The profile's name. A file too broken to say is taken at its own name, so that loading it
    /// says what is wrong.
    fn name(&self) -> &str {
        self.inside.as_deref().unwrap_or(&self.stem)
    }
}

/// The profiles of a directory, by file name. A directory that is not there has none.
fn entries(directory: &Path) -> Vec<ProfileFile> {
    let Ok(read) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut entries: Vec<ProfileFile> = read
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            if !path.extension().is_some_and(is_yaml) || path.is_dir() {
                return None;
            }
            let stem = path.file_stem()?.to_str()?.to_owned();
            // A part that profiles extend.
            if stem.starts_with('_') {
                return None;
            }
            Some(ProfileFile {
                inside: name_inside(&path),
                stem,
                path,
            })
        })
        .collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

/// The `name` of a profile, even if the rest is invalid.
fn name_inside(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let bytes = super::read(path).ok()?;
    let tree = super::yaml::parse(super::yaml::decode(&bytes).ok()?).ok()?;
    serde_json::from_value::<Named>(tree.value)
        .ok()
        .map(|named| named.name)
}

/// The configuration directories of this operating system.
fn configuration() -> Vec<PathBuf> {
    if cfg!(windows) {
        return env::var_os("ProgramData")
            .map(|d| PathBuf::from(d).join("AAM Auto Backup").join("profiles"))
            .into_iter()
            .collect();
    }
    let home = || {
        env::var_os("HOME")
            .filter(|home| !home.is_empty())
            .map(|home| PathBuf::from(home).join(".config"))
    };
    // The XDG rule: a relative path there is invalid.
    let xdg = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let own = xdg
        .or_else(home)
        .map(|config| config.join("aam-backup").join("profiles"));
    [Some(PathBuf::from("/etc/aam-backup/profiles")), own]
        .into_iter()
        .flatten()
        .collect()
}
