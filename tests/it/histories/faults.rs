//! The fault walk: each kind of system call fails at its n-th time, in a run and in a restore; the
//! process is killed there too. Whatever the run says must be true, the last good backup comes
//! back, and the next run succeeds without help.
//!
//! `AAM_TEST_FAULTS` sets how many of all points are tried, spread over the walk; `all` tries each.
//! `AAM_TEST_FAULTS_IN` keeps to `run` or `restore`.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::judge;
use super::play;
use super::step::{Change, Fault, Run, Step, Trouble};
use super::world::World;
use crate::property::dice::Dice;
use crate::support::strace::can_trace;

/// How many points in the ordinary tests.
const COUNT: usize = 12;

/// What each call may say, besides that its process is killed.
const CALLS: [(&str, &[&str]); 22] = [
    ("openat", &["EIO", "ENOSPC", "EACCES"]),
    ("read", &["EIO", "EAGAIN"]),
    ("write", &["EIO", "ENOSPC", "EAGAIN"]),
    ("pread64", &["EIO"]),
    ("pwrite64", &["EIO", "ENOSPC"]),
    ("copy_file_range", &["EIO", "ENOSPC"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("close", &["EIO"]),
    ("renameat,renameat2,rename", &["EIO", "ENOSPC", "EACCES"]),
    ("linkat,link", &["EIO", "EACCES"]),
    ("unlink,unlinkat,rmdir", &["EIO", "EACCES"]),
    ("mkdir,mkdirat", &["EIO", "ENOSPC", "EACCES"]),
    ("statx,newfstatat,fstat,lstat", &["EIO", "EACCES"]),
    ("getdents64", &["EIO", "EACCES"]),
    ("utimensat", &["EIO", "EACCES"]),
    ("chmod,fchmod,fchmodat", &["EIO", "EACCES"]),
    ("chown,fchown,fchownat,lchown", &["EIO", "EACCES"]),
    ("fcntl,flock", &["EIO", "EAGAIN"]),
    ("clone,clone3,vfork,fork", &["EAGAIN"]),
    ("execve", &["EIO", "EACCES"]),
    ("pipe2", &["EIO"]),
];

/// Where a fault strikes.
#[derive(Clone, Copy, Debug)]
enum Target {
    Run,
    Restore,
}

#[test]
fn any_system_call_may_fail() {
    if !can_trace() {
        println!("strace cannot be used here: no fault was tried");
        return;
    }
    let mut all = every_point();
    match std::env::var("AAM_TEST_FAULTS_IN").as_deref() {
        Ok("run") => all.retain(|(target, _)| matches!(target, Target::Run)),
        Ok("restore") => all.retain(|(target, _)| matches!(target, Target::Restore)),
        _ => {}
    }
    let count = match std::env::var("AAM_TEST_FAULTS").as_deref() {
        Ok("all") => all.len(),
        Ok(count) => count.parse().unwrap(),
        Err(_) => COUNT,
    };
    let jobs = std::env::var("AAM_TEST_JOBS").map_or(2, |jobs| jobs.parse().unwrap());
    println!("{} of {} points", count.min(all.len()), all.len());
    // Another share each day would be another test: these are spread evenly.
    let chosen: Vec<_> = (0..count.min(all.len()))
        .map(|i| all[i * all.len() / count])
        .collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let (next, wrong, chosen) = (&next, &wrong, &chosen);
            scope.spawn(move || {
                let mut world = new_world(job);
                while let Some(point) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(why) = strike(&mut world, point) {
                        println!("{point:?}: {why:.3000}\n");
                        wrong.lock().unwrap().push(format!("{point:?}"));
                        world = new_world(job);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The walk of a source hung, with the lock held, where the system started one of its threads and
/// no other.
#[test]
fn a_walk_needs_no_threads() {
    if !can_trace() {
        println!("strace cannot be used here: no fault was tried");
        return;
    }
    let mut world = new_world(1);
    for n in [4, 5] {
        let call = "clone,clone3,vfork,fork";
        let error = "EAGAIN";
        strike(&mut world, &(Target::Run, Fault { call, error, n })).unwrap();
    }
}

/// One mount with a mirror and a directory store, and a backup in it.
fn new_world(job: u64) -> World {
    let plain = |seed: &u64| {
        let world = World::new(&mut Dice::new(*seed, job), &[]);
        let fits = world.mirror && world.proxy.is_none() && world.missing().is_empty();
        fits.then(|| world.without_clock())
    };
    let mut world = (0..).find_map(|seed| plain(&seed)).unwrap();
    world.extra = 1;
    play::one(&mut world, &Step::Run(Run::default())).unwrap();
    world
}

/// Changes something, lets the fault strike, and then goes on without it.
fn strike(world: &mut World, (target, fault): &(Target, Fault)) -> Result<(), String> {
    let change = Change::Write(fault.n, fault.n + fault.call.len());
    play::one(world, &Step::Tree(change))?;
    match target {
        Target::Run => {
            let trouble = Some(Trouble::Fault(*fault));
            let run = Run {
                trouble,
                force_full: fault.n % 2 == 0,
                ..Run::default()
            };
            play::one(world, &Step::Run(run))?;
            judge::the_last_good_backup(world)?;
        }
        Target::Restore => judge::a_restore_that_fails(world, *fault)?,
    }
    play::one(world, &Step::Run(Run::default())).map_err(|why| format!("the next run: {why}"))
}

/// Each error of each call, once for each time that one process makes the call.
fn every_point() -> Vec<(Target, Fault)> {
    let mut world = new_world(99);
    let mut points = Vec::new();
    for target in [Target::Run, Target::Restore] {
        let made = calls(&mut world, target);
        for (call, errors) in CALLS {
            let names: Vec<&str> = call.split(',').collect();
            let most = made
                .values()
                .map(|of| of.iter().filter(|c| names.contains(&c.as_str())).count());
            for n in 1..=most.max().unwrap_or(0) {
                let errors = errors.iter().chain(&["KILL"]);
                points.extend(errors.map(|error| (target, Fault { call, error, n })));
            }
        }
    }
    points
}

/// The system calls of each process of a run or restore.
fn calls(world: &mut World, target: Target) -> BTreeMap<String, Vec<String>> {
    let log = world.machine.path("calls");
    let profile = world.machine.path("profile.yaml");
    let to = world.machine.nothing_restored();
    let mut arguments = vec![profile.to_str().unwrap()];
    match target {
        Target::Run => arguments.insert(0, "run"),
        Target::Restore => {
            arguments.insert(0, "restore");
            arguments.extend(["--to", to.to_str().unwrap()]);
        }
    }
    let nothing = Fault {
        call: "all",
        error: "EIO",
        n: 1,
    };
    let failing = world.failing(nothing, 0, super::world::KEYS[0], &arguments);
    let mut command = Command::new("strace");
    let mut words: Vec<_> = failing.get_args().map(ToOwned::to_owned).collect();
    words.retain(|word| !word.to_string_lossy().starts_with("inject="));
    let start = words.iter().position(|word| word == "trace=all").unwrap() + 1;
    // Its own `-e` goes with what it had to inject.
    words.remove(start);
    let at = words.iter().position(|word| word == "/dev/null").unwrap();
    words[at] = log.clone().into();
    command.args(words).env_clear();
    command.envs(
        failing
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let Some((process, rest)) = line.split_once(' ') else {
            continue;
        };
        if let Some((call, _)) = rest.trim_start().split_once('(') {
            made.entry(process.to_owned())
                .or_default()
                .push(call.to_owned());
        }
    }
    made
}
