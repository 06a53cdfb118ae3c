//! Places of this computer: lock, sources, directories, disks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Findings;
use crate::support::machine::{Machine, Ran};
use crate::support::processes::is_root;

#[test]
fn a_lock_that_is_held() {
    let mut machine = Machine::new();
    Findings::of(&machine).has("lock", "ok", "free");
    let gate = crate::support::processes::Gate::new(&machine.path("."));
    machine.hook_rsync(&format!("[ \"$1\" = --version ] || {}", gate.hook()));
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    Findings::of(&machine).has(
        "lock",
        "warning",
        &format!("profile 'test', process {}", run.id()),
    );
    gate.open();
    assert_eq!(run.wait().unwrap().code(), Some(0));
}

#[test]
fn sources_that_are_missing_or_unreadable() {
    let mut machine = Machine::new();
    machine.profile.sources.push((machine.path("gone"), true));
    let found = Findings::of(&machine);
    found
        .has("sources", "warning", "the optional source")
        .has("sources", "ok", "selected 3 files");
    machine.profile.sources.push((machine.path("lost"), false));
    Findings::of(&machine).has("sources", "problem", "optional: true");
    machine.profile.sources.truncate(2);
    machine.profile.exclude_files.push("*".to_owned());
    Findings::of(&machine).has("sources", "warning", "no file is selected");
    machine.profile.exclude_files.clear();
    machine.write("docs/private/secret.txt", "x");
    machine.make_unreadable("docs/private");
    Findings::of(&machine).has("sources", "warning", "docs/private': Permission denied");
    machine.mode("docs/private", 0o700);
}

#[test]
fn exclusions_that_leave_nothing_out() {
    let mut machine = Machine::new();
    assert!(Findings::of(&machine).all("exclusions").is_empty());
    machine.profile.exclude_files = vec!["b.txt".to_owned(), "*.bak".to_owned()];
    let inside = machine.path("home/docs/empty").display().to_string();
    machine.profile.exclude_directories = vec![inside.clone()];
    let found = Findings::of(&machine);
    found.has(
        "exclusions",
        "ok",
        "3 exclusions; nothing has a name like '*.bak' now",
    );
    let gone = machine.path("home/docs/lost").display().to_string();
    let outside = machine.path("store").display().to_string();
    machine.profile.exclude_directories.extend([gone, outside]);
    // A file of that name is no directory.
    machine.profile.exclude_files.push(inside);
    let found = Findings::of(&machine);
    found
        .has("exclusions", "warning", "lost' does not exist")
        .has("exclusions", "warning", "store' leaves nothing out")
        .has("exclusions", "warning", "exclude.files: ")
        .has("exclusions", "ok", "nothing has a name like '*.bak' now");
}

#[test]
fn places_that_cannot_be_written_or_are_missing() {
    let mut machine = Machine::new();
    fs::remove_dir(machine.path("mirror")).unwrap();
    fs::remove_dir(machine.path("store")).unwrap();
    let found = Findings::of(&machine);
    found
        .has("mirror", "problem", "is not there")
        .has("directory", "problem", "attach the disk");
    machine.profile.optional = true;
    Findings::of(&machine).has("mirror", "warning", "is not attached");
    machine.profile.optional = false;
    fs::create_dir(machine.path("mirror")).unwrap();
    fs::create_dir(machine.path("store")).unwrap();
    machine.profile.log = Some(machine.path("profile.yaml/logs"));
    machine.profile.work = machine.path("profile.yaml/work");
    let found = Findings::of(&machine);
    found.has("log", "problem", "log.directory").has(
        "work-directory",
        "problem",
        "archive.work-directory",
    );
    machine.profile.log = None;
    machine.profile.work = machine.path("not-yet/work");
    Findings::of(&machine).has("work-directory", "ok", "not-yet/work");
    assert!(!machine.path("not-yet").exists());
    if is_root() {
        machine.become_ordinary();
    }
    fs::remove_file(machine.path("state/aam-backup.lock")).unwrap();
    for name in ["mirror", "store", "state"] {
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o500)).unwrap();
    }
    let found = Findings::of(&machine);
    for check in ["mirror", "directory", "state", "lock"] {
        found.has(
            check,
            "problem",
            "let the account that runs the backup write there",
        );
    }
    for name in ["mirror", "store", "state"] {
        fs::set_permissions(machine.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }
}

/// A file system that is too small: in a mount namespace of its own, where this machine allows one.
#[test]
fn disks_that_are_too_small() {
    let machine = Machine::new();
    machine.write("docs/large", &"x".repeat(3_000_000));
    let small = [
        machine.path("work"),
        machine.path("store"),
        machine.path("mirror"),
    ];
    let quoted = |path: &PathBuf| format!("mount -t tmpfs -o size=1m none '{}'", path.display());
    let script = small.iter().map(quoted).collect::<Vec<_>>().join(" && ");
    let Some(ran) = with_disks(&machine, &script) else {
        return;
    };
    ran.exit(1);
    for line in [
        "problem  work-directory: a run now needs up to 3.0 MB, and",
        "problem  directory: a run now needs",
        "problem  mirror: the first copy needs",
    ] {
        ran.says(line);
    }
    ran.says("free some space");
}

/// Each of them would fit alone.
#[test]
fn a_disk_that_is_too_small_for_two() {
    let mut machine = Machine::new();
    machine.write("docs/large", &"x".repeat(3_000_000));
    let disk = machine.path("disk");
    fs::create_dir(&disk).unwrap();
    (machine.profile.work, machine.profile.store) = (disk.join("work"), Some(disk.join("store")));
    for (size, level) in [("5m", "problem "), ("7m", "ok      ")] {
        let script = format!(
            "mount -t tmpfs -o size={size} none '{0}' && mkdir '{0}/store'",
            disk.display()
        );
        let Some(ran) = with_disks(&machine, &script) else {
            return;
        };
        let together = |other: &str| {
            format!("up to 3.0 MB here, 6.0 MB together with {other} on the same disk, and")
        };
        ran.says(&format!(
            "{level} work-directory: a run now needs {}",
            together(&disk.join("store").display().to_string())
        ));
        ran.says(&format!(
            "{level} directory: a run now needs {}",
            together(&disk.join("work").display().to_string())
        ));
        ran.says("ok       mirror: the first copy needs up to 3.0 MB, and");
    }
}

/// `doctor` with file systems of its own, where this machine allows them.
fn with_disks(machine: &Machine, script: &str) -> Option<Ran> {
    let program = machine
        .command(&[])
        .get_program()
        .to_str()
        .unwrap()
        .to_owned();
    let profile = machine.path("profile.yaml");
    let command = machine.command(&[]);
    let mut wrapped = std::process::Command::new("unshare");
    wrapped.args(["--mount", "--map-root-user", "sh", "-c"]);
    wrapped.arg(format!(
        "{script} || exit 77\nexec '{program}' doctor '{}'",
        profile.display()
    ));
    wrapped.env_clear().envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let ran = Ran::of(wrapped.output().unwrap());
    if ran.code == Some(77) || ran.stderr.contains("unshare") {
        eprintln!("not tried: this machine mounts nothing\n{ran}");
        return None;
    }
    Some(ran)
}
