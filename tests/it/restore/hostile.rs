//! Archives made to write elsewhere, and targets that lead elsewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::basics::history;
use super::kit::*;
use crate::support::pc::{FULL, INC1, KEY, Pc, mount_of, name, stamp};
use aam_auto_backup::parts::FullPath;
use aam_auto_backup::parts::Outcome;
use aam_auto_backup::parts::Purpose;
use aam_auto_backup::parts::RestoreOptions;
use aam_auto_backup::parts::{BackupId, Extension, Format, Part};

/// Writes a zip of these entries (name, content, Unix mode) with Python, which checks no names.
fn evil_zip(path: &Path, entries: &str) {
    let script = format!(
        r"import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    for name, content, mode in {entries}:
        i = zipfile.ZipInfo('x'); i.filename = name; i.create_system = 3; i.external_attr = mode << 16
        z.writestr(i, content)"
    );
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.venv/bin/python");
    assert!(
        Command::new(python)
            .arg("-c")
            .arg(script)
            .arg(path)
            .status()
            .unwrap()
            .success()
    );
}

/// A v1.0 store whose full is honest and whose incremental is this zip.
fn with_evil(entries: &str) -> Pc {
    let mut pc = Pc::new(&["/home/allen"]);
    pc.v1 = true;
    pc.write(1, "good", "good").full(FULL);
    let zip = pc.scratch.path().join("evil.zip");
    evil_zip(&zip, entries);
    let id = BackupId {
        full: stamp(FULL),
        incremental: Some(stamp(INC1)),
    };
    let mount = mount_of(&FullPath::parse("/home/allen").unwrap()).path;
    pc.store
        .put(
            &name(id, &mount, Part::Volume(Extension::Zip, 1)),
            &zip,
            Purpose::Archive,
            &|_| {},
        )
        .unwrap();
    pc.store
        .put_bytes(&name(id, &mount, Part::Marker), b"", Purpose::Index)
        .unwrap();
    pc
}

#[test]
fn archives_that_would_write_elsewhere_are_refused_whole() {
    for (entries, said) in [
        (
            "[('ok', '1', 0o100644), ('../x', '1', 0o100644)]",
            "the entry '../x': it leads out of the target",
        ),
        (
            "[('a/../../x', '1', 0o100644)]",
            "it leads out of the target",
        ),
        (
            "[('/abs', '1', 0o100644)]",
            "the entry '/abs': it is an absolute path",
        ),
        (
            r"[('C:\\x', '1', 0o100644)]",
            r"it starts with a drive letter",
        ),
        (r"[('..\\x', '1', 0o100644)]", "it leads out of the target"),
        (
            "[('out', '/tmp', 0o120777), ('out/x', '1', 0o100644)]",
            "the entry 'out': it is a link",
        ),
        ("[('a//b', '1', 0o100644)]", "is not a legal file name"),
        (
            "[('planted', '1', 0o100644)]",
            "the entry 'planted': it is not encrypted",
        ),
    ] {
        let pc = with_evil(entries);
        let error = restore(&pc, &options()).error();
        assert!(error.contains(said), "{entries}: {error}");
        assert!(
            !pc.target().exists(),
            "nothing of the honest full backup either"
        );
        assert!(!pc.scratch.path().join("x").exists());
    }
}

#[test]
fn a_target_must_be_empty() {
    let pc = history(Format::Zip);
    fs::create_dir(pc.target()).unwrap();
    assert_eq!(
        restore(&pc, &options()).outcome,
        Outcome::Success,
        "an empty one is welcome"
    );
    let error = restore(&pc, &options()).error();
    assert!(
        error.contains("target' is not empty") && error.contains("--into-existing"),
        "{error}"
    );
    let done = restore_with(&pc, &options(), &pc.target(), true, KEY);
    assert_eq!(
        done.outcome,
        Outcome::Failure,
        "1/x is a directory with a file in it where the full has a file"
    );
    fs::remove_dir_all(pc.target().join("1/x")).unwrap();
    fs::write(pc.target().join("1/mine"), "mine").unwrap();
    fs::write(pc.target().join("1/docs/a.txt"), "changed").unwrap();
    let done = restore_with(&pc, &options(), &pc.target(), true, KEY);
    assert_eq!(done.outcome, Outcome::Success, "{:?}", done.result);
    assert_eq!(tree(&pc.target())["1/mine"], "mine");
    assert_as_listed(&pc, 1, &pc.target().join("1"));
    let file = pc.scratch.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(
        restore_with(&pc, &options(), &file, true, KEY)
            .error()
            .contains("is not a directory")
    );
}

