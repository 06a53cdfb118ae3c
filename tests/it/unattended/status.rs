//! `status`: what a person or a monitoring script learns about the last runs.

use std::fs;

use serde_json::Value;

use super::kit::Night;
use crate::support::machine::Ran;
use crate::support::processes::{Gate, kill_all};

fn quiet() -> Night {
    let mut night = Night::new();
    night.email.clear();
    night
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{ran}"))
}

#[test]
fn the_last_run_decides() {
    let mut night = quiet();
    night.prepare();
    night
        .machine
        .aam("status", &[])
        .exit(1)
        .says("no runs of '")
        .says("/state'");
    night.run(&[]).exit(0);
    night
        .machine
        .aam("status", &[])
        .exit(0)
        .says("success")
        .says(".aam-backup.log");
    let first: Value = json(night.machine.aam("status", &["--format", "json"]).exit(0));
    let run = &first["profiles"][0]["runs"][0];
    assert_eq!(
        (
            &first["profiles"][0]["profile"],
            &run["outcome"],
            &run["counts"]["files"]
        ),
        (&"test".into(), &"success".into(), &3.into())
    );
    assert!(
        run["started"].as_str().unwrap().ends_with('Z')
            && run["ended"].as_str().unwrap().ends_with('Z'),
        "{run}"
    );

    // A restore is shown, and says nothing about the backup; nor does "not today".
    fs::write(night.machine.path("wrong"), "wrong").unwrap();
    let (to, wrong) = (
        night.machine.path("back").display().to_string(),
        night.machine.path("wrong"),
    );
    night
        .machine
        .aam(
            "restore",
            &["--to", &to, "--key-file", wrong.to_str().unwrap()],
        )
        .exit(1);
    night
        .machine
        .aam("status", &[])
        .exit(0)
        .says("restore")
        .says("failure");
    let hook = night.machine.script("hook", "exit 75");
    night.more = format!("hooks: {{before: ['{}']}}\n", hook.display());
    night.run(&[]).exit(0);
    night.machine.aam("status", &[]).exit(0).says("skipped");
    night.more.clear();

    night.machine.make_unreadable("docs/b.txt");
    night.run(&[]).exit(3);
    night.machine.aam("status", &[]).exit(3).says("warning");
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.run(&[]).exit(1);
    night.machine.aam("status", &[]).exit(1).says("failure");
    let runs = json(
        &night
            .machine
            .aam("status", &["--format", "json", "--last", "2"]),
    );
    let outcomes: Vec<&Value> = runs["profiles"][0]["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["outcome"])
        .collect();
    assert_eq!(outcomes, ["failure", "warning"], "the newest first");
}

#[test]
fn a_run_that_goes_on_and_one_that_was_lost() {
    let mut night = quiet();
    night.run(&[]).exit(0);
    night.machine.write("docs/c.txt", "three");
    let gate = Gate::new(&night.machine.path("."));
    night
        .machine
        .hook_seven_zip(&format!("[ $what = archive ] && {}", gate.hook()));
    night.prepare();
    let mut run = night.machine.start(&[]);
    gate.wait(&mut run);
    night
        .machine
        .aam("status", &[])
        .exit(0)
        .says("running")
        .says("success");
    let told = json(&night.machine.aam("status", &["--format", "json"]));
    assert_eq!(
        (
            &told["profiles"][0]["runs"][0]["outcome"],
            &told["profiles"][0]["runs"][0]["ended"]
        ),
        (&Value::Null, &Value::Null)
    );
    kill_all(&mut run);
    night
        .machine
        .aam("status", &[])
        .exit(1)
        .says("lost")
        .never_says("running");
    // To be asked is not to be told: the next run still says it.
    night.machine.profile.seven_zip = None;
    night.run(&[]).exit(0).says("did not end");
    night.machine.aam("status", &[]).exit(0).says("lost");
}

#[test]
fn every_profile_of_this_computer() {
    let mut night = quiet();
    night.run(&[]).exit(0);
    // As broken as this, it is called as its file.
    night.more = "]\n".to_owned();
    night.run(&[]).exit(2);
    let all = Ran::of(
        night
            .machine
            .command(&["status", "--format", "json"])
            .output()
            .unwrap(),
    );
    all.exit(1);
    let names: Vec<Value> = json(&all)["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|runs| runs["profile"].clone())
        .collect();
    assert_eq!(names, ["profile", "test"]);
    // By name, wherever the profile is now.
    let mut named = night.machine.command(&["status", "test"]);
    let ran = Ran::of(named.env("TZ", "<+09>-9").output().unwrap());
    ran.exit(0).says(" +09:00 ");
}

/// Only what ran, or is known, can be missed.
#[test]
fn a_slip_in_the_name_of_a_profile_is_not_remembered() {
    let mut night = quiet();
    night.run(&[]).exit(0);
    night.machine.ended(&["run", "nigthly"]).exit(2);
    let status = night.machine.ended(&["status"]);
    status.exit(0).never_says("nigthly");
}

/// A record of local state that is damaged counts as absent. The run after that is well again.
#[test]
fn damaged_records_of_state_are_named() {
    let mut night = quiet();
    night.run(&[]).exit(0);
    let state = night.machine.path("state");
    for record in [
        "state/pc/key.json",
        "state/pc/sent.json",
        "destinations.json",
    ] {
        let path = state.join(record);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        let ran = night.run(&[]);
        ran.exit(3)
            .says(record)
            .says("is damaged and counts as absent");
        night.run(&[]).exit(0);
    }
}
