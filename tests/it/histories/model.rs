//! What must come back: stated from the tree as it was, and from nothing that the program says
//! but the name of the backup.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::support::look::{Found, Seen, look, one};

/// Exclusions of the histories: of directories and of files.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    /// The names `cache`, and this full path.
    pub cache: bool,
    pub directory: Option<PathBuf>,
    /// The names `*.tmp`, and this full path.
    pub tmp: bool,
    pub file: Option<PathBuf>,
    /// The rules of Windows: names are equal without regard to case, there are no modes, and a
    /// program's alias is no file.
    pub windows: bool,
}

impl Exclusions {
    /// A name or path as it is compared.
    fn folded(&self, path: &Path) -> PathBuf {
        match self.windows {
            true => path.to_string_lossy().to_lowercase().into(),
            false => path.to_owned(),
        }
    }
}

/// Everything selected, by absolute path. Sources that are not there have nothing.
pub fn selected(sources: &[PathBuf], exclusions: &Exclusions) -> Seen {
    let mut seen = Seen::new();
    for source in sources.iter().filter(|source| source.is_dir()) {
        seen.insert(source.as_os_str().as_bytes().to_vec(), one(source));
        for (rel, found) in look(source) {
            let rel = Path::new(std::ffi::OsStr::from_bytes(&rel)).to_path_buf();
            if is_selected(source, &rel, found.kind == "directory", exclusions) {
                let path = source.join(rel);
                seen.insert(path.as_os_str().as_bytes().to_vec(), found);
            }
        }
    }
    // 7-Zip keeps times in steps of 100 ns.
    for found in seen.values_mut() {
        found.modified /= 100;
        if exclusions.windows {
            found.mode = 0;
        }
    }
    seen
}

fn is_selected(source: &Path, rel: &Path, is_directory: bool, out: &Exclusions) -> bool {
    if rel.as_os_str().is_empty() {
        return true;
    }
    let (rel, source) = (out.folded(rel), out.folded(source));
    let (rel, source) = (rel.as_path(), source.as_path());
    let excluded = |path: &Option<PathBuf>| path.as_deref().map(|path| out.folded(path));
    let full = source.join(rel);
    let name = rel.file_name().unwrap().to_string_lossy().into_owned();
    if out.windows && !is_directory && name == super::tree::ALIAS {
        return false;
    }
    let directories = if is_directory {
        Some(rel)
    } else {
        rel.parent()
    };
    let left_out = directories
        .into_iter()
        .flat_map(Path::ancestors)
        .any(|directory| {
            (out.cache && directory.file_name().is_some_and(|name| name == "cache"))
                || (!directory.as_os_str().is_empty()
                    && excluded(&out.directory) == Some(source.join(directory)))
        });
    let file_out =
        !is_directory && ((out.tmp && name.ends_with(".tmp")) || excluded(&out.file) == Some(full));
    !left_out && !file_out
}

/// What may be found at a path; `None` is nothing.
pub type Allowed = Vec<Option<Found>>;

/// What a backup must give back.
#[derive(Clone, Debug, Default)]
pub struct Backup {
    pub expected: BTreeMap<Vec<u8>, Allowed>,
    /// Sources that were not there: what was known of them before may come back.
    pub unseen: Vec<PathBuf>,
    /// A source on a mount of its own that was not in the profile: the last that an earlier backup
    /// of the set has of it may come back, and a restore says so.
    pub taken_out: Option<PathBuf>,
    pub exclusions: Exclusions,
    pub key: usize,
    pub host: usize,
    /// It may lack what a restore then names, or what the run named: all that this one said.
    pub told: Option<String>,
}

/// What is known of all backups, by stamp.
#[derive(Default)]
pub struct Model {
    pub backups: BTreeMap<String, Backup>,
    /// All that ever was at a path.
    ever: BTreeMap<Vec<u8>, Vec<Found>>,
    /// By store: set and stamp of backups of which an object was lost.
    pub harmed: BTreeSet<(usize, String, String)>,
}

impl Model {
    pub fn saw(&mut self, tree: &Seen) {
        for (path, found) in tree {
            let ever = self.ever.entry(path.clone()).or_default();
            if !ever.contains(found) {
                ever.push(found.clone());
            }
        }
    }

    /// Whether what a store has of this state was harmed.
    pub fn is_harmed(&self, store: usize, set: &str, stamp: &str) -> bool {
        let mut harmed = self.harmed.iter();
        harmed.any(|(s, full, of)| *s == store && full == set && of.as_str() <= stamp)
    }

