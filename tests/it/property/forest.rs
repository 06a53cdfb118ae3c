//! Many random trees side by side with names of Windows, and one selection of them all: a run under
//! Wine takes seconds.

use std::collections::BTreeMap;

use aam_auto_backup::parts::Exclusion;
use aam_auto_backup::parts::Family;

use super::dice::Dice;
use super::names::{PATTERNS, pattern_of, windows_name};
use super::tree::{Names, Node};

/// Trees of a forest.
pub const TREES: usize = 20;

/// The longest path below the forest, in bytes.
const LONGEST: usize = 1500;

#[derive(Debug, Default)]
pub struct Forest {
    /// By the names below the directory that holds the trees.
    pub nodes: BTreeMap<Names, Node>,
    /// In this spelling, which need not be that on disk.
    pub sources: Vec<Names>,
    /// As the profile says them, paths below `top`.
    pub directories: Vec<String>,
    pub files: Vec<String>,
    /// Names may end in a dot or a space.
    pub is_odd: bool,
    /// Files that are read-only.
    pub read_only: Vec<Names>,
    /// Files and directories that are hidden.
    pub hidden: Vec<Names>,
    /// Names of files that are reparse points: those that nobody can read as a file, and those that
    /// are read like others.
    pub aliases: Vec<String>,
    pub deduplicated: Vec<String>,
}

impl Forest {
    /// A forest in the directory `top`.
    pub fn random(dice: &mut Dice, top: &str, is_odd: bool) -> Forest {
        let mut forest = Forest {
            is_odd,
            ..Forest::default()
        };
        for number in 0..TREES {
            forest.grow(dice, vec![format!("tree {number}").into_bytes()]);
        }
        forest.choose(dice, top);
        forest.mark(dice);
        forest
    }

    /// Gives some files attributes that only Windows has.
    fn mark(&mut self, dice: &mut Dice) {
        let files = self.nodes.iter().filter(|(_, node)| node.is_file());
        let files: Vec<Names> = files.map(|(path, _)| path.clone()).collect();
        let last = |path: &Names| fold_text(std::str::from_utf8(path.last().unwrap()).unwrap());
        let directories = self.nodes.iter().filter(|(_, node)| !node.is_file());
        let directories: Vec<String> = directories.map(|(path, _)| last(path)).collect();
        let any = self.nodes.keys();
        self.hidden = any.filter(|_| dice.percent(8)).cloned().collect();
        for path in &files {
            let name = last(path);
            // The list of the lab takes no others, and knows them by their names alone.
            let can_be_listed = name.is_ascii()
                && !name.contains([';', '=', ':'])
                && !directories.contains(&name)
                && !self.aliases.contains(&name)
                && !self.deduplicated.contains(&name);
            match dice.below(10) {
                0 | 1 => self.read_only.push(path.clone()),
                2 if can_be_listed && self.aliases.len() < 6 => self.aliases.push(name),
                3 if can_be_listed && self.deduplicated.len() < 6 => self.deduplicated.push(name),
                _ => {}
            }
        }
    }

    /// Whether nobody can read this file, or any of its name.
    pub fn is_alias(&self, path: &Names) -> bool {
        let name = path.last().map(|name| String::from_utf8_lossy(name));
        name.is_some_and(|name| self.aliases.contains(&fold_text(&name)))
    }

