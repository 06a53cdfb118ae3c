//! Two runs at once, and runs that are cut off.

use std::time::Duration;

use rustix::process::Signal;

use super::list::noise;
use crate::support::machine::{Machine, Ran};
use crate::support::processes::{Gate, descendants, kill_all, signal, wait_for_end};

/// A machine whose backups wait at a gate when the archive of the mount with `pattern` in its name
/// is made.
fn gated(pattern: &str) -> (Machine, Gate) {
    let mut machine = Machine::new();
    machine.add_other();
    let gate = Gate::new(&machine.path("."));
    machine.hook_seven_zip(&format!(
        "case \"$what $*\" in archive*{pattern}*) {} ;; esac",
        gate.hook()
    ));
    machine.profile.more = "lock: {retry-every: 1s, give-up-after: 0s}\n".to_owned();
    (machine, gate)
}

/// A full backup whose second mount fails is no backup: no marker, no base of an incremental.
#[test]
fn a_full_that_fails_at_its_second_mount() {
    let mut machine = Machine::new();
    machine.add_other();
    machine
        .hook_seven_zip("case \"$what $*\" in archive*-aam-other-*) echo broken; exit 2 ;; esac");
    machine
        .run(&[])
        .exit(1)
        .says("7-Zip failed (exit code 2)")
        .says("nothing is uploaded");
    assert_eq!(machine.stored().len(), 0);
    assert!(!machine.mirrored().is_empty());
    machine.profile.seven_zip = None;
    machine.run(&[]).exit(0).says(" full backup!");
}

/// Killed alone: what it started ends with it, and does not spoil the next run.
#[test]
fn a_run_that_is_killed_leaves_no_tools_behind() {
    let (mut machine, gate) = gated("-aam-other-");
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    let orphans = descendants(i32::try_from(run.id()).unwrap());
    run.kill().unwrap();
    run.wait().unwrap();
    wait_for_end(&orphans);
    machine.profile.seven_zip = None;
    machine
        .run(&[])
        .exit(0)
        .says(" full backup!")
        .says("left by an interrupted run");
    assert_eq!(machine.left_over(), Vec::<std::path::PathBuf>::new());
    assert_eq!(machine.archived().len(), 5);
    machine.run(&[]).exit(0).says(" incremental backup!");
}

/// Killed between its two markers.
#[test]
fn a_full_without_all_of_its_markers_does_not_count() {
    let mut machine = Machine::new();
    machine.add_other();
    machine.run(&[]).exit(0);
    let marker = machine
        .stored()
        .into_iter()
        .find(|name| name.contains("_yes_") && name.contains("-aam-other-"))
        .unwrap();
    std::fs::remove_file(machine.path("store").join(&marker)).unwrap();
    let first = machine.backups()[0].stamp.clone();
    machine
        .run(&["--mode", "incremental-only"])
        .exit(1)
        .says("no complete full backup was found");
    machine
        .run(&[])
        .exit(0)
        .says(" full backup!")
        .says(&format!("the full backup {first} is not used"));
    machine
        .run(&[])
        .exit(0)
        .says(" incremental backup!")
        .never_says(&format!("latest complete full backup is {first}"));
    let sets = Ran::of(
        machine
            .command(&["sets", machine.path("profile.yaml").to_str().unwrap()])
            .output()
            .unwrap(),
    );
    sets.exit(0);
    let line = sets
        .stdout
        .lines()
        .find(|line| line.contains(&first))
        .unwrap_or_else(|| panic!("{sets}"));
    assert!(line.contains("not complete"), "{sets}");
}

/// As Ctrl-C does (see the list).
#[test]
fn other_signals_stop_everything_in_order() {
    for by in [Signal::TERM, Signal::HUP] {
        let (mut machine, gate) = gated("-aam-other-");
        let mut run = machine.start(&[]);
        gate.wait(&mut run);
        signal(i32::try_from(run.id()).unwrap(), by);
        Ran::of(run.wait_with_output().unwrap())
            .exit(130)
            .says("FAILURE, ");
        assert_eq!(machine.left_over(), Vec::<std::path::PathBuf>::new());
        assert_eq!(machine.stored().len(), 0);
        machine.profile.seven_zip = None;
        machine.run(&[]).exit(0);
    }
}

/// Whenever it is killed, the next run makes a whole backup and leaves nothing behind.
#[test]
fn killed_at_any_moment() {
    let mut machine = Machine::new();
    machine.add_other();
    machine.profile.volume_size = 65536;
    std::fs::write(machine.home().join("docs/noise"), noise(300_000)).unwrap();
    let started = std::time::Instant::now();
    machine.run(&[]).exit(0);
    let whole = started.elapsed();
    for moment in 0..12 {
        machine.write("docs/a.txt", &format!("change {moment}"));
        let mut run = machine.start(&["--force-full"]);
        std::thread::sleep(whole * moment / 12 + Duration::from_millis(1));
        kill_all(&mut run);
        let full = moment % 3 == 0;
        machine
            .run(if full { &["--force-full"] } else { &[] })
            .exit(0);
        let archived = machine.archived();
        assert!(
            if full {
                archived.len() == 6
            } else {
                archived.len() <= 1
            },
            "{moment}: {archived:?}"
        );
        let partial: Vec<_> = machine
            .stored()
            .into_iter()
            .filter(|name| !name.starts_with("pc_"))
            .collect();
        assert!(partial.len() <= 12, "{partial:?}");
    }
}
