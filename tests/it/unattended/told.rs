//! Pings and hooks.

use super::kit::Night;
use crate::support::https::Https;
use crate::support::machine::Ran;
use crate::support::processes::{Gate, signal, wait_for_end};
use crate::support::recorder::Recorder;

/// A machine that pings this server, without email.
fn pinging(recorder: &Recorder) -> Night {
    let mut night = Night::new();
    night.email.clear();
    let url = recorder.endpoint();
    night.more = format!(
        "ping: {{start: '{url}/check/start?a=b', success: '{url}/check', failure: '{url}/check/fail'}}\n"
    );
    night
}

pub(super) fn called(recorder: &Recorder) -> Vec<String> {
    recorder
        .taken()
        .into_iter()
        .map(|taken| taken.what)
        .collect()
}

#[test]
fn pings() {
    let recorder = Recorder::answering(200);
    let mut night = pinging(&recorder);
    night.run(&[]).exit(0);
    assert_eq!(called(&recorder), ["POST /check/start?a=b", "POST /check"]);
    let report = &recorder.taken()[1].body;
    assert!(
        report.starts_with("SUCCESS, ") && report.contains("Selected: 3 files"),
        "{report}"
    );
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.run(&[]).exit(1);
    assert_eq!(
        called(&recorder)[2..],
        ["POST /check/start?a=b", "POST /check/fail"]
    );
    // The path of the address is as good as a password.
    assert!(!night.log().contains("/check"), "{}", night.log());
}

#[test]
fn a_ping_of_its_own_for_warnings() {
    let recorder = Recorder::answering(200);
    let mut night = pinging(&recorder);
    night
        .machine
        .profile
        .sources
        .push(("/tmp/no-such-directory".into(), true));
    night.run(&[]).exit(3);
    assert_eq!(called(&recorder).last().unwrap(), "POST /check");
    night.more = night.more.replace(
        "failure:",
        &format!("warning: '{}/warn', failure:", recorder.endpoint()),
    );
    night.run(&[]).exit(3);
    assert_eq!(called(&recorder).last().unwrap(), "POST /warn");
}

#[test]
fn a_report_that_nobody_gets_is_an_alarm() {
    let recorder = Recorder::answering(200);
    let mut night = Night::unverified();
    night.more = pinging(&recorder).more;
    night.run(&[]).exit(3);
    assert_eq!(called(&recorder).last().unwrap(), "POST /check/fail");
}

#[test]
fn a_ping_that_does_not_arrive() {
    for (recorder, why) in [
        (
            Some(Recorder::answering(404)),
            "it answered with status 404",
        ),
        (None, "onnection refused"),
    ] {
        let mut night = pinging(recorder.as_ref().unwrap_or(&Recorder::answering(200)));
        if recorder.is_none() {
            night.more = "ping: {success: 'http://127.0.0.1:9/check'}\n".to_owned();
        }
        night
            .run(&[])
            .exit(3)
            .says("ping.success: the ping to http://127.0.0.1:")
            .says(why)
            .never_says("/check");
        assert_eq!(night.machine.backups().len(), 1);
    }
}

/// By TLS, with a certificate that this computer trusts, and with one that it does not.
#[test]
fn pings_by_https() {
    let server = Https::start();
    let mut night = Night::new();
    night.email.clear();
    night.more = format!("ping: {{success: '{}/check'}}\n", server.address());
    night
        .run(&[])
        .exit(3)
        .says("ping.success: the ping to https://localhost:")
        .says("ertificate");
    assert!(server.called().is_empty());
    let mut command = night
        .machine
        .command(&["run", night.machine.path("profile.yaml").to_str().unwrap()]);
    Ran::of(
        command
            .env("SSL_CERT_FILE", server.certificate())
            .output()
            .unwrap(),
    )
    .exit(0);
    assert_eq!(server.called(), ["/check"]);
}

/// A hook that notes its name and what it is told.
fn noting(night: &Night, then: &str) -> String {
    let notes = night.machine.path("notes");
    let text = format!(
        "echo \"$AAM_BACKUP_HOOK $AAM_BACKUP_PROFILE $AAM_BACKUP_LOCATION $AAM_BACKUP_OPERATION \
         ${{AAM_BACKUP_OUTCOME:--}} $1\" >>'{}'\necho a word of its own\n{then}",
        notes.display()
    );
    night
        .machine
        .script("hook", &text)
        .to_str()
        .unwrap()
        .to_owned()
}

