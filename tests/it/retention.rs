//! Which sets stay in a store, and many locations at a glance.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::harm::Mounted;
use crate::support::machine::Machine;

/// Copies the newest set in the store under other stamps, as if it had been made then.
fn age(machine: &Machine, days: &[&str]) {
    let store = machine.path("store");
    let keys: Vec<String> = machine.stored().into_iter().collect();
    let newest = keys
        .iter()
        .map(|key| key["pc_".len()..][..22].to_owned())
        .max()
        .unwrap();
    for day in days {
        for key in keys.iter().filter(|key| key.contains(&newest)) {
            let copy = key.replace(&newest, &format!("{day}_010000.000000"));
            fs::copy(store.join(key), store.join(copy)).unwrap();
        }
    }
}

/// The days of the sets of which anything is in the store.
fn days(machine: &Machine) -> BTreeSet<String> {
    let keys = machine.stored().into_iter();
    keys.filter_map(|key| Some(key.get("pc_".len()..)?.get(..22)?[..8].to_owned()))
        .collect()
}

/// How many sets the store has anything of.
fn sets(machine: &Machine) -> usize {
    let keys = machine.stored().into_iter();
    let stamps = keys.filter_map(|key| Some(key.get("pc_".len()..)?.get(..22)?.to_owned()));
    stamps.collect::<BTreeSet<String>>().len()
}

const OLD: [&str; 5] = ["20240105", "20240205", "20250105", "20250903", "20250910"];

fn keep(machine: &mut Machine, rules: &str) {
    machine.profile.keep = Some(rules.to_owned());
}

#[test]
fn prune_shows_asks_and_deletes_whole_sets() {
    let mut machine = Machine::new();
    machine.run(&[]).exit(0);
    age(&machine, &OLD);
    let stranger = machine.path("store/pc_notes.txt");
    fs::write(&stranger, "mine").unwrap();
    machine
        .aam("prune", &[])
        .exit(2)
        .says("does not say which sets to keep")
        .says("add `keep: {monthly: 12, yearly: 5}` to destinations.directory");
    keep(&mut machine, "monthly: 2, yearly: 2, at-least: 1");
    let before = machine.stored();
    machine
        .aam("prune", &["--dry-run"])
        .exit(0)
        .says("20240105_010000.000000  goes   1        ")
        .says("no rule of keep covers it")
        .says("monthly: 2 (202509)")
        .says("4 sets to delete")
        .says("1 other object stays");
    machine.aam("prune", &[]).exit(2).says("not confirmed");
    assert_eq!(machine.stored(), before);
    let json = machine.aam("prune", &["--dry-run", "--format", "json"]);
    let plans: Value = serde_json::from_str(&json.stdout).unwrap();
    let goes = plans["stores"][0]["sets"].as_array().unwrap().iter();
    assert_eq!(goes.filter(|set| set["goes"] == true).count(), 4);
    machine
        .aam("prune", &["--yes"])
        .exit(0)
        .says("deleted the set 20240105_010000.000000");
    let left = days(&machine);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains("20250910") && stranger.exists());
    machine.aam("prune", &[]).exit(0).says("0 sets to delete");
    let to = machine.nothing_restored();
    machine
        .aam("restore", &["--to", to.to_str().unwrap()])
        .exit(0);
    machine.run(&[]).exit(0).says("incremental backup");
}

#[test]
fn a_run_prunes_after_a_success_only() {
    let mut machine = Machine::new();
    machine.run(&[]).exit(0);
    age(&machine, &OLD);
    keep(&mut machine, "at-least: 1, automatic: true");
    let missing = machine.path("missing");
    machine.profile.source(&missing);
    machine.run(&[]).exit(1);
    assert_eq!(days(&machine).len(), 6, "a failed run prunes nothing");
    machine.profile.sources.pop();
    machine
        .run(&[])
        .exit(0)
        .says("deleted the set 20250910_010000.000000");
    assert_eq!(days(&machine).len(), 1);
    machine
        .aam("find", &["a.txt"])
        .exit(0)
        .says("searched 1 state, ");
}

