//! Faults that only a directory can have.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use aam_auto_backup::parts::Cancel;
use aam_auto_backup::parts::{DirectoryStore, Purpose, Store, StoreErrorKind};

use super::{MEBIBYTE, Place, SILENT, check_words, content, keys};

#[test]
fn must_be_there() {
    let place = Place::directory();
    let missing = place.free("missing");
    let error = DirectoryStore::open(&missing, Cancel::new()).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().contains(missing.to_str().unwrap()),
        "{error}"
    );
    assert!(error.hint.contains("attach the disk"), "{}", error.hint);
    assert!(!missing.exists());

    let error = DirectoryStore::open(&place.file("file", b""), Cancel::new()).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
}

#[test]
fn keys_stay_inside() {
    let place = Place::directory();
    let source = place.file("source", b"x");
    let target = place.free("target");
    for key in [
        "",
        ".",
        "..",
        "../up",
        "a/b",
        "/etc/passwd",
        "a\\b",
        "..\\up",
        ".aam-partial-1",
        "nul\0",
    ] {
        for error in [
            place
                .store
                .put(key, &source, Purpose::Archive, SILENT)
                .unwrap_err(),
            place
                .store
                .put_bytes(key, b"x", Purpose::Index)
                .unwrap_err(),
            place.store.read(key, 100).unwrap_err(),
            place
                .store
                .get(key, &target, &Cancel::new(), SILENT)
                .unwrap_err(),
        ] {
            check_words(&error, &*place.store, key);
            assert_eq!(error.kind, StoreErrorKind::Other, "{key}");
        }
    }
    assert_eq!(place.store.list("").unwrap(), []);
    assert!(!place.free("up").exists() && !target.exists());
    // Two dots inside a name go nowhere; directories are called so.
    place
        .store
        .put_bytes("main_no_home-user-v1..v2-", b"x", Purpose::Index)
        .unwrap();
}

#[test]
fn only_objects_are_listed() {
    let place = Place::directory();
    let directory = Path::new(place.store.label()).to_owned();
    fs::create_dir(directory.join("directory")).unwrap();
    fs::write(directory.join(".aam-partial-5-5"), b"half").unwrap();
    place
        .store
        .put_bytes("object", b"x", Purpose::Index)
        .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::os::unix::fs::symlink("object", directory.join("link")).unwrap();
        fs::write(
            directory.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")),
            b"x",
        )
        .unwrap();
    }
    assert_eq!(keys(&place.store.list("").unwrap()), ["object"]);
    let error = place.store.read("directory", 100).unwrap_err();
    assert_ne!(error.kind, StoreErrorKind::Local, "{error}");
}

/// Fourteen days, and no object however old it is.
#[test]
fn only_stale_partials_are_removed() {
    let place = Place::directory();
    let directory = Path::new(place.store.label()).to_owned();
    let stays = [
        (".aam-partial-1-1", 15, false),
        (".aam-partial-2-2", 13, true),
        (".aam-partial-3-3", 0, true),
        ("an object", 4000, true),
        ("aam-partial-4-4", 4000, true),
        (".another", 4000, true),
    ];
    for (name, days, _) in stays {
        let path = directory.join(name);
        fs::write(&path, b"half").unwrap();
        let age = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
        filetime::set_file_mtime(&path, age.into()).unwrap();
    }
    for key in ["object", "another"] {
        let put = place.store.put_bytes(key, b"x", Purpose::Index);
        put.unwrap();
    }
    for (name, days, stays) in stays {
        assert_eq!(directory.join(name).exists(), stays, "{name}, {days} days");
    }
}

/// A file system of four mebibytes, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    /// `None` where this cannot be done; the test is skipped then.
    fn mount(at: &Path) -> Option<SmallDisk<'_>> {
        let mounted = cfg!(target_os = "linux")
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
                .arg(at)
                .output()
                .ok()?
                .status
                .success();
        if !mounted {
            eprintln!("skipped: a small disk can be mounted only by root on Linux");
        }
        mounted.then_some(SmallDisk(at))
    }

    fn unmount(&self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        self.unmount();
    }
}

#[test]
fn full_disks_say_how_much_is_missing() {
    let scratch = tempfile::tempdir().unwrap();
    let place = Place::directory();
    let Some(_disk) = SmallDisk::mount(scratch.path()) else {
        return;
    };
    let store = DirectoryStore::open(scratch.path(), Cancel::new()).unwrap();
    store
        .put(
            "first",
            &place.file("first", &content(3 * MEBIBYTE)),
            Purpose::Archive,
            SILENT,
        )
        .unwrap();

    // Known before the first byte.
    let source = place.file("second", &content(2 * MEBIBYTE));
    let error = store
        .put("second", &source, Purpose::Archive, SILENT)
        .unwrap_err();
    check_words(&error, &store, "second");
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
    assert!(
        error
            .why
            .contains("2097152 bytes needed, 1048576 bytes free"),
        "{error}"
    );
    assert_eq!(keys(&store.list("").unwrap()), ["first"]);
}

#[test]
fn disks_that_fill_up_meanwhile_leave_no_partial() {
    let scratch = tempfile::tempdir().unwrap();
    let place = Place::directory();
    let Some(_disk) = SmallDisk::mount(scratch.path()) else {
        return;
    };
    let store = DirectoryStore::open(scratch.path(), Cancel::new()).unwrap();
    let source = place.file("source", &content(3 * MEBIBYTE));
    let filler = scratch.path().join("filler");
    let fill = |_| {
        if !filler.exists() {
            fs::write(&filler, content(2 * MEBIBYTE)).unwrap();
        }
    };
    let error = store
        .put("key", &source, Purpose::Archive, &fill)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
    assert!(
        error
            .why
            .contains("3145728 bytes needed, 2097152 bytes free"),
        "{error}"
    );
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
}

/// The directory below a mount point is empty and writable: the worst place for a backup to go to.
#[test]
fn unmounted_disks_are_not_written_past() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(scratch.path()) else {
        return;
    };
    let store = DirectoryStore::open(scratch.path(), Cancel::new()).unwrap();
    store.put_bytes("key", b"x", Purpose::Index).unwrap();
    disk.unmount();
    for error in [
        store.put_bytes("key", b"x", Purpose::Index).unwrap_err(),
        store.list("").unwrap_err(),
        store.read("key", 9).unwrap_err(),
    ] {
        check_words(&error, &store, "");
        assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
        assert!(error.hint.contains("attach the disk"), "{}", error.hint);
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn directories_that_vanish_while_written_to_are_named() {
    let place = Place::directory();
    let source = place.file("source", &content(5 * MEBIBYTE));
    let once = std::sync::Once::new();
    let error = place
        .store
        .put("key", &source, Purpose::Archive, &|_| {
            once.call_once(|| place.vanish())
        })
        .unwrap_err();
    check_words(&error, &*place.store, "key");
    assert_eq!(error.kind, StoreErrorKind::NotFound, "{error}");
    assert!(error.why.contains("the directory is missing"), "{error}");
}
