//! The mirror holds what the source holds, whatever size, time and file system say.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use filetime::FileTime;

use crate::support::look::{differences, look};
use crate::support::machine::{Machine, below};
use crate::support::processes::is_root;

/// The same time for all of them.
fn date(path: &Path) {
    filetime::set_file_mtime(path, FileTime::from_unix_time(1_600_000_001, 5)).unwrap();
}

fn copy_of(machine: &Machine, path: &str) -> PathBuf {
    below(&machine.path("mirror"), &machine.home()).join(path)
}

fn assert_same(machine: &Machine) {
    let [mut source, mut mirror] = [look(&machine.home()), machine.mirror()];
    // rsync compares the times of directories by whole seconds.
    for found in source.values_mut().chain(mirror.values_mut()) {
        if found.kind == "directory" {
            found.modified = 0;
        }
    }
    assert_eq!(differences(&source, &mirror), Vec::<String>::new());
}

/// With a store, whose manifest knows more, and without.
fn with_and_without_a_store() -> [Machine; 2] {
    let mut plain = Machine::new();
    plain.mirror_only();
    [Machine::new(), plain]
}

#[test]
fn content_that_changed_under_the_same_size_and_time_is_copied() {
    for machine in with_and_without_a_store() {
        let home = machine.home();
        let dated = |path: &str, content: &str| {
            machine.write(path, content);
            date(&home.join(path));
        };
        for (path, content) in [
            ("docs/vault", "one"),
            ("docs/a", "aaa"),
            ("docs/b", "bbb"),
            ("docs/x/in/file", "xxx"),
            ("docs/y/in/file", "yyy"),
        ] {
            dated(path, content);
        }
        for directory in ["docs", "docs/x", "docs/y", "docs/x/in", "docs/y/in"] {
            machine.make_old(directory);
        }
        machine.run(&[]).exit(0);

        dated("docs/vault", "two");
        for (one, other) in [("docs/a", "docs/b"), ("docs/x", "docs/y")] {
            fs::rename(home.join(one), home.join("between")).unwrap();
            fs::rename(home.join(other), home.join(one)).unwrap();
            fs::rename(home.join("between"), home.join(other)).unwrap();
        }
        for directory in ["docs", "docs/x", "docs/y", "docs/x/in", "docs/y/in"] {
            machine.make_old(directory);
        }
        machine.run(&[]).exit(0);
        assert_same(&machine);
    }
}

#[test]
fn a_file_overwritten_within_a_second_is_copied() {
    let mut machine = Machine::new();
    machine.mirror_only();
    for content in ["one", "two", "six"] {
        machine.write("docs/same-size", content);
        let path = machine.home().join("docs/same-size");
        // Whole seconds, which rsync compares, are equal.
        let nanos = content.bytes().map(u32::from).sum();
        filetime::set_file_mtime(path, FileTime::from_unix_time(1_600_000_001, nanos)).unwrap();
        machine.run(&[]).exit(0);
        let copy = fs::read_to_string(copy_of(&machine, "docs/same-size")).unwrap();
        assert_eq!(copy, content);
    }
}

#[test]
fn a_difference_counts_whatever_the_time_of_the_source_is() {
    let mut machine = Machine::new();
    machine.write("docs/photo", "one");
    machine.run(&[]).exit(0);
    // rsync copies nothing from now on.
    machine.hook_rsync("exit 0");
    machine.write("docs/photo", "second");
    let future = FileTime::from_unix_time(4_000_000_000, 0);
    filetime::set_file_mtime(machine.home().join("docs/photo"), future).unwrap();
    machine.run(&[]).exit(1).says("photo: it has 3 bytes");
}

#[test]
fn a_copy_that_could_not_be_replaced_differs_by_its_content() {
    let mut machine = Machine::new();
    machine.write("docs/vault", "one");
    date(&machine.home().join("docs/vault"));
    machine.run(&[]).exit(0);
    machine.write("docs/vault", "two");
    date(&machine.home().join("docs/vault"));
    let rsync = machine.profile.rsync.clone();
    machine.hook_rsync("exit 23");
    machine.run(&[]).exit(1).says("vault: its content differs");
    machine.profile.rsync = rsync;
    machine.run(&[]).exit(0);
    assert_same(&machine);
}

#[test]
fn what_a_killed_copy_left_is_removed() {
    let mut machine = Machine::new();
    machine.write("docs/photo", "one");
    let rsync = machine.profile.rsync.clone();
    // A crash in the middle: rsync has written half of a copy, and nothing after that is done.
    let half =
        "for a in \"$@\"; do case $a in --temp-dir=*) echo half >\"${a#*=}/photo.x1\";; esac; done";
    machine.hook_rsync(&format!(
        "{half}; kill -KILL $(cut -d ' ' -f 4 /proc/$PPID/stat) $PPID; kill -KILL 0"
    ));
    let mut killed =
        machine.command(&["run", &machine.profile.said(&machine.path("profile.yaml"))]);
    std::fs::write(machine.path("profile.yaml"), machine.profile.text()).unwrap();
    let _ = std::os::unix::process::CommandExt::process_group(&mut killed, 0).status();
    let left = || {
        let found = machine.mirrored().into_iter();
        found.filter(|path| path.contains("photo.x1")).count()
    };
    assert_eq!(left(), 1);
    machine.profile.rsync = rsync;
    machine.run(&[]).exit(0).says("left by an interrupted copy");
    assert_same(&machine);
}