#[test]
fn a_set_that_alone_has_a_source_stays() {
    let mut machine = Machine::new();
    let stick = machine.path("stick");
    fs::create_dir(&stick).unwrap();
    fs::write(stick.join("only.txt"), "only here").unwrap();
    machine.profile.sources.push((stick.clone(), true));
    keep(&mut machine, "at-least: 1");
    machine.run(&[]).exit(0);
    fs::rename(&stick, machine.path("away")).unwrap();
    // A source on another mount makes a full backup necessary.
    machine.add_other();
    machine.run(&[]).exit(3).says("full backup!");
    assert_eq!(sets(&machine), 2);
    machine
        .aam("prune", &["--yes"])
        .exit(0)
        .says("no newer set has '")
        .says("stick'")
        .says("0 sets to delete");
    machine.aam("sets", &[]).exit(0).says("complete");
    assert_eq!(sets(&machine), 2);
    // A source that is no longer in the profile keeps no set.
    let sources = machine.profile.sources.clone();
    machine.profile.sources.retain(|(path, _)| *path != stick);
    machine
        .aam("prune", &["--dry-run"])
        .exit(0)
        .says("1 set to delete");
    machine.profile.sources = sources;
    fs::rename(machine.path("away"), &stick).unwrap();
    machine.run(&["--force-full"]).exit(0);
    machine
        .aam("prune", &["--yes"])
        .exit(0)
        .says("2 sets to delete");
    assert_eq!(sets(&machine), 1);
}

#[test]
fn a_prune_that_was_killed_is_finished_by_the_next() {
    let mut machine = Machine::new();
    machine.run(&[]).exit(0);
    age(&machine, &OLD[..1]);
    keep(&mut machine, "at-least: 1");
    let marker = machine.stored().into_iter();
    let marker = marker.filter(|key| key.contains("20240105") && key.contains("_yes_"));
    // What is left after the first object.
    for key in marker {
        fs::remove_file(machine.path("store").join(key)).unwrap();
    }
    machine.aam("sets", &[]).exit(0).says("not complete");
    machine
        .aam("prune", &["--yes"])
        .exit(0)
        .says("it is not complete, and a newer set is")
        .says("deleted the set 20240105");
    assert_eq!(days(&machine).len(), 1);
}

#[test]
fn a_bucket_is_pruned_if_the_key_may_delete() {
    let mut machine = Machine::new();
    machine.add_bucket("STANDARD");
    machine.run(&[]).exit(0);
    machine.run(&["--force-full"]).exit(0);
    let before = machine.in_bucket();
    machine.profile.more_destinations =
        machine
            .profile
            .more_destinations
            .replacen("{bucket:", "{keep: {at-least: 1}, bucket:", 1);
    machine
        .aam("prune", &["--yes", "--from", "s3"])
        .exit(0)
        .says("deleted the set");
    let after = machine.in_bucket();
    assert!(
        after.len() * 2 == before.len() && after.is_subset(&before),
        "{after:?}"
    );
    machine.aam("prune", &["--from", "directory"]).exit(2);
}

#[test]
fn all_locations_of_a_store() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    let store = machine.path("store");
    let old = "laptop_20260105_010000.000000_0_0.0";
    for name in ["no_a.zip.001", "yes_a"] {
        fs::write(store.join(format!("{old}_{name}")), "x").unwrap();
    }
    fs::write(
        store.join("nas_20260105_010000.000000_0_0.0_no_a.zip.001"),
        "x",
    )
    .unwrap();
    machine
        .aam("sets", &["--all-locations"])
        .exit(0)
        .says("3 locations")
        .says("1 incomplete");
    let metrics = machine.path("fleet.prom");
    let place = ["--directory", store.to_str().unwrap(), "--all-locations"];
    let limits = ["--max-age", "26h", "--metrics", metrics.to_str().unwrap()];
    let bare = machine.ended(&[&["sets"], &place[..], &limits].concat());
    bare.exit(3)
        .says("no complete backup within 1day 2h: laptop, nas");
    let written = fs::read_to_string(&metrics).unwrap();
    assert!(written.contains("location=\"nas\"} 0\n"), "{written}");
    let json = machine.ended(&[&["sets"], &place[..], &["--format", "json"]].concat());
    let reports: Value = serde_json::from_str(&json.exit(0).stdout).unwrap();
    assert_eq!(reports["stores"][0]["locations"][1]["location"], "nas");
    machine
        .ended(&["sets", "--all-locations"])
        .exit(2)
        .says("no store is named");
}

