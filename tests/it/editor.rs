//! Profiles in an editor: the real language server (`tests/editor.sh` gets it) with the schema that
//! `init` writes beside a profile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::language_server::LanguageServer;

const GOOD: &str = "\
version: 1
name: nightly
location: pc
sources:
  - /home/allen
destinations:
  directory:
    path: /mnt/nas
archive:
  encryption-key: {file: /etc/key}
";

fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory with profiles and the schema that their first line names.
struct Desk {
    dir: TempDir,
    server: LanguageServer,
}

impl Desk {
    fn new(draft: &str) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let schema = printed(&["schema", "--draft", draft]);
        fs::write(dir.path().join("profile.schema.json"), schema).unwrap();
        Desk {
            dir,
            server: LanguageServer::start(),
        }
    }

    /// The text below the line that names the schema.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        let line = "# yaml-language-server: $schema=profile.schema.json\n";
        fs::write(&file, format!("{line}{text}")).unwrap();
        file
    }
}

fn profiles(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(directory)).unwrap();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn an_editor_finds_nothing_wrong_with_the_examples() {
    for draft in ["2020-12", "7"] {
        let mut desk = Desk::new(draft);
        let files = profiles("examples");
        assert!(files.len() > 5);
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            let text = fs::read_to_string(&file).unwrap();
            let (_, text) = text.split_once('\n').unwrap();
            let copy = desk.write(name, text);
            assert_eq!(desk.server.open(&copy), [], "{name}, draft {draft}");
        }
    }
}

/// The profile with one change, the line, and what the editor says about it.
#[test]
fn an_editor_says_what_is_wrong_and_where() {
    let full_path =
        "Write the full path of a directory, without wildcards: /home/allen or C:\\Users\\Allen.";
    let secret = "A secret is not written in a profile: write {file: PATH} or {env: NAME}.";
    let cases = [
        ("/home/allen", "home/allen", 6, full_path),
        ("/home/allen", "./allen", 6, full_path),
        ("/home/allen", "/home/*", 6, full_path),
        ("/home/allen", r"C:\Users\*", 6, full_path),
        ("/home/allen", "{path: home, optional: true}", 6, full_path),
        (
            "/mnt/nas",
            "nas",
            9,
            "Write a full path: /home/allen or C:\\Users\\Allen.",
        ),
        ("{file: /etc/key}", "hunter2", 11, secret),
        (
            "{file: /etc/key}",
            "{file: key}",
            11,
            "Write a full path: /home/allen or C:\\Users\\Allen.",
        ),
        (
            "{file: /etc/key}",
            "{env: hunter2-x}",
            11,
            "Write the name of an environment variable, not the secret.",
        ),
        (
            "archive:\n  encryption-key: {file: /etc/key}\n",
            "",
            2,
            "Missing property \"archive\".",
        ),
        (
            "archive:\n",
            "archive:\n  volume-size: 4 GBit\n",
            11,
            "Write a size such as 4 GB or 500MB.",
        ),
        (
            "archive:\n",
            "archive:\n  volume-size: 1000\n",
            11,
            "Value is below the minimum of 65536.",
        ),
        (
            "archive:\n",
            "lock: {give-up-after: 10}\narchive:\n",
            10,
            "Incorrect type. Expected \"string\".",
        ),
        (
            "archive:\n",
            "lock: {give-up-after: 10 parsecs}\narchive:\n",
            10,
            "Write a time span such as 90s, 10m or 1h 30m.",
        ),
        (
            "archive:\n",
            "exclude: {files: [a/b]}\narchive:\n",
            10,
            "Write a name, which may have * and ?, or a full path without them.",
        ),
        (
            "archive:\n",
            "snapshot: {mount: Q}\narchive:\n",
            10,
            "Write a drive letter such as 'Q:' (Windows), or the full path of a directory (Unix).",
        ),
        (
            "archive:\n",
            "upload: {limit: fast}\narchive:\n",
            10,
            "Write bytes per second such as 2MB, or 08:00-18:00 2MB.",
        ),
        (
            "archive:\n",
            "force-full: yes\narchive:\n",
            10,
            "Value must be \"never\" | \"always\" | \"when-profile-changes\".",
        ),
        (
            "archive:\n",
            "tools: {7z: bin/7zz}\narchive:\n",
            10,
            "Write the name of a program, or its full path.",
        ),
        (
            "archive:\n",
            "smtp: {host: h, from: me, to: [a@b.c]}\narchive:\n",
            10,
            "Write one plain address, such as owner@example.com.",
        ),
        (
            "location: pc",
            "location: my_pc",
            4,
            "Write 1 to 64 letters, digits, '.', '-', apostrophes and spaces inside. Underscores are not allowed.",
        ),
        (
            "version: 1",
            "version: 2",
            2,
            "Value is above the maximum of 1.",
        ),
        ("name:", "nmae:", 3, "Property nmae is not allowed."),
        (
            "  directory:\n    path: /mnt/nas\n",
            "  s3:\n    bucket: My_Bucket\n    region: us-east-1\n",
            9,
            "Write the name of a bucket: 3 to 63 lower-case letters, digits, '.' and '-'.",
        ),
        (
            "  directory:\n    path: /mnt/nas\n",
            "  s3:\n    bucket: backups\n",
            8,
            "Missing property \"region\".",
        ),
        (
            "    path: /mnt/nas\n",
            "    path: /mnt/nas\n    path: /mnt/nas\n",
            10,
            "Map keys must be unique",
        ),
    ];
    assert!(cases.len() >= 20);
    let mut desk = Desk::new("2020-12");
    let good = desk.write("good.yaml", GOOD);
    assert_eq!(desk.server.open(&good), []);
    // A part of a profile, and paths with variables.
    let part = "extends: _base.yaml\nname: part\n+sources: [~/a, '${DATA}/b']\n\
                exclude: {+files: ['*.tmp']}\n";
    let part = desk.write("part.yaml", part);
    assert_eq!(desk.server.open(&part), []);
    for (number, (from, to, line, message)) in cases.into_iter().enumerate() {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let file = desk.write(&format!("{number}.yaml"), &text);
        let found = desk.server.open(&file);
        assert!(
            found.contains(&(line, message.to_owned())),
            "{to}: {found:#?}"
        );
        // What an editor refuses, the program refuses.
        let refused = Command::new(env!("CARGO_BIN_EXE_aam-backup"))
            .arg("check")
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(2), "{to}");
    }
}