#[cfg(unix)]
#[test]
fn links_in_an_existing_target_are_not_written_through() {
    for (at, exact) in [
        ("1", false),
        ("1/docs", false),
        ("1/docs/a.txt", false),
        ("1/docs", true),
        (".aam-restore", false),
    ] {
        let pc = history(Format::Zip);
        let outside = pc.scratch.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        let link = pc.target().join(at);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        let to = if at.ends_with("a.txt") {
            outside.join("kept")
        } else {
            outside.clone()
        };
        std::os::unix::fs::symlink(to, &link).unwrap();
        let options = RestoreOptions { exact, ..options() };
        let heard = restore_with(&pc, &options, &pc.target(), true, KEY).error();
        assert!(
            heard.contains("is a symbolic link: a restore does not write through it"),
            "{heard}"
        );
        assert_eq!(
            tree(&outside),
            [("kept".to_owned(), "kept".to_owned())].into()
        );
    }
}

#[cfg(unix)]
#[test]
fn exact_removes_links_not_what_they_point_to() {
    let mut pc = history(Format::Zip);
    // The mount is a source itself.
    pc.directory(1, "").incremental("20201225_000000.000000");
    let outside = pc.scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "kept").unwrap();
    fs::create_dir_all(pc.target().join("1/docs")).unwrap();
    fs::create_dir_all(pc.target().join("1/extra/deep")).unwrap();
    fs::write(pc.target().join("1/extra/deep/file"), "x").unwrap();
    fs::write(pc.target().join("beside"), "not in a mount").unwrap();
    std::os::unix::fs::symlink(&outside, pc.target().join("1/docs/link")).unwrap();
    let done = restore_with(
        &pc,
        &RestoreOptions {
            exact: true,
            ..options()
        },
        &pc.target(),
        true,
        KEY,
    );
    // The full's file `x` became a directory: with a directory of this restore's own in the way of
    // nothing.
    assert_eq!(done.outcome, Outcome::Success, "{:?}", done.result);
    assert!(outside.join("kept").exists() && pc.target().join("beside").exists());
    assert!(!pc.target().join("1/docs/link").is_symlink() && !pc.target().join("1/extra").exists());
}

#[cfg(unix)]
#[test]
fn a_full_disk_says_so() {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut pc = Pc::new(&["/home/allen"]);
    pc.volume_size = 1 << 30;
    pc.write(1, "zeros", &"0".repeat(9 << 20))
        .write(1, "a", "a")
        .full(FULL);
    let disk = pc.scratch.path().join("small");
    fs::create_dir(&disk).unwrap();
    let mounted = root
        && Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "none"])
            .arg(&disk)
            .status()
            .unwrap()
            .success();
    if !mounted {
        eprintln!("skipped: needs root to mount a small disk");
        return;
    }
    let done = restore_with(&pc, &options(), &disk.join("to"), false, KEY);
    assert!(
        Command::new("umount")
            .arg(&disk)
            .status()
            .unwrap()
            .success()
    );
    let error = done.error();
    assert!(
        error.contains("could not be extracted")
            && error.contains("the disk is full: free some space"),
        "{error}"
    );
}

/// Nothing is written through a link that a manifest makes, and files that are said to be one stay
/// two where they are not.
#[cfg(unix)]
#[test]
fn links_of_a_manifest_lead_nowhere() {
    use aam_auto_backup::parts::{EntryKind, Link, LinkKind, Owner};
    use std::os::unix::fs::PermissionsExt;
    let mut pc = Pc::new(&["/home/allen"]);
    let outside = pc.scratch.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("x"), "theirs").unwrap();
    fs::set_permissions(outside.join("x"), fs::Permissions::from_mode(0o600)).unwrap();
    let target = outside.to_str().unwrap().as_bytes().to_vec();
    pc.write(1, "d/x", "ours!!")
        .write(1, "one", "1")
        .write(1, "two", "2");
    pc.tweak(1, "d", |entry| {
        entry.kind = EntryKind::Link;
        entry.details.link = Some(Link {
            target: target.into(),
            kind: LinkKind::Symbolic,
        });
    });
    for path in ["d/x", "one", "two"] {
        pc.tweak(1, path, |entry| {
            entry.meta.mode = Some(0o666);
            entry.details.links = Some(1);
            entry.details.owner = Some(std::sync::Arc::new(Owner::default()));
        });
    }
    pc.full(FULL);
    let done = restore(&pc, &options());
    assert_eq!(done.outcome, Outcome::Failure, "{}", done.text());
    assert!(
        done.text().contains("it is a symbolic link"),
        "{}",
        done.text()
    );
    assert_eq!(fs::read(outside.join("x")).unwrap(), b"theirs");
    let mode = fs::metadata(outside.join("x"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read(pc.target().join("1/one")).unwrap(), b"1");
    assert_eq!(fs::read(pc.target().join("1/two")).unwrap(), b"2");
}
