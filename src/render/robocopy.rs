//! Which Robocopy commands together copy exactly the selection (SPEC#selection, a rendered line
//! holds 8000 characters).
//!
//! Robocopy gets the concrete directories and files to leave out, never a wildcard that it would
//! read its own way. When they do not fit one line, subtrees get commands of their own, and are
//! left out of the command above them.

use std::collections::BTreeMap;

use crate::model::manifest::RelPath;

/// One Robocopy command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyCommand {
    /// The directory it copies, below the mount.
    pub directory: RelPath,
    /// With everything below it (`/E`), or only its own files (`/LEV:1`).
    pub recursive: bool,
    /// Only these files of the directory; empty means all.
    pub only: Vec<RelPath>,
    /// Directories below it to leave out.
    pub without_directories: Vec<RelPath>,
    /// Files below it to leave out.
    pub without_files: Vec<RelPath>,
}

/// What a directory holds that is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Children {
    pub directories: Vec<RelPath>,
    pub files: Vec<RelPath>,
}

/// What a walk left out of one source.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    pub directories: Vec<RelPath>,
    pub files: Vec<RelPath>,
}

/// How many characters a line has room for beside its fixed part, and what a path costs in it.
/// The paths of source and target below their mounts are not part of what is fixed.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub characters: usize,
    /// Characters of the mount's path before each path.
    pub prefix: usize,
}

impl Room {
    /// Quotes, a blank, and every `%` doubled. Characters are UTF-16 units, as cmd counts.
    fn cost(self, path: &RelPath) -> usize {
        let text = String::from_utf8_lossy(path.as_bytes());
        self.prefix + text.encode_utf16().count() + text.matches('%').count() + 4
    }

    /// What is left of a line beside the two directories that it names.
    fn beside(self, directory: &RelPath) -> usize {
        let below = Room { prefix: 0, ..self };
        self.characters.saturating_sub(2 * below.cost(directory))
    }

    fn total<'a>(self, paths: impl IntoIterator<Item = &'a RelPath>) -> usize {
        paths.into_iter().map(|p| self.cost(p)).sum()
    }
}

/// The commands that copy `source` without what is left out. `children` is asked for what a
/// directory holds, only where a directory has so much left out directly in it that one line cannot
/// say it.
///
/// # Errors
/// Whatever `children` says.
pub fn copy_commands<E>(
    source: &RelPath,
    left_out: &LeftOut,
    room: Room,
    children: &mut dyn FnMut(&RelPath) -> Result<Children, E>,
) -> Result<Vec<CopyCommand>, E> {
    let mut tree = DirectoryNode::default();
    for (paths, is_directory) in [(&left_out.directories, true), (&left_out.files, false)] {
        for path in paths
            .iter()
            .filter(|p| p.starts_with(source) && *p != source)
        {
            tree.insert(source, path, is_directory, room);
        }
    }
    let mut commands = Vec::new();
    split(source, tree, room, children, &mut commands)?;
    Ok(commands)
}

/// A directory with something left out in or below it.
#[derive(Default)]
struct DirectoryNode {
    directories: Vec<RelPath>,
    files: Vec<RelPath>,
    below: BTreeMap<Vec<u8>, DirectoryNode>,
    /// What it costs to say all of that.
    cost: usize,
}

impl DirectoryNode {
    fn insert(&mut self, base: &RelPath, path: &RelPath, is_directory: bool, room: Room) {
        let mut node = self;
        node.cost += room.cost(path);
        let depth = base.names().count();
        let names: Vec<&[u8]> = path.names().skip(depth).collect();
        for name in names.iter().take(names.len().saturating_sub(1)) {
            node = node.below.entry(name.to_vec()).or_default();
            node.cost += room.cost(path);
        }
        if is_directory {
            node.directories.push(path.clone())
        } else {
            node.files.push(path.clone())
        }
    }

    fn collect(self, directories: &mut Vec<RelPath>, files: &mut Vec<RelPath>) {
        directories.extend(self.directories);
        files.extend(self.files);
        self.below
            .into_values()
            .for_each(|node| node.collect(directories, files));
    }
}

