//! The archive key from a keyring, as GNOME's keeps it. Not run by itself, since it needs that
//! keyring:
//!
//! `apt-get install gnome-keyring libsecret-tools dbus-daemon`, then `cargo test --features keyring
//! --test it keyring -- --ignored`.

use std::fs;
use std::process::Command;

use crate::support::machine::{KEY, Machine, Ran};

/// What a user does once to keep the key there.
const STORE: &str = "printf %s \"$AAM_TEST_STORED\" | secret-tool store --label=aam-backup service aam-backup username nightly";

/// The program with a keyring of its own, in a session of its own. `first` is a piece of shell that
/// is run before.
fn in_session(machine: &Machine, first: &str, command: &str) -> Ran {
    let plain = machine.command(&[command, machine.path("profile.yaml").to_str().unwrap()]);
    let profile = machine.path("profile.yaml");
    let text = fs::read_to_string(&profile).unwrap();
    let keyring = "encryption-key: {keyring: {service: aam-backup, user: nightly}}";
    fs::write(
        &profile,
        text.replace("encryption-key: {env: AAM_TEST_KEY}", keyring),
    )
    .unwrap();
    let home = machine.path("keyring");
    fs::create_dir_all(&home).unwrap();
    let mut session = Command::new("timeout");
    session.args([
        "60",
        "dbus-run-session",
        "--",
        "sh",
        "-c",
        &format!("{first}\n\"$@\""),
        "sh",
    ]);
    session.arg(plain.get_program()).args(plain.get_args());
    session.env_clear().envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    session
        .env_remove("AAM_TEST_KEY")
        .env("AAM_TEST_STORED", KEY)
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", &home);
    Ran::of(session.output().unwrap())
}

#[test]
#[ignore = "needs GNOME's keyring"]
fn the_archive_key_comes_from_the_keyring() {
    let machine = Machine::new();
    let unlock = "printf unlock | gnome-keyring-daemon --unlock --components=secrets >&2";
    let there_is_none =
        "the service 'aam-backup' and user 'nightly' cannot be read: there is no such entry";
    in_session(&machine, unlock, "run")
        .exit(1)
        .says(there_is_none);
    in_session(&machine, &format!("{unlock}\n{STORE}"), "run")
        .exit(0)
        .never_says(KEY);
    // It was that key.
    let archive = fs::read_dir(machine.path("store"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let volume = archive
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "001"))
        .unwrap();
    let tested = Command::new("7zz")
        .arg("t")
        .arg(format!("-p{KEY}"))
        .arg(volume)
        .output()
        .unwrap();
    assert!(tested.status.success(), "{tested:?}");
    // At night nobody is there to unlock it.
    let locked = "gnome-keyring-daemon --start --components=secrets >&2";
    in_session(&machine, locked, "run")
        .exit(1)
        .says("cannot be read: the keyring is locked")
        .never_says(KEY);
    let none = "unset DBUS_SESSION_BUS_ADDRESS";
    in_session(&machine, none, "run")
        .exit(1)
        .says("cannot be read: this session has no keyring");
}
