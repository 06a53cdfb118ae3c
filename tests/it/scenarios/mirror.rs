//! The mirror, and destinations that are not there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::look::{differences, look};
use crate::support::machine::{Machine, below};

/// The mirror is the source: contents, times, modes and empty directories.
#[test]
fn the_mirror_is_an_exact_copy() {
    let machine = Machine::new();
    machine.write("docs/name with 'quotes' and $HOME", "x");
    machine.make_old("docs");
    machine.run(&[]).exit(0);
    assert_eq!(
        differences(&look(&machine.home()), &machine.mirror()),
        Vec::<String>::new()
    );
}

#[test]
fn extra_files_are_deleted_when_asked_for() {
    let mut machine = Machine::new();
    machine.profile.mirror_extra("delete", "100%");
    machine.write("docs/was-directory/in/it.txt", "x");
    machine.write("docs/was-file", "x");
    machine.run(&[]).exit(0);
    let home = machine.home();
    fs::remove_file(home.join("docs/b.txt")).unwrap();
    fs::remove_dir(home.join("docs/empty")).unwrap();
    fs::remove_dir_all(home.join("docs/was-directory")).unwrap();
    machine.write("docs/was-directory", "a file now");
    fs::remove_file(home.join("docs/was-file")).unwrap();
    machine.write("docs/was-file/is.txt", "a directory now");
    machine.profile.exclude_files.push("*.jpg".to_owned());
    // What is beside the sources is none of our business.
    fs::create_dir_all(below(&machine.path("mirror"), &home).join("beside")).unwrap();
    for path in ["docs/was-file", "docs", "pics"] {
        machine.make_old(path);
    }
    machine
        .run(&[])
        .exit(0)
        .says("deleted from the mirror: ")
        .says("Deleted from the mirror: ");
    let mut expected = look(&home);
    expected.remove(&b"pics/p.jpg"[..]);
    let mut found = machine.mirror();
    found.remove(&b"beside"[..]).expect("beside is still there");
    assert_eq!(differences(&expected, &found), Vec::<String>::new());
}

/// As Go's module cache: a user may write neither into such a directory nor into its copy.
#[test]
fn read_only_directories_of_a_user_stop_nothing() {
    let mut machine = Machine::new();
    machine.profile.mirror_extra("delete", "100%");
    machine.write("docs/cache/gone", "1");
    machine.write("docs/cache/stays", "2");
    machine.become_ordinary();
    machine.mode("docs/cache", 0o555);
    machine.run(&[]).exit(0);
    machine.mode("docs/cache", 0o755);
    fs::remove_file(machine.home().join("docs/cache/gone")).unwrap();
    machine.mode("docs/cache", 0o555);
    machine.run(&[]).exit(0).says("deleted from the mirror: ");
    // rsync leaves the time of a directory that differs by less than a second.
    let [source, mirror] = [look(&machine.home()), machine.mirror()].map(|mut seen| {
        seen.values_mut()
            .for_each(|found| found.modified /= 1_000_000_000);
        seen
    });
    assert_eq!(differences(&source, &mirror), Vec::<String>::new());
    // The test directory can be removed.
    let copy = below(&machine.path("mirror"), &machine.home());
    for home in [machine.home(), copy] {
        fs::set_permissions(home.join("docs/cache"), PermissionsExt::from_mode(0o755)).unwrap();
    }
}

#[test]
fn nothing_is_deleted_through_a_link() {
    let mut machine = Machine::new();
    machine.profile.mirror_extra("delete", "100%");
    machine.run(&[]).exit(0);
    let precious = machine.path("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("b.txt"), "mine").unwrap();
    let docs = below(&machine.path("mirror"), &machine.home()).join("docs");
    fs::remove_dir_all(&docs).unwrap();
    symlink(&precious, &docs).unwrap();
    machine.run(&[]);
    assert_eq!(fs::read_to_string(precious.join("b.txt")).unwrap(), "mine");
    assert_eq!(look(&precious).len(), 1, "and nothing is written there");
}

#[test]
fn a_store_that_vanishes_half_way() {
    let mut machine = Machine::new();
    machine.run(&[]).exit(0);
    machine.write("docs/new.txt", "new");
    let (store, away) = (machine.path("store"), machine.path("away"));
    machine.hook_seven_zip(&format!(
        "[ $what = manifest ] && mv '{}' '{}'",
        store.display(),
        away.display()
    ));
    machine
        .run(&[])
        .exit(1)
        .says("FAILURE, ")
        .says(&store.display().to_string());
    assert!(machine.mirrored().contains("docs/new.txt"));
    machine.profile.seven_zip = None;
    fs::rename(away, store).unwrap();
    machine
        .run(&[])
        .exit(0)
        .says("found by its manifest")
        .says("resuming the interrupted upload");
    assert_eq!(machine.backups().len(), 3);
    assert_eq!(machine.archived().len(), 0, "it is in the second");
}

/// A closed directory above the sources closes their mirror too.
#[test]
fn what_is_private_stays_private() {
    let mut machine = Machine::new();
    machine.write("closed/deep/in/x.txt", "private");
    machine.profile.sources = vec![(machine.home().join("closed/deep/in"), false)];
    let closed = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(
        machine.home().join("closed"),
        fs::Permissions::from_mode(0o700),
    )
    .unwrap();
    fs::set_permissions(
        machine.home().join("closed/deep/in"),
        fs::Permissions::from_mode(0o710),
    )
    .unwrap();
    machine.run(&[]).exit(0);
    let mirror = below(&machine.path("mirror"), &machine.home());
    assert_eq!(closed(&mirror.join("closed")), 0o700);
    assert_eq!(closed(&mirror.join("closed/deep/in")), 0o710);
}
