//! Download and extraction overlap: how long both take together, beside each alone.
//!
//! The figures, with real extraction: `cargo test --release --test it -- --ignored --nocapture
//! restore::overlap`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::kit::{How, assert_as_listed, options, restore, tree};
use super::thaw::{Cold, of_class};
use crate::support::proxy::{Fault, Line, Request};
use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::RestoreStep;
use aam_auto_backup::parts::StorageClass;

const VOLUMES: usize = 5;

/// Text that compresses to about a third.
fn text(seed: usize, bytes: usize) -> String {
    let mut state = seed as u64 * 2 + 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:x} and {}, ", state >> 44, state >> 52));
    }
    text
}

/// Files of `size` bytes in `archives` archives (a full backup and incrementals) of `VOLUMES`
/// volumes altogether.
fn made(archives: usize, files: usize, size: usize, volume: u32) -> Cold {
    let mut cold = of_class(&["/home/allen"], StorageClass::Standard);
    cold.pc.volume_size = volume;
    for i in 0..VOLUMES {
        for file in 0..files / VOLUMES {
            cold.pc.write(
                1,
                &format!("directory-{i}/file-{file}"),
                &text(i * files + file, size),
            );
        }
        cold.pc.directory(1, &format!("empty-{i}"));
        let stamp = format!("2020122{}_134337.000001", i + 1);
        match (archives, i) {
            (1, 4) | (5, 0) => drop(cold.pc.full(&stamp)),
            (5, _) => drop(cold.pc.incremental(&stamp)),
            _ => {}
        }
    }
    cold
}

impl Cold {
    fn sizes(&self) -> BTreeMap<String, u64> {
        let volumes = self
            .pc
            .store
            .list("pc_")
            .unwrap()
            .into_iter()
            .filter(|o| o.key.contains("_no_"));
        volumes.map(|o| (o.key, o.size)).collect()
    }