#[test]
fn several_profiles_in_one_run() {
    let machine = Machine::new();
    let profiles = machine.path("profiles");
    fs::create_dir(&profiles).unwrap();
    let profile = |path: &Path, name: &str| {
        let text = machine
            .profile
            .text()
            .replacen("name: test", &format!("name: {name}"), 1);
        assert!(text.contains(&format!("name: {name}")), "{text}");
        fs::write(
            path,
            text.replacen("location: pc", &format!("location: {name}"), 1),
        )
        .unwrap();
    };
    profile(&profiles.join("one.yaml"), "one");
    profile(&profiles.join("two.yaml"), "two");
    fs::write(profiles.join("three.yaml"), "version: 1\n").unwrap();
    let directory = profiles.to_str().unwrap();
    machine
        .ended(&["--profiles", directory, "run", "--all"])
        .exit(2);
    machine
        .ended(&["--profiles", directory, "run", "one", "two"])
        .exit(0);
    let stored = machine.stored();
    for name in ["one", "two"] {
        let of = stored
            .iter()
            .filter(|key| key.starts_with(&format!("{name}_")) && key.contains("_yes_"));
        assert_eq!(of.count(), 2, "two backups of {name}: {stored:?}");
    }
    machine
        .ended(&["--profiles", directory, "status", "one"])
        .exit(0)
        .says("last success");
}

/// The names of the objects in a directory.
fn objects(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("pc_")).collect()
}

#[test]
fn a_copy_is_whole_thawed_and_resumed() {
    let mut machine = Machine::new();
    machine.add_bucket("DEEP_ARCHIVE");
    machine.run(&[]).exit(0);
    machine.write("docs/new.txt", "new");
    machine.run(&[]).exit(0);
    let second = machine.path("second");
    fs::create_dir(&second).unwrap();
    let to = ["--to-directory", second.to_str().unwrap()];
    let copy = |more: &[&str]| machine.aam("copy", &[&to[..], more].concat());
    copy(&["--from", "s3"]).exit(2).says("not confirmed");
    assert!(objects(&second).is_empty());
    copy(&["--from", "s3", "--yes", "--poll-every", "1s"])
        .exit(0)
        .says("copied 2 backups (6 objects");
    assert_eq!(objects(&second), machine.stored());
    copy(&["--from", "s3"])
        .exit(0)
        .says("copied 0 backups")
        .says("2 backups there already");
    // As an interrupt leaves it: the last backup without its marker and its manifest.
    for key in objects(&second) {
        let is_full = key.contains("_0_0.0_");
        if !is_full && (key.contains("_yes_") || key.contains("_manifest_")) {
            fs::remove_file(second.join(key)).unwrap();
        }
    }
    copy(&["--from", "directory"])
        .exit(0)
        .says("copied 1 backup (2 objects");
    let back = machine.nothing_restored();
    let place = ["--location", "pc", "--directory", second.to_str().unwrap()];
    let restore = [
        "restore",
        "--key-env",
        "AAM_TEST_KEY",
        "--to",
        back.to_str().unwrap(),
    ];
    machine.ended(&[&restore[..], &place].concat()).exit(0);
    assert_eq!(
        fs::read_to_string(back.join("1/docs/new.txt")).unwrap(),
        "new"
    );
}

#[test]
fn a_damaged_object_is_not_copied() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    let second = machine.path("second");
    fs::create_dir(&second).unwrap();
    let volume = machine
        .stored()
        .into_iter()
        .find(|key| key.contains("_no_"))
        .unwrap();
    let volume = machine.path("store").join(volume);
    let mut bytes = fs::read(&volume).unwrap();
    bytes[20] ^= 1;
    fs::write(&volume, bytes).unwrap();
    let to = ["--to-directory", second.to_str().unwrap()];
    machine
        .aam("copy", &to)
        .exit(1)
        .says("is damaged")
        .says("the copy is NOT complete");
    assert!(objects(&second).iter().all(|key| !key.contains("_yes_")));
    machine
        .aam("copy", &[&to[..], &["--set", "2001"]].concat())
        .exit(1)
        .says("complete set '2001'");
    machine
        .aam("copy", &["--to", "directory"])
        .exit(2)
        .says("the same store");
}

#[test]
fn a_full_store_says_what_pruning_frees() {
    let mut machine = Machine::new();
    let store = machine.path("small store");
    let Some(_disk) = Mounted::of_size(&store, 300) else {
        return;
    };
    machine.profile.store = Some(store.clone());
    keep(&mut machine, "at-least: 1");
    machine.run(&[]).exit(0);
    fs::write(
        store.join("pc_20240105_010000.000000_0_0.0_no_a.zip.001"),
        vec![0; 100_000],
    )
    .unwrap();
    // What cannot be compressed.
    let mut seed = 7_u32;
    let noise: String = (0..250_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b' ' + (seed >> 24) as u8 % 90)
        })
        .collect();
    machine.write("docs/noise", &noise);
    let full = machine.aam("run", &[]);
    full.exit(1)
        .says("`aam-backup prune test` would free 100.0 kB (1 old set)");
    machine.aam("prune", &["--yes"]).exit(0);
    machine.run(&[]).exit(0);
}
