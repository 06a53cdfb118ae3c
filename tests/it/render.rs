//! The exact bytes of rendered files (tests/golden/), for an order with every nasty name.
//!
//! `tests/accept.sh` writes them anew; look at the difference before committing it.

use crate::support::golden;
use std::fs;
use std::path::Path;

use aam_auto_backup::parts::Exclusion;
use aam_auto_backup::parts::FileSystem;
use aam_auto_backup::parts::mounts;
use aam_auto_backup::parts::render::{rsync_entry, script, seven_zip_line};
use aam_auto_backup::parts::stage::prepare;
use aam_auto_backup::parts::{ArchiveOrder, Changes, MirrorOrder, StageOrder, Transfer};
use aam_auto_backup::parts::{BackupId, Format};
use aam_auto_backup::parts::{Cancel, Events, StagePaths};
use aam_auto_backup::parts::{Family, FullPath};
use aam_auto_backup::parts::{Links, SelectionSpec};
use aam_auto_backup::parts::{Moment, RelPath};

pub fn golden(name: &str, found: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    golden::compare(&path, found);
}

const NAMES: &[&[u8]] = &[
    b"plain.txt",
    b"two words",
    b" lead",
    b"trail ",
    b"dots..",
    b"-rf",
    b"--",
    b"it's",
    b"say \"hi\"",
    b"\"",
    b"'",
    b"100%",
    b"%PATH%",
    b"$HOME",
    b"`id`",
    b"$(id)",
    b"[x]",
    b"*",
    b"?",
    b"#hash",
    b";semi",
    b"!bang",
    b"@at",
    b"&",
    b"back\\slash",
    b"host:path",
    b"...",
    "\u{1f600}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{e9}".as_bytes(),
    "\u{feff}bom".as_bytes(),
    "\u{fffd}".as_bytes(),
    b"tab\t",
    b"esc\x1b[0m",
    b"line\nbreak",
    b"cr\r",
    b"caf\xe9",
    b"A",
    b"a",
    b"deep/in/#here",
];

fn order(mount: &str, format: Format) -> StageOrder {
    let path = |text: &str| FullPath::parse(text).unwrap();
    let stamp = "20201221_134337.851361".parse().unwrap();
    StageOrder {
        is_live: false,
        tools_root: None,
        number: 2,
        location: "pc".to_owned(),
        stamp,
        started: Moment(0),
        mount: mounts(&[path(mount)]).unwrap().remove(0),
        shown_at: mount.to_owned(),
        selection: SelectionSpec {
            family: Family::Unix,
            sources: vec![path(mount)],
            directories: Vec::new(),
            files: Vec::new(),
            links: Links::Keep,
        },
        missing: Vec::new(),
        work: path("/var/tmp/it's work/pc_20201221_134337.851361/2"),
        mirror: Some(MirrorOrder {
            is_attached: true,
            half_copies: None,
            file_system: FileSystem::default(),
            mirror: path("/mnt/the mirror"),
            target: path(&format!("/mnt/the mirror{mount}")),
            delete: None,
            access_lists: false,
        }),
        archive: Some(ArchiveOrder {
            follows_links: false,
            backup: BackupId {
                full: stamp,
                incremental: None,
            },
            stem: format!(
                "pc_20201221_134337.851361_0_0.0_no_-it's-.{}",
                format.extension()
            ),
            manifest: "manifest".to_owned(),
            marker: "marker".to_owned(),
            format,
            volume_size: 4_000_000_000,
            level: 5,
            transfer: Transfer::Spool,
            changes: Changes::Everything,
        }),
        seven_zip: "/opt/7-Zip 26/7zz".to_owned(),
        copier: "/usr/bin/rsync".to_owned(),
    }
}

