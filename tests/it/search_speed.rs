//! How long a search in many backups takes (docs/reliability.md has the figures). What counts is the
//! time of processors, because other programs may use them too, divided by their number: lists are
//! read by as many threads.
//!
//! ```text
//! cargo build --release --locked
//! AAM_TEST_PROGRAM=$PWD/target/release/aam-backup cargo test --test it search_speed -- --ignored --nocapture
//! ```
//!
//! `AAM_TEST_FILES` and `AAM_TEST_BACKUPS` choose other numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::machine::{Machine, Ran};

/// What every question must be answered in.
const LIMIT: Duration = Duration::from_secs(2);
/// Files of one directory.
const EACH: u64 = 100;
/// One file of so many changes between two backups.
const CHANGED: u64 = 1000;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// A name that is not like the one before it, as those of people are.
fn name(number: u64) -> String {
    let words = [
        "invoice", "letter", "IMG", "notes", "report", "Track", "scan", "draft",
    ];
    let endings = ["pdf", "odt", "jpg", "txt", "ods", "mp3", "png", "docx"];
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let kind = (mixed % 8) as usize;
    format!("{}-{mixed:06x}.{}", words[kind], endings[kind])
}

fn path(home: &Path, number: u64) -> PathBuf {
    let directory = number / EACH;
    home.join(format!(
        "docs/{:02}/{:04}-{}/{}",
        directory / 50,
        directory,
        name(directory).replace('.', "-"),
        name(number),
    ))
}

#[test]
#[ignore = "a benchmark of an optimized program: minutes"]
fn find_and_diff_of_200_000_files_in_24_backups() {
    let (files, backups) = (
        number("AAM_TEST_FILES", 200_000),
        number("AAM_TEST_BACKUPS", 24),
    );
    let mut machine = Machine::new();
    machine.profile.mirror = String::new();
    // Zip takes five times as long on small files.
    machine.profile.format = "7z";
    let home = machine.home();
    for number in 0..files {
        let path = path(&home, number);
        if number % EACH == 0 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(path, format!("{number}")).unwrap();
    }
    for backup in 0..backups {
        let started = Instant::now();
        let of_this = (0..files).filter(|number| number % CHANGED == backup);
        // The first backup has all of them.
        for number in of_this.filter(|_| backup > 0) {
            let path = path(&home, number);
            match number % 3 {
                0 => fs::remove_file(path).unwrap(),
                1 => fs::rename(&path, path.with_extension("moved")).unwrap(),
                _ => fs::write(path, format!("{number} again {backup}")).unwrap(),
            }
        }
        machine.run(&[]).exit(0);
        println!("backup {backup}: {:.1?}", started.elapsed());
    }
    let searched = machine.aam("find", &["--local", "--format", "json", "no such file"]);
    let searched: serde_json::Value = serde_json::from_str(&searched.exit(0).stdout).unwrap();
    let states = searched["states"].as_array().unwrap();
    assert_eq!(states.len() as u64, backups);
    let one = path(&home, 4242);
    let one = one.to_str().unwrap();
    let questions: [(&str, &[&str]); 7] = [
        ("find", &[&name(4242)]),
        ("find", &["*.moved"]),
        ("find", &["no such file"]),
        ("find", &["*/docs/07/*.ods"]),
        ("versions", &[one]),
        ("ls", &[home.to_str().unwrap()]),
        ("diff", &[states[0].as_str().unwrap()]),
    ];
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    let mut slow = Vec::new();
    for (verb, arguments) in questions {
        for more in [&["--local"][..], &[]] {
            let arguments = [arguments, more].concat();
            let mut times: Vec<(Duration, Duration)> =
                (0..3).map(|_| ask(&machine, verb, &arguments)).collect();
            times.sort();
            let (used, took) = times[1];
            println!(
                "{verb} {}: {used:.2?} of processors, in {took:.2?}",
                arguments.join(" ")
            );
            if used / processors > LIMIT {
                slow.push(format!("{verb} {arguments:?}: {used:.2?}"));
            }
        }
    }
    assert!(slow.is_empty(), "longer than {LIMIT:?}: {slow:#?}");
}

/// Asks a question. Returns the time of processors that it used, and the time that it took.
fn ask(machine: &Machine, verb: &str, arguments: &[&str]) -> (Duration, Duration) {
    let profile = machine.path("profile.yaml");
    let arguments = [&[verb, profile.to_str().unwrap()], arguments].concat();
    let program = machine.command(&arguments);
    let mut timed = Command::new("sh");
    timed
        .args(["-c", "\"$@\" >/dev/null && times", "sh"])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let started = Instant::now();
    let ran = Ran::of(timed.output().unwrap());
    let took = started.elapsed();
    // The second line is that of the programs it started: `0m1.480000s 0m0.040000s`.
    let line = ran.exit(0).stdout.lines().nth(1).unwrap().to_owned();
    let used = line.split_whitespace().map(|time| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        let minutes: f64 = minutes.parse().unwrap();
        Duration::from_secs_f64(minutes * 60.0 + seconds.parse::<f64>().unwrap())
    });
    (used.sum(), took)
}
