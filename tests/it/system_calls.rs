//! What a run without changes asks the system for each file does not grow unseen. Calls are counted,
//! because times waver.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::support::machine::Machine;
use crate::support::strace::can_trace;

/// Files of one directory.
const EACH: usize = 50;

/// How many files are counted, and how many more then.
const FILES: usize = 2_000;

/// A run compares a file with its copy by content if it was touched so short before the last copy,
/// which is another call.
const SLACK: Duration = Duration::from_secs(11);

/// How often the program itself made each system call in a run without changes. Its tools are not
/// traced.
fn counted(machine: &Machine, files: usize) -> BTreeMap<String, f64> {
    for number in files - FILES..files {
        let directory = machine.home().join(format!("docs/many/{}", number / EACH));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(number.to_string()), "x").unwrap();
    }
    let made = Instant::now();
    machine.run(&[]).exit(0);
    std::thread::sleep(SLACK.saturating_sub(made.elapsed()));
    machine.run(&[]).exit(0);
    let (profile, log) = (machine.path("profile.yaml"), machine.path("calls"));
    let table = ["-f", "-qq", "-b", "execve", "-c", "-U", "name,calls"];
    let what = ["-e", "trace=%file,%desc", "-o", log.to_str().unwrap()];
    let ran = machine.traced(
        &[&table[..], &what].concat(),
        &["run", profile.to_str().unwrap()],
    );
    ran.exit(0).says(" incremental backup!");
    let text = fs::read_to_string(log).unwrap();
    let lines = text.lines().filter_map(|line| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        Some((name.to_owned(), calls.trim().parse().ok()?))
    });
    lines.collect()
}

/// One look at each file, and one at its copy in the mirror. A directory costs about five calls, and
/// as many in the mirror, here for 50 files.
#[test]
fn an_unchanged_file_costs_no_more_calls_than_now() {
    if !can_trace() {
        println!("strace cannot be used here: nothing was counted");
        return;
    }
    let machine = Machine::new();
    let (few, many) = (counted(&machine, FILES), counted(&machine, 2 * FILES));
    let each = |name: &str| {
        let calls = |table: &BTreeMap<String, f64>| table.get(name).copied().unwrap_or(0.0);
        (calls(&many) - calls(&few)) / FILES as f64
    };
    let growing: Vec<String> = many
        .keys()
        .map(|name| format!("{name} {:.3}", each(name)))
        .filter(|line| !line.ends_with(" 0.000"))
        .collect();
    println!("{growing:?}");
    assert!(each("statx") >= 2.0, "they were not counted: {growing:?}");
    assert!(each("statx") <= 2.12, "{growing:?}");
    assert!(each("openat") <= 0.04, "{growing:?}");
    assert!(each("total") <= 2.3, "{growing:?}");
}
