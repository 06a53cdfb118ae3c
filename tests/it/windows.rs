//! What can be said about Windows without it: plans of Windows profiles, and the exact bytes of
//! what is rendered. When the Windows lab is asked for (`AAM_TEST_WINDOWS`), `aam-backup.exe` has
//! to say the same.
//!
//! `tests/accept.sh` writes them anew; look at the difference before committing it.

use crate::support::golden;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aam_auto_backup::parts::CopyCommand;
use aam_auto_backup::parts::FileSystem;
use aam_auto_backup::parts::MaxDelete;
use aam_auto_backup::parts::mounts;
use aam_auto_backup::parts::render::script;
use aam_auto_backup::parts::{ArchiveOrder, Changes, MirrorOrder, StageOrder, Transfer};
use aam_auto_backup::parts::{BackupId, Format};
use aam_auto_backup::parts::{Family, FullPath};
use aam_auto_backup::parts::{Links, SelectionSpec};
use aam_auto_backup::parts::{Moment, RelPath};

use crate::support::lab::{self, Lab};
use crate::support::machine::Ran;

mod attributes;
mod case_one;
mod faults;
mod mirror;
mod ntfs;
mod shadow;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str, found: &str) {
    let path = root().join("tests/golden").join(name);
    golden::compare(&path, found);
}

/// Runs the program: here, or under Wine.
fn aam(args: &[&str]) -> Ran {
    let mut command = match lab::is_asked_for() {
        true => Lab::enter().aam(),
        false => Command::new(env!("CARGO_BIN_EXE_aam-backup")),
    };
    command.args(args).current_dir(root()).env("TZ", "UTC");
    Ran::of(lab::output(&mut command))
}

