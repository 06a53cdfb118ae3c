//! Schedules: the exact files for each scheduler, held to the schedulers' own checks; and tasks
//! that are really installed, asked for, started and removed, in a part of this machine of their
//! own.

mod crontab;
mod emptiness;
mod fakes;
mod files;
mod real;

use std::path::PathBuf;
use std::process::Command;

/// A program of the tests: installed, or where `tests/schedulers.sh` puts it.
fn tool(name: &str) -> PathBuf {
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("target/schedulers/usr/bin")
        .join(name);
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .chain([ours])
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("'{name}' is missing: run tests/schedulers.sh"))
}

/// Runs a check that must find nothing.
#[track_caller]
fn finds_nothing(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{command:?}\n{said}");
}
