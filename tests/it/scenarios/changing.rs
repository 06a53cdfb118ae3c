//! A source that changes between the walk and 7-Zip: what the manifest says is what the archive
//! holds, and nothing that was not selected gets in.

use std::fs;

use crate::support::look::{differences, look};
use crate::support::machine::Machine;

/// What happens in `home` once, right before 7-Zip makes an archive; the exit code of that run; and
/// the path that it names, if any.
const CHANGES: &[(&str, &str, i32, &str)] = &[
    ("nothing", ":", 0, ""),
    (
        "a file is moved into an empty directory",
        "mv docs/b.txt docs/empty/b.txt",
        3,
        "docs/empty",
    ),
    (
        "two files are swapped",
        "mv docs/a.txt x; mv docs/long.txt docs/a.txt; mv x docs/long.txt",
        3,
        "docs/a.txt",
    ),
    (
        "a file becomes a link to a secret",
        "rm docs/a.txt; ln -s ../../secret docs/a.txt",
        3,
        "docs/a.txt",
    ),
    (
        "a directory becomes a link to another",
        "mv docs/sub away; ln -s ../../other-place docs/sub",
        3,
        "docs/sub/p.jpg",
    ),
    (
        "a file becomes a pipe",
        "rm docs/a.txt; mkfifo docs/a.txt",
        3,
        "docs/a.txt",
    ),
    ("a file vanishes", "rm docs/b.txt", 0, ""),
    (
        "a file becomes a directory",
        "rm docs/a.txt; mkdir docs/a.txt; echo inside >docs/a.txt/in",
        3,
        "docs/a.txt",
    ),
];

#[test]
fn what_changes_while_it_is_archived_costs_itself_alone() {
    changes(false);
}

#[test]
fn what_changes_while_it_is_archived_and_sent_costs_itself_alone() {
    changes(true);
}

fn changes(streams: bool) {
    for (what, change, code, named) in CHANGES {
        let mut machine = Machine::new();
        machine.profile.streams = streams;
        machine.profile.mirror.clear();
        machine.write("docs/sub/p.jpg", "three");
        machine.write("docs/long.txt", "longer than the other");
        fs::write(machine.path("secret"), "a secret").unwrap();
        fs::create_dir(machine.path("other-place")).unwrap();
        fs::write(machine.path("other-place/p.jpg"), "a secret").unwrap();
        let (home, once) = (machine.home(), machine.path("once"));
        machine.hook_seven_zip(&format!(
            "if [ $what = archive ] && [ ! -e '{once}' ]; then touch '{once}'; (cd '{home}'; {change}); fi",
            once = once.display(),
            home = home.display()
        ));
        let ran = machine.run(&[]);
        assert_eq!(ran.code, Some(*code), "{what}\n{ran}");
        assert!(once.exists(), "{what}: it did not happen");
        if !named.is_empty() {
            ran.says(named);
        }
        // What this backup holds can be restored, with exit code 3 where something was left out.
        let to = machine.nothing_restored();
        let first = machine.aam("restore", &["--to", to.to_str().unwrap()]);
        assert!(matches!(first.code, Some(0 | 3)), "{what}\n{first}");
        for (path, found) in look(&to) {
            assert_ne!(found.content, b"a secret", "{what}: {path:?}");
            assert_ne!(found.kind, "symlink", "{what}: {path:?}");
        }
        // A quiet run has the rest.
        machine.run(&[]).exit(0);
        let to = machine.nothing_restored();
        machine
            .aam("restore", &["--to", to.to_str().unwrap(), "--exact"])
            .exit(0);
        let mut source = look(&home);
        source.retain(|path, found| {
            let selected = path.starts_with(b"docs") || path.starts_with(b"pics");
            selected && matches!(found.kind, "file" | "directory" | "link")
        });
        let differences = differences(&source, &look(&to.join("1")));
        assert_eq!(differences, Vec::<String>::new(), "{what}");
    }
}
