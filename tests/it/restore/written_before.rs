//! Somebody else has the key that uploads: what a store received before a day is restored as it was,
//! whatever was written, overwritten or deleted since, and under whatever names (SPEC#restore).

use std::fs;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::support::bucket::KEYS;
use crate::support::look::look;
use crate::support::machine::{Machine, Ran};
use crate::support::moto;

/// The next full second, after it has come: stores date what they receive by seconds.
fn next_second() -> String {
    let next = Utc::now().timestamp() + 1;
    while Utc::now().timestamp() <= next {
        std::thread::sleep(Duration::from_millis(20));
    }
    let next = DateTime::from_timestamp(next, 0).unwrap();
    next.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A full and an incremental backup of a machine, and a moment after them.
fn backed_up(machine: &Machine) -> String {
    machine.run(&[]).exit(0);
    machine.write("docs/a.txt", "mine");
    machine.run(&[]).exit(0);
    next_second()
}

/// Backups of somebody else under the same location, as objects: as they are, and under the names
/// of ten years ago and of ten years from now.
fn forged(location: &str) -> Vec<(String, Vec<u8>)> {
    let mut thief = Machine::new();
    thief.profile.location = location.to_owned();
    thief.write("docs/a.txt", "stolen");
    thief.run(&[]).exit(0);
    let mut forged = Vec::new();
    for entry in fs::read_dir(thief.path("store")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with(location) {
            continue;
        }
        let year = &name[location.len() + 1..location.len() + 5];
        for other in [year.to_owned(), "2016".to_owned(), "2036".to_owned()] {
            let renamed = name.replacen(year, &other, 1);
            forged.push((renamed, fs::read(&path).unwrap()));
        }
    }
    assert!(forged.len() >= 9, "{}", forged.len());
    forged
}

fn is_mine(to: &Path) -> bool {
    let seen = look(to);
    let file = seen.iter().find(|(path, _)| path.ends_with(b"docs/a.txt"));
    file.is_some_and(|(_, found)| found.content == b"mine")
}

#[test]
fn a_directory_is_restored_as_it_was_before_a_day() {
    let machine = Machine::new();
    let before = backed_up(&machine);
    let count = fs::read_dir(machine.path("store")).unwrap().count();
    for (name, content) in forged(&machine.profile.location) {
        let path = machine.path("store").join(name);
        fs::write(&path, content).unwrap();
        // A writer can set this time.
        filetime::set_file_mtime(&path, filetime::FileTime::from_unix_time(1_500_000_000, 0))
            .unwrap();
    }
    let to = machine.nothing_restored();
    let restore = ["--to", to.to_str().unwrap()];
    let ran = machine.aam("restore", &restore);
    assert!(
        ran.code != Some(0) || !is_mine(&to),
        "the attack is none\n{ran}"
    );
    let to = machine.nothing_restored();
    let early = machine.aam(
        "restore",
        &[&restore[..], &["--written-before", "2020-01-01"]].concat(),
    );
    early
        .exit(1)
        .says("received no backup of")
        .says("choose a later day");
    let to = match to.exists() {
        true => machine.nothing_restored(),
        false => to,
    };
    let ran = machine.aam(
        "restore",
        &[&restore[..], &["--written-before", &before]].concat(),
    );
    ran.exit(0).says("not used");
    assert!(is_mine(&to), "{ran}");
    let listed = machine.aam("sets", &["--written-before", &before]);
    listed.exit(0);
    let all = machine.aam("sets", &[]);
    let states = |ran: &Ran| {
        ran.to_string()
            .lines()
            .filter(|l| l.starts_with("  20"))
            .count()
    };
    assert_eq!(states(&listed), 2, "{listed}\n{all}");
    assert!(states(&all) > 2, "{all}");
    let drilled = machine.aam("restore", &["drill", "--files", "2"]);
    let drilled = match drilled.code {
        // `drill` is a subcommand: the profile comes after it.
        Some(2) => machine.ended(&[
            "restore",
            "drill",
            machine.path("profile.yaml").to_str().unwrap(),
            "--written-before",
            &before,
        ]),
        _ => drilled,
    };
    drilled.exit(0);
    assert!(count > 3);
}

/// A machine with a bucket that keeps versions, or not.
fn with_bucket(versions: bool) -> Machine {
    let mut machine = Machine::new();
    machine.add_bucket("STANDARD");
    let bucket = machine.bucket.as_ref().unwrap();
    let status = if versions { "Enabled" } else { "Suspended" };
    let xml = format!(
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Status>{status}</Status></VersioningConfiguration>"
    );
    if versions {
        let path = format!("/{}?versioning", bucket.name);
        let answer = moto::slow().request("PUT", &path, &[], xml.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    machine
}

/// Writes forged backups, overwrites the newest one and deletes from the one that it rests on.
fn attack(machine: &Machine) {
    let bucket = &machine.bucket.as_ref().unwrap().name;
    let put = |name: &str, content: &[u8]| {
        // Object Lock wants it.
        let headers = [("x-amz-sdk-checksum-algorithm", "CRC32")];
        let answer = moto::slow().request("PUT", &format!("/{bucket}/{name}"), &headers, content);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let mine = machine.in_bucket();
    for name in &mine {
        match name.contains("_0_0.0_") {
            true if name.contains("_yes_") => {}
            true => machine.remove_from_bucket(name),
            false => put(name, b"junk"),
        }
    }
    for (name, content) in forged(&machine.profile.location) {
        put(&name, &content);
    }
}

#[test]
fn a_bucket_with_versions_is_restored_as_it_was_before_a_day() {
    let machine = with_bucket(true);
    let before = backed_up(&machine);
    attack(&machine);
    let to = machine.nothing_restored();
    let place = ["--to", to.to_str().unwrap(), "--yes"];
    let ran = machine.restore_bare(&place);
    assert!(
        ran.code != Some(0) || !is_mine(&to),
        "the attack is none\n{ran}"
    );
    let to = machine.nothing_restored();
    let ran = machine.restore_bare(&[&place[..], &["--written-before", &before]].concat());
    ran.exit(0)
        .says("overwritten or deleted since read as before");
    assert!(is_mine(&to), "{ran}");
}

/// The same in a bucket whose versions nobody can delete.
#[test]
fn a_bucket_with_object_lock_is_restored_as_it_was_before_a_day() {
    let machine = with_bucket(true);
    let bucket = &machine.bucket.as_ref().unwrap().name;
    let xml = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>\
               <DefaultRetention><Mode>COMPLIANCE</Mode><Days>60</Days></DefaultRetention></Rule>\
               </ObjectLockConfiguration>";
    let path = format!("/{bucket}?object-lock");
    let answer = moto::slow().request("PUT", &path, &[], xml.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let before = backed_up(&machine);
    let path = format!("/{bucket}?versions");
    let listed = moto::slow().request("GET", &path, &[], b"").text();
    let part = |begin: &str, end: &str| {
        let (_, rest) = listed.split_once(begin).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let (key, id) = (part("<Key>", "</Key>"), part("<VersionId>", "</VersionId>"));
    let path = format!("/{bucket}/{key}?versionId={id}");
    let answer = moto::slow().request("DELETE", &path, &[], b"");
    assert_eq!(answer.status, 403, "{}", answer.text());
    attack(&machine);
    let to = machine.nothing_restored();
    let options = ["--to", to.to_str().unwrap(), "--written-before", &before];
    let ran = machine.restore_bare(&[&options[..], &["--yes"]].concat());
    ran.exit(0);
    assert!(is_mine(&to), "{ran}");
}

/// The same in four steps. (Moto thaws no older versions, so nothing is archived.)
#[test]
fn four_steps_restore_a_bucket_as_it_was() {
    let machine = with_bucket(true);
    let before = backed_up(&machine);
    attack(&machine);
    let to = machine.nothing_restored();
    let options = ["--to", to.to_str().unwrap(), "--written-before", &before];
    let profile = machine.path("profile.yaml");
    let step = |step: &str, options: &[&str]| {
        let begin = ["restore", step, profile.to_str().unwrap(), "--from", "s3"];
        let mut command = machine.command(&[&begin[..], options].concat());
        Ran::of(command.envs(KEYS).output().unwrap())
    };
    step("request", &[&options[..], &["--yes"]].concat()).exit(0);
    // The moment is remembered.
    let bare = ["--to", to.to_str().unwrap()];
    step("download", &bare).exit(0);
    step("status", &bare).exit(0);
    step("extract", &bare).exit(0);
    assert!(is_mine(&to));
}

#[test]
fn without_versions_what_was_overwritten_is_missed_and_the_rest_is_restored() {
    let machine = with_bucket(false);
    let before = backed_up(&machine);
    let bucket = &machine.bucket.as_ref().unwrap().name;
    let newest = machine.in_bucket();
    let marker = newest
        .iter()
        .find(|n| n.contains("_yes_") && !n.contains("_0_0.0_"));
    let path = format!("/{bucket}/{}", marker.unwrap());
    moto::slow().request("PUT", &path, &[], b"junk");
    let to = machine.nothing_restored();
    let options = [
        "--to",
        to.to_str().unwrap(),
        "--yes",
        "--written-before",
        &before,
    ];
    let ran = machine.restore_bare(&options);
    ran.exit(0).says("was not finished");
    let seen = look(&to);
    let file = seen.iter().find(|(path, _)| path.ends_with(b"docs/a.txt"));
    assert_eq!(file.unwrap().1.content, b"one", "{ran}");
}
