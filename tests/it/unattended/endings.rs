//! The table "Every way a run can end" of docs/unattended.md, row by row: each test brings about
//! what its row is about, and the row itself says what must follow.

mod cut_short;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::kit::Night;
use super::metrics::Metrics;
use crate::scenarios::list::noise;
use crate::support::machine::Ran;
use crate::support::moto;
use crate::support::processes::is_root;
use crate::support::proxy::{Fault, Proxy};
use aam_auto_backup::parts::Exit;
use aam_auto_backup::parts::Outcome;

const PAGE: &str = include_str!("../../../docs/unattended.md");

/// The cells of every row, backquotes taken off.
fn rows() -> Vec<Vec<String>> {
    let table = PAGE
        .split("## Every way a run can end")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap();
    table
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .map(|line| {
            line.trim_matches('|')
                .split(" | ")
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect()
}

fn quoted(cell: &str) -> Option<&str> {
    cell.split('`').nth(1)
}

/// The row of a test.
fn row(test: &str) -> Vec<String> {
    rows()
        .into_iter()
        .find(|row| quoted(&row[5]) == Some(test))
        .unwrap_or_else(|| panic!("no row for {test}"))
}

impl Night {
    /// What a run of this chapter is started with.
    fn arguments(&self) -> [String; 3] {
        [
            "--unattended".to_owned(),
            "--metrics".to_owned(),
            self.metrics().display().to_string(),
        ]
    }

    fn metrics(&self) -> PathBuf {
        self.machine.path("night.prom")
    }

    /// Runs to the end.
    fn end(&mut self) -> Ran {
        let arguments = self.arguments();
        self.run(&arguments.each_ref().map(String::as_str))
    }

    /// A run ended as the row of `test` says.
    fn ended_as(&self, test: &str, ran: &Ran) {
        let row = row(test);
        ran.exit(row[1].parse().unwrap());
        self.told_as(&row);
        assert_eq!(self.result(), row[4], "{ran}");
        assert_eq!(Metrics::read(&self.metrics()).result(), row[4], "{ran}");
    }

    fn told_as(&self, row: &[String]) {
        let mails = self.mails();
        match quoted(&row[2]) {
            None => assert!(mails.is_empty(), "{mails:?}"),
            Some(subject) => {
                let (start, end) = subject.split_once('…').unwrap();
                let mail = mails
                    .last()
                    .unwrap_or_else(|| panic!("no mail: {}", self.log()));
                assert!(
                    mail.subject.starts_with(start) && mail.subject.ends_with(end),
                    "{}",
                    mail.subject
                );
            }
        }
        if let Some(phrase) = quoted(&row[3]) {
            assert!(
                self.log().contains(phrase),
                "not in the log: {phrase}\n{}",
                self.log()
            );
        }
    }

    /// What local state says of the newest run.
    fn result(&self) -> String {
        // A profile that does not say its name is called as its file.
        let directories = fs::read_dir(self.machine.path("state/runs"))
            .unwrap()
            .map(|e| e.unwrap().path());
        let mut records: Vec<_> = directories
            .flat_map(|path| fs::read_dir(path).unwrap().map(|e| e.unwrap().path()))
            .collect();
        records.retain(|path| path.extension().is_some_and(|e| e == "json"));
        records.sort_by_key(|path| path.file_name().unwrap().to_owned());
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(records.last().unwrap()).unwrap()).unwrap();
        record["outcome"].as_str().unwrap_or("none").to_owned()
    }
}

#[test]
fn every_row_is_a_test() {
    let source = concat!(
        include_str!("endings.rs"),
        include_str!("endings/cut_short.rs")
    );
    let rows = rows();
    assert!(rows.len() >= 20, "{}", rows.len());
    for row in rows {
        let test = quoted(&row[5]).unwrap();
        assert!(
            source.contains(&format!("#[test]\nfn {test}()")),
            "no test {test}"
        );
        assert!(
            source
                .split_whitespace()
                .collect::<String>()
                .contains(&format!("(\"{test}\"")),
            "{test} does not use its row"
        );
        let outcome = Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.to_string() == row[4])
            .unwrap();
        if outcome != Outcome::Lost {
            assert_eq!(Exit::of(outcome).code().to_string(), row[1], "{test}");
        }
    }
}

/// One run of a machine, then its row.
fn ends(test: &str, make: impl FnOnce(&mut Night)) {
    let mut night = Night::new();
    make(&mut night);
    let ran = night.end();
    night.ended_as(test, &ran);
}

/// A first run that is well; then the same.
fn then_ends(test: &str, first: impl FnOnce(&mut Night), then: impl FnOnce(&mut Night)) {
    ends(test, |night| {
        first(night);
        night.run(&[]).exit(0);
        then(night);
    });
}

#[test]
fn success() {
    ends("success", |_| {});
}

#[test]
fn nothing_changed() {
    then_ends("nothing_changed", |_| {}, |_| {});
}

#[test]
fn files_skipped() {
    ends("files_skipped", |night| {
        night.machine.make_unreadable("docs/b.txt")
    });
}

#[test]
fn optional_source_missing() {
    ends("optional_source_missing", |night| {
        night
            .machine
            .profile
            .sources
            .push(("/tmp/no-such-directory".into(), true));
    });
}

