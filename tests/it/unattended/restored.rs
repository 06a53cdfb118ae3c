//! The restore in one step is logged and reported as a backup is (SPEC#log).

use std::fs;

use super::kit::{Night, post};
use crate::support::machine::Ran;

fn backed_up() -> Night {
    let mut night = Night::new();
    night.run(&[]).exit(0);
    night
}

/// Gives options of a computer that has no profile.
fn bare(night: &Night, more: &[&str]) -> Ran {
    let store = night.machine.path("store").display().to_string();
    let place = [
        "restore",
        "--location",
        "pc",
        "--directory",
        &store,
        "--key-env",
        "THE_KEY",
    ];
    let mut command = night.machine.command(&[&place, more].concat());
    command
        .env("THE_KEY", night.machine.key)
        .env("AWS_ENDPOINT_URL", post().endpoint());
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    Ran::of(command.output().unwrap())
}

#[test]
fn log_and_mail_say_how_it_ended() {
    let night = backed_up();
    let to = night.machine.path("back").display().to_string();
    let ran = night.machine.aam("restore", &["--to", &to]);
    ran.exit(0)
        .says(" UTC data restoration!")
        .says("Verified: 3 files, ")
        .says("/back/1  <-  ")
        .says("-restore.aam-backup.log");
    assert!(ran.stdout.starts_with("SUCCESS, 20"), "{ran}");
    let mails = night.mails();
    assert!(
        mails.len() == 2 && mails[1].subject.ends_with(" UTC data restoration!"),
        "{mails:?}"
    );
    assert!(
        mails[1].subject.starts_with("SUCCESS, ") && mails[1].body.contains("Verified"),
        "{mails:?}"
    );
    // The log is where the files are now, which may be another computer.
    let more = "see the log on the computer that the files were restored on.";
    assert!(mails[1].body.contains(more), "{mails:?}");
    let log = night.log();
    let headings: Vec<&str> = log.lines().filter(|line| line.starts_with("== ")).collect();
    for heading in [
        "Parameters",
        "Start",
        "Objects",
        "Restore",
        "Verification",
        "Email",
        "Result",
    ] {
        assert!(
            headings.contains(&&*format!("== {heading} ==")),
            "{heading}: {log}"
        );
    }
    assert_eq!(
        (headings[0], headings[headings.len() - 1]),
        ("== Parameters ==", "== Result =="),
        "{log}"
    );
    for object in fs::read_dir(night.machine.path("store")).unwrap() {
        let name = object.unwrap().file_name().into_string().unwrap();
        let is_object = name != ".aam-backup-destination";
        assert!(
            !is_object || log.contains(&name),
            "{name} is not in the log: {log}"
        );
    }
    for secret in [night.machine.key, "wJalrXUtnFEMI", "AKIDEXAMPLE"] {
        assert!(!log.contains(secret) && !mails[1].body.contains(secret));
    }
}

#[test]
fn a_failure_is_told_too() {
    let night = backed_up();
    fs::write(night.machine.path("wrong"), "wrong").unwrap();
    let (to, wrong) = (
        night.machine.path("back").display().to_string(),
        night.machine.path("wrong"),
    );
    let ran = night.machine.aam(
        "restore",
        &["--to", &to, "--key-file", wrong.to_str().unwrap()],
    );
    ran.exit(1)
        .says("FAILURE, ")
        .says("the key is wrong")
        .says("the restore is NOT complete");
    let mails = night.mails();
    assert!(
        mails[1].subject.starts_with("FAILURE, ") && mails[1].body.contains("the key is wrong"),
        "{mails:?}"
    );
    assert!(night.log().contains("the key is wrong"));
    // The steps keep no log and send none.
    let logs = || {
        fs::read_dir(night.machine.path("state/logs"))
            .unwrap()
            .count()
    };
    let before = logs();
    night
        .machine
        .aam("restore", &["request", "--to", &to])
        .exit(2);
    let profile = night.machine.path("profile.yaml").display().to_string();
    let steps = night
        .machine
        .command(&["restore", "request", &profile, "--to", &to])
        .output()
        .unwrap();
    Ran::of(steps)
        .exit(0)
        .says("everything needed is requested")
        .never_says("Log: ");
    assert_eq!((logs(), night.mails().len()), (before, 2));
}

#[test]
fn without_a_profile() {
    let night = backed_up();
    let [to, logs] = ["back", "my-logs"].map(|name| night.machine.path(name).display().to_string());
    let mail = [
        "--email-from",
        &night.sender,
        "--email-to",
        "heir@example.com",
        "--email-region",
        "us-east-1",
    ];
    let ran = bare(
        &night,
        &[&["--to", &to, "--log-directory", &logs][..], &mail].concat(),
    );
    ran.exit(0).says(&format!("Log: {logs}/"));
    assert_eq!(fs::read_dir(&logs).unwrap().count(), 1);
    let mails = night.mails();
    assert_eq!(
        (mails[1].to.as_slice(), mails.len()),
        (&["heir@example.com".to_owned()][..], 2)
    );
    bare(&night, &["--to", &to, "--email-from", &night.sender]).exit(2);
    // A log that cannot be written stops no restore.
    let (again, file) = (
        night.machine.path("again").display().to_string(),
        night.machine.path("wrong"),
    );
    fs::write(&file, "").unwrap();
    let ran = bare(
        &night,
        &["--to", &again, "--log-directory", file.to_str().unwrap()],
    );
    ran.exit(3)
        .says("cannot be opened")
        .says("--log-directory")
        .says("the restore is complete, with warnings");
}
