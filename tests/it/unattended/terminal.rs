//! What a run asks at a terminal, and only there (SPEC#run).

use std::io::Write;
use std::process::{Command, Stdio};

use super::kit::Night;
use super::told::called;
use crate::support::machine::{Machine, Ran};
use crate::support::processes::{Gate, kill_all};
use crate::support::recorder::Recorder;

/// Runs the profile at a terminal of its own, at which `typed` is typed.
fn at_a_terminal(machine: &Machine, arguments: &[&str], typed: &str) -> Ran {
    started_at_a_terminal(machine, "run", arguments, typed)
}

fn started_at_a_terminal(machine: &Machine, verb: &str, arguments: &[&str], typed: &str) -> Ran {
    let profile = machine.path("profile.yaml");
    let plain = machine.command(&[&[verb, profile.to_str().unwrap()], arguments].concat());
    let word = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let line: Vec<String> = [plain.get_program()]
        .into_iter()
        .chain(plain.get_args())
        .map(word)
        .collect();
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--return",
        "--command",
        &line.join(" "),
        "/dev/null",
    ]);
    command.envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(typed.as_bytes()).unwrap();
    // Kept until the end: a closed keyboard would answer every question.
    let ran = Ran::of(child.wait_with_output().unwrap());
    drop(keyboard);
    ran
}

/// Another run is at work; `patience` is how long to wait for it.
fn busy(patience: &str) -> (Night, std::process::Child, Gate) {
    let mut night = Night::new();
    night.email.clear();
    night.run(&[]).exit(0);
    night.machine.write("docs/new.txt", "new");
    let gate = Gate::new(&night.machine.path("."));
    night
        .machine
        .hook_seven_zip(&format!("[ $what = archive ] && {}", gate.hook()));
    night.prepare();
    let mut running = night.machine.start(&[]);
    gate.wait(&mut running);
    night.machine.profile.seven_zip = None;
    night.more = format!("lock: {{retry-every: 1s, give-up-after: {patience}}}\n");
    night.prepare();
    (night, running, gate)
}

#[test]
fn whether_to_wait_for_another_backup() {
    let recorder = Recorder::answering(200);
    let (mut night, mut running, _gate) = busy("1h");
    let checks = recorder.endpoint();
    night.more += &format!("ping: {{success: '{checks}/ok', failure: '{checks}/fail'}}\n");
    night.prepare();
    let mode = ["--mode", "incremental-only"];
    at_a_terminal(&night.machine, &mode, "n\n")
        .exit(4)
        .says("Wait for it? [y/N]")
        .says("not waiting")
        .says("SKIPPED");
    assert!(called(&recorder).is_empty(), "somebody was told");
    kill_all(&mut running);
    let (night, mut running, gate) = busy("1h");
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| at_a_terminal(&night.machine, &mode, "y\n"));
        gate.open();
        running.wait().unwrap();
        waiting.join().unwrap()
    });
    waiting.exit(0);
}

#[test]
fn nothing_is_asked_where_nobody_is() {
    let (mut night, mut running, _gate) = busy("1s");
    let mode = ["--mode", "incremental-only"];
    at_a_terminal(&night.machine, &[&mode[..], &["--unattended"]].concat(), "")
        .exit(4)
        .never_says("Wait for it?");
    night.run(&mode).exit(4).never_says("Wait for it?");
    // A regular run waits without asking.
    at_a_terminal(&night.machine, &[], "")
        .exit(4)
        .never_says("Wait for it?");
    kill_all(&mut running);
}

#[test]
fn a_window_that_stays_open() {
    let mut night = Night::new();
    night.email.clear();
    night.more = "pause-at-end: true\n".to_owned();
    night.prepare();
    at_a_terminal(&night.machine, &[], "\n")
        .exit(0)
        .says("Press Enter to close.");
    at_a_terminal(&night.machine, &["--unattended"], "")
        .exit(0)
        .never_says("Press Enter");
    night.run(&[]).exit(0).never_says("Press Enter");
    let to = night.machine.path("back").display().to_string();
    started_at_a_terminal(&night.machine, "restore", &["--to", &to], "\n")
        .exit(0)
        .says("Press Enter to close.");
}
