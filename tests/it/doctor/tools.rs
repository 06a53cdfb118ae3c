//! Programs that a run starts.

use super::Findings;
use crate::support::machine::{Machine, Ran};

#[test]
fn missing_programs() {
    let mut machine = Machine::new();
    machine.profile.snapshot = Some((machine.path("no-such-program"), machine.path("shown")));
    machine.profile.more = "hooks: {before: [no-such-hook]}\n".to_owned();
    let profile = machine.path("profile.yaml");
    let mut command = machine.command(&["doctor", profile.to_str().unwrap()]);
    let ran = Ran::of(command.env("PATH", "").output().unwrap());
    ran.exit(1);
    for line in [
        "problem  7-zip: '7zz' or '7z' or '7za' was not found",
        "problem  copier: 'rsync' was not found",
        "problem  snapshot: no snapshot can be made",
        "problem  hooks: hooks.before: 'no-such-hook' was not found",
        "hint: install it",
        "ok       sources: ",
        "2 warnings, 4 problems",
    ] {
        ran.says(line);
    }
}

#[test]
fn a_seven_zip_that_does_not_encrypt() {
    let mut machine = Machine::new();
    let script = machine.script(
        "7zz-open",
        "[ \"$1\" = a ] || exec 7zz \"$@\"\nfor a; do shift; case \"$a\" in -p|-mem*|-mhe*) ;; *) set -- \"$@\" \"$a\" ;; esac; done\nexec 7zz \"$@\"",
    );
    machine.profile.format = "7z";
    Findings::of(&machine).has("7-zip", "ok", "encrypts with AES-256");
    machine.profile.seven_zip = Some(script);
    for format in ["7z", "zip"] {
        machine.profile.format = format;
        Findings::of(&machine).has(
            "7-zip",
            "problem",
            &format!("does not make an encrypted {format} archive"),
        );
    }
    machine.profile.seven_zip =
        Some(machine.script("7zz-broken", "[ \"$1\" = a ] && exit 7\nexec 7zz \"$@\""));
    Findings::of(&machine).has("7-zip", "problem", "refused its command line");
}

#[test]
fn a_trial_backs_up_and_restores() {
    let mut machine = Machine::new();
    let state = machine.path("state");
    let sound = Findings::with(&machine, &["--try"]);
    sound.has("trial", "ok", "11 files were backed up and restored");
    // Copied all the same although they are left out, which no run looks for.
    let more = "rsync \"$@\" || exit\nfor target; do :; done\necho more >\"$target/more.txt\"";
    machine.profile.rsync = Some(machine.script("rsync-more", more));
    let found = Findings::with(&machine, &["--try"]);
    found.has("trial", "problem", "more.txt', which was left out");
    machine.profile.rsync = Some(machine.script("rsync-nothing", "exit 0"));
    let found = Findings::with(&machine, &["--try"]);
    found.has("trial", "problem", "`run` ended with exit code 1");
    assert!(
        found
            .all("trial")
            .iter()
            .all(|[_, text, _]| !text.contains("letter"))
    );
    let left = std::fs::read_dir(state).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["aam-backup.lock"]);
}
