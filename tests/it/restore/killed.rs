//! `kill -9` at any moment of a restore with slow thaw: the next start finishes it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Instant;

use super::thaw::{Cold, empty, slow};
use crate::property::dice::Dice;
use crate::support::look::{Seen, differences, look};
use crate::support::pc::{FULL, INC1, INC2, KEY};
use crate::support::wait::wait_for;

const KILLS: usize = 20;

const SEED: u64 = 20_261_128;

/// Three mounts and two incrementals, some of several volumes.
fn made() -> Cold {
    let mut cold = empty(&["/home/allen", "/srv/data", "/etc"]);
    let pc = &mut cold.pc;
    let mut state = 1u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (state >> 24) as u8 % 26)
    };
    let noise: String = (0..3000).map(|_| letter()).collect();
    // Large enough to be extracted volume by volume.
    pc.volume_size = 200_000;
    for i in 0..15 {
        let text: String = (0..60_000).map(|_| letter()).collect();
        pc.write(1, &format!("large/{i}"), &text);
    }
    // Large enough for slices.
    pc.volume_sizes.insert(2, 12 << 20);
    for i in 0..16 {
        let text: String = (0..1_000_000).map(|_| letter()).collect();
        pc.write(2, &format!("larger/{i}"), &text);
    }
    pc.write(1, "docs/a.txt", "first")
        .write(1, "docs/noise", &noise)
        .directory(1, "empty")
        .write(1, "x", "file");
    pc.write(2, "data.bin", &noise)
        .write(3, "hosts", "localhost")
        .full(FULL);
    pc.volume_size = 1500;
    pc.volume_sizes.clear();
    pc.write(1, "docs/a.txt", "second")
        .remove(1, "x")
        .write(1, "x/y", "directory")
        .write(2, "later", &noise);
    pc.incremental(INC1);
    pc.write(1, "docs/new", "new")
        .write(3, "hosts", "localhost again")
        .remove(2, "later")
        .incremental(INC2);
    cold
}

/// The objects of the store, to be put into a bucket of its own for every round: what is thawed
/// stays thawed.
fn objects(cold: &Cold) -> Vec<(String, Vec<u8>)> {
    let objects = cold.pc.store.list("pc_").unwrap();
    objects
        .iter()
        .filter(|o| o.key.contains("_no_"))
        .for_each(|o| {
            cold.pc
                .store
                .thaw(&o.key, 1, aam_auto_backup::parts::Tier::Bulk)
                .unwrap();
        });
    let read = |key: &str| wait_for("it is readable", || cold.pc.store.read(key, 16 << 20).ok());
    objects
        .iter()
        .map(|o| (o.key.clone(), read(&o.key)))
        .collect()
}

fn bucket(objects: &[(String, Vec<u8>)]) -> String {
    let bucket = slow().bucket();
    for (key, bytes) in objects {
        let class = if key.contains("_no_") {
            "DEEP_ARCHIVE"
        } else {
            "STANDARD"
        };
        let answer = slow().request(
            "PUT",
            &format!("/{bucket}/{key}"),
            &[("x-amz-storage-class", class)],
            bytes,
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    bucket
}

fn start(scratch: &Path, bucket: &str, to: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    command.args([
        "restore",
        "--location",
        "pc",
        "--region",
        "us-east-1",
        "--exact",
        "--yes",
        "--poll-every",
        "50ms",
    ]);
    command
        .args([
            "--bucket",
            bucket,
            "--endpoint",
            &slow().endpoint(),
            "--key-env",
            "AAM_KEY",
            "--to",
        ])
        .arg(to);
    command
        .env("AAM_KEY", KEY)
        .env("AAM_BACKUP_STATE_DIR", scratch.join("state"));
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until it has said this many lines. It cannot say more without the reader.
fn wait_for_lines(child: &mut Child, lines: usize) -> BufReader<ChildStderr> {
    let mut output = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    for _ in 0..lines {
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
    }
    output
}

#[track_caller]
fn finishes(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    told
}

fn content(root: &Path) -> Seen {
    let mut seen = look(root);
    // The mounts themselves are in no manifest: they have the time of the restore.
    for mount in ["1", "2", "3"] {
        if let Some(found) = seen.get_mut(mount.as_bytes()) {
            found.modified = 0;
        }
    }
    seen.remove("restored.txt".as_bytes());
    seen
}

#[test]
fn killed_at_twenty_moments_the_next_start_finishes() {
    let cold = made();
    let scratch = cold.pc.scratch.path();
    let objects = objects(&cold);
    let whole = scratch.join("whole");
    let began = Instant::now();
    let mut told = finishes(start(scratch, &bucket(&objects), &whole));
    let (took, lines) = (began.elapsed(), told.lines().count());
    assert!(
        objects
            .iter()
            .any(|(_, bytes)| bytes.windows(8).any(|text| text == b"\"slices\""))
    );
    let source = content(&whole);
    // The undisturbed restore is the source's tree: contents here, times and permissions against
    // the manifests.
    for mount in 1..=3 {
        super::kit::assert_as_listed(&cold.pc, mount, &whole.join(mount.to_string()));
        let disk = look(&scratch.join(format!("disk-{}", mount - 1)));
        let restored = look(&whole.join(mount.to_string()));
        assert_eq!(
            disk.keys().collect::<Vec<_>>(),
            restored.keys().collect::<Vec<_>>()
        );
        assert!(
            disk.iter()
                .all(|(path, found)| restored[path].content == found.content)
        );
    }
    let mut chance = Dice::new(SEED, 0);
    let mut resumed = 0;
    for round in 0..KILLS {
        // So that a busy computer changes nothing, it has come a twentieth further each time.
        let come = lines * round / KILLS;
        let moment = took.mul_f64(chance.below(1000) as f64 / 1000.0 / KILLS as f64);
        let (bucket, to) = (bucket(&objects), scratch.join(format!("round-{round}")));
        let mut child = start(scratch, &bucket, &to);
        let reader = wait_for_lines(&mut child, come);
        std::thread::sleep(moment);
        let _ = child.kill();
        let _ = child.wait();
        drop(reader);
        let left = look(&to.join(".aam-restore/volumes"));
        told += &finishes(start(scratch, &bucket, &to_again(&to)));
        resumed = told.matches("resuming a restore").count();
        let found = differences(&source, &content(&to));
        assert!(
            found.is_empty(),
            "round {round}, killed {moment:?} after {come} lines, with {left:?}:\n{}",
            found.join("\n")
        );
        assert!(!to.join(".aam-restore").exists());
        fs::remove_dir_all(&to).unwrap();
    }
    assert!(
        resumed >= KILLS / 4,
        "only {resumed} of {KILLS} were killed at work, which takes {took:?}"
    );
    // What is whole is extracted before the rest is here, unless all of it arrives at once.
    assert!(told.contains("extracting what is complete"), "{told}");
}

/// A restore that was done before the kill left a full directory: a person would name another one,
/// the test empties it.
fn to_again(to: &Path) -> std::path::PathBuf {
    if to.join("restored.txt").exists() && !to.join(".aam-restore").exists() {
        fs::remove_dir_all(to).unwrap();
    }
    to.to_owned()
}
