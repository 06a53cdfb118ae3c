//! Random histories: a tree, a profile and a world that change, runs that are disturbed, and after
//! every step what must hold (docs/reliability.md).
//!
//! `AAM_TEST_HISTORIES` sets how many, `AAM_TEST_SEED` the seed, `AAM_TEST_HISTORY` plays one only,
//! `AAM_TEST_FROM` leaves out those before it, `AAM_TEST_JOBS` how many at once. `tests/histories.sh` sets them, and `tests/windows/histories.sh`
//! plays them with the program for Windows.

mod faults;
mod judge;
mod model;
mod play;
mod step;
mod tree;
mod world;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::property::dice::Dice;
use crate::support::lab;
use step::Step;

const FIXED_SEED: u64 = 20_261_126;

/// How many of the fixed seed in the ordinary tests. A new seed is for `tests/histories.sh`: what it
/// finds is a fault to be mended, not one of the change that is tested.
const COUNT: u64 = 6;

/// How often a history that fails is played again with fewer steps.
const SHRINKING: usize = 60;

#[test]
fn what_was_backed_up_comes_back() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let count = number("AAM_TEST_HISTORIES").unwrap_or(COUNT);
    let seed = number("AAM_TEST_SEED").unwrap_or(FIXED_SEED);
    // A Wine prefix is for one machine at a time.
    let jobs = match lab::is_asked_for() {
        true => 1,
        false => number("AAM_TEST_JOBS").unwrap_or(2),
    };
    let wanted = match number("AAM_TEST_HISTORY") {
        Some(index) => index..index + 1,
        None => number("AAM_TEST_FROM").unwrap_or(0)..count,
    };
    let (started, played) = (Instant::now(), wanted.clone().count());
    println!("AAM_TEST_SEED={seed}, histories {wanted:?}");
    let failures = many(seed, wanted, jobs);
    println!("{played} histories in {:.0?}", started.elapsed());
    assert!(
        failures.is_empty(),
        "{} differ\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

fn many(seed: u64, wanted: Range<u64>, jobs: u64) -> Vec<String> {
    let (next, failures) = (AtomicU64::new(wanted.start), Mutex::new(Vec::new()));
    // Under Wine each takes minutes.
    let each = if lab::is_asked_for() { 1 } else { 50 };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= wanted.end {
                        break;
                    }
                    if let Err(failure) = one(seed, index) {
                        println!("{failure}\n");
                        failures.lock().unwrap().push(failure);
                    }
                    if (index + 1) % each == 0 {
                        println!("{} of {}", index + 1, wanted.end);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// One history. What is wrong, with the shortest history that shows it.
fn one(seed: u64, index: u64) -> Result<(), String> {
    // Under Wine each start of the program takes seconds.
    let most = if lab::is_asked_for() { 8 } else { 16 };
    let steps = step::history(&mut Dice::new(seed, index), most);
    let Err(first) = played(seed, index, &steps) else {
        return Ok(());
    };
    let (steps, last) = shrunk(seed, index, steps, first);
    let steps: String = steps.iter().map(|step| format!("  {step:?}\n")).collect();
    Err(format!(
        "AAM_TEST_SEED={seed} AAM_TEST_HISTORY={index}\n{steps}{last:.6000}"
    ))
}

fn played(seed: u64, index: u64, steps: &[Step]) -> Result<(), String> {
    let attempt = || std::panic::catch_unwind(|| play::play(seed, index, steps));
    let died = |panic: &Box<dyn std::any::Any + Send>| panic.is::<lab::WineDied>();
    // What Wine did when it died itself proves nothing.
    let outcome = match attempt() {
        Err(panic) if died(&panic) => attempt(),
        outcome => outcome,
    };
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.unwrap_or_else(|| "the test panicked".to_owned()))
    })
}

/// Leaves out whatever is not needed for it to fail.
fn shrunk(seed: u64, index: u64, steps: Vec<Step>, why: String) -> (Vec<Step>, String) {
    let (mut steps, mut why, mut at, mut tries) = (steps, why, 0, 0);
    while at < steps.len() && tries < SHRINKING {
        let mut fewer = steps.clone();
        fewer.remove(at);
        tries += 1;
        match played(seed, index, &fewer) {
            Err(still) => (steps, why) = (fewer, still),
            Ok(()) => at += 1,
        }
    }
    (steps, why)
}
