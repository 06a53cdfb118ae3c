//! What the tools made, against what the rule says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Events;
use aam_auto_backup::parts::stage::{self};
use aam_auto_backup::parts::{ArchiveOrder, Changes, StageOrder};
use aam_auto_backup::parts::{Entry, EntryKind, FileReader, Header, Moment, Stored, Writer};
use aam_auto_backup::parts::{StagePaths, WalkCounts};

use super::case::{Case, KEY, listable, names_of};
use super::tree::{Names, Node, place, shown};
use crate::support::look::{Found, Seen, differences, look, one};

impl Case<'_> {
    /// The manifest lists exactly the selected files and directories.
    pub(super) fn manifest(&mut self, mount: &Names, order: &StageOrder, path: &Path) {
        let entries: Vec<Entry> = FileReader::open(path)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let found: BTreeMap<Names, (EntryKind, Option<Stored>)> = entries
            .iter()
            .map(|e| {
                let below = e.path.names().map(<[u8]>::to_vec);
                (
                    mount.iter().cloned().chain(below).collect(),
                    (e.kind, e.stored),
                )
            })
            .collect();
        let mut expected: BTreeMap<Names, (EntryKind, Option<Stored>)> = self
            .selected(mount)
            .into_iter()
            .map(|(path, node)| {
                let stored =
                    (node.is_file() && listable(path, mount)).then_some(Stored::In(order.stamp));
                let kind = match node {
                    Node::Link(_) => EntryKind::Link,
                    node if node.is_file() => EntryKind::File,
                    _ => EntryKind::Directory,
                };
                (path.clone(), (kind, stored))
            })
            .collect();
        if mount.is_empty() && self.root_selected() {
            expected.insert(Names::new(), (EntryKind::Directory, None));
        }
        self.expect(found == expected, || {
            let only = |a: &BTreeMap<Names, _>, b: &BTreeMap<Names, _>| {
                a.iter()
                    .filter(|(k, v)| b.get(*k) != Some(*v))
                    .map(|(k, _)| shown(k))
                    .collect::<Vec<_>>()
            };
            format!(
                "manifest: not {:?}, but {:?}",
                only(&expected, &found),
                only(&found, &expected)
            )
        });
        self.expect(entries.iter().all(|e| !e.unseen), || {
            "manifest: something is unseen".to_owned()
        });
    }

    /// The archive, extracted by 7-Zip, holds exactly the selected files and the really empty
    /// directories.
    pub(super) fn archive(&mut self, mount: &Names, order: &StageOrder) {
        let (work, out) = (
            order.work.to_native(),
            self.path("out").join(order.number.to_string()),
        );
        fs::create_dir(&out).unwrap();
        let first = work.join("archive.zip.001");
        let archived = self.archived(mount);
        self.expect(first.exists() != archived.is_empty(), || {
            format!("an archive of {} entries", archived.len())
        });
        if first.exists() {
            let said = extract(&first, &out);
            self.expect(said.is_none(), || {
                format!("7-Zip: {}", said.unwrap_or_default())
            });
        }
        let source = self.path("disk");
        let mut expected = Seen::new();
        for (path, _) in archived {
            for length in mount.len() + 1..=path.len() {
                expected.insert(
                    path[mount.len()..length].join(&b'/'),
                    original(&source, &path[..length]),
                );
            }
        }
        let mut found = look(&out);
        // Zip keeps times in steps of 100 ns; directories that are not empty are not in it, and so
        // have new times.
        for (path, entry) in expected.iter_mut().chain(&mut found) {
            let _ = path;
            entry.modified = if entry.kind == "directory" {
                0
            } else {
                entry.modified / 100
            };
            entry.mode = 0;
        }
        let lines = differences(&expected, &found);
        self.expect(lines.is_empty(), || {
            format!("archive:\n  {}", lines.join("\n  "))
        });
    }

    /// An incremental backup from the beginning of time lists what a full one does; so does a walk
    /// that only counts.
    pub(super) fn other_ways(&mut self, order: &StageOrder, full: &WalkCounts) {
        let list =
            |order: &StageOrder| fs::read(order.work.to_native().join("archive.list")).unwrap();
        let (expected, full) = (list(order), &counted(full));
        let empty = self.path("empty.jsonl");
        let header = Header::whole("pc", &order.mount.path, None, None);
        Writer::new(fs::File::create(&empty).unwrap(), &header)
            .unwrap()
            .finish()
            .unwrap();
        let since = [
            Changes::SinceMoment { moment: Moment(0) },
            Changes::SinceManifest {
                path: empty.to_str().unwrap().to_owned(),
            },
        ];
        for changes in since {
            let archive = order.archive.clone().map(|a| ArchiveOrder {
                changes: changes.clone(),
                ..a
            });
            let work = order.work.join("again");
            let other = StageOrder {
                archive,
                work: work.clone(),
                ..order.clone()
            };
            let prepared = prepare(&other, Some(&work.to_native()));
            self.expect(prepared == *full, || {
                format!("{changes:?}: {prepared:?}, full: {full:?}")
            });
            self.expect(list(&other) == expected, || {
                format!("{changes:?} lists other files")
            });
        }
        let counted = prepare(order, None);
        self.expect(counted == *full, || {
            format!("counted: {counted:?}, written: {full:?}")
        });
    }

    /// The mirror holds exactly the selected files and directories, and the directories above them.
    pub(super) fn mirror(&mut self) {
        let source = self.path("disk");
        let mut expected = Seen::new();
        for mount in self.mounts.clone() {
            let mount = names_of(&mount.path);
            let selected = self.selected(&mount);
            for (path, _) in &selected {
                for length in 1..=path.len() {
                    let names = &path[..length];
                    let found = original(&source, names);
                    let is_selected = selected.iter().any(|(p, _)| *p == names);
                    let entry = match is_selected {
                        true if *names == *mount => Found {
                            modified: 0,
                            ..found
                        },
                        true => found,
                        false => Found {
                            modified: 0,
                            mode: 0,
                            ..found
                        },
                    };
                    let place = expected
                        .entry(names.join(&b'/'))
                        .or_insert_with(|| entry.clone());
                    if is_selected {
                        *place = entry;
                    }
                }
            }
        }
        for entry in expected.values_mut().filter(|entry| entry.kind == "link") {
            entry.modified -= entry.modified % 1_000_000_000;
        }
        let mut found = look(&self.path("mirror"));
        for (path, entry) in &mut found {
            // rsync takes the times of a new link and of its original for equal within a second.
            if entry.kind == "link" {
                entry.modified -= entry.modified % 1_000_000_000;
            }
            // rsync is not told of the mount itself, and directories above it are not selected.
            let expected = expected.get(path);
            entry.modified = if expected.is_some_and(|e| e.modified == 0) {
                0
            } else {
                entry.modified
            };
            entry.mode = if expected.is_some_and(|e| e.mode == 0) {
                0
            } else {
                entry.mode
            };
        }
        let lines = differences(&expected, &found);
        self.expect(lines.is_empty(), || {
            format!("mirror:\n  {}", lines.join("\n  "))
        });
    }
}

/// An entry as the source has it.
fn original(source: &Path, names: &[Vec<u8>]) -> Found {
    one(&place(source, names))
}

fn prepare(order: &StageOrder, write: Option<&Path>) -> WalkCounts {
    let place = StagePaths {
        read: Path::new(&order.shown_at),
        write,
    };
    counted(&stage::prepare(order, place, &Cancel::new(), &Events::default()).unwrap())
}

/// What was counted, without what depends on the state of the mirror or on the last manifest.
fn counted(all: &WalkCounts) -> WalkCounts {
    WalkCounts {
        fitting: Default::default(),
        is_as_before: false,
        ..all.clone()
    }
}

/// Extracts by the real tool. What it said when it failed.
fn extract(first: &Path, out: &Path) -> Option<String> {
    let mut child = Command::new("7zz")
        .args(["x", "-y", "-bd", "-sccUTF-8"])
        .arg(format!("-o{}", out.display()))
        .arg(first)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It does not ask for the key when there are only directories.
    let _ = writeln!(child.stdin.take().unwrap(), "{KEY}");
    let output = child.wait_with_output().unwrap();
    let said = || {
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    (!output.status.success()).then(said)
}