#[test]
fn shell_scripts() {
    golden(
        "mount-plain.sh",
        script(&order("/home", Format::Zip), &[])
            .unwrap()
            .as_bytes(),
    );
    let nasty = "/-rf it's `id` $(id) \"x\" \\ %PATH% * ! \u{1f600}/#x;y&z|a\u{202e}b";
    golden(
        "mount-nasty.sh",
        script(&order(nasty, Format::SevenZip), &[])
            .unwrap()
            .as_bytes(),
    );
    let mirror_only = StageOrder {
        archive: None,
        ..order("/home", Format::Zip)
    };
    golden(
        "mount-mirror-only.sh",
        script(&mirror_only, &[]).unwrap().as_bytes(),
    );
    let archive_only = StageOrder {
        mirror: None,
        ..order("/home", Format::Zip)
    };
    golden(
        "mount-archive-only.sh",
        script(&archive_only, &[]).unwrap().as_bytes(),
    );
}

#[test]
fn lists() {
    let paths: Vec<RelPath> = NAMES
        .iter()
        .map(|name| RelPath::from_bytes(*name))
        .collect();
    let list = |family| {
        paths
            .iter()
            .filter_map(|path| seven_zip_line(path, family))
            .collect::<String>()
    };
    golden("archive-unix.list", list(Family::Unix).as_bytes());
    golden("archive-windows.list", list(Family::Windows).as_bytes());
    let entries: Vec<u8> = [RelPath::root()]
        .iter()
        .chain(&paths)
        .filter_map(rsync_entry)
        .flatten()
        .collect();
    golden("mirror.list", &entries);
}

/// rsync reads a list of what to copy; Robocopy is given what to leave out.
fn windows_order() -> StageOrder {
    let path = |text: &str| FullPath::parse(text).unwrap();
    let unix = order("/home", Format::Zip);
    StageOrder {
        mount: mounts(&[path(r"C:\home")]).unwrap().remove(0),
        selection: SelectionSpec {
            family: Family::Windows,
            sources: vec![path(r"C:\home")],
            ..unix.selection.clone()
        },
        work: path(r"C:\temp\2"),
        mirror: Some(MirrorOrder {
            is_attached: true,
            half_copies: None,
            file_system: FileSystem::default(),
            mirror: path(r"D:\mirror"),
            target: path(r"D:\mirror\c\home"),
            delete: None,
            access_lists: false,
        }),
        ..unix
    }
}

/// `cmd` cuts off what is beyond its limit: a deep directory, named twice, leaves less room for
/// exclusions.
#[test]
fn no_line_of_a_batch_file_is_too_long() {
    let scratch = tempfile::tempdir().unwrap();
    let deep = scratch.path().join("source").join("d".repeat(200).as_str());
    let deep = (0..3).fold(deep, |path, _| path.join("d".repeat(200)));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("kept.txt"), "kept").unwrap();
    let mut order = windows_order();
    order.selection.files = vec![Exclusion::parse("*.tmp", Family::Windows).unwrap()];
    for excluded in 1..12 {
        fs::write(deep.join(format!("{excluded}.tmp")), "").unwrap();
        let place = StagePaths {
            read: &scratch.path().join("source"),
            write: Some(&scratch.path().join("work")),
        };
        prepare(&order, place, &Cancel::new(), &Events::default()).unwrap();
        let script = fs::read_to_string(scratch.path().join("work/mount.bat")).unwrap();
        let longest = script.lines().map(|line| line.encode_utf16().count()).max();
        assert!(longest <= Some(8191), "{longest:?} with {excluded}");
        assert!(script.contains("1.tmp") || script.contains("kept.txt"));
    }
}

#[test]
fn only_rsync_has_a_list_of_the_mirror() {
    let scratch = tempfile::tempdir().unwrap();
    let read = scratch.path().join("source");
    fs::create_dir(&read).unwrap();
    fs::write(read.join("file"), "content").unwrap();
    let (unix, windows) = (order("/home", Format::Zip), windows_order());
    for (order, listed) in [(unix, true), (windows, false)] {
        let write = scratch.path().join(format!("work-{listed}"));
        let place = StagePaths {
            read: &read,
            write: Some(&write),
        };
        let counts = prepare(&order, place, &Cancel::new(), &Events::default()).unwrap();
        assert_eq!(counts.files, 1);
        assert!(write.join("archive.list").exists());
        assert_eq!(write.join("mirror.list").exists(), listed);
    }
}
