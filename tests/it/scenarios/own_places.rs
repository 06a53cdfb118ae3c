//! The program does not back itself up, and says what is mounted below a source.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::machine::Machine;
use crate::support::processes::is_root;

/// What the archives of a machine hold now.
fn archived(machine: &Machine) -> Vec<String> {
    let at = machine.nothing_restored();
    machine
        .aam("restore", &["--to", at.to_str().unwrap(), "--exact"])
        .exit(0);
    let mut found = Vec::new();
    let mut left = vec![at.join("1")];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path.clone());
            }
            let path = path.strip_prefix(at.join("1")).unwrap();
            found.push(path.to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

/// A machine whose mirror and store lie in the source, and are named by another path.
fn with_itself_inside(elsewhere: &Path, machine: &mut Machine) {
    for name in ["mirror", "store"] {
        fs::create_dir_all(machine.home().join("docs/disk").join(name)).unwrap();
    }
    machine.profile.mirror = format!("{{path: '{}'}}", elsewhere.join("mirror").display());
    machine.profile.store = Some(elsewhere.join("store"));
}

fn assert_left_out(machine: &Machine) {
    machine
        .run(&[])
        .exit(0)
        .says("is left out: it is the mirror");
    machine.write("docs/new", "x");
    machine.run(&[]).exit(0);
    let found = archived(machine);
    assert!(found.contains(&"docs/new".to_owned()), "{found:?}");
    assert!(found.contains(&"docs/disk".to_owned()), "{found:?}");
    assert!(
        !found.iter().any(|path| path.starts_with("docs/disk/")),
        "{found:?}"
    );
}

#[test]
fn what_lies_in_the_source_by_a_link_is_left_out() {
    let mut machine = Machine::new();
    let link = machine.path("elsewhere");
    symlink(machine.home().join("docs/disk"), &link).unwrap();
    with_itself_inside(&link, &mut machine);
    assert_left_out(&machine);
    // So does what is mirrored of it.
    let copy = link
        .join("mirror")
        .join(machine.home().strip_prefix("/").unwrap());
    assert!(copy.join("docs/new").is_file());
    assert!(!copy.join("docs/disk/mirror").exists());
}

#[test]
fn waiting_archives_and_logs_are_left_out() {
    let mut machine = Machine::new();
    let link = machine.path("elsewhere");
    symlink(machine.home().join("docs"), &link).unwrap();
    fs::create_dir(machine.home().join("docs")).ok();
    for name in ["work", "log"] {
        fs::create_dir(link.join(name)).unwrap();
    }
    let waiting = format!("{}_20200101_000000_0123abcd", machine.profile.location);
    fs::create_dir(link.join("work").join(&waiting)).unwrap();
    machine.write(&format!("docs/work/{waiting}/volume"), "x");
    machine.write("docs/work/other", "not of this program");
    machine.profile.work = link.join("work");
    machine.profile.log = Some(link.join("log"));
    machine.aam("run", &[]).exit(0);
    let found = archived(&machine);
    assert!(found.contains(&"docs/work/other".to_owned()), "{found:?}");
    let own = |path: &&String| path.contains(&waiting) || path.starts_with("docs/log");
    assert_eq!(found.iter().find(own), None);
}

/// What is mounted, until it is dropped.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> Option<Mounted> {
    fs::create_dir_all(at).unwrap();
    let done = Command::new("mount").args(arguments).arg(at).status();
    if is_root() && done.is_ok_and(|done| done.success()) {
        return Some(Mounted(at.to_owned()));
    }
    println!("nothing can be mounted here");
    None
}

#[test]
fn what_lies_in_the_source_by_a_mount_is_left_out() {
    let mut machine = Machine::new();
    let (inside, outside) = (machine.home().join("docs/disk"), machine.path("elsewhere"));
    fs::create_dir_all(&inside).unwrap();
    let shown = ["--bind", inside.to_str().unwrap()];
    let Some(_mounted) = mount(&shown, &outside) else {
        return;
    };
    with_itself_inside(&outside, &mut machine);
    assert_left_out(&machine);
}

#[test]
fn a_source_in_the_mirror_is_refused() {
    let mut machine = Machine::new();
    let link = machine.path("elsewhere");
    symlink(machine.scratch(), &link).unwrap();
    machine.profile.mirror = format!("{{path: '{}'}}", link.display());
    machine
        .run(&[])
        .exit(1)
        .says("is not backed up: it is inside the mirror")
        .never_says("attach it");
}

#[test]
fn other_file_systems_are_named_and_left_out_on_request() {
    let mut machine = Machine::new();
    machine.write("docs/here", "x");
    let at = machine.home().join("docs/mnt");
    let Some(_mounted) = mount(&["-t", "tmpfs", "none"], &at) else {
        return;
    };
    fs::write(at.join("foreign"), "y").unwrap();
    for verb in ["plan", "run"] {
        machine
            .aam(verb, &[])
            .exit(0)
            .says("another file system is mounted at")
            .says("`one-file-system: true` leaves it out");
    }
    assert!(archived(&machine).contains(&"docs/mnt/foreign".to_owned()));
    machine.profile.more.push_str("one-file-system: true\n");
    machine.run(&["--force-full"]).exit(0).says("is left out");
    let found = archived(&machine);
    assert!(
        !found.iter().any(|path| path.starts_with("docs/mnt")),
        "{found:?}"
    );
    assert!(found.contains(&"docs/here".to_owned()));
}

#[test]
fn a_full_disk_is_named_and_not_the_rights_of_the_account() {
    let mut machine = Machine::new();
    let at = machine.path("small");
    let Some(_mounted) = mount(&["-t", "tmpfs", "-o", "size=256k", "none"], &at) else {
        return;
    };
    machine.write("docs/large", &"x".repeat(1_000_000));
    let full = |name: &str| format!("{}' is full: free some space", at.join(name).display());
    let (mirror, work) = (machine.profile.mirror.clone(), machine.profile.work.clone());
    fs::create_dir(at.join("mirror")).unwrap();
    machine.profile.mirror = format!("{{path: '{}'}}", at.join("mirror").display());
    machine.run(&[]).exit(1).says(&full("mirror"));
    machine.profile.mirror = mirror;
    fs::remove_dir_all(at.join("mirror")).unwrap();
    fs::create_dir(at.join("work")).unwrap();
    machine.profile.work = at.join("work");
    let filler = fs::write(at.join("filler"), [0; 300_000]);
    assert!(filler.is_err(), "the disk is larger than that");
    machine
        .run(&[])
        .exit(1)
        .says("free some space there, or set archive.work-directory")
        .never_says("let the account that runs the backup write there");
    machine.profile.work = work;
    machine.run(&[]).exit(0);
}
