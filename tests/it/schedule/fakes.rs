//! Schedulers that are not to be had here, Task Scheduler and launchd: programs with their names
//! that keep what they are given in files, and answer as the real ones are documented to. They show
//! that the right questions are asked and the answers understood; only Windows and macOS themselves
//! can show that the answers are like this.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Mode;
use aam_auto_backup::parts::scheduler::{find, install, pause, remove};
use aam_auto_backup::parts::{Every, Schedule, Scheduler, TaskName};
use aam_auto_backup::parts::{LastResult, SchedulerError};

use crate::support::machine::Ran;
use crate::support::processes::is_root;

/// `/Create` refuses what is not UTF-16, `/Query` and `/Delete` a task that is not there. The last
/// result is in the file `result`; with the file `denied` nobody may do anything.
const SCHTASKS: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
[ ! -f denied ] || { echo 'ERROR: Access is denied.' >&2; exit 1; }
case "$1 $2 $4" in
"/Create /TN /XML")
    [ "$(head -c 2 "$5" | od -An -tx1 | tr -d ' ')" = fffe ] && [ "$6" = /F ] || { echo "ERROR: The task XML is malformed."; exit 1; }
    iconv -f UTF-16 -t UTF-8 "$5" >task; printf '%s' "$3" >name ;;
"/Query /TN /XML" | "/Query /TN /V" | "/Delete /TN /F")
    [ -f task ] && [ "$(cat name)" = "$3" ] || { echo "ERROR: The system cannot find the file specified." >&2; exit 1; }
    case "$1$4" in
    /Delete*) rm task name ;;
    */XML) cat task ;;
    *) [ "$5 $6 $7" = "/FO CSV /NH" ] || exit 1
       printf '%s\n' '"PC","'"$3"'","25.11.2026 00:30:00","Bereit","Interaktiv/Hintergrund","24.11.2026 00:30:01","'"$(cat result)"'","AAM","""C:\a b\x.exe"" run"' ;;
    esac ;;
"/Change /TN /DISABLE") sed -i 's/<Enabled>true/<Enabled>false/' task ;;
"/Change /TN /ENABLE") sed -i 's/<Enabled>false/<Enabled>true/' task ;;
*) echo "ERROR: Invalid argument/option"; exit 1 ;;
esac
"#;

const LAUNCHCTL: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
case "$1" in
bootstrap) [ -f "$3" ] && [ ! -f disabled ] && echo "$2" >loaded ;;
enable) rm -f disabled ;;
disable) touch disabled ;;
bootout) [ -f loaded ] && rm loaded || { echo "Boot-out failed: 3: No such process"; exit 3; } ;;
print) [ -f loaded ] || { echo "Could not find service"; exit 113; }
    printf '%s = {\n\tstate = not running\n\truns = 1\n\tlast exit code = %s\n}\n' "$2" "$(cat result)" ;;
*) exit 64 ;;
esac
"#;

/// Runs a test of this file again, in a process whose only programs of schedulers are these.
fn with(program: &str, text: &str, test: &str) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join(program);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "--ignored",
        "--nocapture",
        &format!("schedule::fakes::{test}"),
    ]);
    if is_root() {
        // As root launchd's would be the directory of the whole computer.
        const NOBODY: u32 = 65534;
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command
        .env("PATH", format!("{}:/usr/bin:/bin", place.path().display()))
        .env("AAM_FAKES", place.path());
    let ran = Ran::of(command.env("HOME", place.path()).output().unwrap());
    ran.exit(0).says("1 passed");
}

fn schedule() -> Schedule {
    Schedule {
        name: TaskName {
            profile: "nightly".to_owned(),
            mode: Mode::Regular,
        },
        program: "/opt/a b/aam-backup".to_owned(),
        profile: "/etc/nightly.yaml".to_owned(),
        at: vec!["00:30:00".parse().unwrap()],
        every: Every::Day,
        time_limit: Duration::from_secs(72 * 3600),
        on_battery: true,
        when_attached: None,
        user: None,
        system: false,
        path: "/bin".to_owned(),
        state_directory: None,
        environment_file: None,
        metrics: None,
        log_json: false,
        from: "2026-11-24T19:08:30".parse().unwrap(),
    }
}

fn fakes() -> std::path::PathBuf {
    std::env::var_os("AAM_FAKES")
        .expect("started by another test")
        .into()
}

