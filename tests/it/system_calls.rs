//! What a run without changes asks the system for each file does not grow unseen. Calls are counted,
//! because times waver.

use std::collections::BTreeMap;
use std::fs;

use crate::support::machine::Machine;
use crate::support::strace::can_trace;

/// Files of one directory.
const EACH: usize = 50;

/// How often the program itself made each system call in a run without changes. Its tools are not
/// traced.
fn counted(files: usize) -> BTreeMap<String, f64> {
    let machine = Machine::new();
    for number in 0..files {
        let directory = machine.home().join(format!("docs/many/{}", number / EACH));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{number}")), "x").unwrap();
    }
    machine.run(&[]).exit(0);
    let (profile, log) = (machine.path("profile.yaml"), machine.path("calls"));
    let table = ["-f", "-qq", "-b", "execve", "-c", "-U", "name,calls", "-o"];
    let ran = machine.traced(
        &[&table[..], &[log.to_str().unwrap()]].concat(),
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

#[test]
fn a_file_that_did_not_change_costs_no_more_calls() {
    if !can_trace() {
        println!("strace cannot be used here: nothing was counted");
        return;
    }
    let (few, many) = (counted(2_000), counted(4_000));
    for (name, calls) in &many {
        let each = (calls - few.get(name).copied().unwrap_or(0.0)) / 2_000.0;
        println!("{name}: {each}");
    }
    panic!("see");
}
