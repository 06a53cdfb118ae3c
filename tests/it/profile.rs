//! Profiles through the real program: what is refused, in which words, and what is found where.

mod jobs;

mod commands;
#[cfg(unix)]
mod composed;
#[cfg(unix)]
mod explain;

use crate::support::golden;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aam_auto_backup::parts::Family;
use aam_auto_backup::parts::Format;
use aam_auto_backup::parts::Links;
use aam_auto_backup::parts::Zone;
use aam_auto_backup::parts::profile;
use aam_auto_backup::parts::{ExtraFiles, Reference, StorageClass};
use aam_auto_backup::parts::{MaxDelete, MountPoint};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program in `dir`, away from this computer's own profiles.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("AAM_BACKUP_PROFILES")
        .env("XDG_CONFIG_HOME", dir.join("config"))
        .env("HOME", dir)
        .output()
        .unwrap_or_else(|error| panic!("the program starts: {error}"))
}

/// Exit code, stdout, stderr.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn yaml_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    files
}

const VALID: &str = "version: 1\nname: nightly\nlocation: pc\nsources: [/home/allen]\ndestinations: {mirror: {path: /mnt/usb}}\n";

/// The profile of [`VALID`] under another name.
fn named(name: &str) -> String {
    VALID.replace("nightly", name)
}

/// Every `broken/*.yaml` beside what `check` says about it: the whole of it.
#[test]
fn broken_profiles() {
    let dir = root().join("tests/it/broken");
    let files = yaml_files(&dir);
    assert!(files.len() > 30);
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (code, stdout, stderr) = said(&run(&dir, &["check", &format!("./{name}")]));
        assert_eq!((code, stdout.as_str()), (2, ""), "{name}");
        // Every secret in those files is this one.
        assert!(
            !stderr.to_lowercase().contains("hunter2"),
            "{name} shows a secret:\n{stderr}"
        );
        golden::compare(&file.with_extension("stderr"), &stderr);
    }
}

/// Files that are no text, or hold no profile.
#[test]
fn files_that_hold_no_profile() {
    let dir = tempfile::tempdir().unwrap();
    let large = format!("{VALID}# {}\n", "x".repeat(1024 * 1024));
    let deep = format!("a: {}1{}", "[".repeat(200), "]".repeat(200));
    let aliases = "a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n";
    for (content, expected) in [
        (
            &b""[..],
            "p.yaml: the profile is empty\n  hint: begin with one of the profiles in `examples`\n",
        ),
        (
            b"# nothing\n",
            "p.yaml: the profile is empty\n  hint: begin with one of the profiles in `examples`\n",
        ),
        (
            b"\xff\xfea\0",
            "p.yaml: the file is UTF-16, not UTF-8\n  hint: save it again with the encoding UTF-8 (in Notepad: Save as, Encoding)\n",
        ),
        (
            b"a: 1\nb: \xe4\n",
            "p.yaml:2:4: the file is not UTF-8 text\n  hint: save it again with the encoding UTF-8\n",
        ),
        (
            large.as_bytes(),
            "p.yaml: is larger than 1024 KiB, too large for a profile\n",
        ),
        (
            deep.as_bytes(),
            "the values are nested too deeply or repeated too often\n",
        ),
        (
            aliases.as_bytes(),
            "the values are nested too deeply or repeated too often\n",
        ),
    ] {
        fs::write(dir.path().join("p.yaml"), content).unwrap();
        let (code, _, stderr) = said(&run(dir.path(), &["check", "p.yaml"]));
        assert_eq!(code, 2);
        assert!(stderr.contains(expected), "{stderr}");
    }
    let (code, _, stderr) = said(&run(dir.path(), &["check", "gone.yaml"]));
    assert!(
        code == 2 && stderr.starts_with("gone.yaml: cannot be read: "),
        "{stderr}"
    );
    let (code, _, stderr) = said(&run(dir.path(), &["check", "./"]));
    assert!(code == 2 && stderr.starts_with("./: "), "{stderr}");
}

/// A byte order mark and Windows line ends are what Notepad writes.
#[test]
fn notepad_writes_profiles_too() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("p.yaml"),
        format!("\u{feff}{}", VALID.replace('\n', "\r\n")),
    )
    .unwrap();
    let (code, stdout, stderr) = said(&run(dir.path(), &["check", "p.yaml"]));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            0,
            "OK: nightly, 1 source, destinations: mirror /mnt/usb\n",
            ""
        )
    );
}

