//! Uploads that are cut off: the next run goes on with them, before it sends anything newer.

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
        .says("and the next run goes on with the upload");
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
        .says("going on with the upload of the backup")
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
        let until = Instant::now() + Duration::from_secs(60);
        while sent(&proxy, ".zip.004") == 0 {
            assert!(Instant::now() < until && run.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(10));
        }
        match by {
            None => kill_all(&mut run),
            Some(by) => signal(i32::try_from(run.id()).unwrap(), by),
        }
        let ended = Ran::of(run.wait_with_output().unwrap());
        if by.is_some() {
            ended.exit(130).says("goes on with the upload");
            assert_eq!(volumes(&machine).len(), 3);
        }
        proxy.heal();
        machine.write("docs/a.txt", "changed");
        machine
            .run(&[])
            .exit(0)
            .says("going on with the upload")
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

/// The last marker arrived, and the run was killed before it could note that.
#[test]
fn what_is_complete_is_not_sent_again() {
    let (machine, proxy) = made(false);
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1);
    let records = || machine.path("state/state/pc");
    let record = fs::read_dir(records())
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "json"))
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
    let puts = || {
        proxy
            .seen()
            .iter()
            .filter(|r| r.method == "PUT" && r.target.contains("_0_0.0_"))
            .count()
    };
    let before = puts();
    fs::create_dir(&work).unwrap();
    fs::write(work.join("owner"), owner).unwrap();
    fs::rename(&copy, &first).unwrap();
    fs::write(&record, text).unwrap();
    machine
        .run(&[])
        .exit(0)
        .never_says("going on with the upload");
    assert_eq!(
        (puts(), machine.kept().len(), machine.left_over().len()),
        (before, 0, 0)
    );
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
            while sent(&proxy, ".zip.003") == 0 {
                assert!(run.try_wait().unwrap().is_none());
                std::thread::sleep(Duration::from_millis(10));
            }
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

/// What cannot go on is told and given up; the backup that is made then holds everything.
#[test]
fn given_up() {
    type Harm = fn(&Machine);
    let cases: [(&str, Harm, &str); 3] = [
        (
            "' (os error 2)",
            |m| fs::remove_dir_all(m.kept().remove(0)).unwrap(),
            "No such file",
        ),
        (
            "changed",
            |m| fs::write(m.kept().remove(0).join("1").join(volume(m)), "x").unwrap(),
            "it has 1 bytes, not ",
        ),
        (
            "touched",
            |m| {
                let path = m.kept().remove(0).join("1").join(volume(m));
                let mut bytes = fs::read(&path).unwrap();
                bytes[0] ^= 1;
                fs::write(&path, bytes).unwrap();
                let later = filetime::FileTime::from_unix_time(i64::from(u32::MAX), 0);
                filetime::set_file_mtime(&path, later).unwrap();
            },
            "it was changed",
        ),
    ];
    fn volume(machine: &Machine) -> String {
        volumes(machine)
            .into_iter()
            .find(|name| name.ends_with(".zip.004"))
            .unwrap()
            .split('/')
            .next_back()
            .unwrap()
            .into()
    }
    for (case, harm, why) in cases {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
        machine.run(&[]).exit(1);
        harm(&machine);
        proxy.heal();
        let ran = machine.run(&[]);
        ran.exit(3)
            .says(" is given up: ")
            .says(why)
            .says(" full backup!");
        assert_eq!(
            (complete(&machine).len(), machine.kept().len()),
            (1, 0),
            "{case}\n{ran}"
        );
        machine.run(&[]).exit(0).says(" incremental backup!");
        assert_restores(&machine);
    }
}

/// Without the second of three, what it held would be in no backup of the bucket: the third is
/// given up with it.
#[test]
fn a_backup_on_one_that_is_given_up() {
    let (machine, proxy) = made(false);
    machine.run(&[]).exit(0);
    machine.write("docs/second.txt", "of the second backup");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" incremental backup!");
    machine.write("docs/a.txt", "of the third");
    machine.run(&[]).exit(1).says(" incremental backup!");
    let [second, _] = machine.kept().try_into().unwrap();
    fs::remove_dir_all(second).unwrap();
    proxy.heal();
    let ran = machine.run(&[]);
    ran.exit(3)
        .says(".zip.001': No such file")
        .says("it holds what changed since")
        .says(" incremental backup!");
    assert_eq!(
        (complete(&machine).len(), machine.kept().len()),
        (2, 0),
        "{ran}"
    );
    assert_restores(&machine);
}

/// An incremental whose full is gone from the bucket is of no use there.
#[test]
fn its_full_is_gone() {
    let (machine, proxy) = made(false);
    machine.run(&[]).exit(0);
    machine.write("docs/a.txt", "changed");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.run(&[]).exit(1);
    proxy.heal();
    machine.empty_bucket();
    machine
        .run(&[])
        .exit(3)
        .says("is given up: its full backup ")
        .says(" full backup!");
    assert_eq!((complete(&machine).len(), machine.kept().len()), (1, 0));
    assert_restores(&machine);
}

