//! Finding profiles by name, and the commands that only read them.

use std::fs;
use std::process::Command;

use aam_auto_backup::parts::profile;

use super::{VALID, named, root, run, said, yaml_files};

/// SPEC#commands: by path, by name, in order; never the one of two that nobody meant.
#[test]
fn profiles_are_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("profiles/nightly.yaml", VALID);
    write("profiles/other.yml", &named("weekly"));
    write("profiles/pair.yaml", &named("pair"));
    write("profiles/pair.yml", &named("pair"));
    write("profiles/first.yaml", &named("same"));
    write("profiles/second.yaml", &named("same"));
    write("mine/nightly.yaml", &VALID.replace("/mnt/usb", "/mnt/mine"));
    write("config/aam-backup/profiles/monthly.yaml", &named("monthly"));
    write("mine/broken.yaml", "version: 1\nname: [\n");
    let find = |arguments: &[&str]| said(&run(dir.path(), arguments));
    let slashes = |text: String| text.replace('\\', "/");

    assert_eq!(
        find(&["check", "nightly"]).1,
        "OK: nightly, 1 source, destinations: mirror /mnt/usb\n"
    );
    assert_eq!(
        find(&["--profiles", "mine", "check", "nightly"]).1,
        "OK: nightly, 1 source, destinations: mirror /mnt/mine\n"
    );
    assert_eq!(
        find(&["check", "weekly"]).0,
        0,
        "a file's own name may differ when it is asked for by `name`"
    );
    #[cfg(unix)]
    assert_eq!(
        find(&["check", "monthly"]).0,
        0,
        "the configuration directory comes last"
    );
    for (name, expected) in [
        (
            "pair",
            "pair: a profile named twice: profiles/pair.yaml, profiles/pair.yml\n",
        ),
        (
            "same",
            "same: a profile named twice: profiles/first.yaml, profiles/second.yaml\n",
        ),
        (
            "other",
            "other: the file says `name: weekly`: profiles/other.yml\n",
        ),
        ("nigthly", "  hint: did you mean nightly?\n"),
        (
            "nigthly",
            "nigthly: no profile with this name was found; looked in profiles, ",
        ),
        (
            "nothing",
            "  hint: give the path of a file, or a directory of profiles with --profiles DIR\n",
        ),
    ] {
        let (code, _, stderr) = find(&["check", name]);
        assert_eq!(code, 2);
        assert!(
            slashes(stderr.clone()).contains(expected),
            "{name}: {stderr}"
        );
    }
    let (_, _, stderr) = find(&["--profiles", "mine", "check", "broken"]);
    assert!(
        slashes(stderr.clone()).contains("mine/broken.yaml:2:7: not valid YAML"),
        "{stderr}"
    );
    let from_variable = Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(["check", "nightly"])
        .current_dir(dir.path())
        .env("AAM_BACKUP_PROFILES", dir.path().join("mine"))
        .output()
        .unwrap();
    assert_eq!(
        said(&from_variable).1,
        "OK: nightly, 1 source, destinations: mirror /mnt/mine\n"
    );
}

/// Every profile in `examples/` is valid, and its editor comment points to the schema.
#[test]
fn examples_are_valid() {
    let files = yaml_files(&root().join("examples"));
    assert!(files.len() >= 5);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("# yaml-language-server: $schema=../schemas/profile.schema.json\n"),
            "{}",
            file.display()
        );
        profile::load(&file).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    }
}

/// What editors read is what this program checks.
#[test]
fn the_schema_is_checked_in() {
    let path = root().join("schemas/profile.schema.json");
    let (code, stdout, _) = said(&run(root(), &["schema"]));
    assert_eq!(code, 0);
    let checked_in = fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    assert!(
        stdout == checked_in,
        "out of date: run `aam-backup schema > schemas/profile.schema.json`"
    );
}

