//! `archive.transfer: stream`: archives go to all stores while they are made. What goes wrong in the
//! middle leaves nothing that counts, and what a store says it has can be restored.

mod traces;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::Signal;

use super::list::noise;
use crate::support::look::{differences, look};
use crate::support::machine::{Machine, Ran};
use crate::support::processes::{Gate, signal};
use crate::support::proxy::{Fault, Proxy};
use crate::support::wait::wait_until;

/// Two mounts go to a directory and a bucket behind a proxy; the archive of the first has five
/// volumes.
fn made() -> (Machine, Arc<Proxy>) {
    let mut machine = Machine::new();
    let proxy = machine.add_bucket_behind_proxy();
    machine.add_other();
    machine.profile.streams = true;
    machine.profile.volume_size = 65536;
    fs::write(machine.home().join("docs/noise"), noise(300_000)).unwrap();
    (machine, proxy)
}

fn denied() -> Fault {
    Fault::s3(403, "AccessDenied", "Access Denied")
}

/// Both stores hold the same, and what comes back from each is what is there now.
fn assert_restores(machine: &Machine) {
    for from_bucket in [false, true] {
        let to = machine.nothing_restored();
        let path = to.to_str().unwrap();
        let ran = match from_bucket {
            true => machine.restore_bare(&["--exact", "--layout", "original", "--to", path]),
            false => {
                let from = ["--from", "directory", "--exact", "--layout", "original"];
                machine.aam("restore", &[&from[..], &["--to", path]].concat())
            }
        };
        ran.exit(0);
        let [home, back] = [machine.home(), machine.below(&to, &machine.home())].map(|place| {
            let mut seen = look(&place);
            // 7-Zip keeps times in steps of 100 ns.
            seen.values_mut().for_each(|found| found.modified /= 100);
            seen
        });
        assert_eq!(differences(&home, &back), Vec::<String>::new());
    }
}

/// No store shows anything, and none keeps a beginning.
fn assert_nothing_left(machine: &Machine) {
    assert_eq!(machine.stored().len(), 0, "{:?}", machine.stored());
    assert_eq!(machine.in_bucket().len(), 0, "{:?}", machine.in_bucket());
    assert_eq!(machine.begun_in_bucket(), 0);
    let open = machine.path("state/state/pc/open-objects.jsonl");
    assert!(!open.exists());
}

#[test]
fn archives_that_are_sent_while_they_are_made_come_back() {
    let (machine, proxy) = made();
    let plan = machine.aam("plan", &[]);
    plan.exit(0)
        .says("archive, and send the archive while it is made");
    plan.says(
        ": up to 25.2 MB, and 83.9 MB of memory, because archives are sent while they are made; ",
    );
    let first = machine.run(&[]);
    first.exit(0).says(" full backup!");
    first.says(".zip.001 (while it is made)");
    assert_eq!(machine.stored(), machine.in_bucket());
    let volumes = |key: &&String| key.contains("_no_");
    assert_eq!(machine.stored().iter().filter(volumes).count(), 6);
    assert_restores(&machine);
    // By 7-Zip alone.
    assert!(machine.archived().contains("docs/noise"));
    machine.write("docs/a.txt", "changed");
    machine.run(&[]).exit(0).says(" incremental backup!");
    assert_eq!(
        machine.archived().into_iter().collect::<Vec<_>>(),
        ["docs/a.txt"]
    );
    assert_restores(&machine);
    // Nothing to archive.
    machine.run(&[]).exit(0).says(" incremental backup!");
    assert_restores(&machine);
    machine.aam("verify", &["--all", "--yes"]).exit(0);
    assert_eq!(machine.begun_in_bucket(), 0);
    // No volume appeared before all archives were made.
    let seen = proxy.seen();
    let position = |method: &str, part: &str| {
        let is_it = |request: &&crate::support::proxy::Request| {
            request.method == method && request.target.contains(part)
        };
        let mut found = seen.iter().enumerate().filter(|(_, r)| is_it(r));
        let first = found.next().unwrap().0;
        (first, found.next_back().map_or(first, |(last, _)| last))
    };
    let parts = seen
        .iter()
        .filter(|r| r.target.contains("_0_0.0_no_") && r.method == "PUT");
    assert_eq!(
        parts.count(),
        6,
        "each volume of the full backup has one part"
    );
    let (_, last_of_other) = position("PUT", "-aam-other-");
    let (completed, _) = position("POST", "uploadId=");
    let of_full = seen
        .iter()
        .position(|r| r.method == "PUT" && r.target.contains("_yes_"));
    assert!(completed < of_full.unwrap(), "markers are last");
    let first_run = &seen[..of_full.unwrap()];
    let sent_last = first_run
        .iter()
        .rposition(|r| r.target.contains("partNumber="));
    assert!(sent_last.unwrap() < completed, "{last_of_other}");
}

