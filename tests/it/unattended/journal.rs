//! Started by systemd: standard error is the journal, and every line has its priority.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use super::kit::Night;

/// Runs with standard error in a file that `stream` takes for the journal, or not. What is in it.
fn run(night: &mut Night, stream: impl FnOnce(u64, u64) -> String) -> String {
    night.prepare();
    let path = night.machine.path("stderr");
    let file = File::create(&path).unwrap();
    let there = file.metadata().unwrap();
    let mut command: Command = night.machine.command(&[
        "run",
        night.machine.path("profile.yaml").to_str().unwrap(),
        "--unattended",
    ]);
    command
        .env("JOURNAL_STREAM", stream(there.dev(), there.ino()))
        .stderr(file);
    command.output().unwrap();
    fs::read_to_string(path).unwrap()
}

fn there(device: u64, inode: u64) -> String {
    format!("{device}:{inode}")
}

/// The lines of one priority.
fn of<'a>(text: &'a str, priority: &str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.strip_prefix(priority))
        .collect()
}

#[test]
fn every_line_has_its_priority() {
    let mut night = Night::unverified();
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    let text = run(&mut night, there);
    assert!(
        text.lines()
            .all(|line| ["<3>", "<4>", "<6>"].iter().any(|p| line.starts_with(p))),
        "{text}"
    );
    let errors = of(&text, "<3>");
    assert!(
        errors[0].starts_with("error: the source '/tmp/no-such-directory'"),
        "{text}"
    );
    assert!(
        errors[1].starts_with("  hint: "),
        "a hint is as important as its problem\n{text}"
    );
    assert!(errors.last().unwrap().starts_with("FAILURE, "), "{text}");
    assert!(
        of(&text, "<4>")[0].starts_with("warning: the email report was not sent"),
        "{text}"
    );
    assert!(of(&text, "<6>")[0].starts_with("backup started"), "{text}");
}

#[test]
fn a_broken_profile_is_an_error() {
    let mut night = Night::new();
    night.more = "exlude: {}\n".to_owned();
    let text = run(&mut night, there);
    assert!(of(&text, "<3>")[0].contains("unknown key"), "{text}");
    assert!(text.lines().all(|line| line.starts_with('<')), "{text}");
}

#[test]
fn somewhere_else_it_has_none() {
    let mut night = Night::new();
    night.email.clear();
    for elsewhere in [
        |device, inode| format!("{device}:{}", inode + 1),
        |_, _| String::new(),
        |_, _| "x".to_owned(),
    ] {
        let text = run(&mut night, elsewhere);
        assert!(
            text.contains("backup started") && !text.contains('<'),
            "{text}"
        );
    }
}
