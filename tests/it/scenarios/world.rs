//! What is between a run and its store, and what whoever started it asked for.

use std::process::Command;

use crate::support::machine::{Machine, Ran};
use crate::support::proxy::Fault;

/// A portal, a gateway or a cache may answer in place of the store, and keep nothing.
#[test]
fn a_store_must_list_what_it_took() {
    let mut machine = Machine::new();
    let proxy = machine.add_bucket_behind_proxy();
    let portal = Fault::Reply(200, Vec::new(), String::new());
    proxy.spoil("PUT", ".zip.001", usize::MAX, portal);
    machine
        .run(&[])
        .exit(1)
        .says("although the store accepted it")
        .never_says("SUCCESS");
    proxy.heal();
    machine
        .run(&[])
        .exit(0)
        .says("resuming the interrupted upload");
    assert_eq!(machine.in_bucket(), machine.stored());
}

/// `nohup` asks a program to go on without its terminal.
#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let mut machine = Machine::new();
    machine.profile.more = "hooks: {before: [sh, -c, 'kill -HUP $PPID; sleep 1']}\n".to_owned();
    machine.run(&[]).exit(130);
    let profile = machine.path("profile.yaml");
    let plain = machine.command(&["run", profile.to_str().unwrap()]);
    let mut ignoring = Command::new("sh");
    ignoring.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    ignoring.arg(plain.get_program()).args(plain.get_args());
    ignoring
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap());
    let given = plain
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    ignoring.envs(given);
    Ran::of(ignoring.output().unwrap()).exit(0).says("SUCCESS");
}

/// Two runs with other local state have other locks and run at once: neither takes the work files of
/// the other for those of an interrupted run.
#[test]
fn a_run_with_other_local_state_leaves_a_running_one_alone() {
    let mut machine = Machine::of_either_system();
    if machine.is_windows() {
        return;
    }
    machine.add_other();
    let held = machine.hold_at_second_mount();
    let profile = machine.profile.said(&machine.path("profile.yaml"));
    let mut command = machine.command(&["run", &profile]);
    command.env("AAM_BACKUP_STATE_DIR", machine.path("other-state"));
    Ran::of(command.output().unwrap())
        .says("belongs to a backup with other local state, and stays");
    // They also share a mirror, which no lock of theirs protects.
    held.go_on().says("/store: has all of this backup");
}
