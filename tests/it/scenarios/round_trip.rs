//! What was backed up comes back: a run's own archives through `restore`.

use std::fs;

use crate::support::look::{Seen, differences, look};
use crate::support::machine::{Machine, below};

fn restore(machine: &Machine, to: &str, more: &[&str]) -> Seen {
    let (profile, target) = (machine.path("profile.yaml"), machine.path(to));
    let to = target.to_str().unwrap();
    let arguments = [
        &[
            "restore",
            profile.to_str().unwrap(),
            "--to",
            to,
            "--layout",
            "original",
        ],
        more,
    ]
    .concat();
    machine.ended(&arguments).exit(0);
    look(&below(&target, &machine.home()))
}

/// Times are kept by 7-Zip in steps of 100 ns.
fn rounded(mut seen: Seen) -> Seen {
    seen.values_mut().for_each(|found| found.modified /= 100);
    seen
}

/// Each state as it was, with what was deleted, moved and added since; of a source that is missing
/// the last known.
#[test]
fn every_state_comes_back() {
    for format in ["zip", "7z"] {
        let mut machine = Machine::new();
        machine.profile.format = format;
        machine.add_other();
        for name in [
            "two words",
            "-rf",
            "it's \"x\"",
            "*",
            "[x]",
            "\u{1f600}",
            "e\u{301}",
            "#hash",
            " lead",
            "trail ",
            "tab\t",
        ] {
            machine.write(&format!("docs/nasty/{name}/{name}"), name);
        }
        machine.run(&[]).exit(0);
        let mut states = vec![(
            machine.backups().pop().unwrap().stamp,
            look(&machine.home()),
        )];

        let home = machine.home();
        fs::remove_file(home.join("docs/b.txt")).unwrap();
        fs::rename(home.join("docs/nasty"), home.join("pics/moved")).unwrap();
        machine.write("docs/a.txt", "changed");
        fs::create_dir(home.join("pics/new and empty")).unwrap();
        machine.run(&[]).exit(0);
        states.push((machine.backups().pop().unwrap().stamp, look(&home)));

        // Its last known state stays.
        fs::rename(home.join("pics"), machine.path("elsewhere")).unwrap();
        machine.write("docs/last.txt", "last");
        machine.run(&[]).exit(1);
        fs::rename(machine.path("elsewhere"), home.join("pics")).unwrap();
        states.push((machine.backups().pop().unwrap().stamp, look(&home)));

        for (number, (stamp, expected)) in states.into_iter().enumerate() {
            let found = restore(
                &machine,
                &format!("back-{number}"),
                &["--exact", "--at", &stamp],
            );
            let lines = differences(&rounded(expected), &rounded(found));
            assert_eq!(lines, Vec::<String>::new(), "{format}, state {number}");
        }
        assert_eq!(
            fs::read(below(&machine.path("back-2"), &machine.other()).join("far.txt")).unwrap(),
            b"far"
        );
    }
}

/// No archive names a directory that holds nothing selected.
#[test]
fn a_directory_takes_the_place_of_a_file_of_an_older_backup() {
    let mut machine = Machine::new();
    machine.profile.mirror.clear();
    machine.profile.exclude_files.push("*.tmp".to_owned());
    machine.write("docs/kind", "a file");
    machine.run(&[]).exit(0);
    fs::remove_file(machine.home().join("docs/kind")).unwrap();
    machine.write("docs/kind/left-out.tmp", "in a directory");
    machine.run(&[]).exit(0).says(" incremental backup!");
    for (to, option) in [("exact", "--exact"), ("all", "--with-deleted")] {
        let restored = restore(&machine, to, &[option]);
        assert_eq!(restored[&b"docs/kind"[..]].kind, "directory", "{option}");
    }
}
