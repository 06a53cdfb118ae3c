//! What programs for Windows get wrong, on the real `aam-backup.exe`: attributes that Wine does not
//! have are given by the lab (`tests/windows/attributes.c`), everything else is as Windows has it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::lab;
use crate::support::machine::{Machine, Ran};
use crate::support::processes::{signal, under_wine};

/// A machine with Windows, if the lab is asked for.
pub(super) fn machine() -> Option<Machine> {
    lab::is_asked_for().then(Machine::of_either_system)
}

/// A run with more in its environment.
pub(super) fn run_with(machine: &Machine, verb: &[&str], variables: &[(&str, &str)]) -> Ran {
    let profile = machine.profile.said(&machine.path("profile.yaml"));
    let (verb, more) = verb.split_first().unwrap();
    let mut command = machine.command(&[&[*verb, &profile], more].concat());
    Ran::of(lab::output(command.envs(variables.iter().copied())))
}

/// Reparse tags and attributes of Windows.
const CLOUD: &str = "=0x501200:0x9000701a:362";
/// The same without the attribute that Robocopy's `/XA:O` looks at.
const RECALL: &str = "=0x400000:0x9000701a:362";
const ALIAS: &str = "=0x0:0x8000001b:1920";
const SOCKET: &str = "=0x0:0x80000023:1920";
const DEDUPLICATED: &str = "=0x200:0x80000013:0";
const COMPRESSED: &str = "=0x0:0x80000017:0";

#[test]
fn files_whose_content_is_elsewhere() {
    let Some(machine) = machine() else { return };
    for name in [
        "cloud",
        "recall",
        "alias",
        "socket",
        "deduplicated",
        "compressed",
    ] {
        machine.write(&format!("docs/{name}.x"), name);
    }
    let attributes = [
        format!("cloud.x{CLOUD}"),
        format!("recall.x{RECALL}"),
        format!("alias.x{ALIAS}"),
        format!("socket.x{SOCKET}"),
        format!("deduplicated.x{DEDUPLICATED}"),
        format!("compressed.x{COMPRESSED}"),
    ]
    .join(";");
    let variables = [("AAM_LAB_ATTRIBUTES", attributes.as_str())];
    // With what the tools say.
    let ran = run_with(&machine, &["run", "-v"], &variables);
    ran.exit(3).says("Skipped: 2 entries");
    for name in ["cloud", "recall"] {
        let said = format!(r"\docs\{name}.x' is not backed up: its content is in the cloud only");
        ran.says(&said);
    }
    // Neither tool waits for it, or for the alias that nobody can read.
    ran.never_says("Retrying")
        .never_says("ERROR 362")
        .never_says("alias.x' is not backed up");
    let expected = [
        "docs/a.txt",
        "docs/b.txt",
        "docs/compressed.x",
        "docs/deduplicated.x",
        "pics/p.jpg",
    ];
    let mirrored: Vec<String> = machine.mirrored().into_iter().collect();
    assert_eq!(mirrored, expected, "{ran}");
    let archived: Vec<String> = machine
        .archived()
        .into_iter()
        .filter(|path| !path.ends_with('/'))
        .collect();
    assert_eq!(archived, expected, "{ran}");
    let manifests = machine.manifests();
    assert!(!manifests.contains("alias.x") && !manifests.contains("socket.x"));
}