/// A full that is due waits for a long upload; one that is asked for does not.
#[test]
fn a_full_that_is_due_meanwhile() {
    let (mut machine, proxy) = made(true);
    machine.profile.force_full = Some("always");
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" full backup!");
    proxy.heal();
    let second = machine.run(&[]);
    second
        .exit(0)
        .says("postponed: the upload of ")
        .says("is finished first")
        .says(" incremental backup!");
    machine.run(&[]).exit(0).says(" full backup!");
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" full backup!");
    proxy.heal();
    machine
        .run(&["--force-full"])
        .exit(0)
        .says("going on with the upload")
        .says(" full backup!");
    assert_eq!((complete(&machine).len(), machine.kept().len()), (5, 0));
    assert_eq!(machine.in_bucket(), machine.stored());
}

/// A run without that store leaves the upload for another.
#[test]
fn a_run_without_that_store() {
    let (machine, proxy) = made(true);
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1);
    let left = volumes(&machine);
    let ran = machine.run(&["--destination", "directory"]);
    ran.exit(3)
        .says("and this run does not use that store; its files stay in")
        .says(" incremental backup!");
    assert_eq!(volumes(&machine), left);
    proxy.heal();
    machine.run(&[]).exit(0).says("going on with the upload");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.write("docs/a.txt", "changed");
    machine.run(&[]).exit(1);
    fs::remove_dir_all(machine.kept().remove(0)).unwrap();
    machine
        .run(&["--destination", "directory"])
        .exit(3)
        .says(" is given up: ");
    machine.run(&["--destination", "directory"]).exit(0);
    proxy.heal();
    machine.run(&[]).exit(0);
    assert_eq!((complete(&machine).len(), machine.kept().len()), (3, 0));
    assert_restores(&machine);
}

/// Killed again and again, at another moment each time: the next run that may end leaves nothing
/// unfinished, and every backup that has a marker is whole.
#[test]
fn killed_again_and_again() {
    let (machine, _proxy) = made(false);
    let began = Instant::now();
    machine.run(&[]).exit(0);
    let whole = began.elapsed();
    for moment in 0..15 {
        fs::write(
            machine.home().join(format!("docs/{moment}.txt")),
            noise(70_000),
        )
        .unwrap();
        let mut run = machine.start(if moment % 4 == 0 {
            &["--force-full"]
        } else {
            &[]
        });
        std::thread::sleep(whole * (moment * 7 % 15) / 15 + Duration::from_millis(1));
        kill_all(&mut run);
        run.wait().unwrap();
    }
    machine.run(&[]).exit(0);
    assert_eq!((machine.kept().len(), machine.left_over().len()), (0, 0));
    assert_restores(&machine);
    let complete = complete(&machine);
    assert!(complete.len() >= 2, "{complete:?}");
    for stamp in &complete {
        let to = machine.nothing_restored();
        machine
            .restore_bare(&["--at", stamp, "--to", to.to_str().unwrap()])
            .exit(0);
    }
}

/// Where objects are encrypted with keys of KMS, entity tags do not tell what they hold.
#[test]
fn an_answer_that_was_lost_stops_nothing_where_tags_are_no_checksums() {
    for tail in [".zip.001", "_yes_"] {
        let (machine, proxy) = made(false);
        let is_it = move |r: &crate::support::proxy::Request| {
            r.method == "PUT" && path(&r.target).contains(tail)
        };
        proxy.spoil_when(is_it, 1, Fault::LoseAnswer);
        proxy.spoil_when(|_| true, usize::MAX, Fault::OtherTags);
        machine.run(&[]).exit(0);
        machine.write("docs/more", tail);
        machine.run(&[]).exit(0);
        assert_eq!(complete(&machine).len(), 2, "{tail}");
    }
}

/// A crash after an object arrived and before that is noted.
#[test]
fn what_arrived_before_a_crash_is_known_again_unless_it_is_another() {
    let (machine, proxy) = made(false);
    let other_tags = || proxy.spoil_when(|_| true, usize::MAX, Fault::OtherTags);
    proxy.spoil("PUT", ".zip.001", 1, Fault::LoseAnswer);
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    other_tags();
    machine.run(&[]).exit(1);
    proxy.heal();
    other_tags();
    rot(&machine, ".zip.001");
    machine.run(&[]).exit(1).says("with other content");
    rot(&machine, ".zip.001");
    machine.run(&[]).exit(0);
}

/// Where entity tags are checksums, they are believed, whatever was begun.
#[test]
fn an_object_of_the_same_size_with_other_content_is_not_taken_for_the_own() {
    for tail in [".zip.001", "_yes_"] {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", tail, usize::MAX, denied());
        machine.run(&[]).exit(1);
        let refused = proxy.seen().into_iter().rev();
        let refused = refused.filter(|r| r.method == "PUT" && path(&r.target).contains(tail));
        let refused = refused.last().unwrap();
        let size = refused.header("content-length").unwrap().parse().unwrap();
        let theirs = crate::support::moto::shared().request(
            "PUT",
            path(&refused.target),
            &[],
            &vec![b'x'; size],
        );
        assert_eq!(theirs.status, 200);
        proxy.heal();
        machine.run(&[]).exit(1).says("with other content");
    }
}

/// Changes a byte of a waiting volume, or changes it back; its size and time stay.
fn rot(machine: &Machine, tail: &str) {
    let mut left = machine.kept();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.to_str().unwrap().ends_with(tail) {
            let time =
                filetime::FileTime::from_last_modification_time(&fs::metadata(&path).unwrap());
            let mut bytes = fs::read(&path).unwrap();
            bytes[1000] ^= 1;
            fs::write(&path, bytes).unwrap();
            filetime::set_file_mtime(&path, time).unwrap();
            return;
        }
    }
    panic!("nothing waits");
}
