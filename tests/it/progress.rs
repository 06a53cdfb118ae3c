//! What a run shows while it works: one live line on a terminal, plain lines elsewhere.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A computer with a profile that has a mirror and archives.
fn computer(place: &Path) {
    for directory in ["documents", "mirror", "archives", "state"] {
        fs::create_dir(place.join(directory)).unwrap();
    }
    fs::write(place.join("documents/letter.txt"), "Dear grandma").unwrap();
    let here = place.display();
    // A run removes what an earlier one of its location left in the temporary directory.
    let location = place
        .file_name()
        .unwrap()
        .to_string_lossy()
        .replace('.', "");
    let profile = format!(
        "version: 1\nname: documents\nlocation: {location}\nsources: [{here}/documents]\n\
         destinations:\n  mirror: {{path: {here}/mirror}}\n  directory: {{path: {here}/archives}}\n\
         archive: {{encryption-key: {{env: AAM_BACKUP_KEY}}}}\n"
    );
    fs::write(place.join("documents.yaml"), profile).unwrap();
}

fn output(command: &mut Command, place: &Path) -> Output {
    let command = command
        .current_dir(place)
        .env("AAM_BACKUP_STATE_DIR", place.join("state"));
    let command = command
        .env("AAM_BACKUP_KEY", "a long sentence")
        .env("TERM", "xterm");
    let output = command.env("TMPDIR", place).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn piped(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aam-backup"));
    output(command.args(arguments), place)
}

/// Everything on a terminal of 80 columns.
fn on_a_terminal(place: &Path, arguments: &str) -> String {
    let program = env!("CARGO_BIN_EXE_aam-backup");
    let line = format!("stty cols 80 && '{program}' {arguments}");
    let mut command = Command::new("script");
    let shown = output(command.args(["-qec", &line, "/dev/null"]), place);
    String::from_utf8_lossy(&shown.stdout).into_owned()
}

#[test]
fn piped_output_has_no_control_characters() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    for arguments in [
        &["run", "documents.yaml", "--verbose"][..],
        &["restore", "documents.yaml", "--to", "restored"],
    ] {
        let shown = piped(scratch.path(), arguments);
        for text in [shown.stdout, shown.stderr] {
            let text = String::from_utf8(text).unwrap();
            assert!(
                !text.contains(|c: char| c.is_control() && c != '\n'),
                "{text:?}"
            );
            // What a tool rewrites is no line of its output.
            let lines = text.lines().map(str::trim);
            let percents = lines.filter(|l| l.contains("% ") || l.ends_with(['%']));
            assert_eq!(percents.collect::<Vec<_>>(), Vec::<&str>::new());
        }
    }
}

#[test]
fn tables_fit_into_80_columns() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    piped(scratch.path(), &["run", "documents.yaml"]);
    piped(scratch.path(), &["run", "documents.yaml"]);
    for (command, title) in [("sets", "SET "), ("status", "STARTED ")] {
        let shown = piped(scratch.path(), &[command, "documents.yaml"]).stdout;
        let shown = String::from_utf8(shown).unwrap();
        let table = shown.lines().skip_while(|line| !line.starts_with(title));
        let table: Vec<&str> = table.take_while(|line| !line.ends_with(':')).collect();
        assert!(table.len() > 1, "{shown}");
        // Only a path is as long as it is.
        let rows = table.iter().filter(|line| !line.starts_with("log of"));
        for row in rows {
            assert!(row.chars().count() <= 80, "{shown}");
        }
    }
}

#[test]
fn quiet_runs_say_nothing_but_the_result() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    let run = piped(scratch.path(), &["run", "documents.yaml", "--quiet"]);
    assert!(run.stderr.is_empty() && !run.stdout.is_empty(), "{run:?}");
    let shown = on_a_terminal(scratch.path(), "run documents.yaml --force-full --quiet");
    assert!(
        !shown.contains("archiving") && !shown.contains('\u{1b}'),
        "{shown:?}"
    );
}

#[test]
fn a_terminal_has_one_live_line_that_is_gone_at_the_end() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    fs::create_dir(scratch.path().join("copied")).unwrap();
    for (arguments, stages) in [
        (
            "run documents.yaml",
            &["step 1 of 5", "mirroring", "archiving", "sending"][..],
        ),
        (
            "restore documents.yaml --to restored",
            &["step 1 of 1", "extracting"],
        ),
        ("verify documents.yaml --all --yes", &["verifying 0%"]),
        (
            "copy documents.yaml --from directory --to-directory copied",
            &["copying 0%"],
        ),
    ] {
        let shown = on_a_terminal(scratch.path(), arguments);
        for stage in stages {
            assert!(shown.contains(stage), "{stage}: {shown:?}");
        }
        let (_, after) = shown.rsplit_once(stages[stages.len() - 1]).unwrap();
        // The line is cleared after the last stage, and never longer than the terminal.
        assert!(after.contains("\r\u{1b}[2K"), "{shown:?}");
        let live = shown
            .split(['\n', '\r'])
            .filter(|line| stages.iter().any(|s| line.contains(s)));
        for line in live.filter(|line| line.starts_with(['⠁', '⠉', '⠙'])) {
            assert!(line.chars().count() <= 90, "{line:?}");
        }
    }
}

