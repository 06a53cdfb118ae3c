//! Schedules: the exact files for each scheduler, held to the schedulers' own checks; and tasks
//! that are really installed, asked for, started and removed, in a part of this machine of their
//! own.

mod conditions;
mod crontab;
mod emptiness;
mod fakes;
mod files;
mod real;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::machine::{Machine, Ran};

/// A program of the tests: installed, or where `tests/programs.sh` puts it.
fn tool(name: &str) -> PathBuf {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("target/schedulers/usr/bin")
        .join(name);
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .chain([ours])
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("'{name}' is missing: run tests/programs.sh"))
}

/// Runs a check that must find nothing.
#[track_caller]
fn finds_nothing(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{command:?}\n{said}");
}

/// What the profile says is what is installed, unless an option says otherwise.
#[cfg(target_os = "linux")]
#[test]
fn a_profile_says_when_it_runs() {
    let place = tempfile::tempdir().unwrap();
    let profile = place.path().join("p.yaml");
    let text = "version: 1\nname: p\nlocation: pc\nsources: [/a]\n\
                destinations: {mirror: {path: /m}}\n\
                schedule: {at: '02:45', every: friday, time-limit: 5h}\n";
    std::fs::write(&profile, text).unwrap();
    let shown = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_aam-backup"))
            .args(["schedule", "show"])
            .arg(&profile)
            .args(["--scheduler", "systemd"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (arguments, expected) in [
        (&[][..], &["OnCalendar=Fri *-*-* 02:45:00", "18000"][..]),
        (&["--at", "03:00"], &["OnCalendar=Fri *-*-* 03:00:00"]),
        (&["--every", "day"], &["OnCalendar=*-*-* 02:45:00"]),
        (&["--time-limit", "6h"], &["21600"]),
        (
            &["--mode", "incremental-only"],
            &["OnCalendar=*-*-* 00:30:00"],
        ),
    ] {
        let text = shown(arguments);
        for part in expected {
            assert!(text.contains(part), "{arguments:?}: {part}\n{text}");
        }
    }
    let more = text.replace(
        "at: '02:45'",
        "at: ['02:45', '14:00'], on-battery: false, keep-awake: true, when-attached: /mnt/a-b",
    );
    std::fs::write(&profile, more).unwrap();
    let text_of_all = shown(&[]);
    for part in [
        "OnCalendar=Fri *-*-* 02:45:00\nOnCalendar=Fri *-*-* 14:00:00\n",
        "\nConditionACPower=true\n",
        "\nAfter=mnt-a\\x2db.mount\n",
        "\nWantedBy=mnt-a\\x2db.mount\n",
    ] {
        assert!(text_of_all.contains(part), "{part}\n{text_of_all}");
    }
    // The conditions are those of the computer.
    assert!(shown(&["--mode", "incremental-only"]).contains("ConditionACPower"));
    let with_cron = std::process::Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(["schedule", "show", "--scheduler", "cron"])
        .arg(&profile)
        .output()
        .unwrap();
    let crontab = String::from_utf8(with_cron.stdout).unwrap();
    assert!(
        crontab.contains("\n45 2 * * 5 env ") && crontab.contains("\n0 14 * * 5 env "),
        "{crontab}"
    );
    let said = String::from_utf8(with_cron.stderr).unwrap();
    for part in [
        "cannot tell battery",
        "cannot start a run when a disk is attached",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    std::fs::write(&profile, text.replace("'02:45'", "'25:00'")).unwrap();
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .arg("check")
        .arg(&profile)
        .output()
        .unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("/schedule/at: '25:00' is not a time of day"),
        "{said}"
    );
}

/// As in a container. A computer with systemd always has a scheduler.
#[test]
fn a_computer_without_a_scheduler_is_told_so() {
    if Path::new("/run/systemd/system").is_dir() {
        return;
    }
    let machine = Machine::new();
    let nothing = machine.path("nothing");
    fs::create_dir(&nothing).unwrap();
    let profile = machine.path("profile.yaml").display().to_string();
    let text = "neither systemd nor cron is on this computer";
    let said = |arguments: &[&str]| {
        let mut command = machine.command(arguments);
        Ran::of(command.env("PATH", &nothing).output().unwrap())
    };
    let install = said(&["schedule", "install", &profile, "--at", "02:30"]);
    install.exit(1).says(text).says("apt-get install cron");
    said(&["doctor", &profile]).says(text);
    let new = machine.path("new.yaml").display().to_string();
    let (home, mirror) = (machine.home(), machine.path("mirror"));
    let mut init = vec!["init", "first", "--output", &new, "--location", "pc"];
    init.extend(["--source", home.to_str().unwrap()]);
    init.extend(["--mirror", mirror.to_str().unwrap()]);
    let with_schedule = [&init[..], &["--at", "02:30"]].concat();
    said(&with_schedule).exit(0).says(text);
    fs::remove_file(&new).unwrap();
    said(&init).exit(0).never_says(text);
}

/// A task may outlive its profile. A name that has neither is a slip.
#[cfg(unix)]
#[test]
fn the_status_of_a_name_that_no_profile_has() {
    let machine = Machine::new();
    let nothing = machine.path("nothing");
    fs::create_dir(&nothing).unwrap();
    let said = |name: &str| {
        let mut command = machine.command(&["schedule", "status", name]);
        Ran::of(command.env("PATH", &nothing).output().unwrap())
    };
    let text = "no profile with this name was found";
    said("nigthly")
        .exit(1)
        .says(text)
        .says("'nigthly' is not scheduled");
    let profile = machine.path("profile.yaml").display().to_string();
    said(&profile)
        .exit(1)
        .never_says(text)
        .says("is not scheduled");
}
