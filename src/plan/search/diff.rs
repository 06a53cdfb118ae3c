//! What differs between two states (SPEC#search). Pure.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::manifest::{Entry, Moment};
use crate::model::stamp::Stamp;
use crate::model::text::{count, one_line, size};

use super::entry::Seen;
use super::renamed;

/// How a path differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    New {
        now: Seen,
    },
    /// A new file that was last written before the older state: it was moved or copied here.
    MovedIn {
        now: Seen,
    },
    Changed {
        before: Seen,
        now: Seen,
    },
    /// A new path whose name, size and time are those of a path that no longer exists, or a
    /// directory that was renamed with everything in it.
    Moved {
        from: String,
        now: Seen,
    },
    Gone {
        before: Seen,
    },
}

/// A path that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Differing {
    pub path: String,
    #[serde(flatten)]
    pub change: Change,
}

/// What differs between two states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Diff {
    pub location: String,
    pub from: Stamp,
    pub to: Stamp,
    /// By path.
    pub paths: Vec<Differing>,
}

/// How many of the biggest changes a summary names.
const BIGGEST: usize = 5;

/// Compares two lists in walk order, one entry of each in memory.
///
/// # Errors
/// The first of either list.
pub fn compare<E>(
    before: impl Iterator<Item = Result<Entry, E>>,
    now: impl Iterator<Item = Result<Entry, E>>,
    shown: impl Fn(&Entry) -> String,
    found: &mut Vec<Differing>,
) -> Result<(), E> {
    let (mut before, mut now) = (before, now);
    let (mut a, mut b) = (before.next().transpose()?, now.next().transpose()?);
    loop {
        let order = match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.path.cmp(&b.path),
        };
        let was = match order {
            Ordering::Greater => None,
            _ => std::mem::replace(&mut a, before.next().transpose()?),
        };
        let is = match order {
            Ordering::Less => None,
            _ => std::mem::replace(&mut b, now.next().transpose()?),
        };
        if let Some(entry) = is.as_ref().or(was.as_ref())
            && let Some(change) = change(was.as_ref(), is.as_ref())
        {
            found.push(Differing {
                path: shown(entry),
                change,
            });
        }
    }
}

fn change(was: Option<&Entry>, is: Option<&Entry>) -> Option<Change> {
    match (was.map(Seen::of), is.map(Seen::of)) {
        (Some(before), Some(now)) if before.is_same(&now) => None,
        (Some(before), Some(now)) => Some(Change::Changed { before, now }),
        (None, Some(now)) => Some(Change::New { now }),
        (Some(before), None) => Some(Change::Gone { before }),
        (None, None) => None,
    }
}

/// The name, size and time by which a moved file is recognized.
type MovedFile = (String, u64, Moment);

fn identity(path: &str, seen: &Seen) -> Option<MovedFile> {
    let name = path.rsplit(['/', '\\']).next()?;
    // Empty files are all alike.
    (seen.is_file() && seen.size > 0).then(|| (name.to_owned(), seen.size, seen.modified))
}

impl Diff {
    /// Sorts the differences, and distinguishes moved files from deleted and new ones. The older
    /// state is that of `since`.
    pub fn new(
        location: &str,
        (from, since): (Stamp, Moment),
        to: Stamp,
        mut paths: Vec<Differing>,
    ) -> Diff {
        paths.sort_by(|a, b| a.path.cmp(&b.path));
        renamed::mark(&mut paths);
        let mut gone: BTreeMap<MovedFile, Vec<String>> = BTreeMap::new();
        for differing in &paths {
            if let Change::Gone { before } = &differing.change
                && let Some(identity) = identity(&differing.path, before)
            {
                gone.entry(identity)
                    .or_default()
                    .push(differing.path.clone());
            }
        }
        let mut moved = std::collections::BTreeSet::new();
        for differing in &mut paths {
            let Change::New { now } = differing.change else {
                continue;
            };
            let origin =
                identity(&differing.path, &now).and_then(|identity| gone.get_mut(&identity)?.pop());
            if let Some(from) = origin {
                moved.insert(from.clone());
                differing.change = Change::Moved { from, now };
            } else if now.is_file() && now.modified < since {
                differing.change = Change::MovedIn { now };
            }
        }
        paths.retain(|d| !matches!(d.change, Change::Gone { .. }) || !moved.contains(&d.path));
        Diff {
            location: location.to_owned(),
            from,
            to,
            paths,
        }
    }

