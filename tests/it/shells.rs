//! Completion by real shells (`tests/programs.sh` gets them), and manual pages.

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

/// What stands on the line after a Tab, on a terminal of its own.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PROMPT= RPROMPT=; stty cols 200 -echo"
zpty -w shell "fpath=(${1:h} \$fpath); autoload -Uz compinit && compinit -u -d ${1:h}/dump"
zpty -w shell 'show() { print -r -- "<$BUFFER>"; exit }; zle -N show; bindkey "^X" show'
zpty -w shell 'bindkey "^I" complete-word; print rea""dy'
zpty -r shell out '*ready*'
zpty -w -n shell "$2"$'\t\C-x'
zpty -r shell out '*<*>*'
print -r -- "${${out##*<}%%>*}"
zpty -d shell
"#;

/// What `shell` prints about a line, with our script in a file.
fn asked(shell: &str, script: &str, line: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("_aam-backup");
    fs::write(&file, printed(&["completions", shell])).unwrap();
    let mut command = Command::new(shell);
    let quiet = if shell == "zsh" { "-f" } else { "--no-config" };
    command.args([quiet, "-c", script]);
    if shell == "zsh" {
        command.arg("zsh");
    }
    let output = command.arg(&file).arg(line).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|e| panic!("{shell}: {e}: run tests/programs.sh"));
    assert!(output.status.success(), "{shell}: {line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn zsh_completes_every_word() {
    for (line, whole) in [
        ("aam-backup sched", "aam-backup schedule "),
        ("aam-backup notify te", "aam-backup notify test "),
        (
            "aam-backup run documents --unatt",
            "aam-backup run documents --unattended ",
        ),
    ] {
        assert_eq!(asked("zsh", ZSH, line).trim_end_matches('\n'), whole);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn fish_completes_every_word() {
    let script = "source $argv[1]; complete -C $argv[2]";
    for (line, proposed) in [
        ("aam-backup sched", "schedule"),
        ("aam-backup notify te", "test"),
        ("aam-backup run documents --unatt", "--unattended"),
        ("aam-backup run documents --mode incr", "incremental-only"),
    ] {
        let said = asked("fish", script, line);
        let words: Vec<_> = said
            .lines()
            .map(|l| l.split('\t').next().unwrap())
            .collect();
        assert_eq!(words, [proposed], "{line}");
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
