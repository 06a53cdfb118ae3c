//! The one selection rule (SPEC#selection) holds for all trees: mirror, archive, manifest, counts,
//! incremental and `explain` agree with an independent statement of it.
//!
//! `AAM_TEST_TREES` sets how many trees, `AAM_TEST_SEED` the seed, `AAM_TEST_TREE` runs one tree
//! only.

mod agree;
mod case;
pub mod dice;
mod forest;
mod names;
mod on_windows;
mod rule;
mod tree;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use case::{Case, Met};
use dice::Dice;
use rule::Answer;
use tree::Tree;

const FIXED_SEED: u64 = 20_201_221;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|e| panic!("{variable}={text}: {e}")),
    )
}

/// A fixed one, unless one is asked for: what another one finds is a fault to be mended, not one of
/// the change that is tested.
fn seed() -> u64 {
    number("AAM_TEST_SEED").unwrap_or(FIXED_SEED)
}

#[test]
fn everything_agrees_on_what_is_selected() {
    let count = number("AAM_TEST_TREES").unwrap_or(2000);
    let (seed, started) = (seed(), Instant::now());
    println!("AAM_TEST_SEED={seed}, {count} trees");
    match number("AAM_TEST_TREE") {
        Some(index) => drop(one(seed, index).unwrap_or_else(|failure| panic!("{failure}"))),
        None => many(seed, count),
    }
    println!("{count} trees in {:.1?}", started.elapsed());
}

fn many(seed: u64, count: u64) {
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let seen = Mutex::new(Seen::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while failures.lock().unwrap().len() < 3 {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    match one(seed, index) {
                        Ok(case) => seen.lock().unwrap().add(&case),
                        Err(failure) => failures.lock().unwrap().push(failure),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    // A generator that no longer makes the cases proves nothing.
    for (what, often) in [
        ("selected", seen.selected),
        ("excluded", seen.excluded),
        ("not copied", seen.not_copied),
    ] {
        assert!(
            count < 100 || often * 4 > count,
            "only {often} of {count} trees have anything {what}"
        );
    }
    assert!(
        count < 100 || seen.several_mounts * 8 > count,
        "only {} trees of several mounts",
        seen.several_mounts
    );
    assert!(
        count < 1000 || seen.root_excluded > 0,
        "`/` is never excluded"
    );
}

/// In how many trees what was met.
#[derive(Debug, Default)]
struct Seen {
    selected: u64,
    excluded: u64,
    not_copied: u64,
    several_mounts: u64,
    root_excluded: u64,
}

impl Seen {
    fn add(&mut self, met: &Met) {
        let has = |answer| u64::from(met.answers.contains(&answer));
        self.selected += has(Answer::Selected);
        self.excluded += has(Answer::Excluded);
        self.not_copied += has(Answer::NotCopied);
        self.several_mounts += u64::from(met.mounts > 1);
        self.root_excluded += u64::from(met.only_root_excluded);
    }
}

/// One tree through everything. What it found, with the tree and how to see it again.
fn one(seed: u64, index: u64) -> Result<Met, String> {
    let tree = Tree::random(&mut Dice::new(seed, index));
    let outcome = std::panic::catch_unwind(|| Case::new(&tree).check()).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(vec![
            text.unwrap_or_else(|| "the program panicked".to_owned()),
        ])
    });
    outcome.map_err(|found| {
        let mut text = format!("AAM_TEST_SEED={seed} AAM_TEST_TREE={index}\n{tree}");
        found
            .iter()
            .for_each(|line| text.push_str(&format!("- {line:.4000}\n")));
        text
    })
}
