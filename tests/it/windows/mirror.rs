//! The mirror that Robocopy makes: what is deleted from it, left out of it, and named if it came all
//! the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::faults::{machine, run_with};
use crate::support::machine::Ran;

#[test]
fn read_only_copies_are_deleted_and_replaced() {
    let Some(mut machine) = machine() else { return };
    machine.profile.mirror_extra("delete", "100%");
    machine.write("docs/old/read only.txt", "1");
    machine.write("docs/changed.txt", "1");
    let read_only = |path: &PathBuf| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    };
    for path in ["docs/old/read only.txt", "docs/changed.txt"] {
        read_only(&machine.home().join(path));
    }
    machine.run(&[]).exit(0);
    let copy = |path| {
        machine
            .below(&machine.path("mirror"), &machine.home())
            .join(path)
    };
    for path in ["docs/old/read only.txt", "docs/changed.txt"] {
        let mode = fs::metadata(copy(path)).unwrap().permissions().mode();
        assert_eq!(
            mode & 0o222,
            0,
            "{path}: the copy is read-only, too: {mode:o}"
        );
    }
    fs::remove_dir_all(machine.home().join("docs/old")).unwrap();
    fs::remove_file(machine.home().join("docs/changed.txt")).unwrap();
    machine.write("docs/changed.txt", "2, and longer");
    machine.run(&[]).exit(0).says("Deleted from the mirror: ");
    assert!(!copy("docs/old").exists());
    let changed = fs::read_to_string(copy("docs/changed.txt")).unwrap();
    assert_eq!(changed, "2, and longer");
}

/// Beyond 8191 characters cmd does not take a line.
#[test]
fn a_deep_directory_with_many_exclusions() {
    let Some(mut machine) = machine() else { return };
    let deep = format!("docs/{}", ["a directory with a long name"; 13].join("/"));
    assert!(deep.len() > 350);
    for number in 0..120 {
        let name = format!("{deep}/left out, and long enough to fill a line {number:03}.tmp");
        machine.write(&name, "left out");
    }
    machine.write(&format!("{deep}/kept.txt"), "kept");
    machine.profile.exclude_files.push("*.tmp".to_owned());
    machine.run(&[]).exit(0);
    let kept = format!("{deep}/kept.txt");
    let expected = ["docs/a.txt", kept.as_str(), "docs/b.txt", "pics/p.jpg"];
    let mut mirrored: Vec<String> = machine.mirrored().into_iter().collect();
    mirrored.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(mirrored, expected);
}

/// How Robocopy compares what it is to leave out is not documented in every respect.
#[test]
fn what_robocopy_copies_against_orders_is_named() {
    let Some(mut machine) = machine() else { return };
    for path in ["docs/diary.tmp", "docs/private/x.txt", "docs/before.tmp"] {
        machine.write(path, "left out");
    }
    machine.profile.exclude_files.push("*.tmp".to_owned());
    machine
        .profile
        .exclude_directories
        .push("private".to_owned());
    let deaf = |name| run_with(&machine, &["run"], &[("AAM_STANDIN_DEAF", name)]);
    let ran = deaf("diary.tmp");
    ran.exit(3)
        .says(r"docs\diary.tmp' was copied to the mirror, though it is left out");
    ran.never_says("before.tmp").never_says("private");
    let ran = deaf("private");
    ran.exit(3)
        .says(r"docs\private' was copied to the mirror, though it is left out");
    // It is there by now.
    ran.never_says("diary.tmp");
    machine.run(&[]).exit(0);
}