/// A path as [`aam`]'s system says it.
fn said(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    if lab::is_asked_for() {
        lab::outside(&path)
    } else {
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn the_same_facts_give_the_same_plan() {
    let facts = said("tests/golden/windows-documents.facts.json");
    let ran = aam(&[
        "plan",
        &said("examples/windows-documents.yaml"),
        "--facts",
        &facts,
        "--format",
        "json",
    ]);
    // A source is missing, so the run would fail.
    ran.exit(1);
    golden("windows-documents.plan.json", &ran.stdout);
}

#[test]
fn facts_that_cannot_be_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("facts.json");
    fs::write(&path, r#"{"now": "2026-11-24T11:25:02Z", "store": {}}"#).unwrap();
    let ran = aam(&[
        "plan",
        &said("examples/windows-documents.yaml"),
        "--facts",
        &said(path),
    ]);
    ran.exit(2).says("facts.json").says("unknown field `store`");
}

#[test]
fn shortcuts_for_the_desktop() {
    let place = tempfile::tempdir().unwrap();
    let to = said(place.path());
    let program = r"C:\Program Files\AAM Auto Backup\aam-backup.exe";
    // The profile's own path is in the files: it is given one that is the same everywhere.
    let profile = Path::new("/tmp/aam-shortcuts-100%.yaml");
    fs::copy(root().join("examples/windows-workstation.yaml"), profile).unwrap();
    let ran = aam(&[
        "shortcuts",
        &said(profile),
        "--to",
        &to,
        "--program",
        program,
    ]);
    fs::remove_file(profile).unwrap();
    ran.exit(0);
    let mut names: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in &names {
        let text = fs::read_to_string(place.path().join(name)).unwrap();
        golden(
            &format!("shortcuts/{name}"),
            &text.replace("Z:\\tmp\\", "/tmp/"),
        );
    }
    assert_eq!(names.len(), 6, "{names:?}");

    aam(&["shortcuts", &said("examples/quickstart.yaml"), "--to", &to]).exit(1);
}

#[test]
fn a_run_to_one_destination_only() {
    let example = said("examples/windows-workstation.yaml");
    let ran = aam(&[
        "plan",
        &example,
        "--destination",
        "mirror",
        "--format",
        "json",
    ]);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(plan["plan"]["archive"], serde_json::Value::Null);
    let none = aam(&[
        "plan",
        &said("examples/linux-home-to-usb.yaml"),
        "--destination",
        "s3",
    ]);
    none.exit(2).says("has no destination 's3'");
}

fn order(source: &str, shown_at: &str, target: &str) -> StageOrder {
    let path = |text: &str| FullPath::parse(text).unwrap();
    let full = "20261124_112502.225333".parse().unwrap();
    let backup = BackupId {
        full,
        incremental: None,
    };
    StageOrder {
        is_live: false,
        tools_root: None,
        number: 1,
        location: "pc".to_owned(),
        stamp: full,
        started: Moment(0),
        mount: mounts(&[path(source)]).unwrap().remove(0),
        shown_at: shown_at.to_owned(),
        selection: SelectionSpec {
            family: Family::Windows,
            sources: vec![path(source)],
            directories: Vec::new(),
            files: Vec::new(),
            links: Links::Keep,
        },
        missing: Vec::new(),
        work: path(r"C:\temp\pc_20261124_112502.225333\1"),
        mirror: Some(MirrorOrder {
            is_attached: true,
            half_copies: None,
            file_system: FileSystem::default(),
            mirror: path(r"F:\backup\main"),
            target: path(target),
            delete: Some(MaxDelete::Percent(25)),
            access_lists: false,
        }),
        archive: Some(ArchiveOrder {
            follows_links: false,
            backup,
            stem: "pc_20261124_112502.225333_0_0.0_no_c--users-allen-.zip".to_owned(),
            manifest: "pc_20261124_112502.225333_0_0.0_manifest_c--users-allen-.zip".to_owned(),
            marker: "pc_20261124_112502.225333_0_0.0_yes_c--users-allen-".to_owned(),
            format: Format::Zip,
            volume_size: 4_000_000_000,
            level: 5,
            transfer: Transfer::Spool,
            changes: Changes::Everything,
        }),
        seven_zip: r"C:\Program Files\7-Zip\7z.exe".to_owned(),
        copier: r"C:\Windows\System32\robocopy.exe".to_owned(),
    }
}

fn all_of(directory: &str) -> CopyCommand {
    CopyCommand {
        directory: RelPath::from_bytes(directory),
        recursive: true,
        only: Vec::new(),
        without_directories: Vec::new(),
        without_files: Vec::new(),
    }
}

fn rel(paths: &[&str]) -> Vec<RelPath> {
    paths
        .iter()
        .map(|path| RelPath::from_bytes(*path))
        .collect()
}

#[test]
fn batch_files() {
    let plain = order(r"C:\Users\Allen", r"Q:\", r"F:\backup\main\c\users\allen");
    golden("mount-plain.bat", &script(&plain, &[all_of("")]).unwrap());

    let nasty = order(
        r"C:\100% & (more) ^!",
        r"Q:\",
        r"F:\backup\100%\c\100% & (more) ^!",
    );
    let copies = [
        CopyCommand {
            without_directories: rel(&[
                "docs/50% done",
                "docs/a & b ^ (c)!",
                "Übung",
                "docs/😀",
                "-dash",
                "it's",
            ]),
            without_files: rel(&[
                "docs/~WRL1.tmp",
                "docs/%TEMP%",
                "docs/[x] {y}, z;=.txt",
                "docs/trailing.",
                "docs/trailing ",
            ]),
            ..all_of("")
        },
        CopyCommand {
            recursive: false,
            only: rel(&["many/a b.txt", "many/100%.txt"]),
            ..all_of("many")
        },
        CopyCommand {
            without_directories: rel(&["deep/er/cache"]),
            ..all_of("deep/er")
        },
    ];
    golden("mount-nasty.bat", &script(&nasty, &copies).unwrap());

    let mut mirror_only = StageOrder {
        archive: None,
        ..order(r"D:\", r"Q:\", r"F:\backup\main\d")
    };
    let mirror = mirror_only.mirror.as_mut().unwrap();
    mirror.access_lists = true;
    let mut without = mirror_only.clone();
    golden(
        "mount-mirror-only.bat",
        &script(&mirror_only, &[all_of("")]).unwrap(),
    );
    // Where the mirror has none, they are not asked for.
    let fat = FileSystem {
        access_lists: false,
        ..FileSystem::default()
    };
    without.mirror.as_mut().unwrap().file_system = fat;
    let plain_copy = script(&without, &[all_of("")]).unwrap();
    assert!(
        plain_copy.contains(" /COPY:DAT /DCOPY:DAT "),
        "{plain_copy}"
    );
    let archive_only = StageOrder {
        mirror: None,
        ..order(r"C:\Users\Allen", r"C:\Users\Allen", r"F:\x")
    };
    golden(
        "mount-archive-only.bat",
        &script(&archive_only, &[]).unwrap(),
    );
}

/// An archive from Linux has names that Windows cannot create, and names that are equal to it.
#[test]
fn names_that_windows_does_not_have() {
    use std::os::unix::fs::PermissionsExt;
    if !lab::is_asked_for() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir_all(at("home/d.")).unwrap();
    fs::create_dir_all(at("store")).unwrap();
    fs::set_permissions(at("home"), fs::Permissions::from_mode(0o755)).unwrap();
    let names = [
        ("plain.txt", "plain.txt"),
        ("a:b", "a_b"),
        ("aux.c", "_aux.c"),
        ("back\\slash", "back_slash"),
        ("d./x", "d_/x"),
        ("Twin.txt", "Twin.txt"),
        ("twin.txt", "twin (2).txt"),
        ("q?", "q_"),
    ];
    for (name, _) in names {
        fs::write(at("home").join(name), name).unwrap();
    }
    let home = at("home");
    let profile = format!(
        "version: 1\nname: n\nlocation: lab\nsources: [{home:?}]\n\
         destinations: {{directory: {{path: {:?}}}}}\n\
         archive: {{encryption-key: {{env: KEY}}, work-directory: {:?}}}\n\
         log: {{directory: {:?}}}\n",
        at("store"),
        at("work"),
        at("logs")
    );
    fs::create_dir_all(at("work")).unwrap();
    fs::write(at("p.yaml"), profile).unwrap();
    let mut backup = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    backup.args(["run", at("p.yaml").to_str().unwrap()]);
    backup.env("KEY", "only for tests");
    Ran::of(backup.output().unwrap()).exit(0);
    let lab = Lab::enter();
    for (only, code) in [(Vec::new(), 3), (vec!["--only", "1/plain.txt"], 0)] {
        let mut restore = lab.aam();
        let _ = fs::remove_dir_all(at("back"));
        restore.args(["restore", "--directory", &lab::outside(&at("store"))]);
        restore.args(["--location", "lab", "--key-env", "KEY"]);
        restore
            .args(["--to", &lab::outside(&at("back"))])
            .args(&only);
        restore.env("KEY", "only for tests");
        let ran = Ran::of(lab::output(&mut restore));
        ran.exit(code);
        for (name, place) in names {
            let found = fs::read_to_string(at("back/1").join(place)).ok();
            let wanted = only.is_empty() || name == "plain.txt";
            assert_eq!(found.as_deref(), wanted.then_some(name), "{place}\n{ran}");
            if wanted && name != place {
                let own = name.split('/').next().unwrap_or(name);
                ran.says(&format!("'{}' was restored as", own.escape_debug()));
            }
        }
    }
}
