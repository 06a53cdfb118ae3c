//! A runner that is killed takes its tools with it.

use std::fs;

use crate::support::machine::Machine;
use crate::support::processes::{Gate, wait_for_end};

/// Kills a run while a tool and what it started are at work.
fn killed(
    machine: &mut Machine,
    hook: impl FnOnce(&mut Machine, &str),
    done: impl FnOnce(&mut Machine),
) {
    let place = machine.path("held");
    fs::create_dir(&place).unwrap();
    let (gate, pids) = (Gate::new(&place), place.join("pids"));
    let text = format!(
        "sleep 1000 & echo \"$$ $!\" >'{}'; {}; wait",
        pids.display(),
        gate.hook()
    );
    hook(machine, &text);
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    run.kill().unwrap();
    run.wait().unwrap();
    let pids = fs::read_to_string(&pids).unwrap();
    let pids = pids.split_whitespace().map(|pid| pid.parse().unwrap());
    let pids: Vec<i32> = pids.collect();
    assert_eq!(pids.len(), 2);
    wait_for_end(&pids);
    done(machine);
    machine.run(&[]).exit(0);
}

#[test]
fn seven_zip_ends_with_a_killed_run() {
    let hook = |machine: &mut Machine, text: &str| {
        machine.hook_seven_zip(&format!("if [ $what = archive ]; then {text}; fi"));
    };
    killed(&mut Machine::new(), hook, |machine| {
        machine.profile.seven_zip = None
    });
}

#[test]
fn rsync_ends_with_a_killed_run() {
    let hook = |machine: &mut Machine, text: &str| machine.hook_rsync(text);
    killed(&mut Machine::new(), hook, |machine| {
        machine.profile.rsync = None
    });
}

#[test]
fn a_hook_ends_with_a_killed_run() {
    let hook = |machine: &mut Machine, text: &str| {
        let script = machine.script("before.sh", text);
        machine.profile.more = format!("hooks: {{before: ['{}']}}", script.display());
    };
    killed(&mut Machine::new(), hook, |machine| {
        machine.profile.more.clear()
    });
}
