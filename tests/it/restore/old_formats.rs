//! Stores that version 1 of the formats wrote are restored for ever, also when newer backups rest
//! on them; and what a state of version 2 needs is there, or named.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aam_auto_backup::parts::{BackupId, Format, Outcome, RestoreOptions, Stored};

use super::kit::*;
use crate::support::pc::{FULL, INC1, INC2, Pc};

/// A store that version 1 wrote: a full backup, then one with a changed, a new and a deleted file,
/// then one with a renamed directory.
fn version_1(format: &str) -> Pc {
    let mut pc = Pc::new(&["/tmp/sample/home"]);
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/version1-");
    let sample = format!("{}{format}", sample.display());
    for entry in fs::read_dir(sample).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, pc.store_dir().join(path.file_name().unwrap())).unwrap();
    }
    if format == "7z" {
        pc.format = Format::SevenZip;
    }
    pc
}

/// The backups of the store, oldest first.
fn backups(pc: &Pc) -> Vec<BackupId> {
    let names = fs::read_dir(pc.store_dir()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut markers: Vec<String> = names.filter(|name| name.contains("_yes_")).collect();
    markers.sort();
    let of = |name: String| {
        let fields: Vec<&str> = name.splitn(6, '_').collect();
        let stamp = |at: usize| fields[at..at + 2].join("_").parse().unwrap();
        BackupId {
            full: stamp(1),
            incremental: (fields[3] != "0").then(|| stamp(3)),
        }
    };
    markers.into_iter().map(of).collect()
}

fn exact(at: Option<BackupId>) -> RestoreOptions {
    RestoreOptions {
        exact: true,
        at: at.map(|id| id.stamp().to_string().parse().unwrap()),
        ..options()
    }
}

fn restored(pc: &Pc, at: Option<BackupId>) -> BTreeMap<String, String> {
    let to = pc
        .scratch
        .path()
        .join(format!("to-{at:?}").replace([' ', '"'], ""));
    let done = restore_with(pc, &exact(at), &to, false, crate::support::pc::KEY);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    tree(&to.join("1"))
}

fn expected(lines: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(path, content): &(&str, &str)| ((*path).to_owned(), (*content).to_owned());
    lines.iter().map(own).collect()
}

#[test]
fn stores_of_version_1_are_restored() {
    for format in ["zip", "7z"] {
        let pc = version_1(format);
        let backups = backups(&pc);
        let full = [
            ("c d.txt", "three"),
            ("docs/", ""),
            ("docs/a.txt", "one\n"),
            ("docs/deep/", ""),
            ("docs/deep/b.txt", "two\n"),
            ("docs/old.txt", "moved\n"),
            ("empty/", ""),
        ];
        let changed = [
            ("c d.txt", "three"),
            ("docs/", ""),
            ("docs/a.txt", "one, changed\n"),
            ("docs/deep/", ""),
            ("docs/deep/b.txt", "two\n"),
            ("empty/", ""),
            ("new/", ""),
            ("new/n.txt", "new\n"),
        ];
        let moved = [
            ("c d.txt", "three"),
            ("deeper/", ""),
            ("deeper/b.txt", "two\n"),
            ("docs/", ""),
            ("docs/a.txt", "one, changed\n"),
            ("empty/", ""),
            ("new/", ""),
            ("new/n.txt", "new\n"),
        ];
        assert_eq!(restored(&pc, Some(backups[0])), expected(&full), "{format}");
        assert_eq!(
            restored(&pc, Some(backups[1])),
            expected(&changed),
            "{format}"
        );
        assert_eq!(restored(&pc, None), expected(&moved), "{format}");
    }
}

#[test]
fn a_set_may_hold_both_versions() {
    let mut pc = version_1("zip");
    let backups = backups(&pc);
    pc.write(1, "c d.txt", "three")
        .write(1, "docs/a.txt", "one, changed\n");
    pc.write(1, "deeper/b.txt", "two\n").directory(1, "empty");
    for (path, backup) in [("c d.txt", 0), ("docs/a.txt", 1), ("deeper/b.txt", 2)] {
        pc.tweak(1, path, |e| {
            e.stored = Some(Stored::In(backups[backup].stamp()))
        });
    }
    pc.adopt(backups[2]).write(1, "later", "of version 2");
    pc.incremental("20281126_000000.000001");
    pc.write(1, "later", "a delta")
        .incremental("20281127_000000.000001");
    let state = [
        ("c d.txt", "three"),
        ("deeper/", ""),
        ("deeper/b.txt", "two\n"),
        ("docs/", ""),
        ("docs/a.txt", "one, changed\n"),
        ("empty/", ""),
        ("later", "a delta"),
    ];
    assert_eq!(restored(&pc, None), expected(&state));
}

/// A full backup and three deltas.
fn chain() -> Pc {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "a", "a1").write(1, "d/b", "b1").full(FULL);
    pc.write(1, "a", "a2").incremental(INC1);
    pc.remove(1, "d")
        .write(1, "d", "now a file")
        .incremental(INC2);
    pc.write(1, "e", "e").incremental("20201224_112502.000001");
    pc
}

