//! Random trees, with sources and exclusions that have something to do with them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::dice::Dice;
use super::names::{PATTERNS, name, pattern_of};

/// The names from `/` down.
pub type Names = Vec<Vec<u8>>;

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Directory,
    File(Vec<u8>),
    /// Another name of the file at this path.
    HardLink(Names),
    Link(Vec<u8>),
    Fifo,
}

impl Node {
    pub fn is_file(&self) -> bool {
        matches!(self, Node::File(_) | Node::HardLink(_))
    }
}

/// A whole file system, as it is to be backed up, and a profile's selection.
#[derive(Debug, Default)]
pub struct Tree {
    pub nodes: BTreeMap<Names, Node>,
    pub sources: Vec<String>,
    pub directories: Vec<String>,
    pub files: Vec<String>,
}

impl Tree {
    pub fn random(dice: &mut Dice) -> Tree {
        let mut tree = Tree::default();
        let mut directories = vec![Vec::new()];
        for _ in 0..dice.between(1, 3) {
            let top = vec![name(dice, 30)];
            if tree.add(top.clone(), Node::Directory) {
                directories.push(top);
            }
        }
        for _ in 0..dice.between(5, 40) {
            // The root is not a likely place.
            let first = usize::from(!dice.percent(4));
            let mut path = directories[dice.between(first, directories.len() - 1)].clone();
            path.push(tree.related_name(dice));
            let node = tree.random_node(dice);
            if tree.add(path.clone(), node.clone()) && node == Node::Directory {
                directories.push(path);
            }
        }
        if dice.percent(10) {
            tree.deep(dice, &directories);
        }
        tree.choose(dice);
        tree
    }

    fn add(&mut self, path: Names, node: Node) -> bool {
        let length: usize = path.iter().map(|n| n.len() + 1).sum();
        let free = length < 3200 && !self.nodes.contains_key(&path);
        if free {
            self.nodes.insert(path, node);
        }
        free
    }

    fn random_node(&self, dice: &mut Dice) -> Node {
        match dice.below(100) {
            0..36 => Node::Directory,
            36..88 => Node::File(vec![
                b'x';
                if dice.percent(5) {
                    dice.below(9000)
                } else {
                    dice.below(12)
                }
            ]),
            88..91 => match self.of_kind(|n| matches!(n, Node::File(_))) {
                files if files.is_empty() => Node::Fifo,
                files => Node::HardLink(dice.pick(&files).clone()),
            },
            91..97 => {
                let below = |names: &&Names| names.join(&b'/');
                let all: Vec<&Names> = self.nodes.keys().collect();
                Node::Link(match dice.below(5) {
                    0 => b"nowhere".to_vec(),
                    1 => b"..".to_vec(),
                    2 => b".".to_vec(),
                    _ => [b"/", &below(dice.pick(&all[..]))[..]].concat(),
                })
            }
            _ => Node::Fifo,
        }
    }