/// A directory can be set to distinguish such names, as the Linux subsystem does.
#[test]
fn names_that_differ_only_in_case() {
    let Some(machine) = machine() else { return };
    for path in ["docs/Twin.txt", "docs/twin.txt", "pics/Sub/a", "pics/sub/b"] {
        machine.write(path, path);
    }
    let ran = machine.run(&[]);
    ran.exit(3).says("Skipped: 4 entries");
    ran.says(r"docs\Twin.txt' is not backed up: its name differs from 'twin.txt' only in case");
    ran.says(r"docs\twin.txt' is not backed up: its name differs from 'Twin.txt' only in case");
    ran.says(r"pics\Sub' is not backed up: ")
        .says(r"pics\sub' is not backed up: ");
    let others = ["docs/a.txt", "docs/b.txt", "pics/p.jpg"];
    assert_eq!(machine.mirrored().into_iter().collect::<Vec<_>>(), others);
    let to = machine.profile.said(&machine.nothing_restored());
    machine.aam("restore", &["--to", &to]).exit(0);
    for path in others {
        assert!(machine.path("back/1").join(path).exists(), "{path}");
    }
    // Renamed, all of them are backed up.
    let home = machine.home();
    fs::rename(home.join("docs/twin.txt"), home.join("docs/other.txt")).unwrap();
    fs::rename(home.join("pics/sub"), home.join("pics/other")).unwrap();
    machine.run(&[]).exit(0);
    assert_eq!(machine.mirrored().len(), 7);
}

