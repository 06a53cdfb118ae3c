//! Directories that were renamed with everything in them. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use super::diff::{Change, Differing};
use super::entry::Seen;
use crate::model::manifest::EntryKind;

/// Turns a deleted directory and a new one with the same content into a renamed one. `paths` are
/// sorted.
pub(super) fn mark(paths: &mut Vec<Differing>) {
    let mut gone: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, differing) in paths.iter().enumerate() {
        if matches!(&differing.change, Change::Gone { before } if is_directory(before)) {
            gone.entry(fingerprint(paths, index))
                .or_default()
                .push(index);
        }
    }
    let mut taken = vec![false; paths.len()];
    for to in 0..paths.len() {
        // Directories come before what is in them, so that a renamed one is found as a whole.
        if !matches!(&paths[to].change, Change::New { now } if is_directory(now)) {
            continue;
        }
        let fitting = gone.get(&fingerprint(paths, to));
        let from = fitting.into_iter().flatten().copied().find(|from| {
            !taken[*from]
                && !taken[below(paths, *from)].contains(&true)
                && is_same(paths, *from, to)
        });
        let Some(from) = from else { continue };
        let pairs = below(paths, from).zip(below(paths, to));
        for (from, to) in std::iter::once((from, to)).chain(pairs) {
            taken[from] = true;
            if let Change::New { now } = paths[to].change {
                let from = paths[from].path.clone();
                paths[to].change = Change::Moved { from, now };
            }
        }
    }
    let mut taken = taken.into_iter();
    paths.retain(|_| taken.next() != Some(true));
}

/// The directories above a path, the nearest first.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let separator = separator(path);
    std::iter::successors(Some(path), move |path| Some(path.rsplit_once(separator)?.0)).skip(1)
}

pub(super) fn is_directory(seen: &Seen) -> bool {
    seen.kind == EntryKind::Directory
}

/// A name on Linux may have a backslash in it.
fn separator(path: &str) -> char {
    match path.starts_with('/') || !path.contains('\\') {
        true => '/',
        false => '\\',
    }
}

/// Where the paths below a directory are.
fn below(paths: &[Differing], directory: usize) -> Range<usize> {
    let directory = &paths[directory].path;
    let directory = format!("{directory}{}", separator(directory));
    let start = paths.partition_point(|differing| differing.path < directory);
    let inside = |differing: &&Differing| differing.path.starts_with(&directory);
    start..start + paths[start..].iter().take_while(inside).count()
}

/// What is below a directory, each with its path from there.
fn content(paths: &[Differing], directory: usize) -> impl Iterator<Item = (&str, &Seen)> {
    let length = paths[directory].path.len();
    paths[below(paths, directory)]
        .iter()
        .map(move |differing| (&differing.path[length + 1..], differing.seen()))
}

/// Directories with the same content have the same.
fn fingerprint(paths: &[Differing], directory: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (path, seen) in content(paths, directory) {
        (path, seen.is_file().then_some(seen.size)).hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether all of a deleted directory is in a new one, and nothing else. Without a file of some
/// size in them, all directories of the same names would be the same.
fn is_same(paths: &[Differing], from: usize, to: usize) -> bool {
    let mut of_both = content(paths, from).zip(content(paths, to));
    below(paths, from).len() == below(paths, to).len()
        && of_both.all(|((a, before), (b, now))| a == b && before.is_same(now))
        && content(paths, from).any(|(_, seen)| seen.is_file() && seen.size > 0)
}
