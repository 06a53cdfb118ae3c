//! The one selection rule (SPEC#selection): which files and directories a backup contains.
//!
//! The walker, the plan's counts, both archive lists, the mirror, its verification and `explain`
//! all ask [`Selection`]; no other code decides what is in or out. Pure: it knows names and kinds,
//! never a disk.

use std::collections::HashMap;
use std::fmt;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::exclusion::Exclusion;
use crate::model::path::{Family, FullPath};
use crate::model::policy::Links;

/// What a directory entry is, as far as the rule cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Directory,
    File,
    /// A symbolic link or junction: never followed; stored as a link, or else counted.
    Link,
    /// A device, socket or pipe: never copied, counted.
    Special,
}

/// What a profile selects, as data: what goes into the stage file and the selection digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SelectionSpec {
    pub family: Family,
    pub sources: Vec<FullPath>,
    pub directories: Vec<Exclusion>,
    pub files: Vec<Exclusion>,
    /// Not part of the digest: links are in no archive, so nothing has to be archived again.
    #[serde(default, skip_serializing_if = "Links::are_kept")]
    pub links: Links,
}

impl SelectionSpec {
    /// Whether an entry of this kind is stored, if nothing else leaves it out.
    pub fn stores(&self, kind: Kind) -> bool {
        match kind {
            Kind::File | Kind::Directory => true,
            Kind::Link => self.links.are_kept(),
            Kind::Special => false,
        }
    }
}

/// Why a path is in or out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Selected: it is this source or below it.
    Selected { source: FullPath },
    /// A directory above a source: walked through, not selected itself.
    AboveSource,
    /// Not below any source.
    OutsideSources,
    /// Left out, by this exclusion, which applied to this path (itself or a directory above it).
    Excluded { by: Exclusion, at: FullPath },
    /// A special file, or a link that is left out.
    NotCopied(Kind),
}

/// The compiled rule.
#[derive(Clone)]
pub struct Selection {
    spec: SelectionSpec,
    directories: Matcher,
    files: Matcher,
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl Selection {
    /// Compiles the rule.
    pub fn new(spec: SelectionSpec) -> Selection {
        let directories = Matcher::new(spec.family, &spec.directories);
        let files = Matcher::new(spec.family, &spec.files);
        Selection {
            spec,
            directories,
            files,
        }
    }

    /// The rule as data.
    pub fn spec(&self) -> &SelectionSpec {
        &self.spec
    }

    /// The step of the rule: does an exclusion apply to *this* entry itself? `parent` is the full
    /// path of its directory, and no directory above it is excluded. A walk asks this
    /// once an entry and does not descend where the answer is `Some`.
    pub fn excludes(&self, parent: &Location, name: &str, kind: Kind) -> Option<Exclusion> {
        let family = self.spec.family;
        let (matcher, ahead) = match kind {
            Kind::Directory => (&self.directories, &parent.directories),
            Kind::File | Kind::Link => (&self.files, &parent.files),
            Kind::Special => return None,
        };
        let here = |rest: &[String]| matches!(rest, [last] if family.same_name(last, name));
        if let Some((_, path)) = ahead.iter().find(|(rest, _)| here(rest)) {
            return Some(Exclusion::Path(path.clone()));
        }
        let pattern = matcher.name(family, name)?;
        // A name pattern never excludes a source root or a directory above one.
        if kind == Kind::Directory && parent.leads_to_source_with(name) {
            return None;
        }
        Some(Exclusion::Name(pattern.to_owned()))
    }

    /// The whole rule for one path: [`Selection::excludes`] for every directory above it and
    /// itself.
    pub fn verdict(&self, path: &FullPath, kind: Kind) -> Verdict {
        let mut at = self.root_location(&path.truncated(0));
        let mut here = path.truncated(0);
        if let Some(excluded) = self.excluded_root(&here) {
            return Verdict::Excluded {
                by: excluded,
                at: here,
            };
        }
        for (i, name) in path.parts().iter().enumerate() {
            let last = i + 1 == path.parts().len();
            let step = if last { kind } else { Kind::Directory };
            here = here.join(name);
            if let Some(by) = self.excludes(&at, name, step) {
                return Verdict::Excluded { by, at: here };
            }
            at = at.enter(name);
        }
        if !self.spec.stores(kind) {
            return Verdict::NotCopied(kind);
        }
        // A source is a directory: a file in its place is not selected by being it.
        let lies_under =
            |s: &&FullPath| path.starts_with(s) && (kind == Kind::Directory || !path.same(s));
        match self.spec.sources.iter().find(lies_under) {
            Some(source) => Verdict::Selected {
                source: source.clone(),
            },
            None if at.leads_to_source() && kind == Kind::Directory => Verdict::AboveSource,
            None => Verdict::OutsideSources,
        }
    }

    /// Whether a full-path exclusion names this drive root or `/` itself.
    pub fn excluded_root(&self, root: &FullPath) -> Option<Exclusion> {
        self.spec
            .directories
            .iter()
            .find(|e| matches!(e, Exclusion::Path(p) if p.is_root() && p.same(root)))
            .cloned()
    }

    /// Where a walk starts: at a drive root, share, or `/`.
    pub fn root_location(&self, root: &FullPath) -> Location {
        let on_root = |p: &&FullPath| p.same_root(root);
        Location {
            sources: self
                .spec
                .sources
                .iter()
                .filter(on_root)
                .map(|s| s.parts().to_vec())
                .collect(),
            directories: self.directories.paths_on(root),
            files: self.files.paths_on(root),
            inside: self
                .spec
                .sources
                .iter()
                .any(|s| s.is_root() && s.same_root(root)),
            family: self.spec.family,
        }
    }

    /// Where a walk of a mount starts: the place of `path`, entered name by name.
    pub fn location(&self, path: &FullPath) -> Location {
        path.parts()
            .iter()
            .fold(self.root_location(&path.truncated(0)), |at, name| {
                at.enter(name)
            })
    }
}

/// The place of a directory, as the rule sees it: which sources and which excluded paths are still
/// below it. Entering a directory keeps only those that are below it too, so deep in a tree nothing
/// is left to compare.
#[derive(Clone, Debug)]
pub struct Location {
    /// Names that lead from here to each source still ahead.
    sources: Vec<Vec<String>>,
    directories: Vec<(Vec<String>, FullPath)>,
    files: Vec<(Vec<String>, FullPath)>,
    inside: bool,
    family: Family,
}

impl Location {
    /// Windows or Unix.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whether this directory itself is a listed source.
    pub fn is_source(&self) -> bool {
        self.sources.iter().any(Vec::is_empty)
    }

