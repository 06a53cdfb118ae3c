//! The tree of a history: a dozen names below three sources, and what can be done to them. What
//! cannot be done to what is there now is not done.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use filetime::FileTime;

use super::step::Change;
use crate::support::machine::Machine;

pub const SOURCES: usize = 3;

/// The source that is a mount of its own.
pub const OTHER_MOUNT: usize = 2;

/// A file that stays in each source: a source without any counts as missing.
pub const ANCHOR: &str = "anchor";

/// The same on Windows, with names and attributes that only Windows has trouble with.
const FILES_OF_WINDOWS: [(usize, &str); 4] = [
    (1, ".hidden"),
    (0, ALIAS),
    (0, DEDUPLICATED),
    (1, "new/100% & (more) ^!.txt"),
];

/// Names that end in a dot or a space. What Robocopy makes of them is not known: histories with them
/// have no mirror.
const ODD_FILES: [(usize, &str); 3] = [(0, "sub/dot."), (1, "space "), (2, "both. ./in.txt")];

/// Whether a history has such names.
pub fn is_odd(machine: &Machine) -> bool {
    machine.path(ODD).exists()
}

/// A file beside the sources that says so.
pub const ODD: &str = "odd names";

/// A reparse point that nobody can read as a file.
pub const ALIAS: &str = "alias.x";

/// A reparse point that is read as a file.
pub const DEDUPLICATED: &str = "deduplicated.x";

const FILES: [(usize, &str); 12] = [
    (0, "a.txt"),
    (0, "b.tmp"),
    (0, "sub/c.txt"),
    (0, "sub/deep/d.txt"),
    (0, "cache/e.txt"),
    (0, "x y [z].txt"),
    (1, "p.jpg"),
    (1, "cache/q.tmp"),
    (1, "\u{fc}.txt"),
    (1, "new/r.bin"),
    (2, "far.txt"),
    (2, "sub/s.txt"),
];

const DIRECTORIES: [(usize, &str); 8] = [
    (0, "sub"),
    (0, "sub/deep"),
    (0, "cache"),
    (0, "empty"),
    (1, "cache"),
    (1, "new"),
    (2, "sub"),
    (2, "hollow"),
];

/// 1.2 times the smallest volume is the largest.
const SIZES: [usize; 6] = [0, 5, 40, 300, 4000, 80_000];

/// The directory that is source number `n`.
pub fn source(machine: &Machine, n: usize) -> PathBuf {
    match n {
        0 => machine.home().join("docs"),
        1 => machine.home().join("pics"),
        _ => machine.other(),
    }
}

/// The tree as it is in the beginning.
pub fn plant(machine: &Machine) {
    for n in 0..SOURCES {
        fs::create_dir_all(source(machine, n)).unwrap();
        fs::write(source(machine, n).join(ANCHOR), format!("anchor {n}")).unwrap();
    }
    for (i, version) in [(0, 2), (2, 3), (3, 1), (4, 4), (6, 5), (8, 2), (10, 3)] {
        change(machine, Change::Write(i, version));
    }
    change(machine, Change::EmptyDirectory(3));
    if machine.is_windows() {
        for more in FILES.len()..FILES.len() + FILES_OF_WINDOWS.len() + ODD_FILES.len() {
            change(machine, Change::Write(more, 2));
        }
        change(machine, Change::Mode(6, 1));
    }
}

/// Does it, as far as it can be done.
pub fn change(machine: &Machine, change: Change) {
    // Below a source that is not attached nothing is made.
    let place = |(n, rel): (usize, &str)| match source(machine, n) {
        there if there.is_dir() && machine.is_windows() => spelt(&there, rel),
        there if there.is_dir() => there.join(rel),
        _ => "/proc/none/none".into(),
    };
    let mut files = FILES.to_vec();
    if machine.is_windows() {
        files.extend(FILES_OF_WINDOWS);
    }
    if is_odd(machine) {
        files.extend(ODD_FILES);
    }
    let file = |i: usize| place(files[i % files.len()]);
    let directory = |i: usize| place(DIRECTORIES[i % DIRECTORIES.len()]);
    match change {
        Change::Write(i, version) => write(&file(i), &content(i, version)),
        Change::Patch(i, version) => patch(&file(i), version),
        Change::Swap(a, b) => swap(&file(a), &file(b)),
        Change::SwapDirectories(a, b) => swap(&directory(a), &directory(b)),
        Change::Case(i) => {
            let from = if i % 2 == 0 {
                file(i / 2)
            } else {
                directory(i / 2)
            };
            let name = from.file_name().unwrap().to_str().unwrap();
            let (upper, lower) = (from.with_file_name(name.to_uppercase()), from.clone());
            let (from, to) = match from.exists() {
                true if machine.is_windows() && upper == lower => {
                    (upper, from.with_file_name(name.to_lowercase()))
                }
                true => (lower, upper),
                false => (upper, lower),
            };
            rename(&from, &to);
        }
        Change::Move(a, b) => rename(&file(a), &file(b)),
        Change::OldFile(i, version) => {
            let outside = machine.path("outside");
            let _ = fs::remove_file(&outside);
            write(&outside, &content(i, version));
            old(&outside, version);
            make_parent(&file(i));
            rename(&outside, &file(i));
        }
        Change::OldDirectory(i, version) => {
            let outside = machine.path("outside directory");
            let _ = fs::remove_dir_all(&outside);
            for name in ["in.txt", "deep/in.tmp"] {
                write(&outside.join(name), &content(i, version));
                old(&outside.join(name), version);
            }
            old(&outside.join("deep"), version);
            old(&outside, version);
            remove(&directory(i));
            make_parent(&directory(i));
            rename(&outside, &directory(i));
            let _ = fs::remove_dir_all(&outside);
        }
        Change::Delete(i) => drop(fs::remove_file(file(i))),
        Change::DeleteDirectory(i) => drop(fs::remove_dir_all(directory(i))),
        Change::EmptyDirectory(i) => drop(fs::create_dir_all(directory(i))),
        Change::DirectoryBecomesFile(i) => {
            if directory(i).is_dir() {
                remove(&directory(i));
                write(&directory(i), &content(i, 1));
            }
        }
        Change::FileBecomesDirectory(i) => {
            if file(i).is_file() {
                remove(&file(i));
                write(&file(i).join("inside.txt"), &content(i, 3));
            }
        }
        Change::Mode(i, mode) => {
            let path = if mode % 2 == 0 { file(i) } else { directory(i) };
            let modes = match path.is_dir() {
                true => [0o700, 0o755, 0o750],
                // Windows knows read-only files.
                false if machine.is_windows() => [0o600, 0o444, 0o644],
                false => [0o600, 0o644, 0o640],
            };
            let mode = fs::Permissions::from_mode(modes[mode % 3]);
            let _ = fs::set_permissions(path, mode);
        }
        Change::Touch(i, time) => {
            if file(i).is_file() {
                // Years ago, a moment ago, in years.
                let time = [1_400_000_000, 1_700_000_000, 2_000_000_000][time % 3] + time as i64;
                let _ = filetime::set_file_mtime(file(i), FileTime::from_unix_time(time, 7000));
            }
        }
    }
}

