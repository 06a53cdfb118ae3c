//! The log: its sections for people, its events for programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use aam_auto_backup::parts::Event;
use aam_auto_backup::parts::text;
use serde_json::Value;

use super::kit::Night;
use crate::support::harm::Mounted;

/// SPEC#log, in its order; hooks and the result are our own.
#[test]
fn every_section_has_its_heading_once() {
    let mut night = Night::new();
    let hook = night.machine.script("hook", "exit 0");
    night.more = format!("hooks: {{before: ['{}']}}\n", hook.display());
    night.run(&[]).exit(0);
    let log = night.log();
    let headings: Vec<&str> = log
        .lines()
        .filter_map(|l| l.strip_prefix("== ")?.strip_suffix(" =="))
        .collect();
    let wanted = [
        "Parameters",
        "Lock",
        "Hooks",
        "Start",
        "Latest complete backups",
        "Directories to back up, mounts, exclusions",
        "Ignored paths",
        "Tool output",
        "Verification",
        "Objects",
        "Clean-up",
        "Email",
        "Result",
    ];
    assert_eq!(headings, wanted, "{log}");
    assert!(
        log.lines().next().unwrap().ends_with("; all times are UTC"),
        "{log}"
    );
}

/// Each problem stands where the log tells of what it is about, and no heading comes twice.
#[test]
fn problems_are_in_their_sections() {
    let mut night = Night::new();
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.machine.profile.rsync = Some("/no/such/rsync".into());
    night.machine.profile.more_destinations =
        "  s3: {bucket: aam-nowhere, region: us-east-1, endpoint: 'http://127.0.0.1:9', \
         credentials: {access-key-id: {command: [echo, A]}, secret-access-key: {command: [echo, S]}}}\n"
            .to_owned();
    night.run(&[]).exit(1);
    let log = night.log();
    for (heading, problem) in [
        ("Start", "'/no/such/rsync' was not found"),
        (
            "Latest complete backups",
            "nothing is archived to s3://aam-nowhere",
        ),
        (
            "Directories to back up, mounts, exclusions",
            "the source '/tmp/no-such-directory' is not backed up",
        ),
    ] {
        let section = log
            .split(&format!("== {heading} =="))
            .nth(1)
            .unwrap_or_else(|| panic!("no {heading}: {log}"));
        assert!(
            section.split("\n== ").next().unwrap().contains(problem),
            "{problem}: {log}"
        );
    }
    let headings: Vec<&str> = log.lines().filter(|line| line.starts_with("== ")).collect();
    let once: std::collections::BTreeSet<_> = headings.iter().collect();
    assert_eq!(headings.len(), once.len(), "{log}");
}

/// The files of a directory whose names end so.
fn files(night: &Night, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(night.machine.path("state/logs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect()
}

#[test]
fn events_as_json() {
    let mut night = Night::new();
    night.machine.make_unreadable("docs/b.txt");
    night.run(&[]).exit(3);
    assert_eq!(
        files(&night, ".jsonl"),
        Vec::<PathBuf>::new(),
        "only when asked for"
    );
    fs::remove_dir_all(night.machine.path("state/logs")).unwrap();

    night.machine.write("docs/new.txt", "new");
    night.run(&["--log-format", "json"]).exit(3);
    let [json] = &files(&night, ".aam-backup.jsonl")[..] else {
        panic!("one file")
    };
    assert_eq!(
        json.with_extension("log"),
        files(&night, ".aam-backup.log")[0],
        "beside the log"
    );
    assert_eq!(
        fs::metadata(json).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(json).unwrap();
    let mut log = night.log();
    let mut before = String::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let time = value["time"].as_str().unwrap().to_owned();
        assert!(
            chrono::DateTime::parse_from_rfc3339(&time).is_ok() && time.ends_with('Z'),
            "{line}"
        );
        assert!(time >= before, "{line} after {before}");
        before = time;
        let event: Event = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        // Both files have the same, in the same order.
        if let Some(said) = text::describe(&event) {
            let (_, rest) = log
                .split_once(&said)
                .unwrap_or_else(|| panic!("not in the rest of the log: {said}\n{log}"));
            log = rest.to_owned();
        }
    }
    assert_eq!(log.trim(), "");
    assert!(
        text.lines()
            .last()
            .unwrap()
            .contains(r#""event":"finished","outcome":"warning""#),
        "{text}"
    );
}

#[test]
fn a_broken_profile_too() {
    let mut night = Night::new();
    night.more = "exlude: {}\n".to_owned();
    night.run(&["--log-format", "json"]).exit(2);
    let text = fs::read_to_string(&files(&night, ".jsonl")[0]).unwrap();
    assert!(
        text.contains("unknown key") && text.contains(r#""outcome":"invalid""#),
        "{text}"
    );
}

/// What happened must be known: a log that lacks something is no success.
#[test]
fn a_full_log_disk_is_no_success() {
    let mut night = Night::new();
    night.email.clear();
    let disk = night.machine.path("log disk");
    let Some(_mounted) = Mounted::of_size(&disk, 8) else {
        return;
    };
    fs::write(disk.join("fill"), vec![0; 4096]).unwrap();
    night.machine.profile.log = Some(disk.clone());
    night
        .run(&["--verbose", "--log-format", "json"])
        .exit(3)
        .says("the log is not complete")
        .says("No space left on device");
}

/// The standard library panics if a directory cannot be closed.
#[test]
fn a_directory_that_cannot_be_closed_is_named() {
    if !rustix::process::geteuid().is_root() {
        // strace cannot look at the handles of a program that lets no other one look into it.
        eprintln!("only root can make it fail");
        return;
    }
    let mut night = Night::new();
    night.email.clear();
    night.run(&[]).exit(0);
    let machine = &night.machine;
    let profile = machine.path("profile.yaml");
    for (directory, code) in [("home/docs", 0), ("state/logs", 0), ("store", 1)] {
        let place = machine.path(directory);
        let close = ["-f", "-o", "/dev/null", "-e", "trace=close", "-e"];
        let fails = ["inject=close:error=EIO", "-P", place.to_str().unwrap()];
        let ran = machine.traced(
            &[&close[..], &fails].concat(),
            &["run", profile.to_str().unwrap()],
        );
        ran.exit(code).never_says("the run crashed");
        if code == 1 {
            ran.says("store' cannot be closed");
        }
    }
}
