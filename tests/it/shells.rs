//! Completion by real shells, and manual pages.

use std::fs;
use std::process::{Command, Stdio};

/// What the shell proposes for the last of the words.
const BASH: &str = r#"
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
words=("$@")
complete -p aam-backup >/dev/null
function=$(complete -p aam-backup | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" aam-backup "${words[COMP_CWORD]}" "${words[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn in_bash(words: &[&str]) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let script = place.path().join("completions");
    fs::write(&script, printed(&["completions", "bash"])).unwrap();
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", BASH, "bash"]).arg(&script);
    let output = command.args(words).stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{words:?}: {output:?}"
    );
    let proposed = String::from_utf8(output.stdout).unwrap();
    proposed.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_every_word() {
    for (words, proposed) in [
        (&["aam-backup", "sched"][..], "schedule"),
        (&["aam-backup", "schedule", "ins"], "install"),
        (
            &["aam-backup", "run", "documents", "--unatt"],
            "--unattended",
        ),
        (
            &["aam-backup", "restore", "drill", "documents", "--loc"],
            "--location",
        ),
        (
            &["aam-backup", "run", "documents", "--mode", "incr"],
            "incremental-only",
        ),
        (&["aam-backup", "notify", "te"], "test"),
    ] {
        assert_eq!(in_bash(words), [proposed], "{words:?}");
    }
}

#[test]
fn hidden_commands_are_never_suggested() {
    let proposed = in_bash(&["aam-backup", ""]);
    assert!(
        proposed.iter().any(|word| word == "restore"),
        "{proposed:?}"
    );
    for hidden in ["shadow-stage", "man"] {
        assert!(!proposed.iter().any(|word| word == hidden), "{proposed:?}");
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell]);
        assert!(
            !script.contains("shadow-stage") && script.contains("schedule"),
            "{shell}"
        );
    }
}

/// Shells that are not installed are not asked.
#[test]
fn scripts_are_ones_that_their_shells_take() {
    for (shell, no_execution) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let place = tempfile::tempdir().unwrap();
        let script = place.path().join("completions");
        fs::write(&script, printed(&["completions", shell])).unwrap();
        match Command::new(shell).arg(no_execution).arg(&script).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(_) => assert_ne!(shell, "bash"),
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let place = tempfile::tempdir().unwrap();
    printed(&["man", place.path().to_str().unwrap()]);
    let page = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
    for (name, said) in [
        ("aam-backup.1", "restore"),
        ("aam-backup-run.1", r"\-\-unattended"),
        ("aam-backup-restore-drill.1", "manifest"),
        ("aam-backup-notify-test.1", "test message"),
    ] {
        let text = page(name);
        assert!(
            text.starts_with(".ie") && text.contains(said),
            "{name}: {text}"
        );
    }
    assert!(!place.path().join("aam-backup-shadow-stage.1").exists());
}