/// A restored path with its own names: Windows does not have those that end in a dot or a space, and
/// they come back under others.
pub fn own_names(path: &[u8]) -> Vec<u8> {
    let own = |name: &[u8]| {
        let legal = name.iter().rev().take_while(|byte| **byte == b'_').count();
        let (stem, _) = name.split_at(name.len() - legal);
        let end: &[u8] = match stem.to_ascii_lowercase().as_slice() {
            b"dot" => b".",
            b"space" => b" ",
            b"both" => b". .",
            _ => return name.to_vec(),
        };
        match end.len() == legal {
            true => [stem, end].concat(),
            false => name.to_vec(),
        }
    };
    let names: Vec<Vec<u8>> = path.split(|byte| *byte == b'/').map(own).collect();
    names.join(&b'/')
}

/// A path below a directory in the spelling that it has there: for Windows names are equal without
/// regard to case.
fn spelt(directory: &Path, rel: &str) -> PathBuf {
    rel.split('/').fold(directory.to_path_buf(), |at, name| {
        let names = fs::read_dir(&at).into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name());
        let same = names.find(|other| {
            let other = other.to_string_lossy();
            other.to_lowercase() == name.to_lowercase()
        });
        at.join(same.unwrap_or_else(|| name.into()))
    })
}

/// Puts a source away, or back.
pub fn detach(machine: &Machine, n: usize) -> bool {
    let away = machine.path(&format!("away {n}"));
    let here = source(machine, n);
    // The other mount is on another disk, perhaps.
    let away = if n == OTHER_MOUNT {
        here.with_file_name("away")
    } else {
        away
    };
    if away.exists() {
        fs::rename(&away, &here).unwrap();
        return false;
    }
    fs::rename(&here, &away).unwrap();
    true
}

fn content(file: usize, version: usize) -> Vec<u8> {
    let length = SIZES[version % SIZES.len()];
    let mut text = format!("file {file} version {version} ").into_bytes();
    let mut state = (file * 1000 + version) as u64;
    while text.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        text.push((state >> 56) as u8);
    }
    if length == 0 { Vec::new() } else { text }
}

fn make_parent(path: &Path) {
    // A file may be in the way.
    let _ = fs::create_dir_all(path.parent().unwrap());
}

fn write(path: &Path, content: &[u8]) {
    make_parent(path);
    let _ = fs::write(path, content);
}

/// The same size and time, other bytes.
fn patch(path: &Path, version: usize) {
    let (Ok(mut bytes), Ok(meta)) = (fs::read(path), fs::metadata(path)) else {
        return;
    };
    let Some(first) = bytes.first_mut() else {
        return;
    };
    *first = first.wrapping_add(1 + (version % 5) as u8);
    // It may be read-only.
    let Ok(mut file) = fs::OpenOptions::new().write(true).open(path) else {
        return;
    };
    file.write_all(&bytes).unwrap();
    drop(file);
    filetime::set_file_mtime(path, FileTime::from_last_modification_time(&meta)).unwrap();
}

fn old(path: &Path, version: usize) {
    let time = FileTime::from_unix_time(1_500_000_000 + version as i64, 0);
    let _ = filetime::set_file_mtime(path, time);
}

fn remove(path: &Path) {
    let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
}

fn rename(from: &Path, to: &Path) {
    // Neither onto a directory, nor out of the way of nothing.
    if from.exists() && (!to.exists() || (from.is_file() && to.is_file())) {
        let _ = fs::rename(from, to);
    }
}

fn swap(a: &Path, b: &Path) {
    let inside = a.starts_with(b) || b.starts_with(a);
    if a.exists() && b.exists() && !inside {
        let aside = a.with_file_name("aside");
        let moved = fs::rename(a, &aside).and_then(|()| fs::rename(b, a));
        let _ = moved.and_then(|()| fs::rename(&aside, b));
    }
}