/// SPEC#profile: closed objects, every key documented.
#[test]
fn every_key_of_the_schema_is_documented_and_every_object_closed() {
    fn look(value: &serde_json::Value, at: &str) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            assert_eq!(value["additionalProperties"], false, "{at} is open");
            let tag = value["required"].as_array().is_some_and(|r| r.len() == 1)
                && value["description"].is_string();
            for (key, property) in properties {
                assert!(
                    tag || property["description"].is_string(),
                    "{at}/{key} has no description"
                );
            }
        }
        match value {
            serde_json::Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| look(value, &format!("{at}/{key}"))),
            serde_json::Value::Array(items) => items.iter().for_each(|value| look(value, at)),
            _ => {}
        }
    }
    look(profile::schema(), "");
}

#[test]
fn check_answers_programs_in_json() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("good.yaml"), VALID).unwrap();
    fs::write(dir.path().join("bad.yaml"), VALID.replace("pc", "a_b")).unwrap();
    let (code, stdout, stderr) = said(&run(
        dir.path(),
        &["check", "--format", "json", "good.yaml", "bad.yaml"],
    ));
    assert_eq!((code, stderr.as_str()), (2, ""));
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        answer,
        serde_json::json!({"profiles": [
            {"profile": "good.yaml", "ok": true, "name": "nightly", "diagnostics": []},
            {"profile": "bad.yaml", "ok": false, "diagnostics": [{
                "file": "bad.yaml", "line": 3, "column": 11, "path": "/location",
                "message": "the location 'a_b' contains an underscore",
                "hint": "underscores separate the fields of object names: write `-` instead",
                "source": "location: a_b",
            }]},
        ]})
    );
}

/// v1.0's first test case: the excluded folder is out although it is listed.
#[test]
fn explain_says_why() {
    let profile = root().join("examples/windows-documents.yaml");
    for (path, option, expected) in [
        (
            r"C:\Users\Allen\Documents\folder3\a.txt",
            "--file",
            r"OUT: the file C:\Users\Allen\Documents\folder3\a.txt is below C:\Users\Allen\Documents\folder3, which is excluded by 'C:\users\allen\documents\folder3'",
        ),
        (
            r"C:\temp\test",
            "--directory",
            r"IN: the directory C:\temp\test is a source",
        ),
        (
            r"C:\temp\test\a",
            "--file",
            r"IN: the file C:\temp\test\a is below the source C:\temp\test",
        ),
        (
            r"C:\temp\test\~wrl1.TMP",
            "--file",
            r"OUT: the file C:\temp\test\~wrl1.TMP is excluded by '~WRL*.tmp'",
        ),
        (
            r"C:\temp\test\~wrl1.TMP",
            "--directory",
            r"IN: the directory C:\temp\test\~wrl1.TMP is below the source C:\temp\test",
        ),
        (
            r"C:\temp",
            "--directory",
            r"OUT: the directory C:\temp is above a source; only the source below it is backed up",
        ),
        (
            r"D:\x",
            "--file",
            r"OUT: the file D:\x is not below any source",
        ),
    ] {
        let (code, stdout, stderr) = said(&run(
            root(),
            &["explain", profile.to_str().unwrap(), path, option],
        ));
        assert_eq!(
            (code, stdout, stderr.as_str()),
            (0, format!("{expected}\n"), "")
        );
    }
    let (code, _, stderr) = said(&run(
        root(),
        &["explain", profile.to_str().unwrap(), "/home"],
    ));
    assert_eq!(
        (code, stderr.as_str()),
        (
            2,
            "error: '/home' is a Unix path, but 'windows-documents' is a Windows profile\n"
        )
    );
}

#[test]
fn wrong_command_lines_end_with_2() {
    for (arguments, code) in [
        (&["chek"][..], 2),
        (&["check"], 2),
        (&[], 2),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        assert_eq!(said(&run(root(), arguments)).0, code, "{arguments:?}");
    }
    let (code, stdout, _) = said(&run(root(), &["completions", "bash"]));
    assert!(code == 0 && stdout.contains("aam-backup"));
}
