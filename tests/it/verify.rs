//! `verify`: damage in the mirror and in the stores is found on any day.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::machine::{Machine, below};

/// A disk that returns another byte, without a word.
fn flip(path: &Path) {
    let before = fs::metadata(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    let modified = filetime::FileTime::from_last_modification_time(&before);
    filetime::set_file_mtime(path, modified).unwrap();
}

fn copy_of(machine: &Machine, path: &str) -> PathBuf {
    below(&machine.path("mirror"), &machine.home().join(path))
}

/// The path of the only stored object whose key has a phrase.
fn stored(machine: &Machine, phrase: &str) -> PathBuf {
    let keys = machine.stored().into_iter();
    let found: Vec<String> = keys.filter(|key| key.contains(phrase)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    machine.path("store").join(&found[0])
}

fn stamp(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    name["pc_".len()..][..22].to_owned()
}

fn json(machine: &Machine, arguments: &[&str], code: i32) -> Value {
    let ran = machine.aam("verify", &[arguments, &["--format", "json"]].concat());
    ran.exit(code);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn what_is_damaged_in_the_mirror_is_found() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    machine
        .aam("verify", &["--all"])
        .exit(0)
        .says("everything is verified")
        .says("3 verified")
        .says("no damage found");
    // One of three at least, however the lots fall, and with its seed the same again.
    let sample = json(&machine, &["--destination", "mirror"], 0);
    assert_eq!(sample["sample"]["percent"], 5.0);
    let checked = &sample["places"][0]["checked"];
    assert!((1..=3).contains(&checked.as_u64().unwrap()), "{checked}");
    let seed = sample["sample"]["seed"].to_string();
    let again = json(&machine, &["--destination", "mirror", "--seed", &seed], 0);
    assert_eq!(again["sample"], sample["sample"]);
    assert_eq!(&again["places"][0]["checked"], checked);

    flip(&copy_of(&machine, "docs/a.txt"));
    fs::remove_file(copy_of(&machine, "docs/b.txt")).unwrap();
    machine.write("pics/p.jpg", "other");
    machine
        .aam("verify", &["--all"])
        .exit(1)
        .says("docs/a.txt': the copy differs from the source at byte 1")
        .says("docs/b.txt': the copy is missing")
        .says("hint: compare both")
        .says("pics/p.jpg': changed since the backup")
        .says("DAMAGE FOUND");
    let found = json(&machine, &["--all"], 1);
    let mirror = &found["places"][0];
    assert_eq!(mirror["damaged"].as_array().unwrap().len(), 2, "{mirror}");
    assert_eq!(mirror["changed"].as_array().unwrap().len(), 1, "{mirror}");
    fs::rename(machine.path("mirror"), machine.path("away")).unwrap();
    machine.aam("verify", &[]).exit(1).says("attach its disk");
}

#[test]
fn a_mirror_without_archives_is_verified_too() {
    let mut machine = Machine::new();
    machine.mirror_only();
    machine.run(&[]).exit(0);
    machine.aam("verify", &["--all"]).exit(0);
    flip(&copy_of(&machine, "pics/p.jpg"));
    machine.aam("verify", &["--all"]).exit(1).says("p.jpg'");
}

#[test]
fn what_is_damaged_in_a_store_is_found_with_what_it_costs() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    let full = stamp(&stored(&machine, "_no_"));
    let volume = stored(&machine, "_no_");
    machine.write("docs/new.txt", "new");
    machine.run(&[]).exit(0);
    let of_it = |key: &String| key.contains("_yes_") && !key.contains("_0_0.0_");
    let last = machine.stored().into_iter().find(of_it).unwrap();
    let last = last["pc_".len() + full.len() + 1..][..22].to_owned();
    machine.aam("verify", &["--all"]).exit(0).says("4 verified");

    flip(&volume);
    machine
        .aam("verify", &["--all"])
        .exit(1)
        .says("its SHA-256 is")
        .says(&format!("needed by: {full}, {last}"))
        .says("--force-full");
    flip(&volume);
    machine.aam("verify", &["--all"]).exit(0);

    let gone = machine.stored().into_iter();
    let gone = gone.filter(|key| key.contains(&last) && key.contains("_no_"));
    for key in gone {
        fs::remove_file(machine.path("store").join(key)).unwrap();
    }
    let found = json(&machine, &["--all", "--destination", "directory"], 1);
    let damaged = found["places"][0]["damaged"].as_array().unwrap();
    let costs: Vec<&Value> = damaged.iter().map(|one| &one["costs"]).collect();
    assert!(!costs.is_empty());
    assert!(
        costs
            .iter()
            .all(|one| **one == Value::from(vec![last.clone()])),
        "{costs:?}"
    );
}

#[test]
fn what_is_archived_is_not_thawed() {
    let mut machine = Machine::new();
    machine.add_bucket("DEEP_ARCHIVE");
    machine.run(&[]).exit(0);
    let verify = ["--all", "--destination", "s3"];
    machine
        .aam("verify", &verify)
        .exit(2)
        .says("to be read from s3://")
        .says("add --yes to confirm");
    let found = json(&machine, &[&verify[..], &["--yes"]].concat(), 0);
    let bucket = &found["places"][0];
    assert_eq!(bucket["checked"], 1, "the manifest: {bucket}");
    let left = bucket["not-checked"].as_array().unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0]["why"].as_str().unwrap().contains("archived"));
}