    /// How many there are of each kind that only Windows has, or that it has trouble with.
    pub fn kinds(&self) -> [(&'static str, usize); 5] {
        let named = |names: &[String]| {
            let name = |path: &Names| fold_text(&String::from_utf8_lossy(path.last().unwrap()));
            let files = self.nodes.iter().filter(|(_, node)| node.is_file());
            files
                .filter(|(path, _)| names.contains(&name(path)))
                .count()
        };
        let odd = |path: &&Names| is_odd(path.last().unwrap());
        [
            (
                "dot or space at the end",
                self.nodes.keys().filter(odd).count(),
            ),
            ("read-only", self.read_only.len()),
            ("hidden", self.hidden.len()),
            ("alias", named(&self.aliases)),
            ("deduplicated", named(&self.deduplicated)),
        ]
    }

    /// The list of attributes as the lab takes it.
    pub fn attributes(&self) -> String {
        let aliases = self.aliases.iter();
        let aliases = aliases.map(|name| format!("{name}=0x0:0x8000001b:1920"));
        let others = self.deduplicated.iter();
        let others = others.map(|name| format!("{name}=0x200:0x80000013:0"));
        aliases.chain(others).collect::<Vec<_>>().join(";")
    }

    fn grow(&mut self, dice: &mut Dice, root: Names) {
        self.add(root.clone(), Node::Directory);
        let mut directories = vec![root];
        for _ in 0..dice.between(3, 30) {
            let mut path = dice.pick(&directories).clone();
            let mut name = windows_name(dice, 60);
            if self.is_odd && dice.percent(20) {
                let end: &str = dice.pick::<&str>(&[".", " ", "..", ". "]);
                name.push_str(end);
            }
            path.push(name.into_bytes());
            let is_directory = dice.percent(40);
            let size = if dice.percent(5) {
                dice.below(9000)
            } else {
                dice.below(12)
            };
            let node = if is_directory {
                Node::Directory
            } else {
                Node::File(vec![b'x'; size])
            };
            if self.add(path.clone(), node) && is_directory {
                directories.push(path);
            }
        }
        if dice.percent(15) {
            let mut path = dice.pick(&directories).clone();
            for _ in 0..dice.between(2, 7) {
                let name = windows_name(dice, 20);
                let length = dice.between(10, 120);
                let longer: String = name
                    .chars()
                    .cycle()
                    .scan(0, |sum, c| {
                        *sum += c.len_utf8();
                        (*sum < length.max(name.len() + 1)).then_some(c)
                    })
                    .collect();
                path.push(longer.trim_end_matches([' ', '.']).as_bytes().to_vec());
                if !self.add(path.clone(), Node::Directory) {
                    return;
                }
            }
            path.push(b"deep.txt".to_vec());
            self.add(path, Node::File(b"deep".to_vec()));
        }
    }

    /// No two names of a directory that differ only by case.
    fn add(&mut self, path: Names, node: Node) -> bool {
        let length: usize = path.iter().map(|name| name.len() + 1).sum();
        let folded = fold(&path);
        let free = length < LONGEST && !self.nodes.keys().any(|other| fold(other) == folded);
        if free {
            self.nodes.insert(path, node);
        }
        free
    }

    fn choose(&mut self, dice: &mut Dice, top: &str) {
        let is_directory = |(_, node): &(&Names, &Node)| **node == Node::Directory;
        let directories: Vec<Names> = self
            .nodes
            .iter()
            .filter(is_directory)
            .map(|(path, _)| path.clone())
            .collect();
        let everything: Vec<Names> = self.nodes.keys().cloned().collect();
        for number in 0..TREES {
            let root = format!("tree {number}").into_bytes();
            // A profile cannot name the odd ones.
            let own = |path: &&Names| path[0] == root && !path.iter().any(|name| is_odd(name));
            let own: Vec<&Names> = directories.iter().filter(own).collect();
            for _ in 0..dice.between(1, 3) {
                let any = *dice.pick(&own);
                let source = spelt(dice, any);
                if !self
                    .sources
                    .iter()
                    .any(|other| fold(other) == fold(&source))
                {
                    self.sources.push(source);
                }
            }
        }
        for _ in 0..dice.between(10, 40) {
            let any = dice.pick(&everything).clone();
            let exclusion = match dice.below(10) {
                // What leaves out nearly everything leaves out nearly everything of all trees.
                0 if dice.percent(20) => (*dice.pick(PATTERNS)).to_owned(),
                0 | 1 => pattern_of(dice, &any),
                2 => String::from_utf8(spelt(dice, &any).pop().unwrap_or_default()).unwrap(),
                3 => format!("{top}\\{}\\", text(&any)),
                _ => format!("{top}\\{}", text(&spelt(dice, &any))),
            };
            let strong = matches!(&*exclusion, "*" | "**" | "*.*" | "?*" | "*?" | "?*?");
            let can_be_said = Exclusion::parse(&exclusion, Family::Windows).is_ok();
            if can_be_said && (!strong || dice.percent(10)) {
                if dice.percent(50) {
                    self.directories.push(exclusion)
                } else {
                    self.files.push(exclusion)
                }
            }
        }
    }
}

fn is_odd(name: &[u8]) -> bool {
    name.ends_with(b".") || name.ends_with(b" ")
}

/// The path, sometimes in another case.
fn spelt(dice: &mut Dice, path: &Names) -> Names {
    match dice.below(4) {
        0 => path.iter().map(|name| name.to_ascii_uppercase()).collect(),
        1 => path.iter().map(|name| name.to_ascii_lowercase()).collect(),
        _ => path.clone(),
    }
}

/// The form in which NTFS compares names: each character in its upper case, where that is one
/// character.
pub fn fold(path: &[Vec<u8>]) -> Names {
    path.iter()
        .map(|name| fold_text(std::str::from_utf8(name).unwrap()).into_bytes())
        .collect()
}

pub fn fold_text(text: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            // NTFS's table has no characters beyond the first plane.
            (Some(one), None) if u32::from(c) < 0x1_0000 => one,
            _ => c,
        }
    };
    text.chars().map(upper).collect()
}

/// The path below the forest as Windows writes it.
pub fn text(path: &Names) -> String {
    String::from_utf8(path.join(&b'\\')).unwrap()
}

impl std::fmt::Display for Forest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.sources
            .iter()
            .try_for_each(|source| writeln!(f, "  source {:?}", text(source)))?;
        for (what, texts) in [("directory", &self.directories), ("file", &self.files)] {
            texts
                .iter()
                .try_for_each(|text| writeln!(f, "  {what} {text:?}"))?;
        }
        Ok(())
    }
}
