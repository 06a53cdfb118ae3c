//! `find`, `versions`, `ls` and `diff` over real backups.

mod away;

use std::fs;

use serde_json::Value;

use crate::support::machine::{Machine, Ran};

/// Runs the program for a result of JSON.
pub fn json(machine: &Machine, verb: &str, arguments: &[&str]) -> Value {
    let ran = machine.aam(verb, &[arguments, &["--format", "json"]].concat());
    ran.exit(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Three states: `docs/b.txt` changes, `docs/a.txt` is deleted and `pics/p.jpg` is moved.
pub fn history() -> (Machine, Vec<String>) {
    history_of(Machine::new())
}

pub fn history_of(machine: Machine) -> (Machine, Vec<String>) {
    machine.write("pics/q.jpg", "four");
    machine.run(&[]).exit(0);
    machine.write("docs/b.txt", "two and more");
    fs::remove_file(machine.home().join("docs/a.txt")).unwrap();
    machine.run(&[]).exit(0);
    fs::rename(
        machine.home().join("pics/p.jpg"),
        machine.home().join("docs/p.jpg"),
    )
    .unwrap();
    machine.run(&[]).exit(0);
    let found = json(&machine, "find", &["*"]);
    let states = found["states"].as_array().unwrap();
    let states = states.iter().map(|s| s.as_str().unwrap().to_owned());
    let states: Vec<String> = states.collect();
    assert_eq!(states.len(), 3);
    (machine, states)
}

/// A path, whether the newest state has it, and of each version its size, how many states have it,
/// and the last of them.
type Shape = (String, bool, Vec<(u64, u64, String)>);

fn shape(found: &Value) -> Vec<Shape> {
    let versions = |path: &Value| {
        let all = path["versions"].as_array().unwrap().iter();
        all.map(|v| {
            (
                v["size"].as_u64().unwrap(),
                v["states"].as_u64().unwrap(),
                v["last"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
    };
    let paths = found["found"].as_array().unwrap().iter();
    paths
        .map(|p| {
            (
                p["path"].as_str().unwrap().to_owned(),
                p["in-newest"].as_bool().unwrap(),
                versions(p),
            )
        })
        .collect()
}

/// Every answer, to compare with those from elsewhere.
fn answers(machine: &Machine, states: &[String], extra: &[&str]) -> Vec<Value> {
    let home = machine.home();
    let docs = home.join("docs");
    let ask = |verb: &str, arguments: &[&str]| json(machine, verb, &[arguments, extra].concat());
    vec![
        ask("find", &["TXT"]),
        ask("versions", &[docs.join("b.txt").to_str().unwrap()]),
        ask("ls", &[docs.to_str().unwrap()]),
        ask("ls", &["--at", &states[0], docs.to_str().unwrap()]),
        ask("ls", &["-r"]),
        ask("diff", &[&states[0], &states[2]]),
        ask("diff", &[&states[1]]),
    ]
}

#[test]
fn what_is_printed_can_be_restored() {
    let (machine, states) = history();
    let home = machine.home();
    let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
    let [a, b] = [path("docs/a.txt"), path("docs/b.txt")];
    assert_eq!(
        shape(&json(&machine, "find", &["*.txt"])),
        [
            (a.clone(), false, vec![(3, 1, states[0].clone())]),
            (
                b.clone(),
                true,
                vec![(3, 1, states[0].clone()), (12, 2, states[2].clone())]
            ),
        ]
    );
    assert_eq!(shape(&json(&machine, "versions", &[&b])).len(), 1);
    let listed = |arguments: &[&str]| -> Vec<String> {
        let listed = json(&machine, "ls", arguments);
        let paths = listed["paths"].as_array().unwrap().iter();
        paths
            .map(|p| p["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        listed(&[&path("docs")]),
        [b.clone(), path("docs/empty"), path("docs/p.jpg")]
    );
    assert_eq!(
        listed(&["--at", &states[0], &path("docs")]),
        [a.clone(), b.clone(), path("docs/empty")]
    );
    let diff = machine.aam("diff", &[&states[0], &states[2]]);
    diff.exit(0)
        .says(&format!("gone     {a}"))
        .says(&format!("changed  {b}  (3 bytes -> 12 bytes)"))
        .says(&format!(
            "moved    {}  (from {})",
            path("docs/p.jpg"),
            path("pics/p.jpg")
        ))
        .says("0 new, 1 changed (12 bytes), 1 moved, 1 gone (3 bytes)");
    // The mount is the directory above both sources, and not listed itself.
    machine
        .aam("ls", &[])
        .says(&path("docs"))
        .says(&path("pics"))
        .says("2 paths, ");
    machine
        .aam("ls", &["/nowhere"])
        .exit(1)
        .says("'/nowhere' is not in the state");
    machine
        .aam("find", &["no such"])
        .exit(0)
        .says("nothing found");
    machine
        .aam("diff", &["2001"])
        .exit(1)
        .says("at or before 2001");

    let to = machine.nothing_restored();
    let lacking = machine.aam("restore", &["--only", &a, "--to", to.to_str().unwrap()]);
    lacking
        .exit(1)
        .says(&format!(
            "'{a}' is not in the state {}; last in {}",
            states[2], states[0]
        ))
        .says(&format!("add --at {}", states[0]));
    let restored = machine.aam(
        "restore",
        &[
            "--only",
            &a,
            "--at",
            &states[0],
            "--to",
            to.to_str().unwrap(),
        ],
    );
    restored.exit(0);
    assert_eq!(
        fs::read_to_string(to.join("1/docs/a.txt")).unwrap_or_default(),
        "one"
    );
}

#[test]
fn what_no_archive_holds_is_said() {
    let mut machine = Machine::new();
    machine.make_unreadable("docs/a.txt");
    machine.run(&[]).exit(3);
    let docs = machine.home().join("docs");
    let docs = docs.to_str().unwrap();
    machine
        .aam("ls", &[docs])
        .exit(0)
        .says("bytes, in no archive");
    machine
        .aam("find", &["a.txt"])
        .exit(0)
        .says("in no archive");
    machine
        .aam("find", &["b.txt"])
        .exit(0)
        .never_says("in no archive");
    machine.make_readable("docs/a.txt");
    machine.run(&[]).exit(0);
    machine
        .aam("ls", &[docs])
        .exit(0)
        .never_says("in no archive");
    machine
        .aam("find", &["a.txt"])
        .exit(0)
        .never_says("in no archive");
}

#[test]
fn local_lists_and_those_of_the_store_answer_alike() {
    let (machine, states) = history();
    let local = answers(&machine, &states, &["--local"]);
    assert_eq!(answers(&machine, &states, &[]), local);
    // The lists that are kept for searches only, one of them broken.
    let state = machine.path("state/state/pc");
    let past = fs::read_dir(state.join("past")).unwrap().flatten();
    let past: Vec<_> = past.map(|entry| entry.path()).collect();
    assert_eq!(past.len(), 2, "{past:?}");
    fs::write(past[0].join("manifest-1.v2"), "{}").unwrap();
    assert_eq!(answers(&machine, &states, &[]), local);
    fs::remove_dir_all(&state).unwrap();
    assert_eq!(answers(&machine, &states, &[]), local);
    // Without the profile.
    let store = machine.path("store");
    let bare = |verb: &str, arguments: &[&str]| -> Ran {
        let place = ["--location", "pc", "--directory", store.to_str().unwrap()];
        machine.ended(&[&[verb], arguments, &place, &["--key-env", "AAM_TEST_KEY"]].concat())
    };
    let found = bare("find", &["TXT", "--format", "json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&found.exit(0).stdout).unwrap(),
        local[0]
    );
    bare("diff", &[&states[0], &states[1]])
        .exit(0)
        .says("1 changed");
    // A state that cannot be read is named.
    let manifest = fs::read_dir(&store).unwrap().flatten().map(|e| e.path());
    let mut manifests: Vec<_> = manifest
        .filter(|p| p.to_str().unwrap().contains("_manifest_"))
        .collect();
    manifests.sort();
    fs::write(&manifests[2], "broken").unwrap();
    bare("find", &["TXT"])
        .exit(3)
        .says(&format!("the state {} is not searched", states[2]))
        .says("searched 2 states");
    fs::remove_file(&manifests[1]).unwrap();
    bare("find", &["TXT"])
        .exit(3)
        .says(&format!("the state {} is not searched", states[1]))
        .says("its manifest is missing")
        .says("searched 1 state");
}

#[test]
fn each_list_is_read_once_from_a_bucket() {
    let mut machine = Machine::new();
    machine.add_bucket("STANDARD");
    let (machine, states) = history_of(machine);
    let local = answers(&machine, &states, &["--local"]);
    let there = ["--from", "s3"];
    fs::remove_dir_all(machine.path("state/state")).unwrap();
    let first = machine.aam("find", &["TXT", "--from", "s3"]);
    first
        .exit(0)
        .says("reading 3 manifests")
        .never_says("$0.00");
    assert_eq!(answers(&machine, &states, &there), local);
    let again = machine.aam("find", &["TXT", "--from", "s3"]);
    again.exit(0).never_says("reading");
    // The copies are encrypted as in the store.
    let cached = |entry: fs::DirEntry| fs::read(entry.path()).unwrap();
    let cache = fs::read_dir(machine.path("state/cache/pc")).unwrap();
    let stores: Vec<_> = cache.flatten().map(|entry| entry.path()).collect();
    let copies: Vec<Vec<u8>> = fs::read_dir(&stores[0])
        .unwrap()
        .flatten()
        .map(cached)
        .collect();
    assert_eq!(copies.len(), 6);
    assert!(
        copies
            .iter()
            .all(|copy| !String::from_utf8_lossy(copy).contains("b.txt"))
    );
}

#[test]
fn a_restore_gives_a_state() {
    let (machine, states) = history();
    let restored = |arguments: &[&str]| -> Vec<String> {
        let to = machine.nothing_restored();
        let to = to.to_str().unwrap();
        machine
            .aam("restore", &[&["--to", to], arguments].concat())
            .exit(0);
        let mut names = Vec::new();
        for directory in ["docs", "pics"] {
            let entries = fs::read_dir(machine.path("back/1").join(directory))
                .unwrap()
                .flatten();
            names.extend(entries.map(|e| e.file_name().into_string().unwrap()));
        }
        names.sort();
        names
    };
    let newest = ["b.txt", "empty", "p.jpg", "q.jpg"];
    assert_eq!(restored(&[]), newest);
    assert_eq!(
        restored(&["--with-deleted"]),
        ["a.txt", "b.txt", "empty", "p.jpg", "p.jpg", "q.jpg"]
    );
    let first = ["a.txt", "b.txt", "empty", "p.jpg", "q.jpg"];
    assert_eq!(restored(&["--at", &states[0]]), first);
    assert_eq!(restored(&["--at", "today"]), newest);
    // Local time is UTC in the tests.
    let (day, time) = states[0].split_once('_').unwrap();
    let second = format!("{day} {}:{}:{}", &time[..2], &time[2..4], &time[4..6]);
    // The last state of that second.
    let last = states.iter().rfind(|state| state[..15] == states[0][..15]);
    let last = restored(&["--at", last.unwrap()]);
    assert_eq!(restored(&["--at", &second]), last);
    let to = machine.nothing_restored();
    let to = to.to_str().unwrap();
    machine
        .aam("restore", &["--to", to, "--at", "yesterday"])
        .exit(1)
        .says("UTC)");
    machine
        .aam("restore", &["--to", to, "--at", "2026-1-1"])
        .exit(1)
        .says("2026-01-02");
    machine
        .aam("restore", &["--to", to, "--at", "soon"])
        .exit(2)
        .says("'yesterday'");
    // What lay in the directory before is not deleted.
    fs::create_dir_all(machine.path("back/1")).unwrap();
    fs::write(machine.path("back/1/mine"), "mine").unwrap();
    machine
        .aam("restore", &["--to", to, "--into-existing"])
        .exit(0);
    assert!(machine.path("back/1/mine").exists());
    let sets = machine.aam("sets", &[]);
    for state in &states {
        sets.says(&format!("  {state}  "));
    }
    let status = [
        "status", "--only", "1/docs", "--to", to, "--layout", "numbered",
    ];
    let profile = machine.path("profile.yaml");
    let status = [&["restore"], &status[..], &[profile.to_str().unwrap()]].concat();
    machine.ended(&status).exit(0);
}

/// What is promised is what is used: the files of the state, not those that were deleted before.
#[test]
fn the_space_that_a_restore_needs() {
    let machine = Machine::new();
    let large = |name: &str, bytes: usize| machine.write(name, &"x".repeat(bytes));
    large("docs/deleted", 3_000_000);
    large("docs/stays", 2_000_000);
    machine.run(&[]).exit(0);
    fs::remove_file(machine.home().join("docs/deleted")).unwrap();
    large("pics/new", 1_000_000);
    machine.run(&[]).exit(0);
    let to = machine.nothing_restored();
    let to = to.to_str().unwrap();
    let status = |arguments: &[&str]| {
        let profile = machine.path("profile.yaml");
        let status = ["restore", "status", profile.to_str().unwrap(), "--to", to];
        machine.ended(&[&status[..], arguments].concat())
    };
    status(&[]).exit(0).says("needs up to 3.0 MB on the disk");
    // Without its list, nobody knows how much of it is wanted.
    status(&["--only", "1/pics"])
        .exit(0)
        .says("needs 0 bytes to 3.0 MB on the disk");
    status(&["--with-deleted"])
        .exit(0)
        .says("to 6.0 MB on the disk");
    let restore = |arguments: &[&str]| {
        machine.nothing_restored();
        machine.aam("restore", &[&["--to", to], arguments].concat())
    };
    restore(&[]).exit(0).says("needs up to 3.0 MB on the disk");
    restore(&["--only", "1/pics"])
        .exit(0)
        .says("needs up to 1.0 MB on the disk");
}
