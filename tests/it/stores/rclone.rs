//! What only a remote of rclone has: a program, its configuration, and a backup that goes there and
//! comes back. The remote is a directory of this computer.

use std::fs;
use std::path::Path;

use aam_auto_backup::parts::{Cancel, Purpose, StoreErrorKind, StoreSettings, open_store, profile};

use crate::support::machine::Machine;

/// Writes a configuration with the remote `nas`, which is `store`.
fn configure(base: &Path, store: &Path) -> String {
    let config = base.join("rclone.conf");
    let text = format!("[nas]\ntype = alias\nremote = {}\n", store.display());
    fs::write(&config, text).unwrap();
    config.display().to_string()
}

pub fn settings(base: &Path, store: &Path) -> StoreSettings {
    let config = configure(base, store);
    section(&format!("remote: 'nas:', config: {config}"))
}

fn section(keys: &str) -> StoreSettings {
    let text = format!(
        "version: 1\nname: t\nlocation: t\nsources: [/s]\ndestinations: {{rclone: {{{keys}}}}}\n\
         archive: {{encryption-key: {{env: KEY}}}}\n"
    );
    let job = profile::load_bytes(Path::new("t.yaml"), text.as_bytes());
    let job = job.unwrap_or_else(|e| panic!("{e}"));
    job.stores().next().unwrap().clone()
}

#[test]
fn a_missing_program_is_named() {
    let settings = section("remote: 'nas:x', program: /nowhere/rclone");
    let opened = open_store(&settings, &|_| unreachable!(), &Cancel::new());
    let error = opened.err().unwrap();
    assert_eq!(error.kind, StoreErrorKind::Other);
    assert_eq!(error.store, "rclone:nas:x");
    assert!(error.why.contains("'/nowhere/rclone'"), "{error}");
    assert!(
        error.hint.contains("destinations.rclone.program"),
        "{error:?}"
    );
}

#[test]
fn a_remote_that_is_not_configured_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let config = configure(scratch.path(), scratch.path());
    let settings = section(&format!("remote: 'other:x', config: {config}"));
    let store = open_store(&settings, &|_| unreachable!(), &Cancel::new()).unwrap();
    let error = store.list("").unwrap_err();
    assert!(error.why.contains("didn't find section"), "{error}");
    assert!(error.hint.contains("rclone config"), "{error:?}");
}

/// Where archives are sent while they are made.
#[test]
fn archives_are_streamed_to_a_remote() {
    let mut machine = Machine::new();
    let store = machine.path("store");
    let config = configure(&machine.path(""), &store);
    machine.profile.store = None;
    machine.profile.more_destinations = format!("  rclone: {{remote: 'nas:', config: {config}}}");
    machine.profile.more = format!(
        "archive: {{encryption-key: {{env: AAM_TEST_KEY}}, transfer: stream, work-directory: {}}}\n",
        machine.profile.work.display()
    );
    machine.run(&[]).exit(0).says("while it is made");
    machine.write("docs/new.txt", "new");
    machine.run(&[]).exit(0);
    assert_eq!(fs::read_dir(&store).unwrap().count(), 6);
    let target = machine.nothing_restored();
    let to = target.display().to_string();
    machine.aam("restore", &["--to", &to, "--yes"]).exit(0);
    let restored = crate::support::look::look(&target);
    assert!(restored.keys().any(|path| path.ends_with(b"new.txt")));
}

/// What a killed upload left under the name of an unfinished object is replaced and never listed.
#[test]
fn what_a_killed_upload_left_is_replaced() {
    let place = super::Place::rclone();
    let left = place.scratch.path().join("store/.aam-partial-key");
    fs::write(&left, "old").unwrap();
    assert_eq!(place.store.list("").unwrap(), []);
    let source = place.file("source", b"new");
    place
        .store
        .put("key", &source, Purpose::Archive, super::SILENT)
        .unwrap();
    assert_eq!(place.store.read("key", 10).unwrap(), b"new");
    assert!(!left.exists());
}

#[test]
fn a_backup_goes_to_a_remote_and_comes_back() {
    let mut machine = Machine::new();
    let (store, secret) = (machine.path("store"), machine.path("config-password"));
    let config = configure(&machine.path(""), &store);
    fs::write(&secret, "never-print-this-password\n").unwrap();
    // What rclone is started with, so that a secret in its arguments is seen.
    let calls = machine.path("calls");
    let rclone = machine.script(
        "rclone-watched",
        &format!(
            "echo \"$RCLONE_CONFIG_PASS|$*\" >>{}\nexec rclone \"$@\"",
            calls.display()
        ),
    );
    machine.profile.store = None;
    machine.profile.more_destinations = format!(
        "  rclone: {{remote: 'nas:', program: {}, config: {config}, config-password: {{file: {}}}}}",
        rclone.display(),
        secret.display()
    );
    machine.profile.more = format!(
        "archive: {{encryption-key: {{env: AAM_TEST_KEY}}, work-directory: {}}}\n",
        machine.profile.work.display()
    );
    let found = machine.aam("doctor", &[]);
    found
        .says("store: rclone:nas: can be listed")
        .says("store: rclone:nas: can be written");
    assert_eq!(fs::read_dir(&store).unwrap().count(), 0, "{found}");
    machine.aam("plan", &[]).exit(0).says("rclone:nas:");

    machine.run(&[]).exit(0).says("rclone:nas:");
    machine.write("docs/new.txt", "new");
    machine.run(&[]).exit(0);
    let names = fs::read_dir(&store)
        .unwrap()
        .map(|e| e.unwrap().file_name());
    let names: Vec<String> = names.map(|n| n.into_string().unwrap()).collect();
    assert_eq!(names.len(), 6, "two backups of three objects: {names:?}");
    machine.aam("sets", &[]).exit(0).says("INCREMENTALS");

    let target = machine.nothing_restored();
    let to = target.display().to_string();
    machine.aam("restore", &["--to", &to, "--yes"]).exit(0);
    let restored = crate::support::look::look(&target);
    let found = restored.keys().find(|path| path.ends_with(b"new.txt"));
    assert!(found.is_some(), "{:?}", restored.keys());

    // Without the profile, with the configuration of the account.
    let own = machine.path("home/.config/rclone");
    fs::create_dir_all(&own).unwrap();
    fs::copy(&config, own.join("rclone.conf")).unwrap();
    let location = machine.profile.location.clone();
    let bare = machine.ended(&["sets", "--location", &location, "--remote", "nas:"]);
    bare.exit(0).says("INCREMENTALS");

    let calls = fs::read_to_string(calls).unwrap();
    for call in calls.lines() {
        let arguments = call.strip_prefix("never-print-this-password|").unwrap();
        assert!(!arguments.contains("never-print-this-password"), "{call}");
    }
    let log = machine.path("state/logs");
    for entry in fs::read_dir(log).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("never-print-this-password"), "{text}");
    }
}
