//! Memory does not grow with the number of files.
//!
//! `AAM_TEST_FILES=1000000 AAM_TEST_STAGE=1` measures more by hand: a million files, and a whole
//! run.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::machine::Machine;

/// Files of one directory: what is kept in memory at once.
const EACH: u64 = 500;

fn fill(home: &Path, files: u64) {
    for directory in 0..files / EACH {
        let directory = home.join(format!("docs/many/{:03}/{directory:04}", directory / 50));
        fs::create_dir_all(&directory).unwrap();
        let first = directory.join("000");
        fs::write(&first, "x").unwrap();
        for number in 1..EACH {
            // Another name costs less than another file, and is as good for a walk.
            fs::hard_link(&first, directory.join(format!("{number:03}"))).unwrap();
        }
    }
}

/// The largest resident size of a process until it ends, in kB.
fn peak(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        // Gone from the file once the process has ended, so the last look counts.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line
            .and_then(|l| l.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn measure(files: u64, command: &str) -> u64 {
    let mut machine = Machine::new();
    // Zip takes five times as long on small files.
    machine.profile.format = "7z";
    fill(&machine.home(), files);
    let started = Instant::now();
    let profile = machine.path("profile.yaml");
    let mut child = machine
        .command(&[command, profile.to_str().unwrap()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let peak = peak(&mut child);
    println!(
        "{command} of {files} files: {peak} kB at most, {:.1?}",
        started.elapsed()
    );
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    peak
}

#[test]
fn a_walk_of_many_files_takes_no_more() {
    let files = std::env::var("AAM_TEST_FILES").map_or(200_000, |text| text.parse().unwrap());
    // So many that it is looked at a hundred times at its peak.
    let (few, many) = (measure(20_000, "plan"), measure(files, "plan"));
    assert!(few > 1000, "{few} kB is not plausible");
    assert!(
        many < few + 8_000,
        "{files} files take {many} kB, 20,000 files {few} kB"
    );
    if std::env::var_os("AAM_TEST_STAGE").is_some() {
        let (few, many) = (measure(2_000, "run"), measure(files, "run"));
        assert!(
            many < few + 8_000,
            "a run of {files} files takes {many} kB, of 2000 files {few} kB"
        );
    }
}
