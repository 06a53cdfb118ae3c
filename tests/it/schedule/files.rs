//! The exact bytes of what schedulers are given (tests/golden/schedule), and what checks of the
//! schedulers say of them.
//!
//! `tests/accept.sh` writes them anew; look at the difference before committing it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aam_auto_backup::parts::Mode;
use aam_auto_backup::parts::{Every, Schedule, Scheduler, TaskName};

use super::{finds_nothing, tool};
use crate::render::golden;

fn unix() -> Schedule {
    Schedule {
        name: TaskName {
            profile: "nightly".to_owned(),
            mode: Mode::Regular,
        },
        program: "/usr/local/bin/aam-backup".to_owned(),
        profile: "/etc/aam-backup/profiles/nightly.yaml".to_owned(),
        at: vec!["00:30:00".parse().unwrap()],
        every: Every::Day,
        time_limit: Duration::from_secs(72 * 3600),
        on_battery: true,
        when_attached: None,
        user: None,
        system: true,
        path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        state_directory: None,
        environment_file: None,
        metrics: None,
        log_json: false,
        from: "2026-11-24T19:08:30".parse().unwrap(),
    }
}

fn nasty_unix() -> Schedule {
    Schedule {
        name: TaskName {
            profile: "nas.ty_1-x".to_owned(),
            mode: Mode::IncrementalOnly,
        },
        program: "/opt/AAM's \"Auto\" & 100% <b> $HOME ${x}; `id`/aam-backup".to_owned(),
        profile: "/etc/it's/100% \"mine\" & %h <yours> $HOME #; Übung 😀.yaml".to_owned(),
        at: vec!["23:05:00".parse().unwrap(), "11:00:00".parse().unwrap()],
        every: Every::Saturday,
        time_limit: Duration::from_secs(5400),
        on_battery: false,
        when_attached: Some("/media/allen/.My disk-1 50%/é".to_owned()),
        user: Some("allen".to_owned()),
        path: "/opt/50% & more:/usr/bin".to_owned(),
        state_directory: Some("/srv/state 100%/it's".to_owned()),
        environment_file: Some("/etc/100% secret.env".to_owned()),
        metrics: Some("/var/lib/node exporter/100%.prom".to_owned()),
        log_json: true,
        ..unix()
    }
}

fn windows() -> Schedule {
    Schedule {
        program: r"C:\Program Files\AAM Auto Backup\aam-backup.exe".to_owned(),
        profile: r"C:\ProgramData\AAM Auto Backup\profiles\nightly.yaml".to_owned(),
        system: false,
        path: String::new(),
        ..unix()
    }
}

fn all() -> Vec<(&'static str, Schedule, Scheduler)> {
    let user = Schedule {
        system: false,
        every: Every::Hour,
        ..unix()
    };
    let hourly = Schedule {
        every: Every::Hour,
        name: nasty_unix().name,
        ..windows()
    };
    let nasty = Schedule {
        program: r"C:\100% & (more) ^!\it's\aam-backup.exe".to_owned(),
        profile: r"D:\Übung 😀\50% or 60% of it.yaml".to_owned(),
        user: Some(r"HOME & CO\Allen".to_owned()),
        at: nasty_unix().at,
        on_battery: false,
        when_attached: Some(r"E:\".to_owned()),
        every: Every::Saturday,
        state_directory: Some(r"D:\state 100% & more".to_owned()),
        ..windows()
    };
    // It starts no program with quotes in its path.
    let program = nasty_unix().program.replace(['"', '\''], "");
    let nasty_unit = Schedule {
        program,
        ..nasty_unix()
    };
    assert!(nasty_unix().render(Scheduler::Systemd).is_err());
    vec![
        ("systemd", unix(), Scheduler::Systemd),
        ("systemd-user", user, Scheduler::Systemd),
        ("systemd-nasty", nasty_unit, Scheduler::Systemd),
        ("cron", unix(), Scheduler::Cron),
        ("cron-nasty", nasty_unix(), Scheduler::Cron),
        ("launchd", unix(), Scheduler::Launchd),
        ("launchd-nasty", nasty_unix(), Scheduler::Launchd),
        ("task", windows(), Scheduler::TaskScheduler),
        ("task-hourly", hourly, Scheduler::TaskScheduler),
        ("task-nasty", nasty, Scheduler::TaskScheduler),
    ]
}

#[test]
fn golden_files() {
    for (case, schedule, scheduler) in all() {
        for file in schedule.render(scheduler).unwrap() {
            golden(&format!("schedule/{case}/{}", file.file), &file.bytes());
        }
    }
}

/// Writes the files of a case; returns their paths.
fn written(schedule: &Schedule, scheduler: Scheduler, place: &Path) -> Vec<String> {
    let write = |file: aam_auto_backup::parts::Rendered| {
        let path = place.join(&file.file);
        fs::write(&path, file.bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    schedule
        .render(scheduler)
        .unwrap()
        .into_iter()
        .map(write)
        .collect()
}

/// `systemd-analyze verify` reads them as systemd does, and looks for the program: it is put there.
#[test]
fn systemd_accepts_its_units() {
    for (_, mut schedule, scheduler) in all().into_iter().filter(|(.., s)| *s == Scheduler::Systemd)
    {
        let place = tempfile::tempdir().unwrap();
        schedule.program = format!("{}{}", place.path().display(), schedule.program);
        fs::create_dir_all(Path::new(&schedule.program).parent().unwrap()).unwrap();
        fs::copy("/bin/true", &schedule.program).unwrap();
        // The account must be there too.
        schedule.user = schedule.user.map(|_| "daemon".to_owned());
        let files = written(&schedule, scheduler, place.path());
        let verify = |files: &[String]| {
            let manager = if schedule.system {
                "--system"
            } else {
                "--user"
            };
            let mut command = Command::new(tool("systemd-analyze"));
            command
                .args(["verify", "--man=no", manager])
                .args(files)
                .env("XDG_RUNTIME_DIR", place.path());
            command.output().unwrap()
        };
        let output = verify(&files);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{files:?}\n{said}"
        );
        // It would say so.
        let text = fs::read_to_string(&files[1]).unwrap();
        fs::write(
            &files[1],
            text.replace("KillMode=mixed", "KillMode=mixture"),
        )
        .unwrap();
        let output = verify(&files);
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("mixture"),
            "{output:?}"
        );
    }
}

/// systemd's own reading of the times.
#[test]
fn systemd_reads_the_times_as_meant() {
    for (every, expected) in [
        (Every::Day, "*-*-* 00:30:00"),
        (Every::Hour, "*-*-* *:30:00"),
        (Every::Sunday, "Sun *-*-* 00:30:00"),
    ] {
        let timer = Schedule { every, ..unix() }
            .render(Scheduler::Systemd)
            .unwrap()
            .remove(0)
            .text;
        let calendar = timer
            .lines()
            .find_map(|line| line.strip_prefix("OnCalendar="))
            .unwrap();
        let output = Command::new(tool("systemd-analyze"))
            .args(["calendar", calendar])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.contains(&format!("Normalized form: {expected}")),
            "{said}"
        );
    }
}