fn split<E>(
    directory: &RelPath,
    mut node: DirectoryNode,
    room: Room,
    children: &mut dyn FnMut(&RelPath) -> Result<Children, E>,
    commands: &mut Vec<CopyCommand>,
) -> Result<(), E> {
    let characters = room.beside(directory);
    // The costliest subtrees go first to commands of their own, until the rest fits.
    let mut own: Vec<(RelPath, DirectoryNode)> = Vec::new();
    let mut cost = node.cost;
    while cost > characters {
        let Some(name) = node
            .below
            .iter()
            .max_by_key(|(_, n)| n.cost)
            .map(|(name, _)| name.clone())
        else {
            break;
        };
        let path = directory.join(&name);
        // Saying that it is left out must cost less than what it saves.
        match node.below.remove(&name) {
            Some(subtree) if subtree.cost > room.cost(&path) => {
                cost = cost - subtree.cost + room.cost(&path);
                own.push((path, subtree));
            }
            Some(subtree) => {
                node.below.insert(name, subtree);
                break;
            }
            None => break,
        }
    }
    if cost <= characters {
        let mut without_directories: Vec<RelPath> =
            own.iter().map(|(path, _)| path.clone()).collect();
        let mut without_files = Vec::new();
        node.collect(&mut without_directories, &mut without_files);
        commands.push(CopyCommand {
            directory: directory.clone(),
            recursive: true,
            only: Vec::new(),
            without_directories,
            without_files,
        });
    } else {
        one_by_one(directory, node, &mut own, room, children, commands)?;
    }
    own.into_iter()
        .try_for_each(|(path, subtree)| split(&path, subtree, room, children, commands))
}

/// A directory with too much left out directly in it: its own files, then each selected directory
/// by itself.
fn one_by_one<E>(
    directory: &RelPath,
    mut node: DirectoryNode,
    own: &mut Vec<(RelPath, DirectoryNode)>,
    room: Room,
    children: &mut dyn FnMut(&RelPath) -> Result<Children, E>,
    commands: &mut Vec<CopyCommand>,
) -> Result<(), E> {
    let held = children(directory)?;
    let characters = room.beside(directory);
    let files = |only, without_files| CopyCommand {
        directory: directory.clone(),
        recursive: false,
        only,
        without_directories: Vec::new(),
        without_files,
    };
    if room.total(&node.files) <= characters {
        commands.push(files(Vec::new(), std::mem::take(&mut node.files)));
    } else {
        let mut line = Vec::new();
        let (hyphened, plain): (Vec<_>, Vec<_>) =
            held.files.into_iter().partition(begins_with_hyphen);
        for file in hyphened {
            let alike = node
                .files
                .iter()
                .filter(|left_out| asked_for_alike(left_out, &file))
                .cloned()
                .collect();
            commands.push(files(vec![file], alike));
        }
        for file in plain {
            if !line.is_empty() && room.total(&line) + room.cost(&file) > characters {
                commands.push(files(std::mem::take(&mut line), Vec::new()));
            }
            line.push(file);
        }
        if !line.is_empty() {
            commands.push(files(line, Vec::new()));
        }
    }
    for path in held.directories {
        if own.iter().any(|(other, _)| *other == path) {
            continue;
        }
        let name = path.names().last().unwrap_or_default().to_vec();
        own.push((path, node.below.remove(&name).unwrap_or_default()));
    }
    Ok(())
}

/// The word that asks for a file by its name. Robocopy takes one that begins with a hyphen for an
/// option, so any character may stand there; files that are asked for with it by
/// mistake are left out by their paths.
pub fn asking_for(name: &str) -> String {
    name.strip_prefix('-')
        .map_or_else(|| name.to_owned(), |rest| format!("?{rest}"))
}

fn begins_with_hyphen(path: &RelPath) -> bool {
    last_name(path).starts_with('-')
}

fn asked_for_alike(left_out: &RelPath, file: &RelPath) -> bool {
    let tail = |path: &RelPath| {
        last_name(path)
            .to_lowercase()
            .chars()
            .skip(1)
            .collect::<String>()
    };
    tail(left_out) == tail(file)
}

fn last_name(path: &RelPath) -> String {
    String::from_utf8_lossy(path.names().last().unwrap_or_default()).into_owned()
}

#[cfg(test)]
#[path = "robocopy_tests.rs"]
mod tests;
