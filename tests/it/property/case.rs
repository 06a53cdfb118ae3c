//! One tree through everything that must agree.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::FileSystem;
use aam_auto_backup::parts::Moment;
use aam_auto_backup::parts::NoOutlet;
use aam_auto_backup::parts::Secret;
use aam_auto_backup::parts::WalkCounts;
use aam_auto_backup::parts::stage::{self};
use aam_auto_backup::parts::{ArchiveOrder, Changes, MirrorOrder, StageOrder, Transfer};
use aam_auto_backup::parts::{BackupId, Format};
use aam_auto_backup::parts::{Event, Events, Outcome, Sink};
use aam_auto_backup::parts::{Exclusion, Kind, Links, Selection, SelectionSpec, Verdict};
use aam_auto_backup::parts::{Family, FullPath};
use aam_auto_backup::parts::{Mount, mounts};

use super::rule::{Answer, Rule};
use super::tree::{Names, Node, Tree, place, shown};

pub const KEY: &str = "a key for the test";

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event>>>);

impl Sink for Heard {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// What a case was made of.
pub struct Met {
    pub answers: Vec<Answer>,
    pub mounts: usize,
    /// `/` itself is excluded, and no source.
    pub only_root_excluded: bool,
}

/// A tree on disk, and what the rule says of it.
pub struct Case<'a> {
    pub(super) tree: &'a Tree,
    scratch: tempfile::TempDir,
    spec: SelectionSpec,
    pub(super) mounts: Vec<Mount>,
    answers: BTreeMap<&'a Names, Answer>,
    missing: Vec<FullPath>,
    problems: Vec<String>,
}

