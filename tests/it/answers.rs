//! Answers in JSON: what the real program prints fits the schema that is checked in, and the schema
//! names every key of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::golden;
use crate::support::machine::{Machine, Ran};

const DESCRIBED: [&str; 16] = [
    "check",
    "plan",
    "run",
    "status",
    "sets",
    "locations",
    "explain",
    "doctor",
    "find",
    "ls",
    "diff",
    "prune",
    "verify",
    "copy",
    "restore-status",
    "schedule-status",
];

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn schema(name: &str) -> Value {
    let path = schemas().join(format!("{name}.schema.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The schema with no room for keys that it does not name.
fn closed(name: &str) -> Value {
    let mut schema = schema(name);
    let close = |shape: &mut Value| {
        if shape.to_string().contains("\"properties\"") {
            shape["unevaluatedProperties"] = json!(false);
        }
    };
    for shape in schema["$defs"].as_object_mut().into_iter().flatten() {
        close(shape.1);
    }
    close(&mut schema);
    schema
}

/// The answer, which fits.
#[track_caller]
pub fn fitting(name: &str, text: &str) -> Value {
    let answer: Value =
        serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    assert_eq!(answer["version"], 1, "{name}");
    let validator = jsonschema::validator_for(&closed(name)).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(&answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{name}: {problems:#?}\n{text}");
    answer
}

#[test]
fn the_schemas_of_answers_are_checked_in() {
    let machine = Machine::new();
    for name in DESCRIBED {
        let printed = machine.ended(&["schema", name]);
        printed.exit(0);
        golden::compare(
            &schemas().join(format!("{name}.schema.json")),
            &printed.stdout,
        );
        let schema = schema(name);
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(schema["$id"], format!("urn:aam-backup:{name}:1"));
        let old: Value =
            serde_json::from_str(&machine.ended(&["schema", name, "--draft", "7"]).stdout).unwrap();
        jsonschema::meta::validate(&old).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A schema that accepts anything proves nothing.
#[test]
fn a_schema_refuses_another_answer() {
    for name in DESCRIBED {
        for wrong in [json!([]), json!({"version": 1}), json!({"version": 2})] {
            assert!(
                !jsonschema::is_valid(&schema(name), &wrong),
                "{name}: {wrong}"
            );
        }
    }
}

fn asked(machine: &Machine, verb: &str, arguments: &[&str]) -> Ran {
    machine.aam(verb, &[arguments, &["--format", "json"]].concat())
}

/// A mirror and a store, two backups with new, changed, moved and deleted files, and a missing
/// source.
#[test]
fn answers_fit_their_schemas() {
    let machine = Machine::new();
    machine.write("pics/q.jpg", "stays");
    // Enough of them that a run may delete two.
    for number in 0..10 {
        machine.write(&format!("docs/{number}.txt"), "same");
    }
    let plan = fitting("plan", &asked(&machine, "plan", &[]).exit(0).stdout);
    assert_eq!(plan["plan"]["archive"]["scope"]["kind"], "full");
    // Nanoseconds are beyond what a reader of JSON takes exactly.
    assert!(plan["plan"]["stages"][0]["started"].is_string(), "{plan}");
    let first = fitting("run", &asked(&machine, "run", &[]).exit(0).stdout);
    assert_eq!(
        (&first["exit-code"], &first["run"]["outcome"]),
        (&json!(0), &json!("success"))
    );
    machine.write("docs/b.txt", "two and more");
    machine.write("docs/new.txt", "new");
    fs::remove_file(machine.home().join("docs/a.txt")).unwrap();
    let from = machine.home().join("pics/p.jpg");
    fs::rename(from, machine.home().join("docs/p.jpg")).unwrap();
    let plan = fitting("plan", &asked(&machine, "plan", &[]).exit(0).stdout);
    assert_eq!(plan["plan"]["archive"]["scope"]["kind"], "incremental");
    asked(&machine, "run", &[]).exit(0);

    let sets = fitting("sets", &asked(&machine, "sets", &[]).exit(0).stdout);
    let set = &sets["stores"][0]["sets"][0];
    assert_eq!(set["incrementals"][0]["complete"], true, "{sets}");
    let all = asked(&machine, "sets", &["--all-locations", "--max-age", "1h"]);
    let all = fitting("locations", &all.exit(0).stdout);
    assert_eq!(all["stores"][0]["locations"][0]["stale"], false);
    let status = fitting("status", &asked(&machine, "status", &[]).exit(0).stdout);
    assert_eq!(status["profiles"][0]["runs"][1]["outcome"], "success");
    let doctor = fitting("doctor", &asked(&machine, "doctor", &[]).stdout);
    assert!(doctor["findings"].as_array().unwrap().len() > 5);
    let found = fitting("find", &asked(&machine, "find", &["*"]).exit(0).stdout);
    assert_eq!(found["states"].as_array().unwrap().len(), 2);
    let path = machine.home().join("docs/b.txt");
    let versions = asked(&machine, "versions", &[path.to_str().unwrap()]);
    fitting("find", &versions.exit(0).stdout);
    let listed = asked(&machine, "ls", &["--recursive"])
        .exit(0)
        .stdout
        .clone();
    assert!(
        !fitting("ls", &listed)["paths"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let (older, newer) = (&found["states"][0], &found["states"][1]);
    let states = [older.as_str().unwrap(), newer.as_str().unwrap()];
    let diff = fitting("diff", &asked(&machine, "diff", &states).exit(0).stdout);
    let changes = diff["paths"].as_array().unwrap().iter();
    let changes: Vec<&str> = changes.map(|p| p["change"].as_str().unwrap()).collect();
    for change in ["new", "changed", "moved", "gone"] {
        assert!(changes.contains(&change), "{change}: {diff}");
    }
}

#[test]
fn answers_about_trouble_fit_their_schemas() {
    let mut machine = Machine::new();
    let path = machine.home().join("docs/a.txt");
    let outside = ["/nowhere", "--file"];
    for (arguments, selected) in [(&[path.to_str().unwrap()][..], true), (&outside, false)] {
        let ran = asked(&machine, "explain", arguments);
        let explained = fitting("explain", &ran.exit(0).stdout);
        assert_eq!(explained["selected"], selected, "{explained}");
    }
    let valid = machine.aam("check", &["--format", "json"]);
    fitting("check", &valid.exit(0).stdout);
    fs::write(machine.path("broken.yaml"), "version: 1\nname: a b\n").unwrap();
    let broken = machine.path("broken.yaml").display().to_string();
    let refused = machine.ended(&["check", "--format", "json", &broken]);
    let refused = fitting("check", &refused.exit(2).stdout);
    assert!(
        !refused["profiles"][0]["diagnostics"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // A source is missing: a warning, a failure, and a run of a broken profile.
    machine.profile.source("/tmp/no-such-directory".as_ref());
    let plan = asked(&machine, "plan", &[]);
    let plan = fitting("plan", &plan.exit(1).stdout);
    assert!(
        !plan["plan"]["findings"].as_array().unwrap().is_empty(),
        "{plan}"
    );
    let failed = fitting("run", &asked(&machine, "run", &[]).exit(1).stdout);
    assert_eq!(failed["run"]["outcome"], "failure");
    let invalid = machine.ended(&["run", "--format", "json", &broken]);
    let invalid = fitting("run", &invalid.exit(2).stdout);
    assert_eq!(invalid["run"]["outcome"], "invalid");
    fitting("doctor", &asked(&machine, "doctor", &[]).exit(1).stdout);
    // Several profiles: a line for each.
    let both = machine.aam("run", &[&broken, "--format", "json"]);
    assert_eq!(both.stdout.lines().count(), 2, "{both}");
    both.stdout
        .lines()
        .for_each(|line| drop(fitting("run", line)));
}

#[test]
fn answers_about_old_sets_and_copies_fit_their_schemas() {
    let mut machine = Machine::new();
    machine.profile.keep = Some("at-least: 1".to_owned());
    machine.run(&[]).exit(0);
    machine.run(&["--force-full"]).exit(0);
    let sets = fitting("sets", &asked(&machine, "sets", &[]).exit(0).stdout);
    let first = &sets["stores"][0]["sets"][0];
    assert!(first["not-kept"].is_string(), "{sets}");
    let shown = machine.aam("sets", &["--timeline"]).exit(0).stdout.clone();
    assert!(
        shown.contains("sets that the next prune deletes, and why:\n"),
        "{shown}"
    );
    let verified = asked(&machine, "verify", &["--all"]);
    let verified = fitting("verify", &verified.exit(0).stdout);
    assert!(verified["places"].as_array().unwrap().len() == 2);
    let profile = machine.path("profile.yaml").display().to_string();
    let status = machine.ended(&["restore", "status", &profile, "--format", "json"]);
    let status = fitting("restore-status", &status.exit(0).stdout);
    assert_eq!(status["volumes"][0]["state"], "here", "{status}");
    let place = machine.path("copied").display().to_string();
    fs::create_dir(&place).unwrap();
    let copied = asked(&machine, "copy", &["--to-directory", &place]);
    let copied = fitting("copy", &copied.exit(0).stdout);
    assert_eq!(copied["copied"].as_array().unwrap().len(), 2, "{copied}");
    let pruned = asked(&machine, "prune", &["--yes"]);
    let pruned = fitting("prune", &pruned.exit(0).stdout);
    assert_eq!(pruned["stores"][0]["sets"][0]["goes"], true, "{pruned}");
}
