//! Stores that are not as they should be: each gives its sentence, and nothing is restored that
//! looks done.

use std::fs;
use std::path::PathBuf;

use super::basics::history;
use super::kit::*;
use crate::support::pc::{FULL, INC1, INC2, KEY, Pc};
use aam_auto_backup::parts::Format;
use aam_auto_backup::parts::Layout;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::RestoreOptions;

fn object(pc: &Pc, stamp: &str, tail: &str) -> PathBuf {
    let dir = pc.store_dir();
    let full = if stamp == FULL { "0_0.0" } else { stamp };
    dir.join(format!("pc_{FULL}_{full}_{tail}"))
}

fn at(text: &str) -> RestoreOptions {
    RestoreOptions {
        at: Some(text.parse().unwrap()),
        ..options()
    }
}

#[test]
fn a_flipped_byte_is_found_before_7_zip_sees_it() {
    let pc = history(Format::Zip);
    let path = object(&pc, FULL, "no_-srv-data-.zip.002");
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains("no_-srv-data-.zip.002' is damaged: its SHA-256 is "),
        "{error}"
    );
    assert!(
        error.contains("--at") && error.contains("another store"),
        "{error}"
    );
    assert!(
        !pc.target().exists(),
        "the other mount was not extracted either: nothing is left behind"
    );
}

#[test]
fn swapped_volumes_are_named() {
    let pc = history(Format::Zip);
    let (one, two) = (
        object(&pc, FULL, "no_-srv-data-.zip.001"),
        object(&pc, FULL, "no_-srv-data-.zip.002"),
    );
    let (a, b) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, b).unwrap();
    fs::write(&two, a).unwrap();
    let error = restore(&pc, &options()).error();
    assert!(error.contains("data-.zip.001' is damaged"), "{error}");
    assert!(
        error.contains(
            "it holds what 'pc_20201221_134337.851361_0_0.0_no_-srv-data-.zip.002' should"
        ),
        "{error}"
    );
}

#[test]
fn missing_and_short_volumes_are_refused_not_skipped() {
    for stamp in [FULL, INC2] {
        let pc = history(Format::Zip);
        fs::remove_file(object(&pc, stamp, "no_-srv-data-.zip.001")).unwrap();
        let error = restore(&pc, &options()).error();
        assert!(
            error.contains("no_-srv-data-.zip.001' is missing") && error.contains("--at"),
            "{error}"
        );
        if stamp == INC2 {
            // The state before it is unharmed.
            assert_eq!(restore(&pc, &at("20201222")).outcome, Outcome::Success);
        }
    }
    let pc = history(Format::Zip);
    let path = object(&pc, FULL, "no_-home-allen-.zip.003");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[1..]).unwrap();
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains("-home-allen-.zip.003' has 299 bytes, its marker says 300"),
        "{error}"
    );
}

#[test]
fn extra_volumes_are_a_warning_and_not_used() {
    let pc = history(Format::Zip);
    let last = (1..)
        .take_while(|n| object(&pc, INC1, &format!("no_-home-allen-.zip.{n:03}")).exists())
        .count();
    fs::write(
        object(&pc, INC1, &format!("no_-home-allen-.zip.{:03}", last + 1)),
        b"stray",
    )
    .unwrap();
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Warning, "{}", done.text());
    assert!(
        done.text()
            .contains("is not named by its marker and is not used")
    );
    assert_as_listed(&pc, 1, &pc.target().join("1"));
}

#[test]
fn interrupted_backups_are_never_offered() {
    // Interrupted after the first of two markers.
    let mut pc = history(Format::Zip);
    pc.markers = 1;
    pc.write(1, "docs/a.txt", "third")
        .write(2, "data.bin", "changed");
    pc.incremental("20201224_000000.000000");
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Success);
    assert!(done.text().contains(
        "the backup 20201224_000000.000000 is not used: the upload of '-srv-data-' was not"
    ));
    assert_eq!(tree(&pc.target())["1/docs/a.txt"], "second version");

    // The only full: nothing to restore.
    let mut pc = Pc::new(&["/home/allen", "/srv/data"]);
    pc.markers = 1;
    pc.write(1, "a", "a").write(2, "b", "b").full(FULL);
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains(
            "no complete backup of 'pc'; the newest, 20201221_134337.851361, is not complete"
        ),
        "{error}"
    );

    // No object at all of the second mount: only the first marker tells of it.
    let stray: Vec<_> = fs::read_dir(pc.store_dir())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    for path in stray
        .iter()
        .filter(|p| p.to_str().unwrap().contains("_-srv-data-"))
    {
        fs::remove_file(path).unwrap();
    }
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains("the upload of '/srv/data' was not finished"),
        "{error}"
    );
    assert!(!pc.target().exists());
}

