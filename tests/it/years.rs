//! Five years of three computers in one store, by a clock that the tests set: pruning, a lost
//! computer, a file deleted in the second year, and a copy on a second disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::lab;
use crate::support::machine::{Machine, Ran};

/// Names and contents.
type Tree = BTreeMap<String, String>;

/// A store, the computers that back up to it, and what each of them held at each backup.
struct Years {
    machine: Machine,
    /// By location: the tree now, and that of each state.
    computers: BTreeMap<&'static str, (Tree, BTreeMap<String, Tree>)>,
}

/// The library that sets the clock of a program.
fn clock() -> PathBuf {
    let places = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = places.map(|place| place.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|path| path.exists());
    found.expect("libfaketime: tests/tools.sh installs it")
}

fn read(directory: &Path) -> Tree {
    let entries = fs::read_dir(directory).unwrap().flatten();
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

impl Years {
    fn new() -> Years {
        let mut machine = Machine::new();
        machine.profile.mirror = String::new();
        // A script is run without a root of its own, which would hide what the clock shares.
        machine.hook_seven_zip("");
        machine.profile.keep =
            Some("monthly: 2, yearly: 5, at-least: 1, automatic: true".to_owned());
        let computers = ["desk", "laptop", "lost"];
        let computers = computers.map(|name| (name, Default::default())).into();
        Years { machine, computers }
    }

    fn home(&self, computer: &str) -> PathBuf {
        self.machine.path("homes").join(computer)
    }

    /// Writes or deletes a file.
    fn change(&mut self, computer: &'static str, name: &str, content: Option<String>) {
        let home = self.home(computer);
        fs::create_dir_all(&home).unwrap();
        let (now, _) = self.computers.get_mut(computer).unwrap();
        match content {
            Some(content) => {
                fs::write(home.join(name), &content).unwrap();
                now.insert(name.to_owned(), content);
            }
            None => {
                fs::remove_file(home.join(name)).unwrap();
                now.remove(name);
            }
        }
    }

    /// A nightly run at this time.
    fn run(&mut self, computer: &'static str, time: &str) {
        self.machine.profile.location = computer.to_owned();
        self.machine.profile.sources = vec![(self.home(computer), false)];
        let profile = self.machine.path("profile.yaml");
        let mut command = self.machine.command(&["run", profile.to_str().unwrap()]);
        command
            .env("LD_PRELOAD", clock())
            .env("FAKETIME", format!("@{time}"))
            .env("NO_FAKE_STAT", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ran::of(lab::output(&mut command)).exit(0);
        let stamp = format!("{}_010", time[..10].replace('-', ""));
        let states = self.states(computer);
        let state = states
            .into_iter()
            .find(|state| state.starts_with(&stamp))
            .unwrap();
        let (now, then) = self.computers.get_mut(computer).unwrap();
        then.insert(state, now.clone());
    }

    /// A command on a computer that has nothing but the program.
    fn bare(&self, computer: &str, directory: &Path, arguments: &[&str]) -> Ran {
        let place = [
            "--location",
            computer,
            "--directory",
            directory.to_str().unwrap(),
        ];
        self.machine.ended(&[arguments, &place].concat())
    }

    fn json(&self, computer: &str, arguments: &[&str]) -> Value {
        let format = ["--format", "json"];
        let store = self.machine.path("store");
        let ran = self.bare(computer, &store, &[arguments, &format].concat());
        serde_json::from_str(&ran.exit(0).stdout).unwrap()
    }

    /// The states of a computer in the store.
    fn states(&self, computer: &str) -> Vec<String> {
        let reports = self.json(computer, &["sets"]);
        let mut states = Vec::new();
        for set in reports["stores"][0]["sets"].as_array().unwrap() {
            states.push(set["full"].as_str().unwrap().to_owned());
            let incrementals = set["incrementals"].as_array().unwrap().iter();
            states.extend(incrementals.map(|i| i["stamp"].as_str().unwrap().to_owned()));
        }
        states
    }

    /// Restores a state from a store, and returns what came.
    fn restored(&self, computer: &str, store: &Path, arguments: &[&str]) -> Tree {
        let to = self.machine.nothing_restored();
        let restore = [
            "restore",
            "--key-env",
            "AAM_TEST_KEY",
            "--to",
            to.to_str().unwrap(),
        ];
        self.bare(computer, store, &[&restore[..], arguments].concat())
            .exit(0);
        read(&to.join("1"))
    }
}

#[test]
fn five_years_of_three_computers() {
    let mut years = Years::new();
    for year in 2022..2027 {
        for night in ["01-05", "01-06", "01-07", "07-05", "07-06"] {
            let moment = format!("{year}-{night}");
            years.change("desk", "diary.txt", Some(format!("written on {moment}")));
            years.change("desk", &format!("{moment}.txt"), Some(moment.clone()));
            match moment.as_str() {
                "2022-01-06" => years.change("desk", "tax.txt", Some("the tax".to_owned())),
                "2023-07-05" => years.change("desk", "tax.txt", None),
                _ => {}
            }
            years.run("desk", &format!("{moment} 01:00:00"));
        }
        years.change("laptop", "notes.txt", Some(format!("{year}")));
        years.run("laptop", &format!("{year}-03-01 01:00:00"));
        if year < 2025 {
            years.change("lost", "thesis.txt", Some(format!("chapter {year}")));
            years.run("lost", &format!("{year}-04-01 01:00:00"));
        }
    }
    fs::remove_dir_all(years.home("lost")).unwrap();
    let store = years.machine.path("store");

    // Pruning left the newest set of each year, the newest states as they were.
    let states = years.states("desk");
    let expected = [
        "20220705", "20220706", "20230705", "20230706", "20240705", "20240706", "20250705",
        "20250706", "20260105", "20260106", "20260107", "20260705", "20260706",
    ];
    let days: Vec<&str> = states.iter().map(|state| &state[..8]).collect();
    assert_eq!(days, expected);
    for state in &states {
        let model = &years.computers["desk"].1[state];
        assert_eq!(
            years.restored("desk", &store, &["--at", state]),
            *model,
            "{state}"
        );
    }

    // The lost computer is named, and comes back.
    let fleet = years.machine.ended(&[
        "sets",
        "--all-locations",
        "--directory",
        store.to_str().unwrap(),
        "--max-age",
        "2years",
    ]);
    if fleet.code == Some(0) {
        panic!("the lost computer is not named\n{fleet}");
    }
    fleet.says("3 locations").says("lost");
    for computer in ["desk", "laptop", "lost"] {
        let (last, _) = &years.computers[computer];
        assert_eq!(years.restored(computer, &store, &[]), *last, "{computer}");
    }

    // A file that was deleted in the second year.
    let with_tax: Vec<&String> = states
        .iter()
        .filter(|state| years.computers["desk"].1[*state].contains_key("tax.txt"))
        .collect();
    let found = years.json("desk", &["find", "tax", "--key-env", "AAM_TEST_KEY"]);
    let found = &found["found"][0];
    assert_eq!(found["in-newest"], false);
    let last = found["versions"][0]["last"].as_str().unwrap();
    assert_eq!(
        Some(&last),
        with_tax.last().map(|state| state.as_str()).as_ref()
    );
    let path = found["path"].as_str().unwrap();
    let tax = years.restored("desk", &store, &["--only", path, "--at", last]);
    assert_eq!(
        tax,
        Tree::from([("tax.txt".to_owned(), "the tax".to_owned())])
    );

    // A yearly set on a second disk.
    let second = years.machine.path("second");
    fs::create_dir(&second).unwrap();
    let to = [
        "copy",
        "--to-directory",
        second.to_str().unwrap(),
        "--set",
        "2023",
    ];
    years
        .bare("desk", &store, &to)
        .exit(0)
        .says("copied 2 backups");
    fs::rename(&store, years.machine.path("gone")).unwrap();
    let model = &years.computers["desk"].1[&states[3]];
    assert_eq!(years.restored("desk", &second, &[]), *model);
}
