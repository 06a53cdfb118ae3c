//! A first profile.

use std::fs;

use super::{run, said};

/// What a person has after the first command.
#[cfg(unix)]
#[test]
fn a_first_profile_is_found_by_its_name_and_valid() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    for (name, options, holds) in [
        (
            "copy",
            &["--mirror", "/mnt/usb/copy"][..],
            &["mirror /mnt/usb/copy"][..],
        ),
        (
            "cloud",
            &["--bucket", "my-backups", "--region", "eu-west-1"],
            &["s3 my-backups"],
        ),
        (
            "disk",
            &["--directory", "archives", "--new-key", "keys/new.key"],
            &["directory ", "/archives"],
        ),
        (
            "all",
            &[
                "--mirror",
                "/m",
                "--bucket",
                "my-backups",
                "--region",
                "eu-west-1",
                "--directory",
                "/d",
                "--key-env",
                "K",
            ],
            &["mirror /m", "s3 my-backups", "directory /d"],
        ),
    ] {
        let base = [
            "--profiles",
            "profiles",
            "init",
            name,
            "--source",
            "/home/me",
            "--source",
            "data",
            "--location",
            "pc",
        ];
        let (code, stdout, stderr) = said(&run(dir.path(), &[&base[..], options].concat()));
        assert_eq!(code, 0, "{name}: {stderr}");
        assert_eq!(stdout, format!("profiles/{name}.yaml\n"));
        for command in ["check", "plan", "doctor", "run", "schedule install"] {
            assert!(
                stderr.contains(&format!("aam-backup {command} {name} ")),
                "{command}\n{stderr}"
            );
        }
        let (code, stdout, stderr) =
            said(&run(dir.path(), &["--profiles", "profiles", "check", name]));
        assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
        assert!(
            stdout.starts_with(&format!("OK: {name}, 2 sources"))
                && holds.iter().all(|h| stdout.contains(h)),
            "{stdout}"
        );
        // Never again.
        let file = dir.path().join(format!("profiles/{name}.yaml"));
        let before = fs::read(&file).unwrap();
        let (code, stdout, stderr) = said(&run(
            dir.path(),
            &[&base[..], &["--mirror", "/other"]].concat(),
        ));
        assert!(
            code == 2 && stdout.is_empty() && stderr.contains("exists"),
            "{stderr}"
        );
        assert_eq!(fs::read(&file).unwrap(), before);
    }
    let key = dir.path().join("keys/new.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = fs::read_to_string(&key).unwrap();
    assert!(
        text.trim_end().len() == 49
            && text
                .trim_end()
                .chars()
                .all(|c| c == '-' || c.is_ascii_hexdigit()),
        "{text}"
    );
    let profile = fs::read_to_string(dir.path().join("profiles/disk.yaml")).unwrap();
    assert!(
        profile.contains(&format!("encryption-key: {{file: {}}}", key.display())),
        "{profile}"
    );
    assert!(
        fs::read_to_string(dir.path().join("profiles/cloud.yaml"))
            .unwrap()
            .contains("{env: AAM_BACKUP_KEY}")
    );
}