    /// A line for each path. A renamed directory has one with everything in it.
    fn lines(&self) -> String {
        let is_renamed = |d: &Differing| matches!(&d.change, Change::Moved { now, .. } if renamed::is_directory(now));
        // How many paths are in each.
        let mut renamed: BTreeMap<&str, u64> = BTreeMap::new();
        let mut shown: Vec<&Differing> = Vec::new();
        for differing in &self.paths {
            let mut above = renamed::ancestors(&differing.path);
            match above.find(|path| renamed.contains_key(path)) {
                Some(path) => *renamed.entry(path).or_default() += 1,
                None => {
                    shown.push(differing);
                    if is_renamed(differing) {
                        renamed.insert(&differing.path, 0);
                    }
                }
            }
        }
        let mut text = String::new();
        for differing in shown {
            let inside = renamed.get(differing.path.as_str()).copied();
            text.push_str(&differing.to_text(inside));
        }
        text
    }

    /// For people: a line for each path, then a summary.
    pub fn to_text(&self) -> String {
        let mut text = self.lines();
        text.push_str(&format!("{} to {}: ", self.from, self.to));
        let mut counts = Vec::new();
        for (word, bytes) in [
            ("new", true),
            ("moved in", true),
            ("changed", true),
            ("moved", false),
            ("gone", true),
        ] {
            let of_kind = self.paths.iter().filter(|d| d.word() == word);
            let (number, sum) = of_kind.fold((0, 0), |(n, sum), d| (n + 1, sum + d.bytes()));
            if word == "moved in" && number == 0 {
                continue;
            }
            counts.push(match bytes && number > 0 {
                true => format!("{number} {word} ({})", size(sum)),
                false => format!("{number} {word}"),
            });
        }
        text.push_str(&format!("{}\n", counts.join(", ")));
        let mut biggest: Vec<&Differing> = self
            .paths
            .iter()
            .filter(|d| d.bytes() > 0 && matches!(d.word(), "new" | "moved in" | "changed"))
            .collect();
        biggest.sort_by_key(|d| std::cmp::Reverse(d.bytes()));
        if biggest.len() > 1 {
            let number = biggest.len().min(BIGGEST);
            text.push_str(&format!("the biggest {}:\n", count(number as u64, "file")));
            for differing in biggest.iter().take(BIGGEST) {
                let path = one_line(&differing.path);
                text.push_str(&format!("  {:>10}  {path}\n", size(differing.bytes())));
            }
        }
        text
    }
}

