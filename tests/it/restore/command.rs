//! The commands themselves: the real binary, its exit codes and what it prints where.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::basics::history;
use super::kit::names;
use crate::support::pc::{INC2, KEY, Pc};
use aam_auto_backup::parts::Format;

fn aam(pc: &Pc, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    command.args(args).current_dir(pc.scratch.path());
    command
        .env("AAM_KEY", KEY)
        .env("AAM_WRONG", "wrong")
        .env("AAM_BACKUP_STATE_DIR", pc.scratch.path().join("state"));
    command.output().unwrap()
}

#[track_caller]
fn exits(output: &Output, code: i32) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n--\n{err}");
    assert!(!out.contains(KEY) && !err.contains(KEY), "the key is shown");
    (out, err)
}

const BARE: [&str; 5] = ["restore", "--location", "pc", "--directory", "store"];

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

#[test]
fn a_bare_computer() {
    let pc = history(Format::Zip);
    let args = with(&BARE, &["--to", "target", "--key-env", "AAM_KEY"]);
    let (out, err) = exits(&aam(&pc, &args), 0);
    assert!(
        out.contains(&format!("State: {INC2} (full backup ")) && out.contains(", from store"),
        "{out}"
    );
    assert!(
        out.contains("target/1  <-  /home/allen") && out.contains("Verified: "),
        "{out}"
    );
    // The log has every object. A person sees the whole.
    assert!(!err.contains("reading '"), "{err}");
    assert!(err.contains(": here already"), "{err}");
    let (_, log) = out.split_once("\nLog: ").unwrap();
    let log = std::fs::read_to_string(log.trim()).unwrap();
    assert!(
        log.contains("reading 'pc_20201221_134337.851361_0_0.0_no_-home-allen-.zip.001'"),
        "every object: {log}"
    );
    assert!(!err.contains(" bytes) and"), "sizes for people: {err}");
    assert!(err.contains("the restore is complete"));
    assert!(pc.target().join("1/docs/new.txt").exists());

    let (_, err) = exits(&aam(&pc, &args), 1);
    assert!(
        err.contains("is not empty") && err.contains("hint: name a new directory"),
        "{err}"
    );
    let (_, err) = exits(
        &aam(&pc, &with(&BARE, &["--to", "t2", "--key-env", "AAM_WRONG"])),
        1,
    );
    assert!(
        err.contains("the key from the environment variable 'AAM_WRONG': the key is wrong"),
        "{err}"
    );
    let (_, err) = exits(
        &aam(&pc, &with(&BARE, &["--to", "t2", "--key-env", "AAM_NONE"])),
        1,
    );
    assert!(err.contains("AAM_NONE is not set"), "{err}");
    assert!(err.contains("the restore is NOT complete"));
    let (_, err) = exits(&aam(&pc, &with(&BARE, &["--to", "t2"])), 1);
    assert!(err.contains("--key-env or --key-file"), "{err}");
    assert!(!Path::new(&pc.scratch.path().join("t2")).exists());
}

#[test]
fn options_of_restore() {
    let pc = history(Format::Zip);
    let key = ["--key-env", "AAM_KEY"];
    let only = with(
        &with(&BARE, &key),
        &[
            "--to",
            "part",
            "--only",
            "1/docs/a.txt",
            "/srv/data/zero",
            "--at",
            "20201221",
        ],
    );
    exits(&aam(&pc, &only), 0);
    let part = names(&pc.scratch.path().join("part"));
    assert_eq!(
        part,
        [
            "1/",
            "1/docs/",
            "1/docs/a.txt",
            "2/",
            "2/zero",
            "restored.txt"
        ]
    );
    exits(
        &aam(
            &pc,
            &with(
                &with(&BARE, &key),
                &["--to", "orig", "--layout", "original", "--exact"],
            ),
        ),
        0,
    );
    assert!(
        !pc.scratch
            .path()
            .join("orig/home/allen/docs/old.txt")
            .exists()
    );
    let (_, err) = exits(
        &aam(
            &pc,
            &with(&with(&BARE, &key), &["--to", "none", "--at", "2019"]),
        ),
        1,
    );
    assert!(
        err.contains("at or before 2019") && err.contains("the oldest complete backup is 20201221"),
        "{err}"
    );
    for usage in [&["--to", "x", "--at", "noon"][..], &[]] {
        exits(&aam(&pc, &with(&BARE, usage)), 2);
    }
    exits(&aam(&pc, &["restore", "--to", "x"]), 2);
    exits(&aam(&pc, &["restore", "--location", "pc", "--to", "x"]), 2);
    let wrong = [
        "restore",
        "--location",
        "cp",
        "--directory",
        "store",
        "--to",
        "x",
        "--key-env",
        "AAM_KEY",
    ];
    let (_, err) = exits(&aam(&pc, &wrong), 1);
    assert!(err.contains("holds backups of: pc"), "{err}");
    let (_, err) = exits(
        &aam(&pc, &["sets", "--location", "pc", "--directory", "nowhere"]),
        1,
    );
    assert!(err.contains("nowhere"), "{err}");
}