#[test]
fn a_file_that_is_encrypted_for_one_user() {
    let Some(machine) = machine() else { return };
    machine.write("docs/diary.txt", "mine");
    let variables = [("AAM_LAB_ATTRIBUTES", "diary.txt=0x4000")];
    let ran = run_with(&machine, &["doctor"], &variables);
    ran.says(r"1 file is encrypted by Windows (EFS), such as 'C:\");
    ran.says("diary.txt': only the user who encrypted it can read it");
    ran.says("/RU USER /RP *");
    run_with(&machine, &["doctor"], &[]).never_says("EFS");
    // Wine's Task Scheduler takes no such task: what is said comes before.
    let install = ["schedule", "install"];
    let profile = machine.profile.said(&machine.path("profile.yaml"));
    for (more, account) in [(&[][..], "SYSTEM"), (&["--user", "allen"], "allen")] {
        let arguments = [&install[..], &[&profile], more].concat();
        let mut command = machine.command(&arguments);
        let ran = Ran::of(lab::output(command.envs(variables)));
        ran.says("diary.txt' is encrypted by Windows (EFS)");
        ran.says(&format!(
            "a run as {account}, without a password, cannot read"
        ));
        let ran = machine.ended(&arguments);
        ran.never_says("EFS");
    }
}

/// The work directory, its lists and its batch file: whoever writes there decides what runs.
#[test]
fn work_files_are_for_administrators_and_their_owner() {
    let Some(mut machine) = machine() else { return };
    machine.add_other();
    // The default.
    machine.profile.work = PathBuf::new();
    let program_data = machine.drive().join("ProgramData/AAM Auto Backup");
    let _ = fs::remove_dir_all(&program_data);
    let held = machine.hold_at_second_mount();
    let ours = format!("{}_", machine.profile.location);
    let work: Vec<PathBuf> = fs::read_dir(program_data.join("work"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(&ours)
        })
        .collect();
    let [work] = &work[..] else {
        panic!("{work:?}")
    };
    let batch = work.join("2/mount.bat");
    assert!(batch.exists());
    let is_private = |directory: &std::path::Path| {
        let mode = fs::metadata(directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{}: {mode:o}", directory.display());
    };
    let base = program_data.join("work");
    for directory in [&program_data, &base, work, &work.join("2")] {
        is_private(directory);
    }
    held.go_on().exit(0);
    is_private(&machine.path("state/state"));
    // A name cannot be guessed, and what is there already is never used.
    let name = work.file_name().unwrap().to_str().unwrap();
    let chance = name.rsplit('_').next().unwrap();
    assert!(chance.len() >= 8, "{name}");
}

#[test]
fn a_directory_of_the_program_that_others_can_change() {
    let Some(machine) = machine() else { return };
    let [state, work] = ["state", "work"].map(|name| machine.path(name));
    let mode = |path: &PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&state, 0o777);
    mode(&work, 0o700);
    let ran = machine.aam("doctor", &[]);
    let others = "others than SYSTEM, Administrators and its owner have access to ";
    ran.says(&format!("{others}{}: ", machine.profile.said(&state)));
    ran.says("(may change it)").says("icacls");
    ran.never_says(&format!("{others}{}", machine.profile.said(&work)));
    let only = "is for SYSTEM, Administrators and its owner only";
    ran.says(&format!("{} {only}", machine.profile.said(&work)));
    mode(&state, 0o700);
    let ran = machine.aam("doctor", &[]);
    ran.never_says(others);
}

/// The same with shadow copies of its own, which Windows deletes. It keeps the letter.
#[test]
fn a_killed_run_with_its_own_shadow_copies_takes_its_tools_with_it() {
    let Some(mut machine) = machine() else { return };
    machine.profile.snapshot = Some((PathBuf::new(), PathBuf::from("Q:")));
    machine.add_other();
    let held = machine.hold_at_second_mount();
    let mark = machine.profile.said(&machine.path("state"));
    let running = || under_wine(&mark, "exe");
    let [run] = under_wine(&mark, "aam-backup.exe")[..] else {
        panic!("{:?}", running())
    };
    assert!(!under_wine(&mark, "robocopy").is_empty());
    signal(run, Signal::KILL);
    let started = Instant::now();
    while !running().is_empty() {
        let is_late = started.elapsed() > Duration::from_secs(60);
        assert!(!is_late, "{:?}", running());
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::remove_file(machine.lab_letter()).unwrap();
    drop(held.abandoned());
    machine.run(&[]).exit(0).says("left by an interrupted run");
}

#[test]
fn an_interrupted_run_takes_its_own_shadow_copies_down() {
    let Some(mut machine) = machine() else { return };
    machine.profile.snapshot = Some((PathBuf::new(), PathBuf::from("Q:")));
    machine.add_other();
    let held = machine.hold_at_second_mount();
    held.interrupt().exit(130);
    assert!(fs::symlink_metadata(machine.lab_letter()).is_err());
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
    let ran = machine.run(&[]);
    ran.exit(0).never_says("left by an interrupted run");
}

/// Task Scheduler ends a task at its time limit without a word to it.
#[test]
fn a_killed_run_takes_its_tools_and_its_snapshot_with_it() {
    let Some(mut machine) = machine() else { return };
    machine.add_other();
    let held = machine.hold_at_second_mount();
    let mark = machine.profile.said(&machine.path("state"));
    let running = || under_wine(&mark, "exe");
    let mut programs = under_wine(&mark, "aam-backup.exe");
    programs.sort_unstable();
    // The run itself, ShadowSpawn, which is told its name, and the stage.
    assert_eq!(programs.len(), 3);
    assert!(!under_wine(&mark, "robocopy").is_empty());
    let run: Vec<i32> = under_wine(&mark, "profile.yaml");
    let [run] = &run[..] else { panic!("{run:?}") };
    signal(*run, Signal::KILL);
    let started = Instant::now();
    while !running().is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{:?}",
            running()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let letter = machine.lab_letter();
    assert!(fs::symlink_metadata(&letter).is_err(), "the letter is free");
    drop(held.abandoned());
    machine.run(&[]).exit(0).says("left by an interrupted run");
}

#[test]
fn a_percent_sign_in_the_work_directory() {
    let Some(mut machine) = machine() else { return };
    machine.profile.work = machine.path("100%TEMP%");
    machine
        .aam("check", &[])
        .exit(2)
        .says("/archive/work-directory: Windows replaces");
    machine
        .aam("run", &[])
        .exit(2)
        .says("name a directory without '%'");
}

#[test]
fn a_stage_that_fails_changes_nothing_and_does_not_say_so() {
    let Some(machine) = machine() else { return };
    machine.run(&[]).exit(0);
    machine.write("docs/a.txt", "changed");
    let ran = run_with(
        &machine,
        &["run"],
        &[("AAM_STANDIN_VSS_FAILURE", "0x80042306")],
    );
    ran.exit(1).says("the snapshot could not be made");
    ran.never_says("no new or changed files")
        .never_says("SUCCESS");
}

/// What is skipped is said by lines: a success in which some are missing is none.
#[test]
fn a_snapshot_program_that_passes_nothing_on() {
    let Some(machine) = machine() else { return };
    let ran = run_with(&machine, &["run"], &[("AAM_STANDIN_SILENT", "1")]);
    ran.exit(3).says("'shadowspawn' passed on 0 of ");
    assert_eq!(machine.mirrored().len(), 3);
    machine.run(&[]).exit(0).never_says("passed on");
}

#[test]
fn a_tool_that_crashes() {
    let Some(machine) = machine() else { return };
    let ran = run_with(&machine, &["run"], &[("AAM_STANDIN_CRASH", "1")]);
    ran.exit(1).says("0xc0000005, it crashed: access violation");
    ran.never_says("exit code 5").never_says("exit code -");
}

#[test]
fn programs_beside_the_program_are_found_first() {
    let Some(machine) = machine() else { return };
    let place = machine.path("portable");
    fs::create_dir(&place).unwrap();
    let bin = machine.lab_programs();
    for name in ["aam-backup.exe", "shadowspawn.exe"] {
        fs::copy(bin.join(name), place.join(name)).unwrap();
    }
    let profile = machine.profile.said(&machine.path("profile.yaml"));
    let program = machine.profile.said(&place.join("aam-backup.exe"));
    // Only to have the profile written.
    drop(machine.command(&[]));
    let mut command = machine.lab_command(&program);
    // Nothing else is on the search path.
    command.args(["run", &profile]).env_remove("WINEPATH");
    Ran::of(lab::output(&mut command)).exit(0);
    fs::remove_file(place.join("shadowspawn.exe")).unwrap();
    let ran = Ran::of(lab::output(&mut command));
    ran.exit(1).says("'shadowspawn' was not found");
}

/// .NET runs a program for any machine with the bits of the system.
#[test]
fn a_snapshot_program_for_another_machine() {
    let Some(mut machine) = machine() else { return };
    let program = machine.path("ShadowSpawn.exe");
    let snapshot = (program.clone(), PathBuf::from("Q:"));
    machine.profile.snapshot = Some(snapshot);
    for (is_dot_net, said) in [
        (false, "is a 32-bit program"),
        (true, "shows snapshots at Q:"),
    ] {
        let mut bytes = vec![0; 0x80 + 24 + 96 + 16 * 8];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[60] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&0x014c_u16.to_le_bytes());
        bytes[0x80 + 24..0x80 + 26].copy_from_slice(&0x010b_u16.to_le_bytes());
        bytes[0x80 + 24 + 96 + 14 * 8] = u8::from(is_dot_net);
        fs::write(&program, bytes).unwrap();
        machine.aam("doctor", &[]).says(said);
    }
}

/// A letter that leads to an empty directory, or to what no longer exists, is in use all the same,
/// unless a run that was killed left it.
#[test]
fn a_letter_that_leads_nowhere() {
    let Some(machine) = machine() else { return };
    let free = "shows snapshots at Q:, which is free";
    machine.aam("doctor", &[]).says(free);
    let gone = r"\??\C:\gone";
    for verb in ["doctor", "run"] {
        let ran = run_with(&machine, &[verb], &[("AAM_LAB_LETTER", gone)]);
        ran.exit(1).says("'Q:\\' is in use");
    }
    let shadow = r"\Device\HarddiskVolumeShadowCopy3\Users";
    let ran = run_with(&machine, &["doctor"], &[("AAM_LAB_LETTER", shadow)]);
    // What a run then does is in `shadow.rs`.
    ran.says(free);
    // An empty directory.
    std::os::unix::fs::symlink(machine.path("work"), machine.lab_letter()).unwrap();
    for verb in ["doctor", "run"] {
        machine.aam(verb, &[]).exit(1).says("'Q:\\' is in use");
    }
    fs::remove_file(machine.lab_letter()).unwrap();
}
