//! Uploads that are cut off: the next run goes on with them, before it sends anything newer.

mod given_up;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::list::noise;
use crate::support::look::{differences, look};
use crate::support::machine::{Machine, Ran};
use crate::support::processes::{kill_all, signal};
use crate::support::proxy::{Fault, Proxy};
use crate::support::wait::wait_until;

/// Archives of five volumes go to a bucket behind the proxy, and to a directory as well if `both`.
fn made(both: bool) -> (Machine, Arc<Proxy>) {
    let mut machine = Machine::new();
    let proxy = machine.add_bucket_behind_proxy();
    if !both {
        machine.profile.store = None;
        machine.profile.more.push_str(&format!(
            "archive: {{encryption-key: {{env: AAM_TEST_KEY}}, volume-size: 65536, work-directory: '{}'}}\n",
            machine.profile.work.display()
        ));
    }
    // One object after the other: it is known which were sent.
    machine.profile.more.push_str("upload: {connections: 1}\n");
    machine.profile.volume_size = 65536;
    fs::write(machine.home().join("docs/noise"), noise(300_000)).unwrap();
    (machine, proxy)
}

fn denied() -> Fault {
    Fault::s3(403, "AccessDenied", "Access Denied")
}

/// How often an object was sent.
fn sent(proxy: &Proxy, tail: &str) -> usize {
    proxy
        .seen()
        .iter()
        .filter(|r| r.method == "PUT" && path(&r.target).ends_with(tail))
        .count()
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Stamps in the bucket that have a marker.
fn complete(machine: &Machine) -> BTreeSet<String> {
    let stamp = |key: &String| {
        let fields: Vec<&str> = key.split('_').collect();
        if fields[3] == "0" {
            fields[1..3].join("_")
        } else {
            fields[3..5].join("_")
        }
    };
    machine
        .in_bucket()
        .iter()
        .filter(|key| key.contains("_yes_"))
        .map(stamp)
        .collect()
}

/// What comes back from the bucket is what is there now.
fn assert_restores(machine: &Machine) {
    let to = machine.nothing_restored();
    machine
        .restore_bare(&[
            "--exact",
            "--layout",
            "original",
            "--to",
            to.to_str().unwrap(),
        ])
        .exit(0);
    let [home, back] = [
        look(&machine.home()),
        look(&machine.below(&to, &machine.home())),
    ]
    .map(|mut seen| {
        // 7-Zip keeps times in steps of 100 ns.
        seen.values_mut().for_each(|found| found.modified /= 100);
        seen
    });
    assert_eq!(differences(&home, &back), Vec::<String>::new());
}

fn volumes(machine: &Machine) -> Vec<String> {
    let mut found: Vec<String> = machine
        .kept()
        .iter()
        .flat_map(|work| look(work))
        .filter(|(_, found)| found.kind == "file")
        .map(|(path, _)| String::from_utf8_lossy(&path).into_owned())
        .filter(|name| name != "owner")
        .collect();
    found.sort();
    found
}

#[test]
fn the_next_run_goes_on() {
    let (machine, proxy) = made(true);
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    let first = machine.run(&[]);
    first
        .exit(1)
        .says("no right to do this")
        .says("and the next run resumes the upload");
    first
        .says("store: has all of this backup")
        .says(": does NOT have all of this backup");
    assert_eq!(machine.backups().len(), 1, "the directory has it");
    assert!(complete(&machine).is_empty());
    let left = volumes(&machine);
    assert_eq!(left.len(), 4, "three volumes and the manifest: {left:?}");
    machine.write("docs/a.txt", "changed");
    let plan = machine.aam("plan", &[]);
    plan.exit(0)
        .says("the interrupted upload of ")
        .says("to s3: the last 4 objects")
        .says("An incremental backup");
    plan.says(" in 1 volume and 4 objects of interrupted uploads, 2 small objects");
    assert_eq!(volumes(&machine), left, "a plan changes nothing");

    proxy.heal();
    let second = machine.run(&[]);
    second
        .exit(0)
        .says("resuming the interrupted upload of the backup")
        .says("found by its manifest");
    assert!(machine.kept().is_empty());
    assert_eq!(complete(&machine).len(), 2, "{:?}", machine.in_bucket());
    assert_eq!(
        machine.archived().into_iter().collect::<Vec<_>>(),
        ["docs/a.txt"]
    );
    for (tail, times) in [
        ("_0_0.0_no_", 0),
        (".zip.001", 2),
        (".zip.002", 1),
        (".zip.003", 2),
        (".zip.005", 1),
    ] {
        assert_eq!(sent(&proxy, tail), times, "{tail}\n{second}");
    }
    assert_eq!(machine.in_bucket(), machine.stored());
    assert_restores(&machine);
}

/// Killed while it sends, by -9 and in order.
#[test]
fn a_run_that_is_ended_while_it_sends() {
    for by in [None, Some(Signal::TERM)] {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", ".zip.004", usize::MAX, Fault::Hang);
        let mut run = machine.start(&[]);
        wait_until("the fourth volume is sent", || {
            assert!(run.try_wait().unwrap().is_none());
            sent(&proxy, ".zip.004") > 0
        });
        match by {
            None => kill_all(&mut run),
            Some(by) => signal(i32::try_from(run.id()).unwrap(), by),
        }
        let ended = Ran::of(run.wait_with_output().unwrap());
        if by.is_some() {
            ended.exit(130).says("resumes the upload");
            assert_eq!(volumes(&machine).len(), 3);
        }
        proxy.heal();
        machine.write("docs/a.txt", "changed");
        machine
            .run(&[])
            .exit(0)
            .says("resuming the interrupted upload")
            .says("3 objects left")
            .says(" incremental backup!");
        assert_eq!(
            (complete(&machine).len(), machine.left_over()),
            (2, Vec::<PathBuf>::new())
        );
        assert_eq!((sent(&proxy, ".zip.002"), sent(&proxy, ".zip.003")), (1, 1));
        assert_restores(&machine);
    }
}

/// Nothing newer is sent before: what is cut off again waits in its turn.
#[test]
fn older_backups_first() {
    let (machine, proxy) = made(true);
    for night in 0..3 {
        machine.write("docs/a.txt", &format!("night {night}"));
        proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
        machine.run(&[]).exit(1);
        assert_eq!(
            (machine.kept().len(), machine.backups().len()),
            (night + 1, night + 1)
        );
        assert!(complete(&machine).is_empty());
    }
    assert_eq!(sent(&proxy, ".zip.003"), 3, "once a night");
    proxy.heal();
    machine.write("docs/a.txt", "the last night");
    machine.run(&[]).exit(0);
    assert_eq!((complete(&machine).len(), machine.kept().len()), (4, 0));
    assert_eq!(machine.in_bucket(), machine.stored());
    let markers = proxy
        .seen()
        .into_iter()
        .filter(|r| r.method == "PUT" && r.target.contains("_yes_"));
    let markers: Vec<String> = markers.map(|r| path(&r.target).to_owned()).collect();
    let mut sorted = markers.clone();
    // The full's name ends in zeros.
    sorted.sort_by_key(|key| {
        if key.contains("_0_0.0_") {
            String::new()
        } else {
            key.clone()
        }
    });
    assert_eq!(markers, sorted);
    assert_restores(&machine);
}

/// The last marker arrived, and the run was killed before it could note that: the next run sends what
/// its record lacks once more, and finds that the objects there are its own.
#[test]
fn what_is_complete_without_a_record_of_it_is_compared() {
    let (machine, proxy) = made(false);
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1);
    let records = || machine.path("state/state/pc");
    let record = fs::read_dir(records())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| {
            p.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("unfinished-")
        })
        .unwrap();
    let (text, work) = (fs::read(&record).unwrap(), machine.kept().remove(0));
    let owner = fs::read(work.join("owner")).unwrap();
    let copy = machine.path("copy");
    fs::create_dir(&copy).unwrap();
    let first = work.join("1");
    for entry in fs::read_dir(&first).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    proxy.heal();
    machine.run(&[]).exit(0);
    let before = machine.in_bucket();
    fs::create_dir(&work).unwrap();
    fs::write(work.join("owner"), owner).unwrap();
    fs::rename(&copy, &first).unwrap();
    fs::write(&record, text).unwrap();
    machine
        .run(&[])
        .exit(0)
        .says("resuming the interrupted upload")
        .says("Destination: s3://");
    assert!(before.is_subset(&machine.in_bucket()));
    assert_eq!((machine.kept().len(), machine.left_over().len()), (0, 0));
}

/// Somebody deletes what was sent: it is sent again if it is still here, and else the upload is
/// given up.
#[test]
fn what_was_sent_vanishes() {
    for here in [true, false] {
        let (machine, proxy) = made(false);
        if here {
            proxy.spoil("PUT", ".zip.003", usize::MAX, Fault::Hang);
            let mut run = machine.start(&[]);
            wait_until("the third volume is sent", || {
                assert!(run.try_wait().unwrap().is_none());
                sent(&proxy, ".zip.003") > 0
            });
            kill_all(&mut run);
            run.wait().unwrap();
        } else {
            proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
            machine.run(&[]).exit(1);
        }
        proxy.heal();
        machine.empty_bucket();
        let ran = machine.run(&[]);
        if here {
            ran.exit(0)
                .says("6 objects left")
                .says(" incremental backup!");
        } else {
            ran.exit(3)
                .says(".zip.001': No such file")
                .says(" full backup!");
        }
        assert_eq!(
            (complete(&machine).len(), machine.kept().len()),
            (if here { 2 } else { 1 }, 0),
            "{ran}"
        );
        assert_restores(&machine);
    }
}
