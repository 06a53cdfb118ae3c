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
    let once: String = (0..BYTES / 16).map(|_| next()).collect();
    // Beyond the reach of the compression.
    once.repeat(16)
}

/// Five volumes: a full backup and four incrementals, or one full backup. A line of 2 MB/s for each download, and a 7-Zip
/// that needs `pause` seconds more for each file.
fn made(pause: &str, archives: usize) -> (Cold, String) {
    let mut cold = of_class(&["/home/allen"], StorageClass::Standard);
    cold.pc.volume_size = BYTES as u32;
    for i in 0..VOLUMES {
        let text = noise(i as u32 + 1);
        // Compressed, a little less than a volume.
        for part in 0..16 {
            let content = &text[part * BYTES / 16..][..BYTES / 16];
            cold.pc.write(1, &format!("directory-{i}/file-{part}"), content);
        }
        cold.pc.directory(1, &format!("empty-{i}"));
        let stamp = format!("2020122{}_134337.000001", i + 1);
        match (archives, i) {
            (1, 4) | (5, 0) => drop(cold.pc.full(&stamp)),
            (5, _) => drop(cold.pc.incremental(&stamp)),
            _ => {}
        }
    }
    cold.proxy.spoil("GET", "_no_", usize::MAX, Fault::Slow(2 << 20));
    let program = cold.pc.scratch.path().join("7zz");
    let files = VOLUMES * 16 / archives;
    let script = format!(
        "#!/bin/sh\nn={files}\nfor a in \"$@\"; do case $a in -i@*) n=$(wc -l <\"${{a#-i@}}\");; esac; done\n\
         [ \"$1\" != x ] || sleep $(awk \"BEGIN {{ print $n * {pause} }}\")\nexec 7zz \"$@\"\n"
    );
    fs::write(&program, script).unwrap();
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
    for (pause, archives, name) in [
        ("0.006", 5, "slow line, five archives"),
        ("0.03", 5, "slow extraction, five archives"),
        ("0.006", 1, "slow line, one archive"),
    ] {
        let (cold, program) = made(pause, archives);
        let download = timed(&cold, &program, Step::Download, "steps");
        let extraction = timed(&cold, &program, Step::Extract, "steps");
        let both = timed(&cold, &program, Step::All, "at-once");
        let whole = cold.pc.scratch.path().join("at-once");
        for i in 0..VOLUMES {
            let file = fs::read(whole.join(format!("1/directory-{i}/file-7"))).unwrap();
            assert_eq!(file, &noise(i as u32 + 1).into_bytes()[7 * BYTES / 16..8 * BYTES / 16]);
        }
        super::kit::assert_as_listed(&cold.pc, 1, &whole.join("1"));
        let slower = download.max(extraction);
        let ratio = both.as_secs_f64() / slower.as_secs_f64();
        println!(
            "{name}: download {download:.2?}, extraction {extraction:.2?}, both at once {both:.2?}: {ratio:.2} of the slower"
        );
        // A busy computer may be slow, but not as slow as one after the other.
        assert!(both < download + extraction, "{name}: {ratio:.2}");
    }
}