    fn of_kind(&self, is: impl Fn(&Node) -> bool) -> Vec<Names> {
        self.nodes
            .iter()
            .filter(|(_, node)| is(node))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// A name that may differ from an existing one by a trifle.
    fn related_name(&self, dice: &mut Dice) -> Vec<u8> {
        if dice.percent(75) {
            return name(dice, 60);
        }
        let all: Vec<&Names> = self.nodes.keys().collect();
        let mut other = dice.pick(&all[..]).last().cloned().unwrap_or_default();
        match dice.below(6) {
            0 => other.make_ascii_uppercase(),
            1 => other.make_ascii_lowercase(),
            2 => other.push(b' '),
            3 => other.push(b'.'),
            4 => other.insert(0, b' '),
            _ => {}
        }
        other.truncate(250);
        other
    }

    /// A path of up to about 3,000 bytes.
    fn deep(&mut self, dice: &mut Dice, directories: &[Names]) {
        let mut path = dice.pick(directories).clone();
        for _ in 0..dice.between(3, 14) {
            let name = name(dice, 20);
            let length = dice.between(name.len(), 240);
            path.push(name.iter().copied().cycle().take(length).collect());
            if !self.add(path.clone(), Node::Directory) {
                return;
            }
        }
        path.push(name(dice, 20));
        self.add(path, Node::File(b"deep".to_vec()));
    }

    fn choose(&mut self, dice: &mut Dice) {
        let directories = self.of_kind(|n| *n == Node::Directory);
        let everything: Vec<Names> = self.nodes.keys().cloned().collect();
        for _ in 0..dice.between(1, 5) {
            let source = match dice.below(40) {
                0 => "/".to_owned(),
                1 => text(dice.pick(&everything)),
                2 | 3 => format!("{}/gone", text(dice.pick(&directories))),
                _ => text(dice.pick(&directories)),
            };
            self.sources.push(source);
        }
        let above = |path: &str| {
            let above = path.rsplit_once('/').map(|(above, _)| above);
            above
                .filter(|above| !above.is_empty())
                .unwrap_or("/")
                .to_owned()
        };
        for _ in 0..dice.below(5) {
            let (source, any) = (
                dice.pick(&self.sources).clone(),
                dice.pick(&everything).clone(),
            );
            let exclusion = match dice.below(12) {
                0 => source,
                1 if dice.percent(20) => above(&source),
                2 if dice.percent(20) => "/".to_owned(),
                1 | 2 => text(&any),
                3 => format!("{}/", text(&any)),
                4 => format!("{source}{}", text(&any)),
                5..8 => pattern_of(dice, &any),
                _ => (*dice.pick(PATTERNS)).to_owned(),
            };
            if dice.percent(50) {
                self.directories.push(exclusion)
            } else {
                self.files.push(exclusion)
            }
        }
    }

    /// Writes it below `root`, with old times.
    pub fn write(&self, root: &Path) {
        for (number, (path, node)) in self.nodes.iter().enumerate() {
            let place = place(root, path);
            match node {
                Node::Directory => fs::create_dir(&place),
                Node::File(content) => fs::write(&place, content),
                Node::HardLink(_) => continue,
                Node::Link(target) => std::os::unix::fs::symlink(OsStr::from_bytes(target), &place),
                Node::Fifo => {
                    rustix::fs::mkfifoat(rustix::fs::CWD, &place, 0o600.into()).map_err(Into::into)
                }
            }
            .unwrap_or_else(|e| panic!("{}: {e}", place.display()));
            let mode = [0o755, 0o700, 0o750, 0o777][number % 4];
            match node {
                Node::Directory => {
                    fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap()
                }
                Node::File(_) => {
                    fs::set_permissions(&place, fs::Permissions::from_mode(mode & 0o666)).unwrap()
                }
                _ => {}
            }
            if let Node::File(_) = node {
                let time = filetime::FileTime::from_unix_time(
                    1_400_000_000 + 77_777 * number as i64,
                    123_456_700,
                );
                filetime::set_file_mtime(&place, time).unwrap();
            }
        }
        for (path, node) in &self.nodes {
            if let Node::HardLink(other) = node {
                fs::hard_link(place(root, other), place(root, path)).unwrap();
            }
        }
        for (number, (path, _)) in self
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, (_, node))| **node == Node::Directory)
        {
            let time = filetime::FileTime::from_unix_time(
                1_300_000_000 + 77_777 * number as i64,
                987_654_321,
            );
            filetime::set_file_mtime(place(root, path), time).unwrap();
        }
    }
}

/// Where a path lies on the disk.
pub fn place(root: &Path, path: &[Vec<u8>]) -> PathBuf {
    path.iter().fold(root.to_path_buf(), |at, name| {
        at.join(OsStr::from_bytes(name))
    })
}

/// The path as a profile can say it: what is not UTF-8 is lost.
fn text(path: &Names) -> String {
    format!("/{}", String::from_utf8_lossy(&path.join(&b'/')))
}

impl std::fmt::Display for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (what, texts) in [
            ("source", &self.sources),
            ("directory", &self.directories),
            ("file", &self.files),
        ] {
            texts
                .iter()
                .try_for_each(|text| writeln!(f, "  {what} {text:?}"))?;
        }
        for (path, node) in &self.nodes {
            let kind = match node {
                Node::Directory => "directory".to_owned(),
                Node::File(content) => format!("file of {}", content.len()),
                Node::HardLink(other) => format!("hard link to {}", shown(other)),
                Node::Link(target) => format!("link to {}", target.escape_ascii()),
                Node::Fifo => "fifo".to_owned(),
            };
            writeln!(f, "  {} {kind}", shown(path))?;
        }
        Ok(())
    }
}

/// A path in a message.
pub fn shown(path: &Names) -> String {
    match String::from_utf8(path.join(&b'/')) {
        Ok(text) => format!("{:?}", format!("/{text}")),
        Err(error) => format!("/{}", error.as_bytes().escape_ascii()),
    }
}
