//! Download and extraction overlap: how long both take together, beside each alone.
//!
//! The figures: `cargo test --test it restore::overlap -- --nocapture`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::kit::{How, options};
use super::thaw::{Cold, of_class};
use crate::support::proxy::Fault;
use aam_auto_backup::event::Outcome;
use aam_auto_backup::job::StorageClass;
use aam_auto_backup::restore::Step;

const VOLUMES: usize = 5;
const BYTES: usize = 2 << 20;

fn noise(seed: u32) -> String {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        char::from(b'!' + (state % 90) as u8)
    };
    (0..BYTES).map(|_| next()).collect()
}

/// A full backup and four incrementals, one volume each; a line of 4 MB/s for each download, and a 7-Zip that needs
/// `pause` more for each archive.
fn made(pause: &str) -> (Cold, String) {
    let mut cold = of_class(&["/home/allen"], StorageClass::Standard);
    cold.pc.volume_size = 1 << 30;
    for i in 0..VOLUMES {
        cold.pc.write(1, &format!("file-{i}"), &noise(i as u32 + 1));
        let stamp = format!("2020122{}_134337.000001", i + 1);
        if i == 0 {
            cold.pc.full(&stamp)
        } else {
            cold.pc.incremental(&stamp)
        };
    }
    cold.proxy.spoil("GET", "_no_", usize::MAX, Fault::Slow(4 << 20));
    let program = cold.pc.scratch.path().join("7zz");
    fs::write(&program, format!("#!/bin/sh\n[ \"$1\" != x ] || sleep {pause}\nexec 7zz \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (cold, program.to_str().unwrap().to_owned())
}

fn timed(cold: &Cold, program: &str, step: Step, to: &str) -> Duration {
    let began = Instant::now();
    let how = How { step, seven_zip: Some(program.to_owned()), ..How::default() };
    let done = how.restore(&cold.pc, &options(), &cold.pc.scratch.path().join(to));
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    began.elapsed()
}

#[test]
fn download_and_extraction_at_the_same_time() {
    for (pause, name) in [("0.1", "slow line"), ("0.5", "slow extraction")] {
        let (cold, program) = made(pause);
        let download = timed(&cold, &program, Step::Download, "steps");
        let extraction = timed(&cold, &program, Step::Extract, "steps");
        let both = timed(&cold, &program, Step::All, "at-once");
        let slower = download.max(extraction);
        let ratio = both.as_secs_f64() / slower.as_secs_f64();
        println!(
            "{name}: download {download:.2?}, extraction {extraction:.2?}, both at once {both:.2?}: {ratio:.2} of the slower"
        );
        // A busy computer may be slow, but not as slow as one after the other.
        assert!(both < download + extraction - download.min(extraction) / 3, "{name}: {ratio:.2}");
    }
}