/// Where the file system of the mirror has no deletion as POSIX has it, such as exFAT.
#[test]
fn a_mirror_without_deletion_as_in_posix() {
    let Some(mut machine) = machine() else { return };
    machine.profile.mirror_extra("delete", "100%");
    machine.write("docs/old/read only.txt", "1");
    let file = machine.home().join("docs/old/read only.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    machine.run(&[]).exit(0);
    fs::remove_dir_all(machine.home().join("docs/old")).unwrap();
    fs::rename(
        machine.home().join("docs/b.txt"),
        machine.home().join("docs/B.txt"),
    )
    .unwrap();
    let ran = run_with(&machine, &["run"], &[("AAM_LAB_NO_POSIX", "1")]);
    ran.exit(0).says("Deleted from the mirror: ");
    let copies = machine.below(&machine.path("mirror"), &machine.home());
    assert!(!copies.join("docs/old").exists());
    assert!(copies.join("docs/B.txt").exists(), "{ran}");
}

/// What Robocopy makes of such names is not known: it takes them as they are, or Windows cuts the
/// ends off. Then the run says what the mirror lacks, every time, and the archive has it.
#[test]
fn names_that_end_in_a_dot_or_a_space() {
    let Some(mut machine) = machine() else { return };
    machine.profile.mirror_extra("delete", "100%");
    let odd = ["docs/a.txt.", "docs/dot.", "docs/space "];
    for path in odd {
        machine.write(path, "odd");
    }
    let plain = ["docs/a.txt", "docs/b.txt", "pics/p.jpg"];
    let lacking = |ran: &Ran| {
        ran.exit(1);
        for path in odd {
            ran.says(&format!("{}: it is missing", path.replace('/', r"\")));
        }
        let found = machine.mirrored();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), plain, "{ran}");
    };
    lacking(&machine.run(&[]));
    let mut everything: Vec<&str> = odd.into_iter().chain(plain).collect();
    everything.sort_unstable();
    let archived = machine.archived().into_iter();
    let archived: Vec<String> = archived.filter(|path| !path.ends_with('/')).collect();
    assert_eq!(archived, everything);
    // Nothing is new by now.
    lacking(&machine.run(&[]));

    let exact = [("AAM_STANDIN_EXACT", "1")];
    machine.write("docs/both. ./in.txt", "odd");
    everything.push("docs/both. ./in.txt");
    everything.sort_unstable();
    let mirrored = |ran: &Ran, expected: &[&str]| {
        let found: Vec<String> = machine.mirrored().into_iter().collect();
        assert_eq!(found, expected, "{ran}");
    };
    let ran = run_with(&machine, &["run"], &exact);
    ran.exit(0);
    mirrored(&ran, &everything);
    // Those that are gone are deleted, and not what Windows takes for the same name.
    fs::remove_file(machine.home().join("docs/a.txt.")).unwrap();
    fs::remove_file(machine.home().join("docs/dot.")).unwrap();
    let ran = run_with(&machine, &["run"], &exact);
    ran.exit(0);
    let left = [
        "docs/a.txt",
        "docs/b.txt",
        "docs/both. ./in.txt",
        "docs/space ",
        "pics/p.jpg",
    ];
    mirrored(&ran, &left);
    let copy = machine.below(&machine.path("mirror"), &machine.home());
    assert_eq!(fs::read_to_string(copy.join("docs/a.txt")).unwrap(), "one");
}

/// As VeraCrypt changes its containers.
#[test]
fn a_change_that_neither_size_nor_time_shows() {
    let Some(machine) = machine() else { return };
    let file = machine.home().join("docs/a.txt");
    let time = filetime::FileTime::from_unix_time(1_400_000_000, 0);
    let patch = |text: &str| {
        fs::write(&file, text).unwrap();
        filetime::set_file_mtime(&file, time).unwrap();
    };
    patch("content 0");
    machine.run(&[]).exit(0);
    let copy = machine.below(&machine.path("mirror"), &machine.home());
    let copy = copy.join("docs/a.txt");
    for (text, options) in [
        ("content 1", &[][..]),
        ("content 2", &["--force-full"]),
        ("content 3", &["--destination", "mirror"]),
    ] {
        patch(text);
        machine.run(options).exit(0);
        assert_eq!(fs::read_to_string(&copy).unwrap(), text);
    }
}