#[test]
fn a_directory_that_became_a_file_is_moved_aside() {
    let machine = Machine::new();
    machine.write("docs/thing/old", "x");
    machine.run(&[]).exit(0);
    fs::remove_dir_all(machine.home().join("docs/thing")).unwrap();
    machine.write("docs/thing", "a file");
    machine.run(&[]).exit(3).says("docs/thing.replaced-");
    assert_eq!(
        fs::read_to_string(copy_of(&machine, "docs/thing")).unwrap(),
        "a file"
    );
    let kept = machine.mirrored();
    assert!(
        kept.iter()
            .any(|path| path.starts_with("docs/thing.replaced-") && path.ends_with("/old")),
        "{kept:?}"
    );
    machine.run(&[]).exit(0);
}

#[test]
fn nothing_is_copied_through_a_link_in_the_mirror_nor_is_it_replaced() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    let (docs, elsewhere) = (copy_of(&machine, "docs"), machine.path("elsewhere"));
    fs::rename(&docs, &elsewhere).unwrap();
    symlink(&elsewhere, &docs).unwrap();
    machine.write("docs/new", "x");
    machine
        .run(&[])
        .exit(1)
        .says("is a link where a directory should be");
    assert!(fs::symlink_metadata(&docs).unwrap().is_symlink());
    assert!(!elsewhere.join("new").exists());
    fs::remove_file(&docs).unwrap();
    machine.run(&[]).exit(0);
    assert_same(&machine);
}

/// A file system in a file, mounted until it is dropped.
struct Disk(PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Mounts the mirror by these shell commands, in which `$image` and `$at` are set. `None` where the
/// programs are not there.
fn mirror_on(machine: &Machine, commands: &str) -> Option<Disk> {
    let at = machine.path("mirror");
    let script = format!("set -e; truncate -s 100M \"$image\"; {commands}; mountpoint -q \"$at\"");
    let mounted = Command::new("sh")
        .args(["-c", &script])
        .env("image", machine.path("image"))
        .env("at", &at)
        .output()
        .unwrap();
    if is_root() && mounted.status.success() {
        return Some(Disk(at));
    }
    println!("cannot be mounted here: {commands}");
    None
}

const NTFS: &str = "mkfs.ntfs -F -q \"$image\"; lowntfs-3g -o ignore_case \"$image\" \"$at\"";
const FAT: &str = "mkfs.vfat \"$image\"; fusefat -o rw+ \"$image\" \"$at\"";

#[test]
fn names_that_differ_in_case_never_overwrite_each_other() {
    let mut machine = Machine::new();
    machine.profile.mirror_extra("delete", "1");
    let Some(_disk) = mirror_on(&machine, NTFS) else {
        return;
    };
    machine.write("docs/readme", "lower");
    machine.write("docs/Photos/one.jpg", "1");
    machine.run(&[]).exit(0);
    machine.write("docs/README", "UPPER");
    fs::rename(
        machine.home().join("docs/Photos"),
        machine.home().join("docs/photos"),
    )
    .unwrap();
    machine
        .run(&[])
        .exit(3)
        .says("README' is not copied to the mirror")
        .never_says("eleted from the mirror: ");
    let held = machine.mirrored();
    assert!(
        held.contains("docs/readme") && !held.contains("docs/README"),
        "{held:?}"
    );
    assert!(held.contains("docs/photos/one.jpg"), "{held:?}");
    let copy = fs::read_to_string(copy_of(&machine, "docs/readme")).unwrap();
    assert_eq!(copy, "lower");
}

#[test]
fn nothing_unchanged_is_copied_again_on_fat() {
    let machine = Machine::new();
    let Some(_disk) = mirror_on(&machine, FAT) else {
        return;
    };
    for second in 0..4 {
        let name = format!("docs/f{second}");
        machine.write(&name, "x");
        let time = FileTime::from_unix_time(1_600_000_000 + second, 123_000_000);
        filetime::set_file_mtime(machine.home().join(name), time).unwrap();
    }
    machine.write("docs/12:30", "no such name on FAT");
    machine
        .run(&[])
        .exit(3)
        .says("12:30' is not copied to the mirror");
    fs::remove_file(machine.home().join("docs/12:30")).unwrap();
    machine
        .run(&["-v"])
        .exit(0)
        .says("Number of regular files transferred: 0");
}

/// What rsync read through a link that took the place of a directory does not stay in the mirror.
#[test]
fn nothing_that_was_read_through_a_link_stays_in_the_mirror() {
    for relative in [true, false] {
        for mut machine in with_and_without_a_store() {
            machine.write("docs/sub/p.jpg", "three");
            let elsewhere = machine.path("elsewhere");
            fs::create_dir(&elsewhere).unwrap();
            fs::write(elsewhere.join("p.jpg"), "a secret").unwrap();
            let target = match relative {
                true => "../../elsewhere".to_owned(),
                false => elsewhere.display().to_string(),
            };
            machine.hook_rsync(&format!(
                "cd '{}'; [ -L docs/sub ] || {{ mv docs/sub away; ln -s '{target}' docs/sub; }}; cd - >/dev/null",
                machine.home().display()
            ));
            machine
                .run(&[])
                .exit(3)
                .says("a link replaced a directory above it");
            let mirror = machine.mirror();
            assert!(!mirror.is_empty());
            for (path, found) in mirror {
                assert_ne!(found.content, b"a secret", "{path:?}, {relative}");
            }
        }
    }
}
