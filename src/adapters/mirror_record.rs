//! What a mirror remembers of its last copies (SPEC#mirror): a small file in it, so that it goes
//! with the disk. Files that were touched since then are compared by content.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::adapters::fs::{read_plain, write_whole};
use crate::model::digest::selection_digest;
use crate::model::exclusion::Exclusion;
use crate::model::manifest::{Moment, RelPath};
use crate::model::path::FullPath;
use crate::model::select::SelectionSpec;

/// The file in a mirror.
pub const NAME: &str = ".aam-backup-mirror";

/// More paths than this are not written one by one.
const MOST_EXCEPTIONS: usize = 10_000;

/// More selections than this are not remembered.
const MOST_COPIES: usize = 100;

/// A record that is larger is not ours.
const MOST_BYTES: u64 = 64 << 20;

/// When what was copied last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MirrorRecord {
    version: u32,
    copies: Vec<LastCopy>,
}

/// The last copy of one selection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LastCopy {
    /// Digest of the selection of one mount.
    selection: String,
    /// Before the walk. `None`: not every file is known to be like its source.
    at: Option<Moment>,
    /// What was not copied then, with everything below.
    except: Vec<NotCopied>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NotCopied {
    path: RelPath,
    since: Option<Moment>,
}

impl LastCopy {
    /// When the copy of a path was last known to be like its source.
    pub fn of(&self, path: &RelPath) -> Option<Moment> {
        let except = self.except.iter().find(|one| path.starts_with(&one.path));
        except.map_or(self.at, |except| except.since)
    }

    /// Whether anything is known of it.
    pub fn is_known(&self) -> bool {
        self.at.is_some()
    }

    /// The copy after this one: all but some paths were copied.
    #[must_use]
    pub fn then(&self, at: Moment, not_copied: Vec<RelPath>) -> LastCopy {
        let selection = self.selection.clone();
        if not_copied.len() > MOST_EXCEPTIONS {
            return self.clone();
        }
        let except = not_copied.into_iter().map(|path| NotCopied {
            since: self.of(&path),
            path,
        });
        LastCopy {
            selection,
            at: Some(at),
            except: except.collect(),
        }
    }
}

impl MirrorRecord {
    /// Reads the record of a mirror. Only a plain file is read; a record that is damaged, or from
    /// a time to come, counts as absent.
    pub fn read(mirror: &Path, now: Moment) -> MirrorRecord {
        let path = mirror.join(NAME);
        let text = read_plain(&path, MOST_BYTES).unwrap_or_default();
        let mut record: MirrorRecord = serde_json::from_slice(&text).unwrap_or_default();
        if record.version != 1 {
            return MirrorRecord::default();
        }
        for copy in &mut record.copies {
            copy.at = copy.at.filter(|at| *at <= now);
            for except in &mut copy.except {
                except.since = except.since.filter(|since| *since <= now);
            }
        }
        record
    }

    /// The last copy of a selection. One that was never copied may have been copied as part of
    /// another: the oldest moment of all holds for it.
    pub fn last(&self, selection: &str) -> LastCopy {
        let known = self.copies.iter().find(|copy| copy.selection == selection);
        known.cloned().unwrap_or_else(|| LastCopy {
            selection: selection.to_owned(),
            at: self.oldest(),
            except: Vec::new(),
        })
    }

    fn oldest(&self) -> Option<Moment> {
        let all = self.copies.iter().flat_map(|copy| {
            let except = copy.except.iter().map(|except| except.since);
            except.chain([copy.at])
        });
        // `None` is the least of all.
        all.min().flatten()
    }

    /// Writes a copy into the record of a mirror, as it is there now.
    ///
    /// # Errors
    /// When the mirror does not take it.
    pub fn add(mirror: &Path, copy: LastCopy, now: Moment) -> io::Result<()> {
        let mut record = MirrorRecord::read(mirror, now);
        record.version = 1;
        record.copies.retain(|old| old.selection != copy.selection);
        if record.copies.len() >= MOST_COPIES {
            // What is forgotten must not be believed newer than it was.
            let forgotten = LastCopy {
                selection: String::new(),
                at: record.oldest(),
                except: Vec::new(),
            };
            record.copies = vec![forgotten];
        }
        record.copies.push(copy);
        let text = serde_json::to_vec(&record).map_err(io::Error::from)?;
        write_whole(&mirror.join(NAME), &text)
    }
}

/// The name of the selection of a mount in the record. `work` is the directory of work files, which
/// are in another place each time.
pub fn selection_name(
    location: &str,
    mount: &FullPath,
    selection: &SelectionSpec,
    work: &FullPath,
) -> String {
    let mut selection = selection.clone();
    let is_work = |path: &FullPath| work.starts_with(path);
    selection
        .directories
        .retain(|one| !matches!(one, Exclusion::Path(path) if is_work(path)));
    selection_digest(&format!("{location} {mount}"), &selection)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000);

    fn rel(text: &str) -> RelPath {
        RelPath::from_bytes(text)
    }

    #[test]
    fn every_path_has_the_moment_of_its_own_last_copy() {
        let mirror = tempfile::tempdir().unwrap();
        let read = || MirrorRecord::read(mirror.path(), NOW);
        assert_eq!(read().last("a").of(&rel("x")), None, "no record");

        let first = read().last("a").then(Moment(10), vec![rel("d")]);
        MirrorRecord::add(mirror.path(), first, NOW).unwrap();
        let second = read()
            .last("a")
            .then(Moment(20), vec![rel("d/x"), rel("e")]);
        MirrorRecord::add(mirror.path(), second, NOW).unwrap();
        let last = read().last("a");
        assert_eq!(last.of(&rel("x")), Some(Moment(20)));
        assert_eq!(last.of(&rel("e/y")), Some(Moment(10)), "not in the second");
        assert_eq!(last.of(&rel("d/x")), None, "in neither");
        assert_eq!(last.of(&rel("d/y")), Some(Moment(20)));
        assert_eq!(read().last("b").of(&rel("x")), None, "the oldest of all");

        let third = read().last("a").then(Moment(30), Vec::new());
        MirrorRecord::add(mirror.path(), third, NOW).unwrap();
        assert_eq!(read().last("b").of(&rel("x")), Some(Moment(30)));
    }

    #[test]
    fn a_moment_to_come_is_not_believed() {
        let mirror = tempfile::tempdir().unwrap();
        let wrong = MirrorRecord::default()
            .last("a")
            .then(Moment(5_000), vec![]);
        MirrorRecord::add(mirror.path(), wrong, Moment(6_000)).unwrap();
        let read = MirrorRecord::read(mirror.path(), NOW);
        assert_eq!(read.last("a").of(&rel("x")), None);
        std::fs::write(mirror.path().join(NAME), b"{").unwrap();
        let read = MirrorRecord::read(mirror.path(), Moment(6_000));
        assert_eq!(read, MirrorRecord::default());
    }
}
