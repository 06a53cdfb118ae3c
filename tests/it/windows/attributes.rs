//! Attributes, creation times, links and access lists of Windows, on the real `aam-backup.exe`.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use super::ntfs::{LINKS, Ntfs, YEAR_2001};
use crate::property::dice::Dice;
use crate::support::machine::Ran;

/// What is restored, one by one: read-only, hidden, system, archive, not content indexed.
const ATTRIBUTES: [u32; 5] = [0x1, 0x2, 0x4, 0x20, 0x2000];

fn random(ntfs: &Ntfs, dice: &mut Dice) -> String {
    let mut directories = vec!["docs".to_owned(), "pics".to_owned()];
    let mut all = directories.clone();
    for number in 0..dice.between(20, 40) {
        let path = format!("{}/n{number}", dice.pick(&directories));
        if dice.percent(35) {
            fs::create_dir_all(ntfs.home(&path)).unwrap();
            directories.push(path.clone());
        } else {
            ntfs.machine.write(&path, &path.repeat(dice.below(50)));
        }
        all.push(path);
    }
    let mut lines = String::new();
    for path in all {
        let said = ntfs.said(&ntfs.home(&path));
        let chosen = ATTRIBUTES.iter().filter(|_| dice.percent(50));
        let attributes: u32 = chosen.sum();
        let created = YEAR_2001 + dice.below(1 << 53) as u64;
        writeln!(lines, "attributes\t{said}\t{attributes:x}").unwrap();
        writeln!(lines, "created\t{said}\t{created}").unwrap();
    }
    lines
}