#[test]
fn an_archive_larger_than_the_work_disk_is_sent() {
    let (mut machine, _proxy) = made();
    machine.profile.volume_size = 30_000_000;
    fs::write(machine.home().join("docs/large"), noise(80_000_000)).unwrap();
    if !machine.make_small_disk(40 << 10) {
        return;
    }
    machine.run(&[]).exit(0).says(" full backup!");
    assert_restores(&machine);
    // In parts of 16 MiB.
    let sizes = |name: &String| {
        fs::metadata(machine.path("store").join(name))
            .unwrap()
            .size()
    };
    let stored = machine.stored();
    let large = stored.iter().filter(|name| sizes(name) == 30_000_000);
    assert_eq!(large.count(), 2);
    machine.profile.streams = false;
    machine.write("docs/a.txt", "changed");
    machine.run(&["--force-full"]).exit(1).says("is full");
}

#[test]
fn a_full_work_disk_stops_the_archive() {
    let (mut machine, _proxy) = made();
    fs::write(machine.home().join("docs/large"), noise(8_000_000)).unwrap();
    if !machine.make_small_disk(2 << 10) {
        return;
    }
    let ran = machine.run(&[]);
    ran.exit(1).says("No space left on device");
    ran.says("set archive.work-directory to a directory on a larger disk");
    assert_nothing_left(&machine);
}

/// The exit code comes after the stream.
#[test]
fn a_seven_zip_that_fails_at_its_end_leaves_nothing() {
    for mount in [1, 2] {
        let (mut machine, _proxy) = made();
        machine.hook_seven_zip(&format!(
            "case \"$what $*\" in archive*/{mount}/archive.list*) 7zz \"$@\"; exit 2 ;; esac"
        ));
        let ran = machine.run(&[]);
        ran.exit(1).says("7-Zip failed (exit code 2)");
        ran.says("nothing is uploaded");
        assert_nothing_left(&machine);
        machine.profile.seven_zip = None;
        machine.run(&[]).exit(0).says(" full backup!");
        assert_restores(&machine);
    }
}

/// 7-Zip says that all is well, and its output is not.
#[test]
fn an_archive_that_is_cut_or_damaged_is_no_backup() {
    for spoil in ["head -c 200000", "tail -c +2", "sed 's/PK/XX/g'"] {
        let (mut machine, _proxy) = made();
        machine.hook_seven_zip(&format!(
            "case \"$what $*\" in archive*/1/archive.list*) 7zz \"$@\" | {spoil}; exit 0 ;; esac"
        ));
        let ran = machine.run(&[]);
        ran.exit(1).says("cannot be read back");
        assert_nothing_left(&machine);
    }
}

/// As after a file that cannot be read to its end: what was sent is thrown away.
#[test]
fn an_archive_that_is_made_again_is_sent_again() {
    let (mut machine, proxy) = made();
    let (once, home) = (machine.path("once"), machine.home());
    machine.hook_seven_zip(&format!(
        "case \"$what $*\" in archive*/1/archive.list*) if [ ! -e '{once}' ]; then touch '{once}'; \
         7zz \"$@\"; (cd '{home}'; rm docs/b.txt; mkfifo docs/b.txt); exit 2; fi ;; esac",
        once = once.display(),
        home = home.display(),
    ));
    machine
        .run(&[])
        .exit(3)
        .says("archiving again without 1 of the listed paths");
    assert_eq!(machine.begun_in_bucket(), 0);
    assert_eq!(
        proxy.count("DELETE", "uploadId="),
        5,
        "five volumes were thrown away"
    );
    assert_eq!(machine.stored(), machine.in_bucket());
    assert!(machine.archived().contains("docs/noise"));
}

#[test]
fn a_store_that_fails_in_the_middle_does_not_stop_the_other() {
    let (machine, proxy) = made();
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    let ran = machine.run(&[]);
    ran.exit(1).says("no right to do this");
    ran.says("the next run archives again what this store lacks");
    ran.says("store: has all of this backup");
    ran.says(": does NOT have all of this backup");
    assert_eq!(machine.backups().len(), 1);
    assert_eq!(machine.in_bucket().len(), 0);
    assert_eq!(machine.begun_in_bucket(), 0);
    assert!(machine.kept().is_empty());
    proxy.heal();
    machine.run(&[]).exit(0).says(" full backup!");
    assert_restores(&machine);
}

