//! `--only`: a part of a backup.

use super::basics::history;
use super::kit::*;
use crate::support::pc::{FULL, INC1, INC2, KEY, Pc};
use aam_auto_backup::parts::Format;
use aam_auto_backup::parts::RestoreOptions;
use aam_auto_backup::parts::Stored;
use aam_auto_backup::parts::{Event, Outcome};

fn only(paths: &[&str]) -> RestoreOptions {
    RestoreOptions {
        only: paths.iter().map(|p| (*p).to_owned()).collect(),
        ..options()
    }
}

fn objects(done: &Done) -> String {
    let read = done.events.iter().filter_map(|e| match e {
        Event::Detail { text, .. } if text.starts_with("reading '") => Some(text.clone()),
        _ => None,
    });
    read.collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_archives_that_hold_it_are_read() {
    let pc = history(Format::Zip);
    let done = restore(&pc, &only(&["/home/allen/docs/new.txt"]));
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(
        names(&pc.target()),
        ["1/", "1/docs/", "1/docs/new.txt", "restored.txt"]
    );
    let read = objects(&done);
    assert!(
        read.contains("20201223") && !read.contains("_0_0.0_no_") && !read.contains("srv"),
        "{read}"
    );
}

#[test]
fn directories_odd_names_and_numbers() {
    for (paths, expected) in [
        (
            &["1/docs"][..],
            &[
                "1/docs/",
                "1/docs/[b] *?.txt",
                "1/docs/a.txt",
                "1/docs/new.txt",
            ][..],
        ),
        (&["1/docs/[b] *?.txt"], &["1/docs/", "1/docs/[b] *?.txt"]),
        (
            &["/home/allen/é ü/日本.txt", "/srv"],
            &[
                "1/é ü/",
                "1/é ü/日本.txt",
                "2/data.bin",
                "2/sub/",
                "2/sub/later",
                "2/zero",
            ],
        ),
        (&["1/empty/inner"], &["1/empty/", "1/empty/inner/"]),
        (&["1/x/y"], &["1/x/", "1/x/y"]),
    ] {
        for format in [Format::Zip, Format::SevenZip] {
            let pc = history(format);
            let done = restore(&pc, &only(paths));
            assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
            let mut found = names(&pc.target());
            found.retain(|n| n.len() > 2 && n != "restored.txt");
            assert_eq!(found, expected, "{paths:?}");
        }
    }
}

/// What lies beside the part stays, what is in it and not in the state goes.
#[test]
fn exactly_a_part() {
    let pc = history(Format::Zip);
    let to = pc.target();
    for path in ["1/docs/extra.txt", "1/beside.txt", "1/other/x.txt"] {
        let path = to.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "here before").unwrap();
    }
    let part = RestoreOptions {
        exact: true,
        ..only(&["1/docs"])
    };
    let done = restore_with(&pc, &part, &to, true, KEY);
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    let found = names(&to);
    let has = |name: &str| found.iter().any(|found| found == name);
    assert!(
        has("1/docs/a.txt") && has("1/beside.txt") && has("1/other/x.txt"),
        "{found:?}"
    );
    assert!(!has("1/docs/extra.txt"), "{found:?}");
}

#[test]
fn unknown_paths_name_near_ones() {
    let pc = history(Format::Zip);
    let error = restore(&pc, &only(&["/home/allen/docs/nwe.txt"])).error();
    assert!(
        error.contains("; near: '/home/allen/docs/new.txt'"),
        "{error}"
    );
    let error = restore(&pc, &only(&["1/docs/nwe.txt"])).error();
    assert!(error.contains("; near: '1/docs/new.txt'"), "{error}");
    let error = restore(&pc, &only(&["/etc/passwd"])).error();
    assert!(
        error.contains("is in none of the mounts of this backup (1: /home/allen, 2: /srv/data)"),
        "{error}"
    );
    // Deleted since the full: not in this state, but in an older one.
    assert!(
        restore(&pc, &only(&["1/docs/old.txt"]))
            .error()
            .contains("is not in the state")
    );
    let older = RestoreOptions {
        at: Some("20201221".parse().unwrap()),
        ..only(&["1/docs/old.txt"])
    };
    assert_eq!(restore(&pc, &older).outcome, Outcome::Success);
    assert!(!pc.scratch.path().join("etc").exists());
}

#[test]
fn without_manifests_every_archive_is_needed() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.v1 = true;
    pc.write(1, "docs/a", "a")
        .write(1, "docs/b", "b")
        .write(1, "other", "o")
        .full(FULL);
    let done = restore(&pc, &only(&["1/docs/a"]));
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert!(
        done.text()
            .contains("has no manifest: all 1 of its archives are needed")
    );
    assert_eq!(
        names(&pc.target()),
        ["1/", "1/docs/", "1/docs/a", "restored.txt"]
    );
    let to = pc.scratch.path().join("none");
    let error = restore_with(&pc, &only(&["1/nothing"]), &to, false, KEY).error();
    assert!(error.contains("'1/nothing' is not in the state"), "{error}");
}

/// Files found unchanged by their times only: any older archive may hold them.
#[test]
fn content_in_an_archive_that_is_not_known() {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.write(1, "a", "first").write(1, "b", "b").full(FULL);
    pc.write(1, "a", "second").incremental(INC1);
    pc.tweak(1, "a", |e| e.stored = Some(Stored::EARLIER))
        .write(1, "c", "c")
        .incremental(INC2);
    let done = restore(&pc, &only(&["1/a"]));
    assert_eq!(done.outcome, Outcome::Success, "{}", done.text());
    assert_eq!(tree(&pc.target())["1/a"], "second");
    assert!(!pc.target().join("1/b").exists() && !pc.target().join("1/c").exists());
}