#[test]
fn email_failed() {
    let mut night = Night::unverified();
    let ran = night.end();
    night.ended_as("email_failed", &ran);
}

#[test]
fn message_failed() {
    ends("message_failed", |night| {
        let url = "{command: [echo, 'http://127.0.0.1:9/hook']}";
        night.more = format!("notify: [{{url: {url}, format: ntfy}}]\n")
    });
}

#[test]
fn ping_failed() {
    ends("ping_failed", |night| {
        night.more = "ping: {success: 'http://127.0.0.1:9/check'}\n".to_owned()
    });
}

fn hook(night: &mut Night, name: &str, code: u8) {
    let hook = night.machine.script("hook", &format!("exit {code}"));
    night.more = format!("hooks: {{{name}: ['{}']}}\n", hook.display());
}

#[test]
fn after_failed() {
    ends("after_failed", |night| hook(night, "after", 1));
}

#[test]
fn not_today() {
    ends("not_today", |night| hook(night, "before", 75));
}

#[test]
fn not_attached() {
    ends("not_attached", |night| {
        let here = night.machine.path("home").display().to_string();
        night.more = format!("schedule: {{when-attached: '{here}'}}\n");
    });
}

#[test]
fn before_failed() {
    ends("before_failed", |night| hook(night, "before", 1));
}

#[test]
fn source_missing() {
    ends("source_missing", |night| {
        night
            .machine
            .profile
            .source("/tmp/no-such-directory".as_ref())
    });
}

#[test]
fn mirror_guard() {
    let deletes = |night: &mut Night| night.machine.profile.mirror_extra("delete", "25%");
    then_ends("mirror_guard", deletes, |night| {
        fs::remove_file(night.machine.home().join("docs/a.txt")).unwrap();
    });
}

#[test]
fn mirror_differs() {
    // It says that it copied, and did not.
    ends("mirror_differs", |night| {
        night.machine.profile.rsync = Some(night.machine.script("rsync", "exit 0"))
    });
}

/// Lines of a profile for a bucket behind a server.
fn s3(bucket: &str, endpoint: &str) -> String {
    format!(
        "  s3: {{bucket: {bucket}, region: us-east-1, endpoint: '{endpoint}', \
         credentials: {{access-key-id: {{command: [echo, A]}}, secret-access-key: {{command: [echo, S]}}}}}}\n"
    )
}

#[test]
fn store_unreachable() {
    ends("store_unreachable", |night| {
        night.machine.profile.more_destinations = s3("aam-nowhere", "http://127.0.0.1:9");
    });
}

#[test]
fn upload_failed() {
    let proxy = Proxy::start(moto::shared().address());
    proxy.spoil(
        "PUT",
        ".zip.002",
        usize::MAX,
        Fault::s3(403, "AccessDenied", "not you"),
    );
    ends("upload_failed", |night| {
        fs::write(night.machine.home().join("docs/noise"), noise(200_000)).unwrap();
        night.machine.profile.volume_size = 65536;
        night.machine.profile.more_destinations = s3(&moto::shared().bucket(), &proxy.endpoint());
    });
    assert!(
        proxy.count("PUT", ".zip.001") > 0 && proxy.count("PUT", "_yes_") == 0,
        "no marker was sent"
    );
}

#[test]
fn snapshot_failed() {
    ends("snapshot_failed", |night| {
        let mount = night.machine.path("snapshot");
        fs::create_dir(&mount).unwrap();
        night.machine.profile.snapshot = Some((night.machine.script("snap", "exit 1"), mount));
    });
}

#[test]
fn tool_missing() {
    ends("tool_missing", |night| {
        night.machine.profile.seven_zip = Some("/no/such/7zz".into())
    });
}

#[test]
fn key_missing() {
    let mut night = Night::new();
    night.machine.key = "";
    let ran = night.end();
    night.ended_as("key_missing", &ran);
}

#[test]
fn disk_full() {
    let disk = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "aam-test"])
        .arg(disk.path())
        .status();
    if !is_root() || !mounted.is_ok_and(|status| status.success()) {
        eprintln!("no small disk can be mounted here");
        return;
    }
    let ended = std::panic::catch_unwind(|| {
        ends("disk_full", |night| {
            night.machine.profile.work = disk.path().to_path_buf();
            fs::write(night.machine.home().join("docs/noise"), noise(1_000_000)).unwrap();
        });
    });
    let _ = Command::new("umount").arg(disk.path()).status();
    ended.unwrap();
}

#[test]
fn log_not_writable() {
    let mut night = Night::new();
    fs::write(night.machine.path("file"), "").unwrap();
    night.machine.profile.log = Some(night.machine.path("file/logs"));
    let ran = night.end();
    night.ended_as("log_not_writable", &ran);
    let body = night.mails().pop().unwrap().body;
    assert!(body.contains("This run has no log"), "{body}");
}

#[test]
fn profile_invalid() {
    ends("profile_invalid", |night| {
        night.more = "exlude: {}\n".to_owned()
    });
}

#[test]
fn profile_unreadable() {
    ends("profile_unreadable", |night| night.more = "]\n".to_owned());
}
