//! The rows of runs that something outside ended: another run, a signal, a crash.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use super::super::kit::Night;
use super::{quoted, row};
use crate::support::machine::Ran;
use crate::support::processes::{Gate, kill_all, signal};
use aam_auto_backup::parts::Exit;
use aam_auto_backup::parts::Mode;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::report;
use aam_auto_backup::parts::{Files, MailRule, Session};

/// A machine whose backup waits at a gate.
fn gated(night: &mut Night) -> Gate {
    let gate = Gate::new(&night.machine.path("."));
    night
        .machine
        .hook_seven_zip(&format!("[ $what = archive ] && {}", gate.hook()));
    gate
}

#[test]
fn lock_timeout() {
    let mut first = Night::new();
    let gate = gated(&mut first);
    first.prepare();
    let mut running = first.machine.start(&[]);
    gate.wait(&mut running);
    let mut second = Night::new();
    second.more = "lock: {retry-every: 1s, give-up-after: 1s}\n".to_owned();
    // The same computer: the same lock. Logs and records are its own.
    second.prepare();
    let profile = second.machine.path("profile.yaml");
    let mut command = second.machine.command(&["run", profile.to_str().unwrap()]);
    command.args(second.arguments());
    let state = first.machine.path("state");
    let ran = Ran::of(
        command
            .env("AAM_BACKUP_STATE_DIR", &state)
            .output()
            .unwrap(),
    );
    // What the first machine keeps is what the second wrote there.
    fs::remove_dir_all(second.machine.path("state")).unwrap();
    std::os::unix::fs::symlink(&state, second.machine.path("state")).unwrap();
    second.ended_as("lock_timeout", &ran);
    kill_all(&mut running);
}

#[test]
fn interrupted() {
    for interrupt in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut night = Night::new();
        let gate = gated(&mut night);
        night.prepare();
        let mut run = night
            .machine
            .start(&night.arguments().each_ref().map(String::as_str));
        gate.wait(&mut run);
        signal(run.id().try_into().unwrap(), interrupt);
        let ran = Ran::of(run.wait_with_output().unwrap());
        night.ended_as("interrupted", &ran);
        let body = &night.mails().last().unwrap().body.clone();
        assert!(body.contains("the run was interrupted"), "{body}");
        assert_eq!(night.machine.left_over(), Vec::<std::path::PathBuf>::new());
    }
}

#[test]
fn killed() {
    let mut night = Night::new();
    night.email.push_str("  when: on-problem\n");
    let gate = gated(&mut night);
    night.prepare();
    let mut run = night.machine.start(&[]);
    gate.wait(&mut run);
    assert_eq!(night.result(), "none", "it runs");
    kill_all(&mut run);
    assert!(night.mails().is_empty());
    let status = night.machine.path("state/runs/test");
    night.machine.profile.seven_zip = None;
    let next = night.run(&[]);
    next.exit(0).says("did not end");
    let row = row("killed");
    let phrase = quoted(&row[3]).unwrap();
    assert!(
        night.log().contains(phrase) && night.mail().body.contains(phrase),
        "{}",
        night.log()
    );
    let lost = fs::read_dir(status)
        .unwrap()
        .map(|e| fs::read_to_string(e.unwrap().path()).unwrap())
        .filter(|text| text.contains(&format!("\"outcome\": \"{}\"", row[4])));
    assert_eq!(lost.count(), 1);
    night.run(&[]).exit(0).never_says("did not end");
}

/// Nothing in the program is known to panic. A session is made to, in a process of its own.
#[test]
fn crashed() {
    let mut night = Night::new();
    night.prepare();
    // Writes the profile.
    night.machine.command(&[]);
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "unattended::endings::cut_short::a_session_that_panics",
            "--nocapture",
        ])
        .env("AAM_BACKUP_STATE_DIR", night.machine.path("state"))
        .env("AAM_TEST_PROFILE", night.machine.path("profile.yaml"))
        .output()
        .unwrap();
    let ran = Ran::of(child);
    let code: i32 = ran
        .stdout
        .split("exit code ")
        .nth(1)
        .and_then(|rest| rest.split('.').next())
        .unwrap()
        .parse()
        .unwrap();
    night.ended_as(
        "crashed",
        &Ran {
            code: Some(code),
            ..ran
        },
    );
    assert!(
        night.log().contains("a fault made on purpose"),
        "{}",
        night.log()
    );
}

#[test]
#[ignore = "a part of the test crashed"]
fn a_session_that_panics() {
    let path = PathBuf::from(std::env::var_os("AAM_TEST_PROFILE").unwrap());
    let job = aam_auto_backup::parts::profile::load(&path).unwrap();
    let session = Session {
        profile: &job.name,
        location: &job.location,
        operation: "regular",
        reporting: &job.reporting,
        mail: MailRule::Every,
        files: Files {
            metrics: Some(&path.with_file_name("night.prom")),
            ..Files::default()
        },
        log_is_vital: true,
    };
    let ended = session.run(
        Vec::new(),
        |_, _| -> (Outcome, ()) { panic!("a fault made on purpose") },
        |outcome, started, _, counts| {
            report::backup(outcome, started, &job.location, None, Mode::Regular, counts)
        },
    );
    println!("exit code {}.", Exit::of(ended.outcome).code());
}
