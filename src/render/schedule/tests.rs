//! Rules of quoting and of times, as tables.

use super::*;
use crate::plan::backup::Mode;

#[test]
fn words_survive_each_quoting() {
    for (text, unit) in [
        ("/a b/c", r#""/a b/c""#),
        ("/100% x/%h", r#""/100%% x/%%h""#),
        (r#"/say "hi"\n"#, r#""/say \"hi\"\\n""#),
        ("/it's;$HOME", r#""/it's;$HOME""#),
    ] {
        assert_eq!(systemd_word(text), unit);
    }
    for (text, task) in [
        ("run", Some("run")),
        (
            r"C:\a b\100% & more.yaml",
            Some(r#""C:\a b\100% & more.yaml""#),
        ),
        (
            r"C:\50% or 60% of it.yaml",
            Some(r#""C:\50% or 60% of it.yaml""#),
        ),
        (r"C:\%TEMP%\x.yaml", None),
        (r"C:\$(Arg0)\x.yaml", None),
    ] {
        assert_eq!(task_argument(text).ok().as_deref(), task, "{text}");
    }
    for (word, line) in [
        ("/a/b.yaml", Some("0 1 * * * /a/b.yaml")),
        ("/it's 100%", Some(r"0 1 * * * '/it'\''s 100\%'")),
        ("/$HOME/`x`;#y", Some("0 1 * * * '/$HOME/`x`;#y'")),
        (r"/a\b", Some(r"0 1 * * * '/a\b'")),
        (r"/a\%", None),
        (r"/a\\b", None),
        (&"x".repeat(999), None),
    ] {
        assert_eq!(
            cron_command("0 1 * * *", &[word.to_owned()])
                .ok()
                .as_deref(),
            line,
            "{word}"
        );
    }
}

#[test]
fn names_of_tasks_never_meet() {
    let mut all: Vec<String> = Vec::new();
    for profile in [
        "a",
        "a-incremental-only",
        "incremental-only",
        "a.incremental-only",
        "a_b",
    ] {
        for name in TaskName::all(profile) {
            all.extend([name.task(), name.unit(), name.label()]);
        }
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn control_characters_are_refused() {
    let schedule = Schedule {
        name: TaskName {
            profile: "x".to_owned(),
            mode: Mode::Regular,
        },
        program: "/bin/x".to_owned(),
        profile: "/a\nExecStart=/evil".to_owned(),
        at: vec![NaiveTime::MIN],
        every: Every::Day,
        time_limit: Duration::from_secs(60),
        on_battery: true,
        when_attached: None,
        user: None,
        system: false,
        path: "/bin".to_owned(),
        state_directory: None,
        environment_file: None,
        metrics: None,
        log_json: false,
        from: NaiveDateTime::MIN,
    };
    for scheduler in [
        Scheduler::TaskScheduler,
        Scheduler::Systemd,
        Scheduler::Cron,
        Scheduler::Launchd,
    ] {
        assert!(schedule.render(scheduler).is_err(), "{scheduler}");
    }
}