/// The names of the events on standard error, where nothing else is.
fn events(ran: &Output) -> Vec<String> {
    let lines = String::from_utf8(ran.stderr.clone()).unwrap();
    let event = |line: &str| -> String {
        let event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(event["time"].is_string(), "{line}");
        event["event"].as_str().unwrap().to_owned()
    };
    lines.lines().map(event).collect()
}

/// For programs that show the progress themselves.
#[test]
fn progress_can_be_a_line_of_json_for_each_event() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    let json = ["--progress", "json"];
    let run = ["run", "documents.yaml", "--format", "json"];
    let ran = piped(scratch.path(), &[&run[..], &json].concat());
    let restore = ["restore", "documents.yaml", "--to", "restored"];
    let restored = piped(scratch.path(), &[&restore[..], &json].concat());
    let of_run = [
        "step",
        "progress",
        "mounted",
        "ahead",
        "uploading",
        "uploaded",
    ];
    let of_restore = ["step", "extracting", "progress"];
    for (ran, expected) in [(&ran, &of_run[..]), (&restored, &of_restore)] {
        let found = events(ran);
        for name in expected {
            assert!(found.iter().any(|event| event == name), "{name}: {found:?}");
        }
        assert_eq!(found.last().map(String::as_str), Some("finished"));
    }
    let answer: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(answer["run"]["outcome"], "success");
}

/// How much of the archive is made, and not only how much of it is sent.
#[test]
fn an_archive_that_is_sent_while_it_is_made_shows_its_progress() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    let profile = scratch.path().join("documents.yaml");
    let text = fs::read_to_string(&profile).unwrap();
    let streams = text.replace("archive: {", "archive: {transfer: stream, ");
    assert_ne!(text, streams);
    fs::write(&profile, streams).unwrap();
    let run = ["run", "documents.yaml", "--progress", "json"];
    let ran = piped(scratch.path(), &run);
    let lines = String::from_utf8(ran.stderr).unwrap();
    let shown = lines.lines().any(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["event"] == "progress" && event["work"] == "archiving" && event["percent"].is_u64()
    });
    assert!(shown, "{lines}");
}

/// Colors are for terminals, unless the environment says otherwise.
#[test]
fn errors_are_colored_where_that_helps() {
    let scratch = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_aam-backup");
    let said = |command: &mut Command, environment: &[(&str, &str)]| {
        let command = command.current_dir(scratch.path()).env("TERM", "xterm");
        let output = command.envs(environment.iter().copied()).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let piped = |environment: &[(&str, &str)]| {
        said(
            Command::new(program).args(["sets", "--all-locations"]),
            environment,
        )
    };
    let on_terminal = |environment: &[(&str, &str)]| {
        let line = format!("'{program}' sets --all-locations");
        let mut command = Command::new("script");
        said(command.args(["-qec", &line, "/dev/null"]), environment)
    };
    let red = "\u{1b}[31merror:";
    for (shown, is_colored) in [
        (piped(&[]), false),
        (piped(&[("CLICOLOR_FORCE", "1")]), true),
        (on_terminal(&[]), true),
        (on_terminal(&[("NO_COLOR", "1")]), false),
    ] {
        assert!(shown.contains("error:"), "{shown:?}");
        assert_eq!(shown.contains(red), is_colored, "{shown:?}");
        assert_eq!(shown.contains('\u{1b}'), is_colored, "{shown:?}");
    }
}

#[test]
fn a_plan_has_no_live_line_in_it() {
    let scratch = tempfile::tempdir().unwrap();
    computer(scratch.path());
    let many = scratch.path().join("documents/many");
    fs::create_dir(&many).unwrap();
    // A walk is shown from the thousandth file on.
    for number in 0..1100 {
        fs::write(many.join(number.to_string()), "").unwrap();
    }
    let shown = on_a_terminal(scratch.path(), "plan documents.yaml");
    let live = shown.rfind("looking at files").unwrap();
    let (_, after) = shown.split_at(live);
    let (erased, plan) = after.split_once("Profile documents").unwrap();
    // The last thing before the plan erases the line.
    assert!(erased.contains("\u{1b}[2K"), "{shown:?}");
    assert!(!plan.contains('\u{1b}'), "{shown:?}");
}