impl<'a> Case<'a> {
    pub fn new(tree: &'a Tree) -> Case<'a> {
        let scratch = tempfile::Builder::new()
            .prefix("aam-property-")
            .tempdir()
            .unwrap();
        for name in ["disk", "mirror", "work", "out"] {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        tree.write(&scratch.path().join("disk"));
        let mut rule = Rule::default();
        let mut spec = SelectionSpec {
            family: Family::Unix,
            sources: Vec::new(),
            directories: Vec::new(),
            files: Vec::new(),
            links: Links::Keep,
        };
        // What a profile cannot say at all is not part of the case.
        for text in &tree.sources {
            let Ok(path) = FullPath::parse(text) else {
                continue;
            };
            if mounts(&[&spec.sources[..], std::slice::from_ref(&path)].concat()).is_ok() {
                rule.source(text);
                spec.sources.push(path);
            }
        }
        for (texts, list, directories) in [
            (&tree.directories, &mut spec.directories, true),
            (&tree.files, &mut spec.files, false),
        ] {
            for text in texts {
                if let Ok(exclusion) = Exclusion::parse(text, Family::Unix) {
                    rule.exclude(text, directories);
                    list.push(exclusion);
                }
            }
        }
        let is_directory =
            |names: &Names| names.is_empty() || tree.nodes.get(names) == Some(&Node::Directory);
        let missing: Vec<FullPath> = spec
            .sources
            .iter()
            .filter(|path| !is_directory(&names_of(path)))
            .cloned()
            .collect();
        let answers = tree
            .nodes
            .iter()
            .map(|(path, node)| (path, rule.asks(path, node)))
            .collect();
        let mounts = mounts(&spec.sources).unwrap();
        Case {
            tree,
            scratch,
            spec,
            mounts,
            answers,
            missing,
            problems: Vec::new(),
        }
    }

    /// Everything; what does not agree, in words.
    pub fn check(mut self) -> Result<Met, Vec<String>> {
        self.verdicts();
        for number in 0..self.mounts.len() {
            self.mount(number);
        }
        self.mirror();
        let met = Met {
            only_root_excluded: self.root_excluded()
                && !self.spec.sources.iter().any(FullPath::is_root),
            answers: self.answers.into_values().collect(),
            mounts: self.mounts.len(),
        };
        if self.problems.is_empty() {
            Ok(met)
        } else {
            Err(self.problems)
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(super) fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(what());
        }
    }

    /// Selected nodes at or below a mount.
    pub(super) fn selected(&self, mount: &Names) -> Vec<(&'a Names, &'a Node)> {
        let inside =
            |path: &Names| path.starts_with(mount) && self.answers[path] == Answer::Selected;
        self.tree
            .nodes
            .iter()
            .filter(|(path, _)| inside(path))
            .collect()
    }

    fn verdicts(&mut self) {
        let selection = Selection::new(self.spec.clone());
        for (path, answer) in self.answers.clone() {
            let Ok(text) = path
                .iter()
                .map(|n| std::str::from_utf8(n))
                .collect::<Result<Vec<_>, _>>()
            else {
                continue;
            };
            let full = text
                .iter()
                .fold(FullPath::parse("/").unwrap(), |at, name| at.join(name));
            let kind = match &self.tree.nodes[path] {
                Node::Directory => Kind::Directory,
                Node::File(_) | Node::HardLink(_) => Kind::File,
                Node::Link(_) => Kind::Link,
                Node::Fifo => Kind::Special,
            };
            let verdict = selection.verdict(&full, kind);
            let said = match verdict {
                Verdict::Selected { .. } => Answer::Selected,
                Verdict::Excluded { .. } => Answer::Excluded,
                Verdict::NotCopied(_) => Answer::NotCopied,
                Verdict::AboveSource | Verdict::OutsideSources => Answer::Outside,
            };
            self.expect(said == answer, || {
                format!(
                    "verdict of {} is {verdict:?}, the rule says {answer:?}",
                    shown(path)
                )
            });
        }
    }

    fn order(&self, number: usize) -> StageOrder {
        let mount = self.mounts[number].clone();
        let native = |name: &str| FullPath::parse(self.path(name).to_str().unwrap()).unwrap();
        let stamp = "20200102_030405.000006".parse().unwrap();
        StageOrder {
            is_live: false,
            tools_root: None,
            number: number + 1,
            location: "pc".to_owned(),
            stamp,
            started: Moment(4_000_000_000_000_000_000),
            shown_at: place(&self.path("disk"), &names_of(&mount.path))
                .to_str()
                .unwrap()
                .to_owned(),
            selection: self.spec.clone(),
            missing: self
                .missing
                .iter()
                .filter(|path| path.starts_with(&mount.path))
                .cloned()
                .collect(),
            work: native("work").join(&number.to_string()),
            mirror: Some(MirrorOrder {
                is_attached: true,
                half_copies: None,
                file_system: FileSystem::default(),
                mirror: native("mirror"),
                target: mount
                    .path
                    .parts()
                    .iter()
                    .fold(native("mirror"), |at, name| at.join(name)),
                delete: None,
                access_lists: false,
            }),
            archive: Some(ArchiveOrder {
                follows_links: false,
                backup: BackupId {
                    full: stamp,
                    incremental: None,
                },
                stem: "archive.zip".to_owned(),
                manifest: "manifest.zip".to_owned(),
                marker: "marker".to_owned(),
                format: Format::Zip,
                volume_size: 10_000_000,
                level: 1,
                transfer: Transfer::Spool,
                changes: Changes::Everything,
            }),
            mount,
            seven_zip: "7zz".to_owned(),
            copier: "rsync".to_owned(),
        }
    }

    fn mount(&mut self, number: usize) {
        let order = self.order(number);
        let mount = names_of(&order.mount.path);
        let heard = Heard::default();
        let events = Events::new(vec![Box::new(heard.clone())]);
        let result = stage::run(
            &order,
            Some(&Secret::new(KEY)),
            &mut NoOutlet,
            &Cancel::new(),
            &events,
        );
        let said = || {
            format!(
                "mount {}: {result:?}, {:#?}",
                order.mount.path,
                heard.0.lock().unwrap()
            )
        };
        let Ok(done) = &result else {
            return self.problems.push(said());
        };
        self.expect(done.mirror == Some(true) && done.archive.is_some(), said);

        let unlisted = self
            .selected(&mount)
            .iter()
            .filter(|(p, n)| n.is_file() && !listable(p, &mount))
            .count() as u64;
        let outcome = if unlisted > 0 {
            Outcome::Warning
        } else {
            Outcome::Success
        };
        self.expect(events.outcome() == outcome, said);
        self.counts(&mount, &done.prepared, unlisted);
        let manifest = order.work.to_native().join("manifest.v2");
        self.manifest(&mount, &order, &manifest);
        self.archive(&mount, &order);
        self.other_ways(&order, &done.prepared);
    }

    fn counts(&mut self, mount: &Names, prepared: &WalkCounts, skipped: u64) {
        let files = self
            .selected(mount)
            .iter()
            .filter(|(_, node)| node.is_file())
            .count() as u64;
        let root = u64::from(mount.is_empty() && self.root_selected());
        let directories = self
            .selected(mount)
            .iter()
            .filter(|(_, node)| **node == Node::Directory)
            .count() as u64
            + root;
        let archived = self
            .archived(mount)
            .iter()
            .filter(|(_, node)| !node.is_file())
            .count() as u64;
        let links = self
            .selected(mount)
            .iter()
            .filter(|(_, node)| matches!(node, Node::Link(_)))
            .count() as u64;
        let met = |(path, answer): &(&&Names, &Answer)| {
            let above = path[..path.len() - 1].to_vec();
            **answer == Answer::NotCopied
                && above.starts_with(mount)
                && self
                    .answers
                    .get(&above)
                    .map_or(self.root_selected(), |a| *a == Answer::Selected)
        };
        let special = self.answers.iter().filter(met).count() as u64;
        let expected = (
            files,
            directories,
            files - skipped,
            archived,
            skipped,
            links,
            special,
        );
        let p = prepared;
        let found = (
            p.files,
            p.directories,
            p.archived_files,
            p.archived_directories,
            p.skipped,
            p.kept_links,
            p.special,
        );
        self.expect(found == expected, || {
            format!("counts are {found:?}, the rule says {expected:?}")
        });
    }

    pub(super) fn root_selected(&self) -> bool {
        self.spec.sources.iter().any(FullPath::is_root) && !self.root_excluded()
    }

    fn root_excluded(&self) -> bool {
        let names = |e: &Exclusion| matches!(e, Exclusion::Path(p) if p.is_root());
        self.spec.directories.iter().any(names)
    }

    /// What an archive of everything holds: files and really empty directories, as far as 7-Zip can
    /// be told of them.
    pub(super) fn archived(&self, mount: &Names) -> Vec<(&'a Names, &'a Node)> {
        let mut archived = self.selected(mount);
        archived.retain(|(path, node)| {
            let mut below = self.tree.nodes.range((*path).clone()..).skip(1);
            let empty = !below.next().is_some_and(|(next, _)| next.starts_with(path));
            let is_link = matches!(node, Node::Link(_));
            listable(path, mount) && !is_link && (node.is_file() || empty && *path != mount)
        });
        archived
    }
}

/// Whether a line of a list can hold the name (SPEC#selection).
pub fn listable(path: &Names, mount: &Names) -> bool {
    path[mount.len()..]
        .iter()
        .all(|name| std::str::from_utf8(name).is_ok() && !name.iter().any(|b| b"\r\n".contains(b)))
}

pub fn names_of(path: &FullPath) -> Names {
    path.parts()
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect()
}