#[test]
fn an_incremental_whose_base_is_gone_is_refused() {
    let pc = history(Format::Zip);
    for entry in fs::read_dir(pc.store_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().contains(INC1) {
            fs::remove_file(path).unwrap();
        }
    }
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains(&format!(
            "the backup {INC2} holds the changes since the backup {INC1}, which is not there"
        )),
        "{error}"
    );
    assert_eq!(restore(&pc, &at("20201222")).outcome, Outcome::Success);
}

#[test]
fn a_wrong_key_is_named_and_nothing_is_extracted() {
    for (format, v1) in [
        (Format::Zip, false),
        (Format::SevenZip, false),
        (Format::Zip, true),
        (Format::SevenZip, true),
    ] {
        let mut pc = Pc::new(&["/home/allen"]);
        (pc.format, pc.v1) = (format, v1);
        pc.write(1, "a", "content").directory(1, "d").full(FULL);
        let done = restore_with(&pc, &options(), &pc.target(), false, "wrong");
        let error = done.error();
        assert!(
            error.contains(
                "does not open with the key from $AAM_BACKUP_KEY: the key is wrong, or the archive is damaged"
            )
        );
        assert!(!error.contains("wrong "), "the key itself is never shown");
        assert!(!pc.target().exists());
    }
}

#[test]
fn v1_markers_are_accepted_and_said_so() {
    let mut pc = Pc::new(&["/home/allen", "/srv/data"]);
    pc.v1 = true;
    pc.write(1, "docs/a.txt", "first")
        .directory(1, "empty")
        .write(2, "b", "b")
        .full(FULL);
    pc.write(1, "docs/a.txt", "second").incremental(INC1);
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(done.text().contains("'-home-allen-' was written by v1.0"));
    let found = tree(&pc.target());
    assert_eq!(found["1/docs/a.txt"], "second");
    assert!(found.contains_key("1/empty/") && found["restored.txt"].contains("1\t-home-allen-"));

    let exact = RestoreOptions {
        exact: true,
        ..options()
    };
    assert_eq!(
        restore_with(&pc, &exact, &pc.scratch.path().join("x"), false, KEY).outcome,
        Outcome::Success
    );
    let original = RestoreOptions {
        layout: Layout::Original,
        ..options()
    };
    let error = restore_with(&pc, &original, &pc.scratch.path().join("o"), false, KEY).error();
    assert!(
        error.contains("original path of '-home-allen-' is not known")
            && error.contains("--layout numbered")
    );
    fs::remove_file(object(&pc, FULL, "no_-home-allen-.zip.001")).unwrap();
    assert!(
        restore_with(&pc, &options(), &pc.scratch.path().join("m"), false, KEY)
            .error()
            .contains("is missing")
    );
}

#[test]
fn a_marker_or_manifest_of_another_archive_is_refused() {
    let pc = history(Format::Zip);
    fs::copy(
        object(&pc, FULL, "yes_-srv-data-"),
        object(&pc, FULL, "yes_-home-allen-"),
    )
    .unwrap();
    assert!(
        restore(&pc, &options())
            .error()
            .contains("describes another archive than its name says")
    );
    fs::write(object(&pc, FULL, "yes_-home-allen-"), "{ nonsense").unwrap();
    assert!(restore(&pc, &options()).error().contains("cannot be read"));
    fs::write(object(&pc, FULL, "yes_-home-allen-"), r#"{"version": 3}"#).unwrap();
    assert!(
        restore(&pc, &options())
            .error()
            .contains("use a newer aam-backup")
    );
}

#[test]
fn what_the_manifest_lists_and_no_archive_gave_fails_the_restore() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "a", "aa")
        .write(1, "b", "bb")
        .write(1, "c", "cc")
        .full(FULL);
    pc.tweak(1, "a", |e| e.meta.size = 3)
        .tweak(1, "b", |e| e.stored = None);
    pc.write(1, "d", "dd").tweak(1, "c", |e| {
        e.path = aam_auto_backup::parts::RelPath::from_bytes("c2")
    });
    pc.incremental(INC1);
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure);
    let text = done.text();
    assert!(
        text.contains("it has 2 bytes, not 3")
            && text.contains("'c2' is not as the backup lists it: it is not there"),
        "{text}"
    );
    assert_eq!((done.ok().different, done.ok().unsaved), (2, 1));
}
