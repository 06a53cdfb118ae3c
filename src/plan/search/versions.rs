//! Files in many states: `find` and `versions` (SPEC#search). Pure.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::stamp::Stamp;
use crate::model::text::{count, one_line};

use super::entry::Seen;

/// One version of a file. All states from the first to the last have it, except those in which the
/// path has another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Version {
    #[serde(flatten)]
    pub seen: Seen,
    /// The oldest state that has it.
    pub first: Stamp,
    /// The newest state that has it: what `--at` takes.
    pub last: Stamp,
    /// How many states have it.
    pub states: usize,
}

/// A path and its versions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PathVersions {
    pub path: String,
    pub versions: Vec<Version>,
    /// Whether the newest state has it.
    pub in_newest: bool,
}

/// What was searched and found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Findings {
    pub location: String,
    /// States that were searched, oldest first.
    pub states: Vec<Stamp>,
    /// States that have no list of files, or whose list could not be read.
    pub unsearched: Vec<Stamp>,
    pub found: Vec<PathVersions>,
}

/// Collects what each state has.
#[derive(Debug, Default)]
pub struct Collected(BTreeMap<String, BTreeMap<Stamp, Seen>>);

impl Collected {
    pub fn add(&mut self, path: String, state: Stamp, seen: Seen) {
        self.0.entry(path).or_default().insert(state, seen);
    }

    /// Adds what another one has.
    pub fn merge(&mut self, other: Collected) {
        for (path, states) in other.0 {
            self.0.entry(path).or_default().extend(states);
        }
    }

    /// The versions of each path. `states` were searched.
    pub fn versions(self, states: &[Stamp]) -> Vec<PathVersions> {
        let newest = states.iter().max();
        let paths = self.0.into_iter().map(|(path, by_state)| {
            let in_newest = newest.is_some_and(|newest| by_state.contains_key(newest));
            let mut versions: Vec<Version> = Vec::new();
            for (state, seen) in by_state {
                match versions.iter_mut().find(|v| v.seen.is_same(&seen)) {
                    Some(version) => {
                        version.seen.is_in_no_archive &= seen.is_in_no_archive;
                        version.last = state;
                        version.states += 1;
                    }
                    None => versions.push(Version {
                        seen,
                        first: state,
                        last: state,
                        states: 1,
                    }),
                }
            }
            PathVersions {
                path,
                versions,
                in_newest,
            }
        });
        paths.collect()
    }
}

impl Findings {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for found in &self.found {
            let gone = match found.in_newest {
                true => "",
                false => "  (not in the newest state)",
            };
            text.push_str(&format!("{}{gone}\n", one_line(&found.path)));
            for version in &found.versions {
                text.push_str(&format!("  {}\n", version.to_text()));
            }
        }
        if self.found.is_empty() {
            text.push_str("nothing found\n");
        }
        text.push_str(&format!(
            "{}\nsearched {}{}\n",
            count(self.found.len() as u64, "path"),
            count(self.states.len() as u64, "state"),
            match (self.states.first(), self.states.last()) {
                (Some(first), Some(last)) if first != last => format!(", {first} to {last}"),
                (Some(only), _) => format!(", {only}"),
                _ => String::new(),
            }
        ));
        for stamp in &self.unsearched {
            text.push_str(&format!("the state {stamp} was not searched\n"));
        }
        text
    }
}

impl Version {
    fn to_text(&self) -> String {
        let what = self.seen.what();
        let states = match self.states {
            1 => format!("in {}", self.last),
            n => format!("in {n} states,\n    {} to {}", self.first, self.last),
        };
        format!("{what}, modified {}, {states}", self.seen.time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::{EntryKind, Moment};

    /// A terminal has 80 columns. Paths are as long as they are.
    #[test]
    fn versions_fit_on_a_terminal() {
        let stamps = ["20260101_000000.000001", "20261231_235959.999999"];
        let [first, last] = stamps.map(|stamp| stamp.parse::<Stamp>().unwrap());
        let version = Version {
            seen: Seen {
                kind: EntryKind::File,
                size: 999_900_000,
                modified: Moment(0),
                is_in_no_archive: false,
            },
            first,
            last,
            states: 1234,
        };
        let findings = Findings {
            location: "pc".into(),
            states: vec![first, last],
            unsearched: Vec::new(),
            found: vec![PathVersions {
                path: "/a".into(),
                versions: vec![version],
                in_newest: true,
            }],
        };
        let text = findings.to_text();
        assert!(text.contains(&format!("{first} to {last}")), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }

    #[test]
    fn a_link_is_no_directory() {
        let what = |kind| {
            let (size, modified) = (1, Moment(0));
            Seen {
                kind,
                size,
                modified,
                is_in_no_archive: false,
            }
            .what()
        };
        assert_eq!(what(EntryKind::File), "1 byte");
        assert_eq!(what(EntryKind::Directory), "directory");
        assert_eq!(what(EntryKind::Link), "link");
    }

    #[test]
    fn versions_of_a_path_that_comes_and_goes() {
        let stamps: Vec<Stamp> = (1..=5)
            .map(|day| format!("2026010{day}_000000.0").parse().unwrap())
            .collect();
        let seen = |size| Seen {
            kind: EntryKind::File,
            size,
            modified: Moment(0),
            is_in_no_archive: false,
        };
        let mut collected = Collected::default();
        let mut second = Collected::default();
        for (state, size) in [(0, 1), (1, 1), (3, 2)] {
            collected.add("/a".into(), stamps[state], seen(size));
        }
        second.add("/b".into(), stamps[4], seen(9));
        second.add("/a".into(), stamps[2], seen(1));
        collected.merge(second);
        let found = collected.versions(&stamps);
        let shape: Vec<_> = found
            .iter()
            .map(|f| {
                let versions = f
                    .versions
                    .iter()
                    .map(|v| (v.seen.size, v.first, v.last, v.states));
                (f.path.as_str(), f.in_newest, versions.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            shape,
            [
                (
                    "/a",
                    false,
                    vec![(1, stamps[0], stamps[2], 3), (2, stamps[3], stamps[3], 1)]
                ),
                ("/b", true, vec![(9, stamps[4], stamps[4], 1)]),
            ]
        );
    }
}