#[test]
fn a_drill() {
    let pc = history(Format::Zip);
    let place = [
        "--location",
        "pc",
        "--directory",
        "store",
        "--key-env",
        "AAM_KEY",
    ];
    let (out, err) = exits(
        &aam(&pc, &with(&["restore", "drill", "--files", "2"], &place)),
        0,
    );
    assert!(
        out.contains("restored 2 of 2 files and compared them with the manifest"),
        "{out}"
    );
    assert!(
        err.contains("files of this drill: ") && err.contains("the drill succeeded"),
        "{err}"
    );
    let volume = fs::read_dir(pc.store_dir())
        .unwrap()
        .map(|e| e.unwrap().path());
    let volume = volume
        .filter(|p| p.to_str().unwrap().contains("_0_0.0_no_-srv"))
        .min()
        .unwrap();
    fs::write(
        &volume,
        vec![0; fs::metadata(&volume).unwrap().len() as usize],
    )
    .unwrap();
    let (_, err) = exits(
        &aam(&pc, &with(&["restore", "drill", "--files", "100"], &place)),
        1,
    );
    assert!(
        err.contains("is damaged") && err.contains("the drill FAILED"),
        "{err}"
    );
    let objects = fs::read_dir(pc.store_dir()).unwrap();
    let mut objects = objects.map(|e| e.unwrap().path());
    let is_base = |p: &std::path::PathBuf| p.to_str().unwrap().contains("_0_0.0_manifest_-home");
    fs::remove_file(objects.find(is_base).unwrap()).unwrap();
    let (_, err) = exits(&aam(&pc, &with(&["restore", "drill"], &place)), 1);
    assert!(err.contains("cannot be restored exactly"), "{err}");
}

#[test]
fn sets_as_table_and_json() {
    let mut pc = history(Format::Zip);
    pc.markers = 1;
    pc.write(1, "more", "more")
        .write(2, "more", "more")
        .incremental("20201224_000000.000000");
    fs::write(pc.store_dir().join("readme.txt"), "").unwrap();
    fs::write(pc.store_dir().join("pc_junk"), "").unwrap();
    let place = ["--location", "pc", "--directory", "store"];
    let (out, _) = exits(&aam(&pc, &with(&["sets"], &place)), 0);
    let row: Vec<&str> = out
        .lines()
        .find(|l| l.starts_with("20201221"))
        .unwrap()
        .split("  ")
        .filter(|c| !c.is_empty())
        .collect();
    assert_eq!(
        row[..3].iter().map(|c| c.trim()).collect::<Vec<_>>(),
        ["20201221_134337.851361", "3 (1 incomplete)", "2"]
    );
    assert_eq!(row[5].trim(), "complete");
    assert!(out.contains(INC2), "{out}");
    assert!(
        out.contains(
            "20201224_000000.000000 is not complete: the upload of '-srv-data-' was not finished"
        ),
        "{out}"
    );
    assert!(out.contains("1 other object ignored"), "{out}");
    let (listed, _) = exits(&aam(&pc, &with(&["restore", "--list"], &place)), 0);
    assert_eq!(listed, out);
    let (out, _) = exits(&aam(&pc, &with(&["sets", "--format", "json"], &place)), 0);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["stores"][0]["sets"][0]["latest"], INC2);
    assert_eq!(
        json["stores"][0]["sets"][0]["incrementals"][2]["complete"],
        false
    );
}

/// A profile with two stores: the newer one is used, and a missing one is a warning.
#[test]
fn a_profile_of_two_stores() {
    let pc = history(Format::Zip);
    let scratch = pc.scratch.path();
    let old = scratch.join("old");
    fs::create_dir(&old).unwrap();
    let write = |bucket: &str| {
        let profile = format!(
            "version: 1\nname: nightly\nlocation: pc\nsources: [/home/allen]\ndestinations:\n  directory: {{path: {}}}\n  \
             s3: {{bucket: {bucket}, region: us-east-1, endpoint: '{}'}}\narchive: {{encryption-key: {{env: AAM_KEY}}}}\n",
            pc.store_dir().display(),
            crate::support::moto::shared().endpoint(),
        );
        fs::write(scratch.join("nightly.yaml"), profile).unwrap();
    };
    let keys = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
        command
            .args(args)
            .current_dir(scratch)
            .env("AAM_KEY", KEY)
            .env("AAM_BACKUP_STATE_DIR", scratch.join("state"));
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .unwrap()
    };
    write(&crate::support::moto::shared().bucket());
    let (_, err) = exits(&keys(&["restore", "nightly.yaml", "--to", "a"]), 0);
    assert!(
        err.contains(&format!(
            "{} holds the newest backup",
            pc.store_dir().display()
        )),
        "{err}"
    );
    let (_, err) = exits(
        &keys(&["restore", "nightly.yaml", "--to", "b", "--from", "s3"]),
        1,
    );
    assert!(err.contains("has no backup of 'pc'"), "{err}");
    let (out, _) = exits(&keys(&["sets", "nightly.yaml"]), 0);
    assert!(
        out.contains("no backup of this location") && out.contains(INC2),
        "{out}"
    );
    write("no-such-bucket-here");
    let (_, err) = exits(&keys(&["restore", "nightly.yaml", "--to", "c"]), 3);
    assert!(
        err.contains("a newer backup may be there") && scratch.join("c/1/docs").exists(),
        "{err}"
    );
}
