//! A real crontab: installed, listed, paused, replaced and removed.

use std::fs;

use super::emptiness::profile_in_a_nasty_place;
use super::real::{Steps, in_a_namespace, namespaces_are_allowed, quoted, schedule};
use super::tool;
use crate::support::machine::Machine;

#[test]
fn crontab_of_this_account() {
    if !namespaces_are_allowed() {
        return;
    }
    let machine = Machine::new();
    let profile = profile_in_a_nasty_place(&machine);
    let mut steps = Steps::new(machine.path("steps"));
    let other = "# of somebody else\nMAILTO=root\n1 2 * * * echo 100\\% \"x\"\n";
    fs::write(machine.path("other"), other).unwrap();
    steps.step(&format!("crontab {}", quoted(&machine.path("other"))));
    let none = steps.step(&schedule("status", &profile, ""));
    let installed = steps.step(&schedule("install", &profile, "--scheduler cron"));
    let no_daemon = steps.step(&schedule("status", &profile, ""));
    steps.step("touch /run/crond.pid");
    let also = steps.step(&schedule(
        "install",
        &profile,
        "--scheduler cron --mode incremental-only --every hour",
    ));
    let again = steps.step(&schedule(
        "install",
        &profile,
        "--scheduler cron --every sunday --at 04:05",
    ));
    let listed = steps.step("crontab -l");
    let state = steps.step(&schedule("status", &profile, ""));
    let paused = steps.step(&schedule("pause", &profile, ""));
    let pausing = steps.step(&schedule("status", &profile, ""));
    let resumed = steps.step(&schedule("resume", &profile, ""));
    let relisted = steps.step("crontab -l");
    let removed = steps.step(&schedule("remove", &profile, ""));
    let left = steps.step("crontab -l");
    let nothing = steps.step(&schedule("remove", &profile, ""));
    steps.step("crontab -r");
    let alone = steps.step(&schedule("install", &profile, "--scheduler cron"));
    let last = steps.step(&schedule("remove", &profile, ""));
    let empty = steps.step("crontab -l");
    let crontab = tool("crontab");
    // Below a directory that is there; the spool itself may not be.
    let script = format!(
        "mount -t tmpfs tmpfs /var/spool; mkdir -p /var/spool/cron/crontabs; mount -t tmpfs tmpfs /run
         PATH={}:$PATH\n{}",
        quoted(crontab.parent().unwrap()),
        steps.text
    );
    in_a_namespace(&machine, &script);

    steps.ran(0).exit(0);
    steps.ran(none).exit(1).says("is not scheduled");
    steps
        .ran(installed)
        .exit(1)
        .says("is scheduled in cron")
        .says("no cron seems to run");
    steps.ran(no_daemon).exit(1).says("no cron seems to run");
    steps
        .ran(also)
        .exit(0)
        .says("(incremental-only) is scheduled in cron");
    steps.ran(again).exit(0).says("Sun ").says(" 04:05");
    let listed = steps.ran(listed);
    listed.exit(0);
    assert!(listed.stdout.contains(other), "{listed}");
    assert_eq!(
        listed
            .stdout
            .matches(env!("CARGO_BIN_EXE_aam-backup"))
            .count(),
        2,
        "{listed}"
    );
    steps.ran(state).exit(0).says("the scheduler does not know");
    steps
        .ran(paused)
        .exit(0)
        .says("Paused in cron: aam-backup-test in the crontab");
    steps
        .ran(pausing)
        .exit(1)
        .says("its line is commented out")
        .says("next run:    none");
    steps.ran(resumed).exit(0).says("Resumed in cron");
    assert_eq!(steps.ran(relisted).stdout, listed.stdout);
    steps
        .ran(removed)
        .exit(0)
        .says("aam-backup-test from the crontab")
        .says("aam-backup-test@incremental-only from");
    assert_eq!(steps.ran(left).stdout, other);
    steps.ran(nothing).exit(0).says("Nothing to remove");
    steps.ran(alone).exit(0);
    steps.ran(last).exit(0);
    steps.ran(empty).exit(1).says("no crontab for");
}
