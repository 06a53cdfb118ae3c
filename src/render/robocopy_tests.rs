//! The commands are carried out by a naive Robocopy on random trees, and must copy exactly what is
//! not left out.

use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// Every path of a tree, and whether it is a directory.
type Tree = BTreeMap<RelPath, bool>;

fn rel(text: &str) -> RelPath {
    RelPath::from_bytes(text)
}

fn is_left_out(path: &RelPath, left_out: &LeftOut) -> bool {
    left_out.files.contains(path) || left_out.directories.iter().any(|d| path.starts_with(d))
}

/// What Robocopy does with one command, by its documentation.
fn carry_out(command: &CopyCommand, tree: &Tree, copied: &mut Vec<RelPath>) {
    for (path, is_directory) in tree {
        if !path.starts_with(&command.directory) || *path == command.directory {
            continue;
        }
        let direct = path.parent() == command.directory;
        let skipped = command
            .without_directories
            .iter()
            .any(|d| path.starts_with(d))
            || command.without_files.contains(path)
            || (!command.recursive && (!direct || *is_directory))
            || (!command.only.is_empty() && !command.only.contains(path));
        if !skipped && !is_directory {
            copied.push(path.clone());
        }
    }
}

fn check(tree: &Tree, left_out: &LeftOut, room: Room) -> Vec<CopyCommand> {
    let mut children = |of: &RelPath| -> Result<Children, Infallible> {
        let mut held = Children::default();
        for (path, is_directory) in tree {
            if !path.is_root() && path.parent() == *of && !is_left_out(path, left_out) {
                if *is_directory {
                    held.directories.push(path.clone())
                } else {
                    held.files.push(path.clone())
                }
            }
        }
        Ok(held)
    };
    let Ok(commands) = copy_commands(&RelPath::root(), left_out, room, &mut children);
    let mut copied = Vec::new();
    commands
        .iter()
        .for_each(|command| carry_out(command, tree, &mut copied));
    let distinct: BTreeSet<_> = copied.iter().cloned().collect();
    assert_eq!(distinct.len(), copied.len(), "nothing is copied twice");
    let wanted: BTreeSet<_> = tree
        .iter()
        .filter(|(path, is_directory)| !**is_directory && !is_left_out(path, left_out))
        .map(|(path, _)| path.clone())
        .collect();
    assert_eq!(distinct, wanted, "{commands:#?}");
    for command in &commands {
        let said = [
            &command.only,
            &command.without_directories,
            &command.without_files,
        ];
        let cost: usize = said.iter().map(|paths| room.total(paths.iter())).sum();
        assert!(
            cost <= room.beside(&command.directory)
                || (said[0].len() == 1 && cost == room.total(said[0])),
            "too long: {cost}"
        );
    }
    commands
}

#[test]
fn one_command_when_everything_fits() {
    let tree: Tree = [
        ("a", true),
        ("a/x", false),
        ("b", true),
        ("b/y", false),
        ("z", false),
    ]
    .into_iter()
    .map(|(p, d)| (rel(p), d))
    .collect();
    let left_out = LeftOut {
        directories: vec![rel("b")],
        files: vec![rel("z")],
    };
    let commands = check(
        &tree,
        &left_out,
        Room {
            characters: 8000,
            prefix: 3,
        },
    );
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0].without_directories, [rel("b")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn commands_copy_exactly_the_selection(
        paths in prop::collection::btree_set("[a-d%](/[a-d%]{1,3}){0,4}", 1..40),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        characters in 40_usize..400,
    ) {
        let mut tree = Tree::new();
        for path in &paths {
            let path = rel(path);
            let mut above = path.parent();
            while !above.is_root() {
                tree.insert(above.clone(), true);
                above = above.parent();
            }
            tree.entry(path).or_insert(false);
        }
        let all: Vec<(RelPath, bool)> = tree.iter().map(|(p, d)| (p.clone(), *d)).collect();
        let mut left_out = LeftOut::default();
        for pick in picks {
            let (path, is_directory) = pick.get(&all).clone();
            // A walk does not look below what it leaves out.
            if is_left_out(&path, &left_out) {
                continue;
            }
            if is_directory {
                left_out.directories.retain(|d| !d.starts_with(&path));
                left_out.files.retain(|f| !f.starts_with(&path));
                left_out.directories.push(path);
            } else {
                left_out.files.push(path);
            }
        }
        check(&tree, &left_out, Room { characters, prefix: 3 });
    }
}
