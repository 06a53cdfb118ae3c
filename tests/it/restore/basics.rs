//! What a restore of an honest store gives.

use std::fs;

use super::kit::*;
use crate::support::pc::{FULL, INC1, INC2, KEY, Pc};
use aam_auto_backup::parts::Format;
use aam_auto_backup::parts::Layout;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::RestoreOptions;

/// Two mounts, a full and two incrementals, many volumes.
pub fn history(format: Format) -> Pc {
    let mut pc = Pc::new(&["/home/allen", "/srv/data"]);
    pc.format = format;
    let noise: String = (0..2000u32)
        .map(|i| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> 13) as u8 % 26))
        .collect();
    pc.write(1, "docs/a.txt", "first")
        .write(1, "docs/[b] *?.txt", &noise)
        .write(1, "docs/old.txt", "old");
    pc.write(1, "é ü/日本.txt", "unicode")
        .directory(1, "empty/inner")
        .directory(1, "empty")
        .write(1, "x", "a file");
    pc.write(2, "data.bin", &noise).write(2, "zero", "");
    pc.full(FULL);
    pc.write(1, "docs/a.txt", "second version")
        .remove(1, "docs/old.txt")
        .remove(1, "x")
        .write(1, "x/y", "now a directory");
    pc.incremental(INC1);
    pc.write(1, "docs/new.txt", "new")
        .write(2, "sub/later", "later");
    pc.incremental(INC2);
    pc
}

#[test]
fn a_full_backup_comes_back() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "docs/a.txt", "hello")
        .directory(1, "empty")
        .full(FULL);
    let done = restore(&pc, &options());
    assert_eq!(done.ok().files, 1);
    assert_eq!(done.outcome, Outcome::Success);
    assert_eq!(
        names(&pc.target()),
        ["1/", "1/docs/", "1/docs/a.txt", "1/empty/", "restored.txt"]
    );
    assert_as_listed(&pc, 1, &pc.target().join("1"));
    assert!(tree(&pc.target())["restored.txt"].contains("1\t/home/allen"));
}

#[test]
fn full_and_incrementals_in_both_formats() {
    for format in [Format::Zip, Format::SevenZip] {
        let pc = history(format);
        let done = restore(&pc, &options());
        assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
        let found = tree(&pc.target());
        assert_eq!(found["1/docs/a.txt"], "second version");
        assert_eq!(
            found["1/docs/old.txt"], "old",
            "without --exact what was deleted since the full comes back"
        );
        assert_eq!(found["1/x/y"], "now a directory");
        assert_eq!(found["2/sub/later"], "later");
        assert_eq!(found["2/zero"], "");
        assert_as_listed(&pc, 1, &pc.target().join("1"));
        assert_as_listed(&pc, 2, &pc.target().join("2"));
    }
}

#[test]
fn exact_removes_what_is_not_listed() {
    let pc = history(Format::Zip);
    restore(&pc, &options()).ok();
    assert!(pc.target().join("1/docs/old.txt").exists());
    let exact = RestoreOptions {
        exact: true,
        ..options()
    };
    let done = restore_with(&pc, &exact, &pc.target(), true, KEY);
    assert_eq!((done.outcome, done.ok().removed), (Outcome::Success, 1));
    assert!(!pc.target().join("1/docs/old.txt").exists());
    assert_as_listed(&pc, 1, &pc.target().join("1"));
}

#[test]
fn older_states() {
    let pc = history(Format::Zip);
    for (at, a, later) in [
        ("20201221", "first", false),
        ("20201222", "second version", false),
        ("2020", "second version", true),
    ] {
        let to = pc.scratch.path().join(at);
        let options = RestoreOptions {
            at: Some(at.parse().unwrap()),
            ..options()
        };
        let done = restore_with(&pc, &options, &to, false, crate::support::pc::KEY);
        assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
        assert_eq!(tree(&to)["1/docs/a.txt"], a);
        assert_eq!(to.join("2/sub/later").exists(), later);
    }
    let options = RestoreOptions {
        at: Some("20201220".parse().unwrap()),
        ..options()
    };
    assert!(
        restore(&pc, &options)
            .error()
            .contains("at or before 20201220")
    );
}

#[test]
fn original_layout() {
    let pc = history(Format::Zip);
    let done = restore(
        &pc,
        &RestoreOptions {
            layout: Layout::Original,
            ..options()
        },
    );
    assert_eq!(done.outcome, Outcome::Success);
    let found = tree(&pc.target());
    assert_eq!(found["home/allen/docs/a.txt"], "second version");
    assert_eq!(found["srv/data/sub/later"], "later");
    assert!(!found.contains_key("restored.txt"));
}

/// A source that was missing at the last backup: its files are listed as unseen, and stay.
#[test]
fn exact_keeps_what_was_unseen() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "gone/disk", "kept")
        .write(1, "a", "a")
        .write(1, "b", "b")
        .full(FULL);
    pc.tweak(1, "gone", |e| e.unseen = true)
        .tweak(1, "gone/disk", |e| e.unseen = true)
        .remove(1, "b");
    pc.write(1, "a", "aa").incremental(INC1);
    let done = restore(
        &pc,
        &RestoreOptions {
            exact: true,
            ..options()
        },
    );
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(
        names(&pc.target()),
        ["1/", "1/a", "1/gone/", "1/gone/disk", "restored.txt"]
    );
}

/// Only the directory above two sources is on the disk; the manifest does not list it.
#[test]
fn directories_above_sources_need_no_entry() {
    let mut pc = Pc::new(&["/home"]);
    pc.write(1, "allen/docs/a", "a")
        .directory(1, "bob/empty")
        .unlist(1, "allen")
        .unlist(1, "bob")
        .full(FULL);
    let done = restore(
        &pc,
        &RestoreOptions {
            exact: true,
            ..options()
        },
    );
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_as_listed(&pc, 1, &pc.target().join("1"));
}

/// What lies beside the sources was never backed up.
#[test]
fn exact_keeps_what_lies_beside_the_sources() {
    let mut pc = Pc::new(&["/home"]);
    pc.write(1, "allen/docs/a", "a")
        .unlist(1, "allen")
        .full(FULL);
    let kept = ["1/beside", "1/allen/keys/private"].map(|path| pc.target().join(path));
    let gone = pc.target().join("1/allen/docs/old");
    for path in kept.iter().chain([&gone]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let exact = RestoreOptions {
        exact: true,
        ..options()
    };
    let done = restore_with(&pc, &exact, &pc.target(), true, KEY);
    assert_eq!((done.outcome, done.ok().removed), (Outcome::Success, 1));
    assert!(kept.iter().all(|path| path.exists()) && !gone.exists());
    assert_eq!(tree(&pc.target())["1/allen/docs/a"], "a");
}