    /// The names of the directories that lead on to sources, each once, as the profile spells them.
    pub fn next_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for first in self.sources.iter().filter_map(|rest| rest.first()) {
            if !names.iter().any(|name| self.family.same_name(name, first)) {
                names.push(first.clone());
            }
        }
        names
    }

    /// The place of the directory `name` in this one.
    pub fn enter(&self, name: &str) -> Location {
        let family = self.family;
        let onward = |rest: &[String]| match rest.split_first() {
            Some((first, rest)) if family.same_name(first, name) => Some(rest.to_vec()),
            _ => None,
        };
        let paths = |list: &[(Vec<String>, FullPath)]| {
            list.iter()
                .filter_map(|(rest, path)| Some((onward(rest)?, path.clone())))
                .collect()
        };
        let sources: Vec<Vec<String>> = self
            .sources
            .iter()
            .filter_map(|rest| onward(rest))
            .collect();
        Location {
            family,
            inside: self.inside || sources.iter().any(Vec::is_empty),
            sources,
            directories: paths(&self.directories),
            files: paths(&self.files),
        }
    }

    /// Whether this directory is a source or below one: what is in it is selected unless
    /// excluded.
    pub fn inside_source(&self) -> bool {
        self.inside
    }

    /// Whether a source is at or below this directory.
    pub fn leads_to_source(&self) -> bool {
        !self.sources.is_empty()
    }

    fn leads_to_source_with(&self, name: &str) -> bool {
        self.sources.iter().any(|rest| {
            rest.first()
                .is_some_and(|first| self.family.same_name(first, name))
        })
    }
}

/// The exclusions of one kind, compiled.
#[derive(Clone)]
struct Matcher {
    names: Vec<(String, Regex)>,
    paths: Vec<FullPath>,
    /// Names met before, folded, for names without wildcards: most profiles have many of them.
    plain: HashMap<String, String>,
}

impl Matcher {
    fn new(family: Family, exclusions: &[Exclusion]) -> Matcher {
        let mut matcher = Matcher {
            names: Vec::new(),
            paths: Vec::new(),
            plain: HashMap::new(),
        };
        for exclusion in exclusions {
            match exclusion {
                Exclusion::Path(path) => matcher.paths.push(path.clone()),
                Exclusion::Name(pattern) if !pattern.contains(['*', '?']) => {
                    matcher.plain.insert(family.fold(pattern), pattern.clone());
                }
                Exclusion::Name(pattern) => matcher
                    .names
                    .push((pattern.clone(), name_pattern(family, pattern))),
            }
        }
        matcher
    }

    fn name(&self, family: Family, name: &str) -> Option<&str> {
        if self.names.is_empty() && self.plain.is_empty() {
            return None;
        }
        let folded = family.fold(name);
        if let Some(pattern) = self.plain.get(&folded) {
            return Some(pattern);
        }
        self.names
            .iter()
            .find(|(_, regex)| regex.is_match(&folded))
            .map(|(pattern, _)| pattern.as_str())
    }

    fn paths_on(&self, root: &FullPath) -> Vec<(Vec<String>, FullPath)> {
        self.paths
            .iter()
            .filter(|p| p.same_root(root))
            .map(|p| (p.parts().to_vec(), p.clone()))
            .collect()
    }
}

/// A name pattern as a regular expression on folded names. `*` is any run, `?` one character, `*.*`
/// every name (DOS).
fn name_pattern(family: Family, pattern: &str) -> Regex {
    let mut text = String::from(r"(?s)\A");
    if pattern == "*.*" {
        text.push_str(".*");
    } else {
        for c in family.fold(pattern).chars() {
            match c {
                '*' => text.push_str(".*"),
                '?' => text.push('.'),
                c => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
    }
    text.push_str(r"\z");
    Regex::new(&text).unwrap_or_else(|e| unreachable!("escaped text: {e}"))
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
