//! Stores that are not as they should be: each gives its sentence, and nothing is restored that
//! looks done.

mod other_archive;

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

/// Ten files of 4 kB, of which no two share a volume, in two mounts; then a change.
fn ten_files(format: Format) -> Pc {
    let mut pc = Pc::new(&["/home/allen", "/srv/data"]);
    pc.format = format;
    pc.volume_size = 1000;
    for number in 0..10u8 {
        pc.write(1, &format!("docs/{number}"), &noise(number));
    }
    pc.write(2, "data", &noise(99)).full(FULL);
    pc.write(1, "docs/3", &noise(33)).incremental(INC1);
    pc
}

/// Letters that can hardly be compressed, as many for each seed.
fn noise(seed: u8) -> String {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state >> 20) as u8 % 64)
    };
    (0..4000).map(|_| next()).collect()
}

/// What can happen to a volume.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Flip,
    Cut,
    Delete,
}

fn harm(path: &std::path::Path, harm: Harm) {
    let mut bytes = fs::read(path).unwrap();
    match harm {
        Harm::Flip => bytes[7] ^= 1,
        Harm::Cut => bytes.truncate(10),
        Harm::Delete => return fs::remove_file(path).unwrap(),
    }
    fs::write(path, bytes).unwrap();
}

/// Which of the ten files are back as they were; `docs/3` may be in either state.
fn back(pc: &Pc) -> Vec<u8> {
    let is_back = |number: &u8| {
        let seed = if *number == 3 { 33 } else { *number };
        let path = pc.target().join(format!("1/docs/{number}"));
        fs::read_to_string(path).is_ok_and(|found| found == noise(seed))
    };
    (0..10).filter(is_back).collect()
}

#[test]
fn a_damaged_volume_costs_what_it_holds() {
    for kind in [Harm::Flip, Harm::Cut, Harm::Delete] {
        for volume in [1, 9] {
            let pc = ten_files(Format::Zip);
            let tail = format!("no_-home-allen-.zip.{volume:03}");
            let (path, kept) = (object(&pc, FULL, &tail), pc.scratch.path().join("kept"));
            fs::copy(&path, &kept).unwrap();
            harm(&path, kind);
            let done = restore(&pc, &options());
            let (text, back) = (done.text(), back(&pc));
            assert_eq!(done.outcome, Outcome::Failure, "{text}");
            assert!(text.contains(&tail), "{kind:?} {text}");
            assert!(
                back.len() == 8 || back.len() == 9,
                "{kind:?} {volume}: {back:?}"
            );
            assert!(back.contains(&3), "the other backup holds it: {back:?}");
            for lost in (0..10).filter(|number| !back.contains(number)) {
                assert!(text.contains(&format!("'docs/{lost}' is not as")), "{text}");
            }
            assert!(
                text.contains("has no state that is unaffected by the loss"),
                "{text}"
            );
            assert_as_listed(&pc, 2, &pc.target().join("2"));
            fs::copy(&kept, &path).unwrap();
            let mended = restore(&pc, &options());
            assert_eq!(mended.outcome, Outcome::Success, "{}", mended.text());
            assert_as_listed(&pc, 1, &pc.target().join("1"));
        }
    }
}

/// An archive of which nothing was downloaded leaves nothing to remove.
#[test]
fn the_only_volume_that_was_cut_is_the_only_error() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "a", "a file").full(FULL);
    harm(&object(&pc, FULL, "no_-home-allen-.zip.001"), Harm::Cut);
    let done = restore(&pc, &options());
    let text = done.text();
    assert_eq!(done.outcome, Outcome::Failure, "{text}");
    assert!(text.contains("has 10 bytes, its marker says"), "{text}");
    assert!(!text.contains("cannot remove"), "{text}");
}

#[test]
fn what_is_lost_of_a_change_is_not_taken_for_restored() {
    for format in [Format::Zip, Format::SevenZip] {
        let pc = ten_files(format);
        let tail = format!("no_-home-allen-.{}.002", format.extension());
        harm(&object(&pc, INC1, &tail), Harm::Flip);
        let done = restore(&pc, &options());
        let text = done.text();
        assert_eq!(done.outcome, Outcome::Failure, "{text}");
        assert_eq!(back(&pc), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
        assert!(
            text.contains(
                "'docs/3' is not as the backup lists it: it is in the lost part; an older"
            ),
            "{text}"
        );
        assert!(
            text.contains(&format!("the state {FULL} is unaffected by the loss")),
            "{text}"
        );
        fs::remove_dir_all(pc.target()).unwrap();
        assert_eq!(restore(&pc, &at("20201221")).outcome, Outcome::Success);
    }
}

#[test]
fn a_lost_table_of_contents_costs_one_archive_only() {
    let pc = ten_files(Format::Zip);
    let last = (1..)
        .map(|number| object(&pc, FULL, &format!("no_-home-allen-.zip.{number:03}")))
        .take_while(|path| path.exists())
        .last()
        .unwrap();
    harm(&last, Harm::Delete);
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure, "{}", done.text());
    assert_eq!(back(&pc), [3]);
    assert_as_listed(&pc, 2, &pc.target().join("2"));
    let only = RestoreOptions {
        only: vec!["/srv/data".to_owned()],
        ..options()
    };
    fs::remove_dir_all(pc.target()).unwrap();
    assert_eq!(restore(&pc, &only).outcome, Outcome::Success);
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
    let done = restore(&pc, &options());
    let text = done.text();
    assert_eq!(done.outcome, Outcome::Failure);
    assert!(text.contains("data-.zip.001' is damaged"), "{text}");
    assert!(
        text.contains(
            "it holds what 'pc_20201221_134337.851361_0_0.0_no_-srv-data-.zip.002' should"
        ),
        "{text}"
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
    let place = pc.scratch.path().join("m");
    let done = restore_with(&pc, &options(), &place, false, KEY);
    assert_eq!(done.outcome, Outcome::Failure);
    assert!(done.text().contains("is missing"), "{}", done.text());
    assert!(place.join("2/b").exists() && !place.join("1").exists());
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