/// The names that systemd itself gives to mounts.
#[test]
fn mounts_are_called_as_systemd_calls_them() {
    for path in [
        "/",
        "/media/allen/.My disk-1 50%/é",
        "/.a/b_c:d",
        "/mnt//x/",
    ] {
        let schedule = Schedule {
            when_attached: Some(path.to_owned()),
            ..unix()
        };
        let service = schedule.render(Scheduler::Systemd).unwrap().remove(1).text;
        let wanted = service.lines().find_map(|l| l.strip_prefix("WantedBy="));
        let output = Command::new(tool("systemd-escape"))
            .args(["--path", "--suffix=mount", path])
            .output()
            .unwrap();
        let expected = String::from_utf8(output.stdout).unwrap();
        assert_eq!(wanted, Some(expected.trim()), "{path}");
    }
}

/// The schema is that of the public documentation, as far as it is used.
#[test]
fn tasks_fit_the_schema_of_task_scheduler() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schedule/task.xsd");
    let place = tempfile::tempdir().unwrap();
    for (_, schedule, scheduler) in all()
        .into_iter()
        .filter(|(.., s)| *s == Scheduler::TaskScheduler)
    {
        for file in written(&schedule, scheduler, place.path()) {
            let check = |file: &str| {
                let mut command = Command::new(tool("xmllint"));
                command
                    .args(["--noout", "--nonet", "--schema"])
                    .arg(&schema)
                    .arg(file);
                command
            };
            finds_nothing(&mut check(&file));
            let bytes = fs::read(&file).unwrap();
            assert_eq!(bytes[..2], [0xff, 0xfe], "UTF-16, little end first");
            let unit = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]);
            let text =
                String::from_utf16(&bytes[2..].chunks(2).map(unit).collect::<Vec<_>>()).unwrap();
            assert!(text.contains("\r\n") && !text.replace("\r\n", "").contains('\n'));
            // What the words come to again.
            assert!(
                text.contains(&schedule.program.replace('&', "&amp;")) && !text.contains("%%"),
                "{text}"
            );
            let wrong = text
                .replace("IgnoreNew", "IgnoreOld")
                .replace("UTF-16", "UTF-8");
            fs::write(place.path().join("wrong.xml"), wrong).unwrap();
            assert!(
                !check(place.path().join("wrong.xml").to_str().unwrap())
                    .output()
                    .unwrap()
                    .status
                    .success()
            );
        }
    }
}

#[test]
fn property_lists_fit_their_document_type() {
    let dtd = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schedule/plist.dtd");
    let place = tempfile::tempdir().unwrap();
    for (_, schedule, scheduler) in all().into_iter().filter(|(.., s)| *s == Scheduler::Launchd) {
        for file in written(&schedule, scheduler, place.path()) {
            let mut command = Command::new(tool("xmllint"));
            finds_nothing(
                command
                    .args(["--noout", "--nonet", "--dtdvalid"])
                    .arg(&dtd)
                    .arg(&file),
            );
            let mut command = Command::new(tool("xmllint"));
            let first = "/plist/dict/key[.='ProgramArguments']/following-sibling::array[1]/string";
            let query = |n: usize| format!("string({first}[{n}])");
            for (n, word) in [(1, &schedule.program), (3, &schedule.profile)] {
                let output = Command::new(tool("xmllint"))
                    .args(["--nonet", "--xpath", &query(n), &file])
                    .output();
                assert_eq!(
                    String::from_utf8(output.unwrap().stdout)
                        .unwrap()
                        .trim_end_matches('\n'),
                    word
                );
            }
            let keys = "count(/plist/dict/key) = count(/plist/dict/*[not(self::key)])";
            let output = command
                .args(["--nonet", "--xpath", keys, &file])
                .output()
                .unwrap();
            assert_eq!(
                String::from_utf8(output.stdout).unwrap().trim(),
                "true",
                "every key has a value"
            );
        }
    }
}