fn object(pc: &Pc, stamp: &str, part: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(pc.store_dir()).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let is_it = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.contains(&format!("{stamp}_{part}_"))
    };
    paths.find(is_it).unwrap()
}

#[test]
fn a_chain_of_deltas_is_restored() {
    let pc = chain();
    let state = [("a", "a2"), ("d", "now a file"), ("e", "e")];
    assert_eq!(restored(&pc, None), expected(&state));
}

#[test]
fn a_state_whose_manifest_is_gone_is_named_and_others_are_restored() {
    let pc = chain();
    fs::remove_file(object(&pc, INC2, "manifest")).unwrap();
    let error = restore(&pc, &exact(None)).error();
    for said in [INC2, "cannot be restored exactly", INC1, FULL, "--at"] {
        assert!(error.contains(said), "{said}: {error}");
    }
    let before = backups(&pc)[1];
    let state = [("a", "a2"), ("d/", ""), ("d/b", "b1")];
    assert_eq!(restored(&pc, Some(before)), expected(&state));
}

/// Its own manifest, and one that it rests on; gone, or damaged.
#[test]
fn without_a_manifest_all_that_the_archives_hold_is_restored_on_request() {
    for stamp in ["20201224_112502.000001", INC1] {
        for is_gone in [true, false] {
            let pc = chain();
            let place = object(&pc, stamp, "manifest");
            let mut bytes = fs::read(&place).unwrap();
            bytes[40] ^= 1;
            match is_gone {
                true => fs::remove_file(place).unwrap(),
                false => fs::write(place, bytes).unwrap(),
            }
            let error = restore(&pc, &exact(None)).error();
            assert!(error.contains("cannot be restored exactly"), "{error}");
            assert!(!pc.target().exists(), "{stamp} {is_gone}");
            let done = restore(&pc, &options());
            let text = done.text();
            assert_eq!(done.outcome, Outcome::Warning, "{text}");
            assert!(text.contains("cannot be compared with a list"), "{text}");
            let found = tree(&pc.target());
            assert_eq!(found["1/a"], "a2");
            assert_eq!(found["1/d"], "now a file");
            assert_eq!(found["1/e"], "e");
        }
    }
}

/// Of the first archive nothing is left in the state: it is not even looked at.
#[test]
fn an_archive_that_holds_nothing_of_the_state_is_not_needed() {
    let pc = chain();
    let volume = object(&pc, FULL, "0_0.0_no");
    let size = fs::metadata(&volume).unwrap().len();
    fs::write(volume, vec![0; size as usize]).unwrap();
    let state = [("a", "a2"), ("d", "now a file"), ("e", "e")];
    assert_eq!(restored(&pc, None), expected(&state));
}
