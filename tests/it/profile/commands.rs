//! Finding profiles by name, and the commands that only read them.

use std::fs;
use std::process::Command;

use aam_auto_backup::parts::profile;
use jsonschema::Draft;
use serde_json::Value;

use crate::support::golden;

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
    for (file, arguments) in [
        ("profile.schema.json", &["schema"][..]),
        ("profile.draft-07.schema.json", &["schema", "--draft", "7"]),
    ] {
        let (code, stdout, _) = said(&run(root(), arguments));
        assert_eq!(code, 0);
        golden::compare(&root().join("schemas").join(file), stdout);
    }
}

/// SPEC#profile: closed objects; every key has a title, a description and an example.
#[test]
fn every_key_of_the_schema_is_documented_and_every_object_closed() {
    let schema = profile::schema();
    // What is known about a key: what stands there, and its type.
    let shape = |property: &serde_json::Value| match property["$ref"].as_str() {
        Some(name) => schema.pointer(&name[1..]).unwrap().clone(),
        None => property.clone(),
    };
    fn look(
        value: &serde_json::Value,
        at: &str,
        shape: &dyn Fn(&serde_json::Value) -> serde_json::Value,
    ) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            assert_eq!(value["additionalProperties"], false, "{at} is open");
            for (key, property) in properties {
                let kind = shape(property);
                assert!(property["title"].is_string(), "{at}/{key} has no title");
                assert!(
                    property["description"].is_string(),
                    "{at}/{key} has no description"
                );
                let needs_none = kind["type"] == "boolean"
                    || kind["properties"].is_object()
                    || kind["items"]["$ref"].is_string()
                    || kind["oneOf"].is_array()
                    || kind["anyOf"].is_array();
                assert!(
                    needs_none || property["examples"].is_array() || kind["examples"].is_array(),
                    "{at}/{key} has no example"
                );
            }
        }
        match value {
            serde_json::Value::Object(map) => map
                .iter()
                .filter(|(key, _)| *key != "if")
                .for_each(|(key, value)| look(value, &format!("{at}/{key}"), shape)),
            serde_json::Value::Array(items) => {
                items.iter().for_each(|value| look(value, at, shape));
            }
            _ => {}
        }
    }
    look(schema, "", &shape);
}

/// An example that is refused would teach a mistake, and a pattern without words says nothing.
#[test]
fn examples_of_the_schema_are_valid_and_patterns_have_words() {
    fn look(value: &serde_json::Value, root: &serde_json::Value, count: &mut usize) {
        if let Some(object) = value.as_object() {
            for example in object
                .get("examples")
                .and_then(|e| e.as_array())
                .into_iter()
                .flatten()
            {
                let mut rule = object.clone();
                rule.insert("$defs".to_owned(), root["$defs"].clone());
                assert!(
                    jsonschema::is_valid(&serde_json::Value::Object(rule), example),
                    "{example}: {value}"
                );
                *count += 1;
            }
            assert_eq!(
                object.get("pattern").is_some_and(|p| p.is_string()),
                object.contains_key("patternErrorMessage"),
                "{value}"
            );
            object.values().for_each(|inner| look(inner, root, count));
        }
        for item in value.as_array().into_iter().flatten() {
            look(item, root, count);
        }
    }
    let mut count = 0;
    look(profile::schema(), profile::schema(), &mut count);
    assert!(count > 60, "{count}");
}

/// Both are written in different versions of JSON Schema, and refuse the same.
#[test]
fn both_schemas_refuse_the_same() {
    let schema = |draft| -> Value {
        serde_json::from_str(&said(&run(root(), &["schema", "--draft", draft])).1).unwrap()
    };
    let (new, old) = (schema("2020-12"), schema("7"));
    for schema in [&new, &old] {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(schema["$id"], "urn:aam-backup:profile:1");
    }
    let new = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(&new)
        .unwrap();
    let old = jsonschema::options()
        .with_draft(Draft::Draft7)
        .build(&old)
        .unwrap();
    let (mut good, mut bad) = (0, 0);
    for file in yaml_files(&root().join("examples"))
        .into_iter()
        .chain(yaml_files(&root().join("tests/it/broken")))
    {
        let text = fs::read_to_string(&file).unwrap();
        let Ok(profile) = serde_saphyr::from_str::<Value>(&text) else {
            continue;
        };
        let verdict = new.is_valid(&profile);
        assert_eq!(verdict, old.is_valid(&profile), "{}", file.display());
        if verdict { good += 1 } else { bad += 1 }
    }
    assert!(good > 5 && bad > 20, "{good} {bad}");
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
        serde_json::json!({"version": 1, "profiles": [
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

/// What the rules select is not in a backup if it is not there, cannot be read, or is behind a link.
#[test]
fn explain_looks_at_the_disk() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path();
    let source = base.join("source");
    std::fs::create_dir_all(source.join("real")).unwrap();
    std::fs::write(source.join("real/a"), "a").unwrap();
    symlink(source.join("real"), source.join("link")).unwrap();
    let profile = base.join("p.yaml");
    let text = format!(
        "version: 1\nname: p\nlocation: pc\nsources: [{{path: {0}/source}}, {{path: {0}/none}}]\n\
         destinations: {{mirror: {{path: {0}/mirror}}}}\n",
        base.display()
    );
    std::fs::write(&profile, text).unwrap();
    let at = |path: &str| base.join(path).display().to_string();
    let explained = |path: &str, more: &[&str]| {
        let path = at(path);
        let arguments = [&["explain", profile.to_str().unwrap(), &path], more].concat();
        let (code, stdout, _) = said(&run(base, &arguments));
        assert_eq!(code, 0);
        stdout.replace(&at(""), "/")
    };
    for (path, expected) in [
        ("source/real/a", "IN: the file /source/real/a is below"),
        ("source/link", "IN: the link /source/link is below"),
        (
            "source/link/a",
            "OUT: /source/link/a is behind the link /source/link, and links are not followed",
        ),
        (
            "source/link/none",
            "OUT: /source/link/none is behind the link",
        ),
        (
            "source/none",
            "OUT: /source/none does not exist; if it did, it would be in the backup, because it is below",
        ),
        ("source/real/a/b", "OUT: /source/real/a/b does not exist"),
        (
            "none",
            "OUT: /none does not exist; if it did, it would be in the backup, because it is a source",
        ),
    ] {
        let text = explained(path, &[]);
        assert!(text.starts_with(expected), "{text}");
    }
    // Who says what it is asks what would be.
    let text = explained("source/none", &["--file"]);
    assert!(text.starts_with("IN: the file /source/none"), "{text}");
    let json = explained("source/link/a", &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["selected"], false);
    assert_eq!(json["obstacle"]["behind-link"], "/source/link");
    if !rustix::process::geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt;
        let file = source.join("real/a");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0)).unwrap();
        let text = explained("source/real/a", &[]);
        let expected = "OUT: this account cannot read the file /source/real/a";
        assert!(text.starts_with(expected), "{text}");
    }
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
