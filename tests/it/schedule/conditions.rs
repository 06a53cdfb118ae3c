//! What the schedule of a profile asks of a run that nobody watches.

use std::fs;

use crate::support::machine::{Machine, Ran};

fn unattended(machine: &Machine) -> Ran {
    machine.aam("run", &["--unattended"])
}

#[test]
fn a_run_that_nobody_watches_is_skipped_without_its_disk() {
    let mut machine = Machine::new();
    let more = machine.profile.more.clone();
    let here = machine.path("home").display().to_string();
    machine.profile.more = format!("{more}schedule: {{when-attached: '{here}'}}\n");
    unattended(&machine)
        .exit(0)
        .says("nothing is backed up: no disk is attached at");
    assert!(machine.mirrored().is_empty());
    // A person knows what they do.
    machine.run(&[]).exit(0);
    // This is mounted on every Linux.
    machine.profile.more = format!("{more}schedule: {{when-attached: /proc}}\n");
    unattended(&machine)
        .exit(0)
        .says("incremental backup")
        .never_says("no disk is attached");
}

/// A run whose `systemd-inhibit` is this script.
fn with_inhibitor(machine: &Machine, script: &str, arguments: &[&str]) -> Ran {
    let tool = machine.script("systemd-inhibit", script);
    let mut path = vec![tool.parent().unwrap().to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let profile = machine.path("profile.yaml").display().to_string();
    let mut command = machine.command(&[&["run", &profile], arguments].concat());
    command.env("PATH", std::env::join_paths(path).unwrap());
    Ran::of(command.output().unwrap())
}

#[test]
fn the_computer_stays_awake_while_nobody_watches() {
    let mut machine = Machine::new();
    let calls = machine.path("calls");
    machine
        .profile
        .more
        .push_str("schedule: {keep-awake: true}\n");
    let said = format!("echo archives >>'{}'", calls.display());
    machine.hook_seven_zip(&said);
    let script = format!(
        "echo \"begin $*\" >>'{0}'\n\
         while [ \"${{1#--}}\" != \"$1\" ]; do shift; done\n\
         \"$@\"\necho end >>'{0}'",
        calls.display()
    );
    with_inhibitor(&machine, &script, &[]).exit(0);
    let lines = |path| fs::read_to_string(path).unwrap_or_default();
    assert!(!lines(&calls).contains("begin"), "{}", lines(&calls));
    fs::remove_file(&calls).unwrap();
    with_inhibitor(&machine, &script, &["--unattended", "--force-full"]).exit(0);
    let text = lines(&calls);
    let all: Vec<&str> = text.lines().collect();
    assert!(
        all[0].starts_with("begin --what=idle:sleep --mode=block "),
        "{text}"
    );
    assert!(all[1..all.len() - 1].contains(&"archives"), "{text}");
    assert_eq!(all.last(), Some(&"end"), "{text}");
    // However late it says so.
    with_inhibitor(&machine, "sleep 1; exit 1", &["--unattended"])
        .exit(3)
        .says("the computer may fall asleep during this run");
}