    /// How what came back differs from what must; each with its path.
    pub fn differences(&self, set: &str, stamp: &str, back: &Seen) -> Vec<(Vec<u8>, String)> {
        let backup = &self.backups[stamp];
        let is_unseen = |path: &[u8]| backup.source_unseen(path).is_some();
        let must = self.carried_over(set, stamp);
        let mut lines = Vec::new();
        let expected = backup.expected.keys().chain(&must);
        let paths: BTreeSet<&Vec<u8>> = expected.chain(back.keys()).collect();
        for path in paths {
            let here = back.get(path);
            let fits = match backup.expected.get(path) {
                Some(allowed) => allowed.iter().any(|there| same(there.as_ref(), here)),
                None if is_unseen(path) => {
                    let known = self.ever.get(path).into_iter().flatten();
                    let is_known = |h| known.clone().any(|e| same(Some(e), Some(h)));
                    here.map_or(!must.contains(path), is_known)
                }
                None if backup.is_taken_out(path) => {
                    let mut known = self.ever.get(path).into_iter().flatten();
                    here.is_none_or(|here| known.any(|e| same(Some(e), Some(here))))
                }
                None => false,
            };
            if !fits {
                let allowed = backup.expected.get(path);
                let allowed = allowed.map_or_else(String::new, |all| {
                    all.iter()
                        .map(|f| shown(f.as_ref()))
                        .collect::<Vec<_>>()
                        .join(" or ")
                });
                lines.push((
                    path.clone(),
                    format!(
                        "{}: expected {}, found {}",
                        String::from_utf8_lossy(path),
                        if allowed.is_empty() {
                            "nothing"
                        } else {
                            &allowed
                        },
                        shown(here)
                    ),
                ));
            }
        }
        lines
    }
}

impl Model {
    /// What every backup of the set before this one has of sources that this one did not see.
    fn carried_over(&self, set: &str, stamp: &str) -> BTreeSet<Vec<u8>> {
        let backup = &self.backups[stamp];
        let mut before = self.backups.range(set.to_owned()..stamp.to_owned());
        let Some((_, first)) = before.next() else {
            return BTreeSet::new();
        };
        let has = |backup: &Backup, path: &Vec<u8>| {
            backup
                .expected
                .get(path)
                .is_some_and(|a| a.iter().all(Option::is_some))
        };
        let before: Vec<&Backup> = before.map(|(_, backup)| backup).collect();
        let still = |path: &&Vec<u8>| {
            let Some(source) = backup.source_unseen(path) else {
                return false;
            };
            let absolute = Path::new(std::ffi::OsStr::from_bytes(path));
            let rel = absolute.strip_prefix(source).unwrap();
            // A directory would be left out as a file is, or more.
            [true, false]
                .iter()
                .all(|kind| is_selected(source, rel, *kind, &backup.exclusions))
                && has(first, path)
                && before
                    .iter()
                    .all(|b| b.source_unseen(path).is_some() || has(b, path))
        };
        first.expected.keys().filter(still).cloned().collect()
    }
}

impl Backup {
    pub fn is_taken_out(&self, path: &[u8]) -> bool {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let mut source = self.taken_out.iter();
        source.any(|source| path.starts_with(source))
    }

    fn source_unseen(&self, path: &[u8]) -> Option<&PathBuf> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        self.unseen.iter().find(|source| path.starts_with(source))
    }

    /// The tree before and after the run; what differs may come back as either.
    pub fn new(before: &Seen, after: &Seen) -> Backup {
        let mut expected = BTreeMap::new();
        for path in before.keys().chain(after.keys()) {
            let mut allowed: Allowed = vec![before.get(path).cloned()];
            let later = after.get(path).cloned();
            if !allowed.contains(&later) {
                allowed.push(later);
            }
            expected.insert(path.clone(), allowed);
        }
        Backup {
            expected,
            ..Backup::default()
        }
    }

    /// What changed while the run went on may be missing too.
    pub fn forgive(&mut self) {
        for allowed in self
            .expected
            .values_mut()
            .filter(|allowed| allowed.len() > 1)
        {
            // A directory gets another time with each step of a change.
            for found in allowed
                .iter_mut()
                .flatten()
                .filter(|f| f.kind == "directory")
            {
                found.modified = ANY_TIME;
            }
        }
    }
}

/// No file has it.
const ANY_TIME: i128 = i128::MIN;

fn same(expected: Option<&Found>, found: Option<&Found>) -> bool {
    match (expected, found) {
        (None, None) => true,
        (Some(e), Some(f)) => {
            e.kind == f.kind
                && e.content == f.content
                && e.mode == f.mode
                && (e.modified == f.modified || e.modified == ANY_TIME)
        }
        _ => false,
    }
}

fn shown(found: Option<&Found>) -> String {
    found.map_or_else(
        || "nothing".to_owned(),
        |f| {
            let start = &f.content[..f.content.len().min(30)];
            format!(
                "{} of {} bytes '{}' mode {:o} time {}",
                f.kind,
                f.content.len(),
                String::from_utf8_lossy(start).escape_debug(),
                f.mode,
                f.modified
            )
        },
    )
}