#[test]
fn random_trees_come_back_with_attributes_creation_times_and_links() {
    let now = std::time::SystemTime::now();
    let chance = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    for seed in [20_201_221, u64::from(chance.subsec_nanos())] {
        let Some(ntfs) = Ntfs::new() else { return };
        println!("seed {seed}");
        let mut dice = Dice::new(seed, 0);
        let lines = random(&ntfs, &mut dice);
        ntfs.make_links();
        ntfs.set(&lines);
        let ran = ntfs.run();
        let links = "4 symbolic links not copied to the mirror: Robocopy leaves them out";
        ran.exit(0).says(links);
        let machine = &ntfs.machine;
        let archived = format!("{:?} {:?}", machine.archived(), machine.mirrored());
        for name in LINKS.iter().chain(&["not followed.txt"]) {
            assert!(!archived.contains(name), "{name} in {archived}");
        }
        let ran = ntfs.restore(&[], "");
        ran.exit(0).says("4 symbolic links are there as listed");
        ntfs.is_back(&ran);

        // Over it: changed and read-only files, and what the backup does not list.
        let file = |path: &Path, mode: u32| {
            let _ = fs::remove_file(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "in the way").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        file(&ntfs.back("docs/a.txt"), 0o444);
        file(&ntfs.back("docs/extra.txt"), 0o444);
        file(&ntfs.back("docs/extra/deep/er.txt"), 0o444);
        let link = ntfs.back("docs/nowhere");
        ntfs.remove(&link);
        file(&link, 0o444);
        let elsewhere = ntfs.machine.path("elsewhere");
        let [extra, target] = [&ntfs.back("pics/extra junction"), &elsewhere].map(|p| ntfs.said(p));
        ntfs.set(&format!("junction\t{extra}\t{target}\n"));
        let ran = ntfs.restore(&["--into-existing", "--exact"], "");
        ran.exit(0);
        ntfs.is_back(&ran);
        assert!(elsewhere.join("not followed.txt").exists(), "{ran}");
    }
}

/// File systems without change times keep it from nobody that the content is as it was.
#[test]
fn a_changed_attribute_is_backed_up_without_the_content() {
    let Some(ntfs) = Ntfs::new() else { return };
    let [file, directory] = ["docs/a.txt", "pics"].map(|name| ntfs.home(name));
    let (a, pics) = (ntfs.said(&file), ntfs.said(&directory));
    ntfs.set(&format!("attributes\t{a}\t20\nattributes\t{pics}\t0\n"));
    ntfs.run().exit(0);
    // As `look set` would, but for the change time of the file.
    for path in [&file, &directory] {
        let record = ntfs
            .records
            .join(format!("{:x}", path.metadata().unwrap().ino()));
        let mut bytes = fs::read(&record).unwrap();
        bytes[8..12].copy_from_slice(&0x2020_u32.to_le_bytes());
        fs::write(&record, bytes).unwrap();
    }
    ntfs.run().exit(0).says("Archived: no new or changed files");
    let ran = ntfs.restore(&[], "");
    ran.exit(0);
    ntfs.is_back(&ran);
    let restored = ntfs.seen(&ntfs.machine.path("back/1"));
    let is_listed = |name: &str, attributes: &str| {
        let line = format!("{name}\t{attributes}\t");
        assert!(
            restored.lines().any(|l| l.starts_with(&line)),
            "{line}{restored}"
        );
    };
    is_listed("docs/a.txt", "2020");
    is_listed("pics", "2030");
    ntfs.run().exit(0).says("Archived: no new or changed files");
}

#[test]
fn what_the_disk_refuses_is_summed_up_and_set_by_the_next_restore() {
    let Some(ntfs) = Ntfs::new() else { return };
    ntfs.make_links();
    ntfs.run().exit(0);
    for (refused, words) in [
        (
            "symbolic-links",
            "not restored: 3 symbolic links (Privilege not held. (os error 1314))",
        ),
        (
            "symbolic-links;junctions",
            "not restored: 4 symbolic links (",
        ),
        // Those of the links, too.
        (
            "attributes",
            "not restored: attributes or access lists of 10 entries (",
        ),
        (
            "creation-times",
            "not restored: the creation times of 10 entries",
        ),
    ] {
        ntfs.clear();
        let ran = ntfs.restore(&[], refused);
        ran.exit(3).says(words);
        assert_eq!(ran.stderr.matches("not restored: ").count(), 1, "{ran}");
    }
    let ran = ntfs.restore(&["--into-existing", "--exact"], "");
    ran.exit(0);
    ntfs.is_back(&ran);
    // A directory that could not become a junction is not left.
    ntfs.clear();
    ntfs.restore(&[], "symbolic-links;junctions")
        .exit(3)
        .says("4 symbolic links (");
    for name in LINKS {
        assert!(!ntfs.back("docs").join(name).exists(), "{name}");
    }
}

#[test]
fn a_link_takes_the_place_of_read_only_files_and_gives_it_back() {
    let Some(mut ntfs) = Ntfs::new() else { return };
    let names = ["docs/Junction", "docs/nowhere"];
    let write = |ntfs: &Ntfs| {
        for name in names {
            ntfs.machine.write(name, "a file");
            let read_only = fs::Permissions::from_mode(0o444);
            fs::set_permissions(ntfs.home(name), read_only).unwrap();
        }
    };
    let over = ["--into-existing", "--exact"];
    write(&ntfs);
    ntfs.run().exit(0);
    ntfs.restore(&[], "").exit(0);
    names.iter().for_each(|name| ntfs.remove(&ntfs.home(name)));
    ntfs.make_links();
    ntfs.run().exit(0);
    let ran = ntfs.restore(&over, "");
    ran.exit(0);
    ntfs.is_back(&ran);
    // The copies that were made of the files are gone, too.
    assert!(
        ntfs.machine.mirrored().contains(names[0]),
        "nothing is deleted without being told to"
    );
    ntfs.machine.profile.mirror_extra("delete", "100%");
    ntfs.run().exit(0);
    assert!(!ntfs.machine.mirrored().contains(names[0]));

    names.iter().for_each(|name| ntfs.remove(&ntfs.home(name)));
    write(&ntfs);
    ntfs.run().exit(0);
    // Nothing is written through a link.
    let ran = ntfs.restore(&over, "");
    ran.exit(1).says("a restore does not write through it");
    ntfs.clear();
    let ran = ntfs.restore(&[], "");
    ran.exit(0);
    ntfs.is_back(&ran);
}

#[test]
fn links_are_left_out_if_the_profile_says_so() {
    let Some(mut ntfs) = Ntfs::new() else { return };
    ntfs.make_links();
    ntfs.machine.profile.more = "links: skip\n".to_owned();
    let ran = ntfs.run();
    ran.exit(0).says("not backed up: 4 symbolic links");
    ntfs.restore(&[], "").exit(0);
    for name in LINKS {
        assert!(!ntfs.back("docs").join(name).exists(), "{name}");
    }
}

/// Attributes mean nothing there, and links of Windows lead nowhere.
#[test]
fn a_backup_of_windows_is_restored_on_linux() {
    let Some(ntfs) = Ntfs::new() else { return };
    ntfs.make_links();
    ntfs.run().exit(0);
    let mut restore = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    restore
        .args(["restore", "--location", "pc", "--key-env", "AAM_TEST_KEY"])
        .arg("--directory")
        .arg(ntfs.machine.path("store"))
        .arg("--to")
        .arg(ntfs.machine.path("on-linux"))
        .env("AAM_TEST_KEY", ntfs.machine.key);
    let ran = Ran::of(restore.output().unwrap());
    ran.exit(3)
        .says("not restored: 4 symbolic links of another system");
    for name in ["docs/a.txt", "docs/b.txt", "pics/p.jpg"] {
        let restored = fs::read(ntfs.machine.path("on-linux/1").join(name)).unwrap();
        assert_eq!(restored, fs::read(ntfs.home(name)).unwrap(), "{name}");
    }
}

/// Wine has modes in the place of access lists; nobody else may read these.
#[test]
fn the_mirror_keeps_access_lists_if_it_is_told_to() {
    let Some(mut ntfs) = Ntfs::new() else { return };
    let home = ntfs.machine.home();
    let allow = |name: &str, mode: u32| {
        fs::set_permissions(home.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    allow("docs/a.txt", 0o600);
    allow("docs", 0o700);
    let mirror = ntfs.machine.path("mirror");
    let copy = |ntfs: &Ntfs, name: &str| {
        let copy = ntfs.machine.below(&mirror, &ntfs.machine.home()).join(name);
        copy.metadata().unwrap().permissions().mode() & 0o007
    };
    ntfs.run().exit(0);
    let plain = copy(&ntfs, "docs/a.txt");
    assert_ne!(plain, 0);
    let path = ntfs.said(&mirror);
    ntfs.machine.profile.mirror = format!("{{path: '{path}', access-lists: true}}");
    ntfs.run().exit(0);
    let kept = ["docs", "docs/a.txt"].map(|name| copy(&ntfs, name));
    assert_eq!(kept, [0, 0], "also of files that were copied before");
    ntfs.run().exit(0);
}
