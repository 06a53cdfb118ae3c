//! Searches without a store, and locations that a store does not have.

use std::fs;

use serde_json::Value;

use super::history;
use crate::support::machine::Machine;

/// Of the backups of a store that is away, this computer keeps lists.
#[test]
fn lists_of_this_computer_replace_a_store_that_is_away() {
    let (mut machine, states) = history();
    let [first, .., last] = &states[..] else {
        panic!("{states:?}");
    };
    let asked = |machine: &Machine, code: i32| -> Vec<Value> {
        let path = machine.home().join("docs/b.txt").display().to_string();
        [
            ("find", vec!["b.txt"]),
            ("versions", vec![path.as_str()]),
            ("diff", vec![first.as_str(), last.as_str()]),
        ]
        .map(|(verb, arguments)| {
            let ran = machine.aam(verb, &[&arguments[..], &["--format", "json"]].concat());
            ran.exit(code);
            if code != 0 {
                ran.says("of its backups, only those are searched whose lists this computer keeps")
                    .says("with --local, no store is asked");
            }
            serde_json::from_str(&ran.stdout).unwrap()
        })
        .into()
    };
    let there = asked(&machine, 0);
    let store = machine.path("store");
    fs::rename(&store, machine.path("unplugged")).unwrap();
    assert_eq!(asked(&machine, 3), there);
    // That it is away is what `optional` allows.
    machine.profile.optional = true;
    assert_eq!(asked(&machine, 0), there);
    // Without lists there is nothing to search.
    fs::remove_dir_all(machine.path("state")).unwrap();
    machine.aam("find", &["b.txt"]).exit(1).says("store");
}

/// A mistyped location is not an empty one.
#[test]
fn a_location_that_the_store_does_not_have_is_an_error() {
    let machine = Machine::new();
    // Before the first backup, there is nothing to find.
    machine.aam("sets", &[]).exit(0);
    machine.run(&[]).exit(0);
    let store = machine.path("store").display().to_string();
    let of = |location: &str, more: &[&str]| {
        machine.ended(
            &[
                &["sets", "--location", location, "--directory", &store],
                more,
            ]
            .concat(),
        )
    };
    of("pc", &[]).exit(0).says("location pc");
    for more in [&[][..], &["--timeline"], &["--format", "json"]] {
        of("cp", more)
            .exit(1)
            .says("has no backup of 'cp'")
            .says("holds backups of: pc");
    }
    of("pc", &["--written-before", "2001-01-01"])
        .exit(1)
        .says("received no backup of 'pc' before");
}