    /// A 7-Zip that does something else in these cases of its arguments.
    pub fn seven_zip(&self, cases: &str) -> Option<String> {
        let program = self.pc.scratch.path().join("7zz");
        fs::write(
            &program,
            format!("#!/bin/sh\ncase \"$1 $*\" in {cases} esac\nexec 7zz \"$@\"\n"),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Some(program.to_str().unwrap().to_owned())
    }

    /// Copies of the volumes, for a server that needs no processor.
    fn volumes_in(&self, directory: &Path) {
        fs::create_dir(directory).unwrap();
        for key in self.sizes().keys() {
            self.pc
                .store
                .get(key, &directory.join(key), &Cancel::new(), &|_| {})
                .unwrap();
        }
    }

    fn line(&self, volumes: &Path, pace: f64) {
        self.proxy.heal();
        let fault = Fault::Files(volumes.to_owned(), Line::new(pace as u64));
        let of_volume = |request: &Request| {
            request.target.contains("_no_") && request.header("range").is_some()
        };
        self.proxy.spoil_when(of_volume, usize::MAX, fault);
    }
}

fn timed(cold: &Cold, step: RestoreStep, to: &Path) -> Duration {
    let began = Instant::now();
    let done = How {
        step,
        ..How::default()
    }
    .restore(&cold.pc, &options(), to);
    assert_eq!(done.outcome, Outcome::Success, "{:?}", done.result);
    began.elapsed()
}

/// The first volume is not sent before something of the last one is on the disk.
#[test]
fn an_archive_is_extracted_while_it_arrives() {
    let size = 100_000;
    let cold = made(1, 125, size, 1 << 20);
    assert_eq!(cold.sizes().len(), VOLUMES, "{:?}", cold.sizes());
    let to = cold.pc.target();
    let (extracted, seen) = (to.join("1/directory-4"), Arc::new(AtomicBool::new(false)));
    let noted = seen.clone();
    let wait = move |request: &Request| {
        let until = Instant::now() + Duration::from_secs(60);
        while request.method == "GET"
            && request.target.contains(".001")
            && !extracted.exists()
            && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        noted.fetch_or(extracted.exists(), Ordering::SeqCst);
        false
    };
    cold.proxy.spoil_when(wait, usize::MAX, Fault::LoseAnswer);
    let done = restore(&cold.pc, &options());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(seen.load(Ordering::SeqCst), "{}", done.text());
    assert!(
        done.text()
            .contains("1 of 5 volumes are downloaded: extracting"),
        "{}",
        done.text()
    );
    assert_as_listed(&cold.pc, 1, &to.join("1"));
    let content = tree(&to);
    for i in 0..VOLUMES {
        for file in 0..25 {
            assert!(content[&format!("1/directory-{i}/file-{file}")] == text(i * 125 + file, size));
        }
    }
}

#[test]
#[ignore = "a benchmark: minutes"]
fn download_and_extraction_at_the_same_time() {
    for archives in [1, 5] {
        let cold = made(archives, 1500, 500_000, 64 << 20);
        let sizes = cold.sizes();
        let bytes: u64 = sizes.values().sum();
        let scratch = cold.pc.scratch.path();
        let to = |name: &str| scratch.join(name);
        cold.volumes_in(&to("volumes"));
        timed(&cold, RestoreStep::Download, &to("steps"));
        let extraction = timed(&cold, RestoreStep::Extract, &to("steps"));
        fs::remove_dir_all(to("steps")).unwrap();
        for (name, share) in [
            ("slow line", 1.5),
            ("slow extraction", 0.67),
            ("both alike", 1.0),
        ] {
            cold.line(
                &to("volumes"),
                bytes as f64 / (extraction.as_secs_f64() * share),
            );
            let download = timed(&cold, RestoreStep::Download, &to("steps"));
            let extraction = timed(&cold, RestoreStep::Extract, &to("steps"));
            let both = timed(&cold, RestoreStep::All, &to("at-once"));
            assert_as_listed(&cold.pc, 1, &to("at-once").join("1"));
            let ratio = both.as_secs_f64() / download.max(extraction).as_secs_f64();
            println!(
                "{archives} archives, {} volumes, {} MB, {name}: download {download:.1?}, extraction {extraction:.1?}, \
                 both at once {both:.1?}: {ratio:.2} of the slower",
                sizes.len(),
                bytes / 1_000_000
            );
            for done in ["steps", "at-once"] {
                fs::remove_dir_all(to(done)).unwrap();
            }
        }
    }
}

/// An extraction that fails does not wait for a download that stands still.
#[test]
fn a_failure_ends_the_downloads() {
    let cold = made(5, 5, 100_000, 1 << 20);
    let asked = cold.pc.scratch.path().join("asked");
    // A damaged archive would not end it. The download stands still before the extraction fails.
    let full = format!(
        "*manifest*) ;; 'x '*) for n in $(seq 600); do [ -e '{}' ] && break; sleep 0.1; done; \
         echo 'ERROR: No space left on device'; exit 2;;",
        asked.display()
    );
    let seven_zip = cold.seven_zip(&full);
    let second = cold.sizes().into_keys().nth(1).unwrap();
    let part = second.clone();
    let stands = move |request: &Request| {
        let is_it = request.method == "GET" && request.target.contains(&part);
        if is_it {
            fs::write(&asked, "").unwrap();
        }
        is_it
    };
    cold.proxy
        .spoil_when(stands, usize::MAX, Fault::StallAnswer(1000));
    let began = Instant::now();
    let done = How {
        seven_zip,
        ..How::default()
    }
    .restore(&cold.pc, &options(), &cold.pc.target());
    assert!(
        done.error().contains("could not be extracted"),
        "{}",
        done.error()
    );
    assert!(cold.proxy.count("GET", &second) > 0, "{}", done.text());
    // The store itself would wait for 100 seconds.
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
}

/// A 7-Zip that extracts nothing before all is there, or does not even open it: the restore is
/// late, not lost.
#[test]
fn a_7_zip_that_wants_all_of_it() {
    let cold = made(1, 125, 100_000, 1 << 20);
    for (cases, told) in [
        ("'x '*arriving*) exit 2;;", true),
        ("*arriving*) exit 2;;", false),
    ] {
        let to = cold.pc.scratch.path().join(format!("told-{told}"));
        let done = How {
            seven_zip: cold.seven_zip(cases),
            ..How::default()
        }
        .restore(&cold.pc, &options(), &to);
        assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
        assert_eq!(
            done.text().contains("waiting for the whole archive"),
            told,
            "{}",
            done.text()
        );
        assert_as_listed(&cold.pc, 1, &to.join("1"));
    }
}