#[test]
fn an_editor_shows_what_a_key_is_about() {
    let mut desk = Desk::new("2020-12");
    let text = GOOD.replace("archive:\n", "archive:\n  volume-size: 4 GB\n");
    let file = desk.write("p.yaml", &text);
    assert_eq!(desk.server.open(&file), []);
    for (word, shown) in [
        (
            "location",
            &["#### Location", "Unique name of this computer", "office-pc"][..],
        ),
        (
            "destinations",
            &["#### Destinations\n", "Where backups are kept."],
        ),
        ("encryption-key", &["Nothing can be restored without it"]),
        ("volume-size", &["#### Volume size\n", "4 GB", "500MB"]),
        (
            "file:",
            &[
                "#### Secret in a file",
                "whose first line is the secret",
                "/etc/aam-backup/archive.key",
            ],
        ),
    ] {
        let text = fs::read_to_string(&file).unwrap();
        let (line, column) = text
            .lines()
            .enumerate()
            .find_map(|(number, line)| Some((number, line.find(word)?)))
            .unwrap();
        let hover = desk.server.hover(&file, line, column + 1);
        for part in shown {
            assert!(hover.contains(part), "{word}: {hover}");
        }
    }
}

#[test]
fn an_editor_completes_a_section_with_what_it_needs() {
    let mut desk = Desk::new("2020-12");
    let mut number = 0;
    // `|` is the cursor.
    for (text, label, inserted) in [
        (
            "|\n",
            "New profile",
            &["version: 1", "sources:", "encryption-key:"][..],
        ),
        (
            "version: 1\narch|\n",
            "archive",
            &["archive:\n", "encryption-key:\n"],
        ),
        (
            "version: 1\ndestinations:\n  m|\n",
            "mirror",
            &["mirror:\n", "path: "],
        ),
        (
            "version: 1\ndestinations:\n  s|\n",
            "s3",
            &["s3:\n", "bucket: ", "region: "],
        ),
        (
            "version: 1\nemai|\n",
            "email",
            &["from: ", "region: ", "to:\n"],
        ),
        (
            "version: 1\ndestinations:\n  s3:\n    cred|\n",
            "credentials",
            &["access-key-id:", "secret-access-key:"],
        ),
        (
            "version: 1\narchive:\n  encryption-key:\n    |\n",
            "file",
            &["file: "],
        ),
        ("version: 1\ntime-zone: |\n", "local", &["local"]),
    ] {
        number += 1;
        let before = &text[..text.find('|').unwrap()];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().len();
        let file = desk.write(&format!("{number}.yaml"), &text.replace('|', ""));
        desk.server.open(&file);
        let proposed = desk.server.completion(&file, line, column);
        let one = proposed.iter().find(|(found, _)| found == label);
        let (_, found) = one.unwrap_or_else(|| panic!("{text}: {proposed:#?}"));
        for part in inserted {
            assert!(found.contains(part), "{text}: {found}");
        }
    }
}

/// The first line of a written profile names a file that is there.
#[test]
fn a_new_profile_comes_with_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let schema = dir.path().join("profile.schema.json");
    let init = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_aam-backup"))
            .args([
                "init",
                "--source",
                "/a",
                "--mirror",
                "/m",
                "--location",
                "pc",
                "--output",
            ])
            .arg(dir.path().join(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    init("a.yaml");
    let made = fs::read_to_string(&schema).unwrap();
    assert_eq!(made, printed(&["schema"]));
    let mut server = LanguageServer::start();
    let profile = dir.path().join("a.yaml");
    assert_eq!(server.open(&profile), []);
    let text = fs::read_to_string(&profile).unwrap();
    let broken = dir.path().join("broken.yaml");
    fs::write(&broken, text.replace("location: pc", "location: my_pc")).unwrap();
    assert_eq!(server.open(&broken).len(), 1);
    // That of an older program is replaced, and a file of somebody else stays.
    fs::write(&schema, "{\"$id\": \"urn:aam-backup:profile:1\"}").unwrap();
    init("b.yaml");
    assert_eq!(fs::read_to_string(&schema).unwrap(), made);
    fs::write(&schema, "mine").unwrap();
    let said = init("c.yaml");
    assert!(said.contains("is not a schema of this program"), "{said}");
    assert_eq!(fs::read_to_string(&schema).unwrap(), "mine");
}
