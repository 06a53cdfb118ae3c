//! `import` and `init` through the real program.

mod init;
mod round_trip;
mod secrets;

use crate::support::golden;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/import/cases")
}

/// Runs the program in `dir`, away from this computer's own profiles, with nobody at a terminal.
fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aam-backup"))
        .args(arguments)
        .current_dir(dir)
        .stdin(std::process::Stdio::null())
        .env_remove("AAM_BACKUP_PROFILES")
        .env("XDG_CONFIG_HOME", dir.join("config"))
        .env("HOME", dir)
        .output()
        .unwrap()
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

/// A word of a batch file, in quotes, as a program gets it.
fn quoted(word: &str) -> String {
    let end = word.len() - word.trim_end_matches('\\').len();
    format!("\"{word}{}\"", "\\".repeat(end)).replace('%', "%%")
}

/// Good values, one an argument.
const GOOD: [&str; 22] = [
    "regular-backup",
    "user",
    "python.exe",
    "600",
    "7200",
    r"C:\logs",
    "True",
    "AAM",
    "a@example.com",
    "b@example.com",
    "instructions.txt",
    "q",
    "local|AWS",
    r"F:\mirror",
    "keep",
    "hunter2-key-0123",
    "aam-data-backup",
    "pc",
    "AKIAHUNTER2ID",
    "hunter2/secret+x",
    "no",
    "yes",
];

/// A directory with `old.bat` and `instructions.txt`.
fn old() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let words: Vec<String> = GOOD.iter().map(|word| quoted(word)).collect();
    fs::write(
        dir.path().join("old.bat"),
        format!("py a.py {}\r\n", words.join(" ")),
    )
    .unwrap();
    fs::write(
        dir.path().join("instructions.txt"),
        "C:\\data\\\r\n\r\ncache\\\r\n\r\n*.tmp\r\n",
    )
    .unwrap();
    dir
}

/// Every `cases/*.bat` and its instruction file beside the profile and the findings, the whole of
/// both.
#[test]
fn batch_files_become_profiles() {
    let dir = cases();
    let mut names: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .filter_map(|entry| {
            Some(
                entry
                    .unwrap()
                    .file_name()
                    .to_str()?
                    .strip_suffix(".bat")?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    assert!(names.len() > 20);
    for name in names {
        let (batch, lists) = (format!("{name}.bat"), format!("{name}.txt"));
        let options = fs::read_to_string(dir.join(format!("{name}.options"))).unwrap_or_default();
        let mut arguments = vec!["import", &batch, "--instruction-file", &lists];
        arguments.extend(options.lines());
        let (code, stdout, stderr) = said(&run(&dir, &arguments));
        // Every secret in those files has this word in it.
        let all = format!("{stdout}{stderr}");
        assert!(
            !all.to_lowercase().contains("hunter2"),
            "{name} shows a secret:\n{all}"
        );
        assert_eq!(
            code == 2,
            name.starts_with("broken-"),
            "{name}: {code}\n{stderr}"
        );
        assert_eq!(code == 2, stdout.is_empty(), "{name}: {code}");
        assert_eq!(
            code == 3,
            stderr.contains("warning: ") && code != 2,
            "{name}: {code}\n{stderr}"
        );
        for (extension, found) in [("yaml", &stdout), ("stderr", &stderr)] {
            golden::compare(&dir.join(format!("{name}.{extension}")), found);
        }
        if code != 2 {
            let (code, _, stderr) = said(&run(&dir, &["check", &format!("./{name}.yaml")]));
            assert_eq!((code, stderr.as_str()), (0, ""), "{name}");
        }
    }
}

/// The same arguments by each way in.
#[test]
fn three_ways_in() {
    let dir = old();
    let options = ["--region", "us-east-1"];
    let from_file = said(&run(
        dir.path(),
        &[&["import", "old.bat"][..], &options].concat(),
    ));
    assert_eq!(from_file.0, 0, "{}", from_file.2);
    let line = format!("a.py {}", GOOD.map(quoted).join(" "));
    let without_first_lines = |text: &str| {
        text.lines()
            .skip(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    for words in [
        &["import", "--command-line", &line][..],
        &["import", "--"],
        &["import", "--", "python", "a.py"],
    ] {
        let mut words = words.to_vec();
        let at = words
            .iter()
            .position(|word| *word == "--")
            .unwrap_or(words.len());
        words.splice(at..at, options);
        if words.contains(&"--") {
            words.extend(GOOD);
        }
        let (code, stdout, stderr) = said(&run(dir.path(), &words));
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(
            without_first_lines(&stdout),
            without_first_lines(&from_file.1)
        );
        assert!(
            !format!("{stdout}{stderr}")
                .to_lowercase()
                .contains("hunter2"),
            "{stderr}"
        );
    }
    for words in [
        &["import"][..],
        &["import", "old.bat", "--command-line", "x"],
        &["import", "gone.bat"],
    ] {
        assert_eq!(said(&run(dir.path(), words)).0, 2, "{words:?}");
    }
}

#[test]
fn an_output_file_is_not_overwritten_unless_told_so() {
    let dir = old();
    let import = |more: &[&str]| {
        said(&run(
            dir.path(),
            &[
                &[
                    "import",
                    "old.bat",
                    "--region",
                    "us-east-1",
                    "--output",
                    "new.yaml",
                ],
                more,
            ]
            .concat(),
        ))
    };
    let (code, stdout, stderr) = import(&[]);
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(
        stderr.contains("aam-backup schedule install new.yaml"),
        "{stderr}"
    );
    let text = fs::read_to_string(dir.path().join("new.yaml")).unwrap();
    assert!(
        text.contains("\nname: new\n"),
        "a profile is named as its file\n{text}"
    );
    fs::write(dir.path().join("new.yaml"), "mine").unwrap();
    let (code, _, stderr) = import(&[]);
    assert!(
        code == 2 && stderr.starts_with("error: 'new.yaml' exists"),
        "{stderr}"
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("new.yaml")).unwrap(),
        "mine"
    );
    assert_eq!(import(&["--force"]).0, 0);
    assert_eq!(
        fs::read_to_string(dir.path().join("new.yaml")).unwrap(),
        text
    );
}

/// Old files in old encodings.
#[test]
fn files_must_be_utf_8() {
    let dir = old();
    fs::write(dir.path().join("instructions.txt"), b"C:\\Dat\xe4\\\r\n").unwrap();
    let (code, _, stderr) = said(&run(dir.path(), &["import", "old.bat"]));
    assert!(
        code == 2 && stderr.starts_with("instructions.txt:1:7: the file is not UTF-8 text"),
        "{stderr}"
    );
    fs::write(dir.path().join("old.bat"), b"\xff\xfep\0y\0").unwrap();
    let (code, _, stderr) = said(&run(dir.path(), &["import", "old.bat"]));
    assert!(
        code == 2 && stderr.starts_with("old.bat: the file is UTF-16, not UTF-8"),
        "{stderr}"
    );
}
