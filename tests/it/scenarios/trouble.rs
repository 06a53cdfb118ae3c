//! Files that cannot be read, disks that are full, and other things that go wrong while a backup
//! runs.

use std::fs;

use crate::support::machine::Machine;
use crate::support::processes::is_root;

#[test]
fn what_was_in_an_unreadable_directory_is_kept() {
    let mut machine = Machine::new();
    machine.become_ordinary();
    machine.profile.mirror_extra("delete", "100%");
    machine.run(&[]).exit(0);
    machine.mode("pics", 0);
    machine.run(&[]).exit(3).says("/pics' is not backed up: ");
    // The mirror's directory is closed as well: only root can look into it.
    assert!(!is_root() || machine.mirrored().contains("pics/p.jpg"));
    assert_eq!(machine.manifests().matches("\"unseen\":true").count(), 1);
    machine.mode("pics", 0o700);
    // The mirror's has the source's mode until rsync has been there.
    machine
        .run(&[])
        .exit(3)
        .says("/pics' in the mirror cannot be read, and nothing in it is deleted: ");
    machine.run(&[]).exit(0);
}

/// 7-Zip ends with 2 where it cannot read a file to its end, as one with a bad block.
#[test]
fn a_file_that_cannot_be_read_to_its_end_costs_itself_alone() {
    let mut machine = Machine::new();
    machine.become_ordinary();
    machine.profile.mirror.clear();
    machine.mode("docs/b.txt", 0);
    machine.hook_seven_zip(
        "list=$(printf '%s\\n' \"$@\" | sed -n 's/^-i@//p; s/^@//p')\n\
         [ $what = archive ] && grep -q docs/b.txt \"$list\" && exit 2",
    );
    machine
        .run(&[])
        .exit(3)
        .says("/docs/b.txt' is not backed up: ");
    let archived = machine.archived();
    assert_eq!(archived.len(), 3, "{archived:?}");
    machine.mode("docs/b.txt", 0o600);
    machine.profile.seven_zip = None;
    machine.run(&[]).exit(0);
}

/// As odd names on network shares: a directory lists them, and they cannot be looked at.
#[test]
fn names_that_are_listed_and_not_found_are_named_and_kept() {
    if !is_root() {
        // strace cannot look at the handles of a program that lets no other one look into it.
        println!("only root can make it fail");
        return;
    }
    let mut machine = Machine::new();
    machine.profile.mirror_extra("delete", "100%");
    machine.write("docs/odd/name", "odd");
    // Tools of root are shown the source elsewhere.
    machine.become_ordinary();
    machine.run(&[]).exit(0);
    let profile = machine.path("profile.yaml");
    let odd = machine.home().join("docs/odd");
    let user = ["-u", "nobody", "-f", "-o", "/dev/null"];
    let fault = ["-e", "trace=statx", "-e", "inject=statx:error=ENOENT"];
    let strace = [&user[..], &fault, &["-P", odd.to_str().unwrap()]].concat();
    let ran = machine.traced(&strace, &["run", profile.to_str().unwrap()]);
    ran.exit(3)
        .says("docs/odd/name' is not backed up: its directory lists it, but it cannot be found");
    assert!(machine.mirrored().contains("docs/odd/name"));
    assert_eq!(machine.manifests().matches("\"unseen\":true").count(), 1);
    machine.run(&[]).exit(0);
}

/// Gone after the walk has listed it, before the tools read it.
#[test]
fn a_file_that_vanishes_is_no_failure() {
    for tool in ["rsync", "7-Zip"] {
        let mut machine = Machine::new();
        let hook = format!("rm -f '{}'", machine.home().join("docs/b.txt").display());
        match tool {
            "rsync" => machine.hook_rsync(&hook),
            _ => machine.hook_seven_zip(&format!("[ $what = archive ] && {hook}")),
        }
        // It was deleted, which is nobody's fault.
        machine.run(&[]).exit(0);
        assert_eq!(machine.archived().len(), 3, "{tool}");
        machine.profile.seven_zip = None;
        machine.run(&[]).exit(0);
    }
}

/// The contract `SOURCE MOUNT COMMAND…`: shows the source at the mount, runs the command, passes
/// its exit code on.
const SNAPSHOT: &str = r#"source=$1 mount=$2
shift 2
cp -a "$source/." "$mount" || exit 1
echo "a line of the snapshot program's own"
"$@"
code=$?
find "$mount" -mindepth 1 -delete
exit $code"#;

#[test]
fn a_snapshot_program() {
    let mut machine = Machine::new();
    machine.add_other();
    machine.run(&[]).exit(0);
    let (archived, mirror) = (machine.archived(), machine.mirror());

    let mut machine = Machine::new();
    machine.add_other();
    let mount = machine.path("snapshot");
    fs::create_dir(&mount).unwrap();
    // The source changes once its snapshot is made.
    let home = machine.home();
    let text = SNAPSHOT.replace(
        "code=$?",
        &format!("code=$?; rm -f '{}'", home.join("docs/a.txt").display()),
    );
    machine.profile.snapshot = Some((machine.script("snap", &text), mount.clone()));
    machine.run(&[]).exit(0);
    assert_eq!(machine.archived(), archived);
    let contents = |seen: &crate::support::look::Seen| -> Vec<_> {
        seen.iter()
            .map(|(path, found)| (path.clone(), found.content.clone()))
            .collect()
    };
    assert_eq!(contents(&machine.mirror()), contents(&mirror));
    assert_eq!(fs::read_dir(&mount).unwrap().count(), 0);
}

#[test]
fn a_snapshot_program_that_fails() {
    let mut machine = Machine::new();
    let mount = machine.path("snapshot");
    fs::create_dir(&mount).unwrap();
    for (text, phrase) in [
        ("echo no snapshots today; exit 1", "ended with exit code 1"),
        // What it ran did well, but it did not.
        (
            &*SNAPSHOT.replace("exit $code", "exit 5"),
            "ended with exit code 5",
        ),
    ] {
        machine.profile.snapshot = Some((machine.script("snap", text), mount.clone()));
        machine.run(&[]).exit(1).says(phrase);
        assert_eq!(machine.stored().len(), 0);
    }
    machine.profile.snapshot = Some(("no-such-program".into(), mount));
    machine
        .run(&[])
        .exit(1)
        .says("'no-such-program' was not found");
}

/// It was there when the plan was made.
#[test]
fn a_source_that_vanishes_meanwhile_is_not_called_backed_up() {
    let mut machine = Machine::new();
    machine.add_other();
    let (other, away) = (machine.other(), machine.path("gone"));
    machine.hook_rsync(&format!(
        "[ ! -e '{0}' ] || mv '{0}' '{1}'",
        other.display(),
        away.display()
    ));
    machine
        .run(&[])
        .exit(1)
        .says("is not backed up: it does not exist")
        .says("is there, without '")
        .never_says("is complete")
        .never_says("has all of this backup");
    fs::rename(&away, &other).unwrap();
    machine.profile.rsync = None;
    machine.run(&[]).exit(0).says("is complete");
}
