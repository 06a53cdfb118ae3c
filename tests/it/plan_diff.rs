//! `plan --diff`: what differs from the newest backup.

use std::fs;

use crate::search::{history, history_of, json};
use crate::support::machine::Machine;

#[test]
fn a_plan_shows_what_differs_from_the_newest_backup() {
    let machine = Machine::new();
    machine
        .aam("plan", &["--diff"])
        .exit(0)
        .says("there is no backup yet: all of it is new");
    // A source that becomes empty counts as missing.
    machine.write("pics/stays.jpg", "stays");
    let (machine, states) = history_of(machine);
    let home = machine.home();
    machine
        .aam("plan", &["--diff"])
        .exit(0)
        .says("0 new, 0 changed, 0 moved, 0 gone");
    machine.write("docs/b.txt", "three");
    machine.write("docs/new.txt", "just now");
    machine.write("docs/in.txt", "from elsewhere");
    machine.make_old("docs/in.txt");
    fs::rename(home.join("pics/q.jpg"), home.join("docs/q.jpg")).unwrap();
    fs::remove_file(home.join("docs/p.jpg")).unwrap();
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let diff = machine.aam("plan", &["--diff"]);
    diff.exit(0)
        .says("Differences from the newest backup:")
        .says(&format!("new      {}", path("docs/new.txt")))
        .says(&format!("moved in {}", path("docs/in.txt")))
        .says(&format!("changed  {}  (12 bytes -> 5 bytes)", path("docs/b.txt")))
        .says(&format!("moved    {}  (from {})", path("docs/q.jpg"), path("pics/q.jpg")))
        .says(&format!("gone     {}", path("docs/p.jpg")))
        .says("1 new (8 bytes), 1 moved in (14 bytes), 1 changed (5 bytes), 1 moved, 1 gone (5 bytes)")
        .says("the biggest 3 files:");
    let json = json(&machine, "plan", &["--diff"]);
    assert_eq!(json["diff"]["from"], states[2]);
    assert_eq!(json["diff"]["to"], json["plan"]["stamp"]);
    let paths = json["diff"]["paths"].as_array().unwrap();
    let changes: Vec<&str> = paths
        .iter()
        .map(|p| p["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["changed", "moved-in", "new", "gone", "moved"]);
    // Without local lists, those of the store are read.
    fs::remove_dir_all(machine.path("state/state")).unwrap();
    let again = machine.aam("plan", &["--diff"]);
    again.says(
        "1 new (8 bytes), 1 moved in (14 bytes), 1 changed (5 bytes), 1 moved, 1 gone (5 bytes)",
    );
    machine
        .aam("plan", &["--diff", "--facts", "/dev/null"])
        .exit(2);
}

/// Nobody knows whether the files of a missing source are gone.
#[test]
fn a_plan_does_not_say_that_files_of_a_missing_source_are_gone() {
    let (machine, _) = history();
    fs::rename(
        machine.home().join("docs"),
        machine.home().join("elsewhere"),
    )
    .unwrap();
    for arguments in [&["--diff"][..], &["--diff", "--force-full"]] {
        machine
            .aam("plan", arguments)
            .says("0 new, 0 changed, 0 moved, 0 gone");
    }
    // Without local lists nothing is carried over from them.
    fs::remove_dir_all(machine.path("state/state")).unwrap();
    machine
        .aam("plan", &["--diff"])
        .says("0 new, 0 changed, 0 moved, 0 gone");
}