/// What is commented out is there to be used.
#[cfg(unix)]
#[test]
fn a_first_profile_with_all_its_comments_is_valid_too() {
    let dir = tempfile::tempdir().unwrap();
    let words = [
        "init",
        "--output",
        "p.yaml",
        "--source",
        "/a",
        "--location",
        "pc",
        "--bucket",
        "my-backups",
        "--region",
        "eu-west-1",
    ];
    let (code, _, stderr) = said(&run(dir.path(), &words));
    assert_eq!(code, 0, "{stderr}");
    let text = fs::read_to_string(dir.path().join("p.yaml")).unwrap();
    let is_key = |line: &str| {
        line.trim_start()
            .trim_start_matches("# ")
            .split(':')
            .next()
            .is_some_and(|k| !k.contains(' '))
            && line.contains(':')
    };
    let uncommented: String = text
        .lines()
        .map(|line| match line.split_once("# ") {
            Some((indent, rest))
                if indent.trim().is_empty()
                    && (is_key(line) || rest.starts_with(' '))
                    && !rest.starts_with("yaml") =>
            {
                format!("{indent}{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(
        uncommented.contains("\nemail:\n")
            && uncommented.contains("\nexclude:\n")
            && uncommented.contains("    credentials:\n"),
        "{uncommented}"
    );
    fs::write(dir.path().join("q.yaml"), &uncommented).unwrap();
    let (code, _, stderr) = said(&run(dir.path(), &["check", "q.yaml"]));
    assert_eq!(code, 0, "{stderr}\n{uncommented}");
}

/// The new key never comes back, and an old one is never overwritten.
#[cfg(unix)]
#[test]
fn keys_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let init = |output: &str, more: &[&str]| {
        said(&run(
            dir.path(),
            &[
                &[
                    "init",
                    "--output",
                    output,
                    "--source",
                    "/a",
                    "--directory",
                    "/d",
                    "--location",
                    "pc",
                ],
                more,
            ]
            .concat(),
        ))
    };
    let (code, stdout, stderr) = init("one.yaml", &["--new-key", "key"]);
    assert_eq!(code, 0, "{stderr}");
    let key = fs::read_to_string(dir.path().join("key")).unwrap();
    let shown = format!(
        "{stdout}{stderr}{}",
        fs::read_to_string(dir.path().join("one.yaml")).unwrap()
    );
    assert!(!shown.contains(key.trim_end()), "{shown}");
    assert!(
        stderr.contains("THE ARCHIVE KEY IS IN '/")
            && stderr.contains("/key'\n")
            && stderr.contains("Write it down"),
        "{stderr}"
    );
    let (code, _, stderr) = init("two.yaml", &["--new-key", "key"]);
    assert!(
        code == 2 && stderr.contains("'key' exists") && stderr.contains("--key-file"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(dir.path().join("key")).unwrap(), key);
    assert!(!dir.path().join("two.yaml").exists());
    let (code, _, stderr) = init("two.yaml", &["--key-file", "key"]);
    assert!(code == 0 && !stderr.contains("warning"), "{stderr}");
    fs::write(dir.path().join("short"), "k").unwrap();
    let (code, _, stderr) = init("three.yaml", &["--key-file", "short"]);
    let short = "has fewer than 12 characters: whoever gets an archive can find the key by trying";
    assert!(code == 0 && stderr.contains(short), "{stderr}");
}

/// Nobody is at the terminal: everything that is missing is said at once, and nothing is written.
#[cfg(unix)]
#[test]
fn scripts_are_told_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    for (words, expected) in [
        (&[][..], "missing options: --source DIR, a destination"),
        (&["--source", "/a"], "missing options: a destination"),
        (&["--mirror", "/m"], "missing options: --source DIR\n"),
        (
            &["--source", "/a", "--mirror", "/m", "--new-key", "k"],
            "a mirror does not need a key",
        ),
        (
            &["--source", "/a", "--mirror", "/a/m"],
            "the mirror '/a/m' is inside the source '/a'",
        ),
        (
            &["--source", "/a", "--mirror", "/m", "--location", "my_pc"],
            "contains an underscore",
        ),
        (&["--source", "/a", "--bucket", "x"], "--region"),
    ] {
        let (code, stdout, stderr) = said(&run(
            dir.path(),
            &[&["init", "--output", "p.yaml"], words].concat(),
        ));
        assert_eq!((code, stdout.as_str()), (2, ""), "{words:?}");
        assert!(stderr.contains(expected), "{words:?}: {stderr}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{words:?}");
    }
}

/// At a real terminal, one answer after the other.
#[cfg(target_os = "linux")]
#[test]
fn a_person_is_asked() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let program = format!(
        "{} --profiles profiles init",
        env!("CARGO_BIN_EXE_aam-backup")
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &program, "/dev/null"])
        .current_dir(dir.path())
        .env_remove("AAM_BACKUP_PROFILES")
        .env("HOME", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::create_dir(dir.path().join("docs")).unwrap();
    fs::write(dir.path().join("docs/letter"), "Dear grandma").unwrap();
    // Computer, sources, mirror, bucket, directory, key, times, whether to show a plan.
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"pc\n~/letters\n~/docs\n\n/mnt/usb/copy\n\n/mnt/usb/archives\n\n02:30\ny\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains(&format!(
            "Directory to back up [{}]: ",
            dir.path().display()
        )) && shown.contains("THE ARCHIVE KEY IS IN"),
        "{shown}"
    );
    for said in [
        "/letters': No such file or directory",
        "  1 file, 12 bytes",
        "  not there yet: make it before the first backup",
        "Profile nightly, location pc",
    ] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    let written = fs::read_to_string(dir.path().join("profiles/nightly.yaml")).unwrap();
    for part in [
        "\n  volume-size: 4 GB\n",
        "\nschedule:\n  at: '02:30'\n  every: day\n",
        &format!("\n  - {}/docs\n", dir.path().display()),
    ] {
        assert!(written.contains(part), "{part}\n{written}");
    }
    let (code, stdout, stderr) = said(&run(
        dir.path(),
        &["--profiles", "profiles", "check", "nightly"],
    ));
    let expected =
        "OK: nightly, 1 source, destinations: mirror /mnt/usb/copy, directory /mnt/usb/archives\n";
    assert_eq!((code, stdout.as_str()), (0, expected), "{stderr}");
    assert!(dir.path().join("profiles/nightly.key").is_file());
}

/// A file that has no blocks has a size.
#[test]
fn sources_larger_than_the_work_disk_are_streamed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = fs::File::create(data.join("large")).unwrap();
    for (name, size, streams) in [("small", 1 << 20, false), ("large", 1 << 43, true)] {
        file.set_len(size).unwrap();
        let words = ["--profiles", "profiles", "init", name, "--source", "data"];
        let to = ["--location", "pc", "--directory", "/d"];
        let (code, _, stderr) = said(&run(dir.path(), &[&words[..], &to].concat()));
        assert_eq!(code, 0, "{stderr}");
        let text = fs::read_to_string(dir.path().join(format!("profiles/{name}.yaml"))).unwrap();
        assert_eq!(text.contains("  transfer: stream\n"), streams, "{text}");
    }
}

/// Backups of two computers with one location cannot be told apart.
#[test]
fn backups_of_the_same_location_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("pc_20260101_000000.000001_0_0.0_yes_-a-"), "").unwrap();
    for (location, is_named) in [("pc", true), ("p", false), ("pc-2", false)] {
        let output = format!("{location}.yaml");
        let words = ["init", "--output", &output, "--location", location];
        let more = ["--source", "data", "--directory", "store"];
        let (code, _, stderr) = said(&run(dir.path(), &[&words[..], &more].concat()));
        assert_eq!(code, 0, "{stderr}");
        let text = format!("already has backups of the location '{location}'");
        assert_eq!(stderr.contains(&text), is_named, "{stderr}");
    }
}
