//! Nothing of a scheduled run depends on the session that installs it: the exact command line of
//! the unit, as systemd reads it, makes a backup with nothing but the unit's own variables.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::machine::{KEY, Machine, Ran};
use crate::support::processes::is_root;

/// A profile at a path that every scheduler has to quote, whose key is in a file; returns its path.
pub fn profile_in_a_nasty_place(machine: &Machine) -> PathBuf {
    let place = machine.path("100% mine & \"yours\", it's");
    fs::create_dir_all(&place).unwrap();
    let key = place.join("the key");
    fs::write(&key, KEY).unwrap();
    let key = format!("{{file: '{}'}}", key.to_str().unwrap().replace('\'', "''"));
    let text = machine.profile.text().replace("{env: AAM_TEST_KEY}", &key);
    assert!(text.contains("the key"));
    let profile = place.join("my profile.yaml");
    fs::write(&profile, text).unwrap();
    profile
}

/// The words of a line of a unit: double quotes and `\` as in systemd.syntax(7), `%%` and `$$` as
/// in systemd.service(5).
fn words(line: &str, is_command: bool) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut open) = (String::new(), false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => (quoted, open) = (!quoted, true),
            '\\' => word.push(chars.next().unwrap()),
            '%' | '$' if c == '%' || (is_command && !words.is_empty()) => {
                assert_eq!(chars.next(), Some(c), "a specifier or variable in {line}");
                word.push(c);
            }
            ' ' if !quoted => {
                words.push(std::mem::take(&mut word));
                open = false;
            }
            c => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

fn started_by_its_unit(machine: &Machine) {
    let profile = profile_in_a_nasty_place(machine);
    let units = machine.path("units");
    let shown = Ran::of(
        machine
            .command(&[
                "schedule",
                "show",
                profile.to_str().unwrap(),
                "--scheduler",
                "systemd",
            ])
            .args(["--to", units.to_str().unwrap()])
            .output()
            .unwrap(),
    );
    shown.exit(0).never_says("environment variable");
    let unit = fs::read_to_string(units.join("aam-backup-test.service")).unwrap();
    let lines = |key: &'static str| unit.lines().filter_map(move |line| line.strip_prefix(key));
    let command = words(lines("ExecStart=").next().unwrap(), true);
    let variables: Vec<String> = lines("Environment=")
        .flat_map(|line| words(line, false))
        .collect();
    // Environment of the unit alone, and for root's what User= sets.
    let is_system = unit.contains("User=root");
    let by_root = is_root() && machine.user.is_none();
    assert_eq!(is_system, by_root, "{unit}");
    let mut run = Command::new("/usr/bin/env");
    run.arg("-i")
        .args(&variables)
        .args(&command)
        .current_dir(lines("WorkingDirectory=").next().unwrap());
    if let Some(user) = machine.user {
        run.uid(user).gid(user);
    }
    let ran = Ran::of(run.stdin(std::process::Stdio::null()).output().unwrap());
    ran.exit(0);
    assert_eq!(machine.backups().len(), 1, "{ran}");
    machine.aam("sets", &[]).exit(0).says("complete");
    // The state directory of the installing session was carried along.
    assert!(Path::new(&machine.path("state/logs")).is_dir(), "{ran}");
}

#[test]
fn the_unit_of_this_account_makes_a_backup_in_an_empty_environment() {
    started_by_its_unit(&Machine::new());
}

#[test]
fn the_unit_of_a_user_makes_a_backup_in_an_empty_environment() {
    let mut machine = Machine::new();
    fs::create_dir(machine.path("units")).unwrap();
    profile_in_a_nasty_place(&machine);
    machine.become_ordinary();
    started_by_its_unit(&machine);
}

#[test]
fn the_line_of_cron_makes_a_backup_in_an_empty_environment() {
    let machine = Machine::new();
    let profile = profile_in_a_nasty_place(&machine);
    let shown = Ran::of(
        machine
            .command(&[
                "schedule",
                "show",
                profile.to_str().unwrap(),
                "--scheduler",
                "cron",
            ])
            .output()
            .unwrap(),
    );
    shown.exit(0);
    let line = shown.stdout.lines().nth(1).unwrap();
    // As cron: five fields, then a command in which `\%` is `%`; PATH, HOME and a shell, no more.
    let command = line.splitn(6, ' ').nth(5).unwrap().replace("\\%", "%");
    let mut run = Command::new("/usr/bin/env");
    run.args([
        "-i",
        "PATH=/usr/bin:/bin",
        "HOME=/",
        "SHELL=/bin/sh",
        "/bin/sh",
        "-c",
        &command,
    ])
    .current_dir("/");
    Ran::of(run.stdin(std::process::Stdio::null()).output().unwrap()).exit(0);
    machine.aam("sets", &[]).exit(0).says("complete");
}

#[test]
fn what_the_environment_would_have_to_hold_is_said() {
    let mut machine = Machine::new();
    machine.profile.more_destinations = "  s3: {bucket: aam-x, region: us-east-1}".to_owned();
    machine.profile.more =
        "email: {from: a@example.com, to: [b@example.com], region: us-east-1, credentials: {access-key-id: {env: MAIL_ID}, secret-access-key: {keyring: {service: s, user: u}}}}\n"
            .to_owned();
    machine.command(&["check", "x"]).output().unwrap();
    let profile = machine.path("profile.yaml");
    let show = |more: &[&str]| {
        let arguments = [&["schedule", "show", profile.to_str().unwrap()], more].concat();
        Ran::of(machine.command(&arguments).output().unwrap())
    };
    let ran = show(&["--scheduler", "systemd"]);
    ran.exit(0)
        .says(
            "archive.encryption-key is in the environment variable AAM_TEST_KEY, which a run started by systemd does not have",
        )
        .says("--environment-file PATH")
        .says("email.credentials.access-key-id is in the environment variable MAIL_ID")
        .says("email.credentials.secret-access-key is in a keyring")
        .says("destinations.s3 has no credentials");
    fs::write(
        machine.path("env file"),
        "# x\nAAM_TEST_KEY=secret-of-the-file\n",
    )
    .unwrap();
    let file = machine.path("env file");
    let ran = show(&[
        "--scheduler",
        "systemd",
        "--environment-file",
        file.to_str().unwrap(),
    ]);
    ran.exit(0)
        .never_says("AAM_TEST_KEY")
        .says("MAIL_ID")
        .says("EnvironmentFile=")
        .never_says("secret-of-the-file");
    show(&[
        "--scheduler",
        "cron",
        "--environment-file",
        file.to_str().unwrap(),
    ])
    .exit(2)
    .says("cron does not support");
    show(&["--scheduler", "cron"])
        .exit(0)
        .says("which a run started by cron does not have")
        .never_says("--environment-file PATH");
    show(&["--scheduler", "task-scheduler"])
        .exit(2)
        .says("has Unix paths");
    show(&["--scheduler", "cron", "--user", "allen"])
        .exit(2)
        .says("run the command as that user");
    show(&["--time-limit", "2h"])
        .exit(2)
        .says("leaves no time after the wait for another backup (2h)");
    show(&["--at", "24:00"])
        .exit(2)
        .says("write a time such as 00:30");
}