fn notes(night: &Night) -> Vec<String> {
    let text = std::fs::read_to_string(night.machine.path("notes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn hooked(then: &str) -> Night {
    let mut night = Night::new();
    night.email.clear();
    let hook = noting(&night, then);
    night.more = format!(
        "hooks: {{before: ['{hook}', 'a b'], after: ['{hook}'], on-failure: ['{hook}']}}\n"
    );
    night
}

#[test]
fn hooks_around_a_success() {
    let mut night = hooked("");
    night.run(&[]).exit(0);
    assert_eq!(
        notes(&night),
        [
            "before test pc regular - a b",
            "after test pc regular success "
        ]
    );
    assert!(night.log().contains("hooks.before: a word of its own"));
    // Nothing of it in a preview.
    night.machine.aam("plan", &[]).exit(0);
    assert_eq!(notes(&night).len(), 2);
}

#[test]
fn hooks_around_a_failure() {
    let mut night = hooked("");
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.run(&[]).exit(1);
    assert_eq!(
        notes(&night)[1..],
        [
            "after test pc regular failure ",
            "on-failure test pc regular failure "
        ]
    );
}

#[test]
fn before_can_stop_the_run() {
    let mut night = hooked("[ $AAM_BACKUP_HOOK != before ] || exit 9");
    night
        .run(&[])
        .exit(1)
        .says("hooks.before failed: exit code 9");
    assert_eq!(notes(&night).len(), 3, "after and on-failure run");
    assert!(night.machine.mirrored().is_empty() && night.machine.backups().is_empty());
}

#[test]
fn after_that_fails_is_a_warning() {
    let mut night = hooked("[ $AAM_BACKUP_HOOK != after ] || exit 9");
    night
        .run(&[])
        .exit(3)
        .says("hooks.after failed: exit code 9");
}

/// It would hold the lock for ever. What it started goes with it.
#[test]
fn a_hook_that_hangs() {
    for (name, exit, told) in [
        ("before", 1, &["before", "after", "on-failure"][..]),
        ("after", 3, &["before", "after"]),
        ("on-failure", 1, &["before", "on-failure"]),
    ] {
        let mut night = Night::new();
        night.email.clear();
        let child = night.machine.path("child");
        let hang = format!(
            "[ $AAM_BACKUP_HOOK != {name} ] || {{ sleep 600 & echo $! >'{}'; wait; }}",
            child.display()
        );
        let hook = noting(&night, &hang);
        let after = if name == "on-failure" { "false" } else { &hook };
        night.more = format!(
            "hooks: {{give-up-after: 6s, before: ['{hook}'], after: ['{after}'], on-failure: ['{hook}']}}\n"
        );
        if name == "on-failure" {
            night
                .machine
                .profile
                .source("/tmp/no-such-directory".as_ref());
        }
        let started = std::time::Instant::now();
        night.run(&[]).exit(exit).says(&format!(
            "hooks.{name} failed: '{hook}' did not end within 6s and was stopped"
        ));
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
        assert_eq!(
            notes(&night)
                .iter()
                .map(|note| note.split(' ').next().unwrap())
                .collect::<Vec<_>>(),
            told
        );
        wait_for_end(&[std::fs::read_to_string(&child)
            .unwrap()
            .trim()
            .parse()
            .unwrap()]);
        assert!(
            night.log().contains("hooks.give-up-after"),
            "{}",
            night.log()
        );
    }
}

#[test]
fn a_hook_that_is_not_there() {
    let mut night = Night::new();
    night.more = "hooks: {before: [/no/such/program]}\n".to_owned();
    night
        .run(&[])
        .exit(1)
        .says("hooks.before failed: '/no/such/program' was not found");
    assert!(night.mail().subject.starts_with("FAILURE, "));
}

#[test]
fn an_interrupt_while_a_hook_runs() {
    let mut night = Night::new();
    let gate = Gate::new(&night.machine.path("."));
    let hook = noting(
        &night,
        &format!("[ $AAM_BACKUP_HOOK != before ] || {{ {}; }}", gate.hook()),
    );
    night.more = format!("hooks: {{before: ['{hook}'], after: ['{hook}']}}\n");
    night.prepare();
    let mut run = night.machine.start(&[]);
    gate.wait(&mut run);
    signal(run.id().try_into().unwrap(), rustix::process::Signal::INT);
    Ran::of(run.wait_with_output().unwrap()).exit(130);
    assert_eq!(notes(&night)[1..], ["after test pc regular interrupted "]);
    assert!(night.mail().subject.starts_with("FAILURE, "));
}