/// 7-Zip is stopped, because nobody wants its output. The directory vanishes once it holds a
/// beginning, which cannot be removed then.
#[test]
fn without_a_store_the_archive_is_not_finished() {
    let (mut machine, proxy) = made();
    proxy.spoil("PUT", ".zip.002", usize::MAX, denied());
    let (store, gone) = (machine.path("store"), machine.path("gone"));
    machine.hook_seven_zip(&format!(
        "case \"$what $*\" in archive*/1/archive.list*) 7zz \"$@\" | (head -c 150000; \
         for n in $(seq 600); do ls -A '{store}' | grep -q aam-partial && break; sleep 0.1; done; mv '{store}' '{gone}'; cat; \
         sleep 60); exit 0 ;; esac",
        store = store.display(),
        gone = gone.display(),
    ));
    let ran = machine.run(&[]);
    ran.exit(1).says("the directory is missing");
    ran.says("no store takes the archive any more");
    let home = machine.home().display().to_string();
    ran.says(&format!(
        "{home}: 7 entries of the mirror checked, 0 differ"
    ));
    ran.says("the next run tries again");
    fs::rename(&gone, &store).unwrap();
    assert_eq!(machine.in_bucket().len(), 0);
    assert_eq!(machine.begun_in_bucket(), 0);
    let left = partial(&machine).len();
    assert_eq!(machine.stored().len(), left);
    machine.profile.seven_zip = None;
    proxy.heal();
    machine
        .run(&[])
        .exit(0)
        .says("that an interrupted run began");
    assert_eq!(partial(&machine), Vec::<PathBuf>::new());
    assert_restores(&machine);
}

#[test]
fn an_upload_that_cannot_be_completed_is_no_backup() {
    let (machine, proxy) = made();
    proxy.spoil("POST", ".zip.004?uploadId=", usize::MAX, denied());
    machine.run(&[]).exit(1).says("no right to do this");
    assert!(machine.kept().is_empty());
    assert_eq!(machine.begun_in_bucket(), 0);
    assert!(machine.in_bucket().iter().all(|key| !key.contains("_yes_")));
    proxy.heal();
    machine.run(&[]).exit(0).says(" full backup!");
    assert_restores(&machine);
}

/// Everything but a marker is there: nothing has to be archived again.
#[test]
fn markers_that_could_not_be_sent_are_sent_by_the_next_run() {
    let (machine, proxy) = made();
    proxy.spoil("PUT", "_yes_", usize::MAX, denied());
    machine.run(&[]).exit(1);
    assert_eq!(machine.kept().len(), 1);
    proxy.heal();
    let second = machine.run(&[]);
    second.exit(0).says("resuming the interrupted upload");
    second.says(" incremental backup!");
    assert_restores(&machine);
}

/// A machine whose first archive waits in the middle.
fn held() -> (Machine, Gate) {
    let (mut machine, _proxy) = made();
    let gate = hold(&mut machine);
    (machine, gate)
}

/// Lets the first archive of a machine wait in the middle.
fn hold(machine: &mut Machine) -> Gate {
    let gate = Gate::new(&machine.path("."));
    machine.hook_seven_zip(&format!(
        "case \"$what $*\" in archive*/1/archive.list*) 7zz \"$@\" | (head -c 200000; {}; cat); exit 0 ;; esac",
        gate.hook()
    ));
    gate
}

/// Waits until the run has noted that both stores began the fourth volume.
fn wait_for_volumes(machine: &Machine) {
    let noted = || {
        let path = machine.path("state/state/pc/open-objects.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().filter(|line| line.ends_with('}')).count()
    };
    wait_until("both stores begin four volumes", || noted() >= 8);
}

fn partial(machine: &Machine) -> Vec<PathBuf> {
    let stored = machine.stored().into_iter();
    let partial = stored.filter(|name| name.starts_with(".aam-partial-"));
    partial
        .map(|name| machine.path("store").join(name))
        .collect()
}

/// Kills a run that has begun four volumes in each store. The next one is held no longer.
fn kill_with_volumes_begun(machine: &mut Machine, gate: &Gate) {
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    wait_for_volumes(machine);
    run.kill().unwrap();
    run.wait().unwrap();
    machine.profile.seven_zip = None;
}

#[test]
fn the_next_run_removes_what_a_killed_one_began() {
    let (mut machine, gate) = held();
    kill_with_volumes_begun(&mut machine, &gate);
    let next = machine.run(&[]);
    next.exit(0).says("that an interrupted run began");
    assert_eq!(machine.begun_in_bucket(), 0);
    assert_eq!(partial(&machine), Vec::<PathBuf>::new());
    assert_restores(&machine);
}

#[test]
fn an_interrupted_run_removes_what_it_began() {
    let (machine, gate) = held();
    let mut run = machine.start(&[]);
    gate.wait(&mut run);
    wait_for_volumes(&machine);
    signal(i32::try_from(run.id()).unwrap(), Signal::INT);
    Ran::of(run.wait_with_output().unwrap()).exit(130);
    assert_nothing_left(&machine);
    assert_eq!(machine.left_over(), Vec::<PathBuf>::new());
}
