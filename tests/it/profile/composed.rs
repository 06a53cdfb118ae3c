//! Profiles that extend others, variables in paths, and `show`.

use std::fs;

use super::{run, said};

const BASE: &str = "\
version: 1
location: office-pc
exclude:
  directories: [node_modules]
destinations:
  directory: {path: '${BACKUP}/archives'}
archive:
  encryption-key: {command: [pass, show, hunter2]}
  format: 7z
ping: {success: 'https://hc-ping.com/hunter2'}
variables:
  BACKUP: /mnt/backup
";

const OWN: &str = "\
extends: _base.yaml
name: photos
sources:
  - ~/Pictures
exclude:
  +directories: ['*.lrdata']
archive:
  format: zip
";

fn desk(own: &str, base: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("profiles")).unwrap();
    fs::write(dir.path().join("profiles/photos.yaml"), own).unwrap();
    fs::write(dir.path().join("profiles/_base.yaml"), base).unwrap();
    dir
}

#[test]
fn a_profile_extends_another_one() {
    let dir = desk(OWN, BASE);
    let (code, stdout, stderr) = said(&run(dir.path(), &["check", "photos"]));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            0,
            "OK: photos, 1 source, destinations: directory /mnt/backup/archives\n",
            ""
        )
    );
    let (_, stdout, _) = said(&run(dir.path(), &["explain", "photos", "/x", "--file"]));
    assert!(stdout.starts_with("OUT"), "{stdout}");
    let home = dir.path().join("Pictures/a.jpg").display().to_string();
    let (_, stdout, _) = said(&run(dir.path(), &["explain", "photos", &home, "--file"]));
    assert!(stdout.starts_with("IN"), "{stdout}");
    for left_out in ["node_modules", "p.lrdata"] {
        let path = dir
            .path()
            .join("Pictures")
            .join(left_out)
            .display()
            .to_string();
        let asked = ["explain", "photos", &path, "--directory"];
        let (_, stdout, _) = said(&run(dir.path(), &asked));
        assert!(stdout.starts_with("OUT"), "{stdout}");
    }
    // A part is not a profile.
    let (code, _, stderr) = said(&run(dir.path(), &["check", "_base"]));
    assert!(
        code == 2 && stderr.contains("no profile with this name"),
        "{stderr}"
    );
}

#[test]
fn show_says_where_each_value_comes_from() {
    let dir = desk(OWN, BASE);
    let (code, stdout, stderr) = said(&run(dir.path(), &["show", "photos"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(!stdout.contains("hunter2"), "{stdout}");
    let line = |start: &str| {
        let found = stdout
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}\n{stdout}"))
    };
    for (start, origin) in [
        ("name: photos", "profiles/photos.yaml:2"),
        ("location: office-pc", "_base.yaml:2"),
        ("- node_modules", "_base.yaml:4"),
        ("- '*.lrdata'", "photos.yaml:6"),
        ("path: /mnt/backup/archives", "_base.yaml:6"),
        ("format: zip", "photos.yaml:8"),
        ("volume-size: 4000000000", "# default"),
        ("force-full: when-profile-changes", "# default"),
        ("BACKUP: /mnt/backup", "_base.yaml:12"),
    ] {
        assert!(line(start).ends_with(origin), "{}", line(start));
    }
    assert!(
        line("command:").contains("- pass")
            || stdout.contains("[pass,")
            || stdout.contains("- pass")
    );
    // What it prints is a profile again.
    fs::write(dir.path().join("shown.yaml"), &stdout).unwrap();
    let (code, _, stderr) = said(&run(dir.path(), &["check", "shown.yaml"]));
    assert_eq!(code, 0, "{stderr}\n{stdout}");
}

#[test]
fn mistakes_are_shown_in_the_file_in_which_they_are() {
    for (own, base, expected) in [
        (
            OWN.to_owned(),
            BASE.replace("office-pc", "office_pc"),
            "_base.yaml:2:11: /location: the location 'office_pc' contains an underscore",
        ),
        (
            OWN.replace("~/Pictures", "${NO_SUCH_PLACE}/x"),
            BASE.to_owned(),
            "photos.yaml:4:5: /sources/0: the variable 'NO_SUCH_PLACE' is not defined",
        ),
        (
            OWN.to_owned(),
            BASE.replace("  BACKUP: /mnt/backup", "  OTHER: /mnt/backup"),
            "_base.yaml:6:21: /destinations/directory/path: the variable 'BACKUP' is not defined",
        ),
        (
            OWN.replace("_base", "_gone"),
            BASE.to_owned(),
            "photos.yaml:1:10: /extends: 'profiles/_gone.yaml' cannot be read",
        ),
        (
            OWN.to_owned(),
            BASE.replace("format: 7z", "encryption-key: hunter2"),
            "_base.yaml:9:3: /archive/encryption-key: the key 'encryption-key' is given twice",
        ),
        (
            OWN.replace("  +directories:", "  +directory:"),
            BASE.to_owned(),
            "photos.yaml:6:3: /exclude/directory: unknown key 'directory'",
        ),
    ] {
        let dir = desk(&own, &base);
        let (code, _, stderr) = said(&run(dir.path(), &["check", "photos"]));
        assert!(
            code == 2 && stderr.contains(expected),
            "{expected}\n{stderr}"
        );
        assert!(!stderr.contains("hunter2"), "{stderr}");
        // Nothing follows from it.
        assert_eq!(stderr.matches("yaml:").count(), 1, "{stderr}");
    }
}