impl Differing {
    fn word(&self) -> &'static str {
        match self.change {
            Change::New { .. } => "new",
            Change::MovedIn { .. } => "moved in",
            Change::Changed { .. } => "changed",
            Change::Moved { .. } => "moved",
            Change::Gone { .. } => "gone",
        }
    }

    /// As the newer state has it, or the older one.
    pub(super) fn seen(&self) -> &Seen {
        match &self.change {
            Change::New { now }
            | Change::MovedIn { now }
            | Change::Changed { now, .. }
            | Change::Moved { now, .. } => now,
            Change::Gone { before } => before,
        }
    }

    fn bytes(&self) -> u64 {
        self.seen().size
    }

    /// `inside`: how many paths are in a renamed directory.
    fn to_text(&self, inside: Option<u64>) -> String {
        let path = one_line(&self.path);
        let sizes = match &self.change {
            Change::Changed { before, now } if before.size != now.size => {
                format!("  ({} -> {})", size(before.size), size(now.size))
            }
            Change::Moved { from, .. } => {
                let inside = inside.map(|inside| format!(", with {} in it", count(inside, "path")));
                format!("  (from {}{})", one_line(from), inside.unwrap_or_default())
            }
            _ => String::new(),
        };
        format!("{:<8} {path}{sizes}\n", self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::manifest::{EntryKind, Meta, RelPath};

    fn entries(list: &[(&str, u64, i128)]) -> Vec<Result<Entry, ()>> {
        list.iter()
            .map(|(path, size, modified)| {
                let meta = Meta {
                    size: *size,
                    modified: Moment(*modified),
                    ..Meta::unknown()
                };
                let kind = match size {
                    0 => EntryKind::Directory,
                    _ => EntryKind::File,
                };
                Ok(Entry::new(&RelPath::from_bytes(*path), kind, meta, None))
            })
            .collect()
    }

    fn diff(before: Vec<Result<Entry, ()>>, now: Vec<Result<Entry, ()>>) -> Diff {
        let mut found = Vec::new();
        let shown = |e: &Entry| format!("/m/{}", e.path);
        compare(before.into_iter(), now.into_iter(), shown, &mut found).unwrap();
        let stamp = |t: &str| t.parse().unwrap();
        Diff::new(
            "pc",
            (stamp("20260101_000000.0"), Moment(5)),
            stamp("20260102_000000.0"),
            found,
        )
    }

    /// Directories with everything in them, also if files of the same name, size and time are
    /// elsewhere.
    #[test]
    fn a_renamed_directory_is_one_line() {
        let before = entries(&[
            ("a", 0, 1),
            ("a/license", 5, 1),
            ("a/x", 0, 1),
            ("a/x/y", 6, 1),
            ("b", 0, 1),
            ("b/license", 5, 1),
            ("c", 0, 1),
            ("c/1", 7, 1),
            ("c/2", 8, 1),
            ("empty", 0, 1),
        ]);
        let now = entries(&[
            ("d", 0, 1),
            ("d/1", 7, 1),
            ("m", 0, 1),
            ("m-1", 9, 9),
            ("m/license", 5, 1),
            ("n", 0, 1),
            ("n/license", 5, 1),
            ("n/x", 0, 1),
            ("n/x/y", 6, 1),
            ("other", 0, 1),
        ]);
        let diff = diff(before, now);
        let text = diff.to_text();
        let (lines, _) = text.split_once("20260101").unwrap();
        assert_eq!(
            lines,
            "gone     /m/c\n\
             gone     /m/c/2\n\
             new      /m/d\n\
             moved    /m/d/1  (from /m/c/1)\n\
             gone     /m/empty\n\
             moved    /m/m  (from /m/b, with 1 path in it)\n\
             new      /m/m-1\n\
             moved    /m/n  (from /m/a, with 3 paths in it)\n\
             new      /m/other\n"
        );
        // Programs get each path.
        assert_eq!(diff.paths.len(), 13);
        assert!(text.contains(" 7 moved, "), "{text}");
    }

    #[test]
    fn new_changed_moved_and_gone() {
        let before = entries(&[
            ("", 0, 1),
            ("a", 5, 1),
            ("d", 0, 1),
            ("d/moved", 7, 7),
            ("d/old", 3, 1),
            ("same", 4, 4),
        ]);
        let now = entries(&[
            ("", 0, 2),
            ("a", 6, 2),
            ("e", 0, 1),
            ("e/moved", 7, 7),
            ("new", 8, 8),
            ("old", 9, 2),
            ("same", 4, 4),
        ]);
        let diff = diff(before, now);
        let lines: Vec<(&str, &str)> = diff
            .paths
            .iter()
            .map(|d| (d.word(), d.path.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                ("changed", "/m/a"),
                ("gone", "/m/d"),
                ("gone", "/m/d/old"),
                ("new", "/m/e"),
                ("moved", "/m/e/moved"),
                ("new", "/m/new"),
                ("moved in", "/m/old"),
            ]
        );
        assert!(diff.to_text().contains(
            "2 new (8 bytes), 1 moved in (9 bytes), 1 changed (6 bytes), 1 moved, 2 gone"
        ));
    }
}
