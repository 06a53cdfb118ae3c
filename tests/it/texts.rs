//! Texts from elsewhere – names of files, output of tools and hooks, markers, objects – reach every
//! reader without control characters and marks of bidirectional text, and begin no line.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::bucket::KEYS;
use crate::support::look::look;
use crate::support::machine::{Machine, Ran};
use crate::support::recorder::Recorder;
use crate::support::smtp::MailServer;

/// Clears the screen, forges a line, turns the text around, and closes what it may stand in.
const NASTY: &str = "a\u{1b}[2J\rb\nSUCCESS, all fine\u{9b}31m\u{202e}txt\u{2066}</td><b>\"}#";

/// The same without what makes it no name for an archive.
const NASTY_NAME: &str = "n\u{1b}[2J\rSUCCESS, all fine\u{9b}\u{202e}txt\u{2066}<b>&}#";

/// Fails if a text has anything that a terminal acts on.
fn assert_harmless(what: &str, text: &[u8]) {
    let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
    let active = |c: char| {
        c.is_control() && !"\n\t".contains(c)
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let found = text.chars().find(|c| active(*c));
    assert!(found.is_none(), "{what}: {found:?} in {text:?}");
    assert!(
        !text
            .lines()
            .any(|line| line.starts_with("SUCCESS, all fine")),
        "{what}: {text}"
    );
}

fn assert_ran_harmless(ran: &Ran) {
    assert_harmless("standard output", ran.stdout.as_bytes());
    assert_harmless("standard error", ran.stderr.as_bytes());
}

/// A machine whose files, tools and hooks say what nobody should believe.
fn nasty_machine() -> Machine {
    let mut machine = Machine::new();
    machine.write(&format!("docs/{}", NASTY.replace('/', "|")), "x");
    machine.write(&format!("docs/{NASTY_NAME}"), "x");
    symlink(NASTY, machine.home().join("docs/link")).unwrap();
    let pipe = machine.home().join(format!("docs/pipe{NASTY_NAME}"));
    assert!(
        std::process::Command::new("mkfifo")
            .arg(pipe)
            .status()
            .unwrap()
            .success()
    );
    let said = machine.path("said");
    fs::write(&said, NASTY).unwrap();
    let says = format!("(cat '{0}'; echo) | tee /dev/stderr", said.display());
    machine.hook_seven_zip(&says);
    machine.hook_rsync(&says);
    let hook = machine.script("hook", &says);
    machine.profile.more = format!(
        "hooks: {{before: ['{0}'], after: ['{0}']}}\n",
        hook.display()
    );
    machine
}

fn commands(machine: &Machine, to: &Path) -> Vec<Ran> {
    let profile = machine.path("profile.yaml");
    let profile = profile.to_str().unwrap();
    let to = to.to_str().unwrap();
    let path = machine.home().join(format!("docs/{NASTY_NAME}"));
    let path = path.to_str().unwrap();
    let commands: [&[&str]; 14] = [
        &["plan", profile, "--force-full"],
        &["plan", profile, "--format", "json"],
        &["sets", profile],
        &["sets", profile, "--format", "json"],
        &["find", profile, "fine"],
        &["find", profile, "fine", "--format", "json"],
        &["versions", profile, path],
        &["ls", profile, path],
        &["status"],
        &["status", "--format", "json"],
        &["explain", profile, path],
        &["verify", profile],
        &["doctor", profile],
        &["restore", profile, "--to", to, "--verbose"],
    ];
    commands.map(|arguments| machine.ended(arguments)).into()
}

#[test]
fn nothing_from_elsewhere_acts_on_a_reader() {
    let mut machine = nasty_machine();
    let (mail, hooked) = (MailServer::start("none"), Recorder::answering(200));
    machine.profile.more += &format!(
        "smtp: {{host: localhost, port: {}, security: none, from: a@example.com, to: [b@example.com]}}\n\
         notify: [{{url: {{command: [echo, '{}']}}, details: paths}}]\n",
        mail.port,
        hooked.endpoint()
    );
    let metrics = machine.path("metrics.prom");
    let metrics = metrics.to_str().unwrap();
    for round in ["one", "two"] {
        machine.write(&format!("docs/{NASTY_NAME}"), round);
        let options = ["--verbose", "--log-format", "json", "--metrics", metrics];
        let ran = machine.aam("run", &options);
        ran.exit(3);
        assert_ran_harmless(&ran);
    }
    for ran in commands(&machine, &machine.nothing_restored()) {
        assert_ran_harmless(&ran);
        if ran.stdout.starts_with(['{', '[']) {
            let _: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        }
    }
    for (number, message) in mail.taken().iter().enumerate() {
        assert_harmless(&format!("mail {number}"), message.as_bytes());
        let html = message.rsplit("text/html").next().unwrap();
        assert!(
            !html.contains("<|td>") && !html.contains("<b>&}"),
            "{message}"
        );
    }
    assert_eq!(mail.taken().len(), 3);
    for taken in hooked.taken() {
        assert_harmless("a webhook", taken.body.as_bytes());
    }
    assert_harmless("metrics", &fs::read(metrics).unwrap());
    for (path, found) in look(&machine.path("state/logs")) {
        let name = String::from_utf8_lossy(&path).into_owned();
        assert_harmless(&name, &found.content);
        for line in String::from_utf8(found.content).unwrap().lines() {
            if name.ends_with(".jsonl") {
                let _: serde_json::Value = serde_json::from_str(line).unwrap();
            }
        }
    }
}

/// Whoever may write to a store chooses the names of objects and the content of markers.
#[test]
fn nothing_that_a_store_holds_acts_on_a_reader() {
    let machine = Machine::new();
    machine.run(&[]).exit(0);
    let store = machine.path("store");
    let marker = look(&store).into_keys().find(|name| {
        let name = String::from_utf8_lossy(name);
        name.contains("_yes_")
    });
    let marker = store.join(String::from_utf8(marker.unwrap()).unwrap());
    let mut said: serde_json::Value = serde_json::from_slice(&fs::read(&marker).unwrap()).unwrap();
    for key in ["program", "profile", "machine"] {
        said["writer"][key] = NASTY.into();
    }
    said["mounts"][0]["path"] = format!("/{NASTY}").into();
    fs::write(&marker, said.to_string()).unwrap();
    let name = |location: &str| format!("{location}_20261101_100000.000000_0_0.0_yes_x");
    let forged = "x\"} 1\naam_backup_last_success{} 9\u{202e}";
    for location in [forged, "tur\u{202e}ned", "esc\u{1b}[2J"] {
        fs::write(store.join(name(location)), "").unwrap();
    }
    let profile = machine.path("profile.yaml");
    let (profile, metrics) = (profile.to_str().unwrap(), machine.path("metrics.prom"));
    let to = machine.nothing_restored();
    for arguments in [
        &["run", profile][..],
        &["sets", profile],
        &["sets", profile, "--all-locations", "--max-age", "1h"],
        &["sets", profile, "--all-locations", "--format", "json"],
        &[
            "sets",
            profile,
            "--all-locations",
            "--metrics",
            metrics.to_str().unwrap(),
        ],
        &["doctor", profile],
        &["restore", profile, "--to", to.to_str().unwrap()],
        &[
            "sets",
            "--location",
            "none",
            "--directory",
            store.to_str().unwrap(),
        ],
        &[
            "restore",
            "--location",
            "none",
            "--directory",
            store.to_str().unwrap(),
            "--to",
            "x",
        ],
    ] {
        let ran = Ran::of(machine.command(arguments).envs(KEYS).output().unwrap());
        assert_ran_harmless(&ran);
    }
    let metrics = fs::read_to_string(metrics).unwrap();
    assert_harmless("metrics", metrics.as_bytes());
    assert!(
        !metrics
            .lines()
            .any(|line| line.starts_with("aam_backup_last_success"))
    );
}