/// A secret written where a reference belongs never comes back, in whatever form it was written.
#[test]
fn secrets_are_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for entry in [
        "encryption-key: hunter2",
        "encryption-key: 'hunter2'",
        "encryption-key: !hunter2 x",
        "encryption-key: *hunter2",
        "encryption-key: &hunter2 hunter2",
        "encryption-key: {hunter2}",
        "encryption-key: [hunter2]",
        "encryption-key: {env: hunter2-x}",
        "encryption-key: {file: hunter2}",
        "encryption-key: {env: A, hunter2: B}",
        "encryption-key: {command: hunter2}",
        "encryption-key: {command: ['', hunter2]}",
        "encryption-key: {keyring: hunter2}",
        "encryption-key: {keyring: {service: hunter2}}",
        "encryption-key: {value: hunter2}",
        "encryption-key:\n    hunter2",
        "encryption-key:\n    - hunter2",
        "encryption-key: |\n    first\n    hunter2",
        "encryption-key: {env:\n    hunter2 x}",
        "encryption-key: \"x\n    hunter2\", format: hunter",
        "encryption_key: hunter2",
        "Encryption Key: hunter2",
        "password: hunter2",
        "encryption-key: {env: A}\n  encryption-key: hunter2",
        "encryption-key: hunter2: hunter2",
        "encryption-key: {{hunter2",
        "encryption-key: 'hunter2",
    ] {
        for text in [
            format!("{VALID}archive:\n  {entry}\n"),
            format!("archive:\n  {entry}\n"),
            format!("{VALID}{entry}\n"),
        ] {
            let name = format!("p{}.yaml", names.len());
            fs::write(dir.path().join(&name), text).unwrap();
            names.push(name);
        }
    }
    for format in ["text", "json"] {
        let mut arguments = vec!["check", "--format", format];
        arguments.extend(names.iter().map(String::as_str));
        let (code, stdout, stderr) = said(&run(dir.path(), &arguments));
        let both = format!("{stdout}{stderr}");
        assert_eq!(code, 2);
        assert!(
            !stdout.contains("OK") && names.iter().all(|name| both.contains(name.as_str())),
            "all refused: {both}"
        );
        assert!(!both.contains("hunter2"), "{both}");
    }
}

/// Whole numbers that are written as others are.
#[test]
fn whole_numbers_may_have_a_point_or_an_exponent() {
    let profile =
        |version: &str, size: &str| {
            format!("{VALID}archive: {{encryption-key: {{env: K}}, volume-size: {size}}}\n")
                .replacen("version: 1", &format!("version: {version}"), 1)
        };
    for (version, size) in [
        ("1.0", "4e9"),
        ("1e0", "4000000000.0"),
        ("1", "4_000_000_000"),
    ] {
        let text = profile(version, size);
        let loaded = profile::load_bytes(Path::new("p.yaml"), text.as_bytes());
        assert!(loaded.is_ok(), "{text}\n{}", loaded.unwrap_err());
    }
    for (version, size, said) in [
        ("2.0", "4e9", "version 2 of the profile format is not known"),
        ("1", "4000000000.5", "is a fraction"),
    ] {
        let text = profile(version, size);
        let refused = profile::load_bytes(Path::new("p.yaml"), text.as_bytes());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}

proptest::proptest! {
    /// Whatever stands in a file, the answer is a job or a diagnostic with its place inside the
    /// file.
    #[test]
    fn no_text_is_too_broken(at in 0_usize..1500, removed in 0_usize..40, added in "[ -~\n\t\r\u{e9}\u{1f600}]{0,12}") {
        let valid = include_str!("../../examples/windows-workstation.yaml");
        let kept = |from: usize, count: usize| valid.chars().skip(from).take(count).collect::<String>();
        let text = format!("{}{added}{}", kept(0, at), kept(at + removed, usize::MAX));
        if let Err(diagnostics) = profile::load_bytes(Path::new("p.yaml"), text.as_bytes()) {
            let lines = text.split(['\n', '\r']).count();
            proptest::prop_assert!(diagnostics.iter().all(|d| d.line <= lines + 1 && !d.message.is_empty()));
            proptest::prop_assert!(!diagnostics.to_string().is_empty());
        }
    }

    /// Whatever else is wrong with a profile, a secret written into it is not shown.
    #[test]
    fn a_secret_stays_hidden_in_any_wreck(before in "[ -~\n]{0,6}", after in "[ -~\n]{0,6}", at in 0_usize..95, removed in 0_usize..4) {
        let text = format!("{VALID}{before}\narchive:\n  encryption-key: hunter2\n  format: zip{after}\n");
        let kept = |from: usize, count: usize| text.chars().skip(from).take(count).collect::<String>();
        let text = format!("{}{after}{}", kept(0, at), kept(at + removed, usize::MAX));
        let shown = match profile::load_bytes(Path::new("p.yaml"), text.as_bytes()) {
            Ok(_) => String::new(),
            Err(diagnostics) => diagnostics.to_string(),
        };
        proptest::prop_assert!(!shown.contains("hunter2"), "{text}\n\n{shown}");
    }
}
