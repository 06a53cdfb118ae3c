//! `docs/messages.md`: typical mistakes, and what the program says about each. The page is made by
//! making them.

use std::fmt::Write;
use std::fs;

use crate::support::golden;
use crate::support::machine::Machine;

use super::root;

const GOOD: &str = "\
version: 1
name: nightly
location: office-pc
sources:
  - /home/allen
destinations:
  directory:
    path: /mnt/nas
archive:
  encryption-key: {file: /etc/aam-backup/archive.key}
";

/// A mistake in a profile: what it is, and how it comes into the good one.
const IN_PROFILES: [(&str, &str, &str); 17] = [
    ("A key is misspelled", "archive:", "archve:"),
    ("A key is missing", "location: office-pc\n", ""),
    (
        "A line is indented with a tab",
        "    path: /mnt",
        "\tpath: /mnt",
    ),
    (
        "A Windows path is in double quotes",
        "/home/allen",
        "\"C:\\Users\\Allen\"",
    ),
    ("A path is relative", "/home/allen", "documents"),
    ("A source has a wildcard", "/home/allen", "/home/*"),
    ("A variable is not defined", "/home/allen", "${PHOTOS}/2026"),
    (
        "A secret is in the profile",
        "{file: /etc/aam-backup/archive.key}",
        "correct horse",
    ),
    ("A location has an underscore", "office-pc", "office_pc"),
    (
        "A source is listed twice",
        "  - /home/allen\n",
        "  - /home/allen\n  - /home/allen/\n",
    ),
    (
        "The store is inside a source",
        "/mnt/nas",
        "/home/allen/backup",
    ),
    (
        "No destination",
        "  directory:\n    path: /mnt/nas\n",
        "  {}\n",
    ),
    (
        "A store has no key",
        "archive:\n  encryption-key: {file: /etc/aam-backup/archive.key}\n",
        "",
    ),
    (
        "A size has an unknown unit",
        "archive:\n",
        "archive:\n  volume-size: 4 GBit\n",
    ),
    (
        "A time span has no unit",
        "archive:\n",
        "lock: {give-up-after: 10}\narchive:\n",
    ),
    (
        "A word is not one of the choices",
        "archive:\n",
        "force-full: yes\narchive:\n",
    ),
    (
        "A key is given twice",
        "location: office-pc\n",
        "location: office-pc\nname: weekly\n",
    ),
];

fn section(page: &mut String, title: &str, command: &str, said: &str) {
    let said = said.trim_end();
    write!(page, "\n## {title}\n\n```text\n$ {command}\n{said}\n```\n").unwrap();
}

/// Errors, warnings and hints, without what differs from run to run.
fn problems(said: &str, machine: &Machine) -> String {
    let wanted = |line: &&str| {
        let line = line.trim_start();
        ["error", "warning", "hint"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let scratch = machine.scratch().display().to_string();
    let lines: Vec<String> = said
        .lines()
        .filter(wanted)
        .map(|line| line.replace(&scratch, ""))
        .collect();
    lines.join("\n")
}

#[test]
fn the_page_of_messages_says_what_the_program_says() {
    let mut page = String::from(
        "<!-- Made by the test messages_page, which makes each of these mistakes: change that, not this page. -->\n\n\
         # Messages\n\n\
         Typical mistakes, and what the program says about each. A mistake in a profile is found by `aam-backup check`, and\n\
         by an [editor](editor.md) while you type. `aam-backup doctor` finds what is wrong around it. A message names the file,\n\
         the line, the key and what to do.\n",
    );
    let mut machine = Machine::new();
    let place = machine.path("profiles");
    fs::create_dir(&place).unwrap();
    for (title, from, to) in IN_PROFILES {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{title}");
        fs::write(place.join("nightly.yaml"), text).unwrap();
        let mut command = machine.command(&["check", "nightly.yaml"]);
        let output = command.current_dir(&place).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{title}");
        let said = String::from_utf8(output.stderr).unwrap();
        section(&mut page, title, "aam-backup check nightly.yaml", &said);
    }
    let ran = machine.ended(&["check", "--profiles", place.to_str().unwrap(), "nigthly"]);
    // The directories that were searched differ from computer to computer.
    let said = ran
        .stderr
        .lines()
        .map(|line| match line.split_once("looked in ") {
            Some((before, _)) => format!("{before}looked in …"),
            None => line.to_owned(),
        });
    let said = said.collect::<Vec<_>>().join("\n");
    section(
        &mut page,
        "A profile is misspelled",
        "aam-backup check nigthly",
        &said,
    );

    // Around a good profile.
    let run = |page: &mut String,
               machine: &Machine,
               title: &str,
               command: &str,
               exit: i32,
               arguments: &[&str]| {
        let ran = machine.aam(arguments[0], &arguments[1..]);
        ran.exit(exit);
        let said = problems(&ran.stderr, machine);
        assert!(!said.is_empty(), "{title}: {ran}");
        section(page, title, command, &said);
    };
    machine.run(&[]).exit(0);
    machine.key = "";
    run(
        &mut page,
        &machine,
        "The archive key is empty",
        "aam-backup run nightly",
        1,
        &["run"],
    );
    machine.key = "another one";
    run(
        &mut page,
        &machine,
        "The archive key is another one",
        "aam-backup run nightly",
        1,
        &["run"],
    );
    machine.key = crate::support::machine::KEY;
    let away = machine.path("unplugged");
    fs::rename(machine.path("mirror"), &away).unwrap();
    run(
        &mut page,
        &machine,
        "The disk of the mirror is not attached",
        "aam-backup run nightly",
        1,
        &["run"],
    );
    fs::rename(&away, machine.path("mirror")).unwrap();
    machine.profile.source("/media/camera".as_ref());
    run(
        &mut page,
        &machine,
        "The disk of a source is not attached",
        "aam-backup run nightly",
        1,
        &["run"],
    );
    let full = machine.path("restored");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine.txt"), "mine").unwrap();
    let to = full.display().to_string();
    run(
        &mut page,
        &machine,
        "A restore would overwrite files",
        "aam-backup restore nightly --to restored",
        1,
        &["restore", "--to", &to],
    );
    golden::compare(&root().join("docs/messages.md"), &page);
}