#[test]
fn task_scheduler() {
    with("schtasks", SCHTASKS, "child_of_task_scheduler");
}

#[test]
#[ignore = "started by task_scheduler"]
fn child_of_task_scheduler() {
    let (place, cancel, schedule) = (fakes(), Cancel::new(), schedule());
    let scheduler = Scheduler::TaskScheduler;
    let ask = || find(&schedule.name, scheduler, &cancel).unwrap();
    assert_eq!(ask(), None);
    fs::write(place.join("result"), "267011").unwrap();
    install(&schedule, scheduler, &cancel).unwrap();
    let found = ask().unwrap();
    assert_eq!(
        (found.task.as_str(), &found.last_result),
        (r"\AAM Auto Backup\nightly", &LastResult::Never)
    );
    assert_eq!(
        (found.next_run.as_deref(), found.last_run, found.problem),
        (Some("25.11.2026 00:30:00"), None, None)
    );
    for (told, expected) in [
        ("0", LastResult::Exit(0)),
        ("3", LastResult::Exit(3)),
        ("267009", LastResult::Running),
        ("-2147024894", LastResult::Exit(-2_147_024_894)),
        ("N/A", LastResult::Unknown),
    ] {
        fs::write(place.join("result"), told).unwrap();
        assert_eq!(ask().unwrap().last_result, expected);
    }
    let paused = |is| pause(&schedule.name, scheduler, is, &cancel).unwrap();
    assert_eq!(paused(true).as_deref(), Some(r"\AAM Auto Backup\nightly"));
    let off = ask().unwrap();
    assert_eq!(
        (off.next_run, off.problem.as_deref()),
        (None, Some("the task is disabled"))
    );
    assert!(paused(false).is_some());
    assert_eq!(ask().unwrap().problem, None);
    let other = TaskName {
        mode: Mode::IncrementalOnly,
        ..schedule.name.clone()
    };
    assert_eq!(remove(&other, scheduler, &cancel).unwrap(), None);
    assert!(
        remove(&schedule.name, scheduler, &cancel)
            .unwrap()
            .is_some()
    );
    assert_eq!(remove(&schedule.name, scheduler, &cancel).unwrap(), None);
    assert_eq!(paused(true), None);
    assert!(!Path::new(&place.join("task")).exists());
    fs::write(place.join("denied"), "").unwrap();
    match install(&schedule, scheduler, &cancel) {
        Err(SchedulerError::Refused {
            code: 1, output, ..
        }) => {
            assert_eq!(output, "ERROR: Access is denied.")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn launchd() {
    with("launchctl", LAUNCHCTL, "child_of_launchd");
}

#[test]
#[ignore = "started by launchd"]
fn child_of_launchd() {
    let (place, cancel, schedule) = (fakes(), Cancel::new(), schedule());
    let ask = || find(&schedule.name, Scheduler::Launchd, &cancel).unwrap();
    assert_eq!(ask(), None);
    fs::write(place.join("result"), "(never exited)").unwrap();
    install(&schedule, Scheduler::Launchd, &cancel).unwrap();
    let found = ask().unwrap();
    assert_eq!(
        (found.next_run.as_deref(), &found.last_result),
        (Some("every day at 00:30"), &LastResult::Never)
    );
    fs::write(place.join("result"), "3").unwrap();
    assert_eq!(ask().unwrap().last_result, LastResult::Exit(3));
    let paused = |is| pause(&schedule.name, Scheduler::Launchd, is, &cancel).unwrap();
    paused(true);
    assert!(place.join("disabled").exists() && ask().unwrap().next_run.is_none());
    paused(false);
    assert!(ask().unwrap().next_run.is_some());
    // One that is installed again is not paused.
    paused(true);
    install(&schedule, Scheduler::Launchd, &cancel).unwrap();
    fs::remove_file(place.join("loaded")).unwrap();
    let unloaded = ask().unwrap();
    assert!(unloaded.problem.unwrap().contains("has not loaded") && unloaded.next_run.is_none());
    let removed = remove(&schedule.name, Scheduler::Launchd, &cancel)
        .unwrap()
        .unwrap();
    assert!(
        removed.ends_with("Library/LaunchAgents/aam-backup.nightly.plist"),
        "{removed}"
    );
    assert_eq!(
        remove(&schedule.name, Scheduler::Launchd, &cancel).unwrap(),
        None
    );
}
