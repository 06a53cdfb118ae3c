//! Webhooks: what each service is sent, and what happens when it is not.

use serde_json::Value;

use super::kit::Night;
use crate::support::machine::Ran;
use crate::support::recorder::{Recorder, Taken};

const FORMATS: [&str; 5] = ["json", "slack", "discord", "ntfy", "teams"];

/// An entry of `notify`; its address is kept in a file.
fn webhook(night: &Night, recorder: &Recorder, format: &str, more: &str) -> String {
    let file = night.machine.path(&format!("url-{format}"));
    let address = format!("{}/private/{format}\n", recorder.endpoint());
    std::fs::write(&file, address).unwrap();
    let file = file.display();
    format!("  - {{url: {{file: '{file}'}}, format: {format}{more}}}\n")
}

/// A machine that sends a message of each format, without email.
fn notifying(recorder: &Recorder, more: &str) -> Night {
    let mut night = Night::new();
    night.email.clear();
    let entries = FORMATS.map(|format| webhook(&night, recorder, format, more));
    night.more = format!("notify:\n{}", entries.concat());
    night
}

fn sent(recorder: &Recorder, format: &str) -> Taken {
    let taken = recorder.taken();
    let what = format!("POST /private/{format}");
    taken.into_iter().rfind(|taken| taken.what == what).unwrap()
}

fn json(taken: &Taken) -> Value {
    serde_json::from_str(&taken.body).unwrap()
}

fn header<'a>(taken: &'a Taken, name: &str) -> &'a str {
    let found = taken.headers.iter().find(|(header, _)| header == name);
    found.map_or("", |(_, value)| value)
}

/// `notify test` of its profile.
fn tried(night: &mut Night) -> Ran {
    night.prepare();
    let profile = night.machine.path("profile.yaml");
    let profile = night.machine.profile.said(&profile);
    night.machine.ended(&["notify", "test", &profile])
}

#[test]
fn each_service_gets_a_message_that_it_can_show() {
    let recorder = Recorder::answering(200);
    let mut night = notifying(&recorder, "");
    night.run(&[]).exit(0).never_says("/private");
    assert_eq!(recorder.taken().len(), FORMATS.len());
    let plain = json(&sent(&recorder, "json"));
    assert_eq!(plain["outcome"], "success");
    assert_eq!(
        (plain["version"].as_u64(), plain["files"].as_u64()),
        (Some(1), Some(3))
    );
    assert_eq!(plain["complete-destinations"], plain["destinations"]);
    let slack = json(&sent(&recorder, "slack"))["text"].to_string();
    assert!(
        slack.starts_with("\"*SUCCESS, ") && slack.contains("Selected: 3 files"),
        "{slack}"
    );
    let discord = &json(&sent(&recorder, "discord"))["embeds"][0];
    assert!(
        discord["title"].as_str().unwrap().starts_with("SUCCESS, "),
        "{discord}"
    );
    assert!(
        discord["description"]
            .to_string()
            .contains("Selected: 3 files"),
        "{discord}"
    );
    let ntfy = sent(&recorder, "ntfy");
    assert!(header(&ntfy, "title").starts_with("SUCCESS, "), "{ntfy:?}");
    assert_eq!(
        (header(&ntfy, "priority"), header(&ntfy, "tags")),
        ("default", "white_check_mark")
    );
    assert!(ntfy.body.contains("Selected: 3 files"), "{ntfy:?}");
    let card = &json(&sent(&recorder, "teams"))["attachments"][0];
    assert_eq!(
        card["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert!(
        card["content"]["body"][0].to_string().contains("SUCCESS, "),
        "{card}"
    );
    let log = night.log();
    assert!(!log.contains("/private") && log.contains("notify.3 (ntfy): the message was taken"));
}

#[test]
fn a_message_names_paths_only_if_it_may() {
    let recorder = Recorder::answering(200);
    let mut night = notifying(&recorder, ", when: on-problem");
    night.run(&[]).exit(0);
    assert!(recorder.taken().is_empty());
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.run(&[]).exit(1);
    for format in FORMATS {
        let body = sent(&recorder, format).body;
        assert!(body.contains("problem"), "{body}");
        for name in [
            "/tmp",
            "no-such-directory",
            &night.machine.path("").display().to_string(),
        ] {
            assert!(!body.contains(name), "{name}: {body}");
        }
    }
    assert_eq!(header(&sent(&recorder, "ntfy"), "priority"), "high");
    let open = notifying(&recorder, ", details: paths");
    night.more = open.more;
    night.run(&[]).exit(1);
    for format in FORMATS {
        let body = sent(&recorder, format).body;
        assert!(body.contains("/tmp/no-such-directory"), "{body}");
    }
}

/// A server that refuses, one that answers with the page of a portal, and none at all.
#[test]
fn a_message_that_is_not_taken_is_an_alarm() {
    let well = Recorder::answering(200);
    for (server, why) in [
        (
            Some(Recorder::answering(404)),
            "it answered with status 404",
        ),
        (
            Some(Recorder::answering(302)),
            "it answered with status 302",
        ),
        (None, "onnection refused"),
    ] {
        let mut night = Night::new();
        night.email.clear();
        let bad = match &server {
            Some(server) => webhook(&night, server, "slack", ""),
            None => "  - {url: {command: [echo, 'http://127.0.0.1:9/private']}}\n".to_owned(),
        };
        let good = webhook(&night, &well, "json", "");
        let ping = format!("ping: {{failure: '{}/alarm'}}\n", well.endpoint());
        night.more = format!("notify:\n{bad}{good}{ping}");
        night
            .run(&[])
            .exit(3)
            .says("notify.0 (")
            .says("the message was not sent: the call to http://127.0.0.1:")
            .says(why)
            .never_says("/private");
        let called: Vec<_> = well
            .taken()
            .into_iter()
            .rev()
            .take(2)
            .map(|t| t.what)
            .collect();
        assert_eq!(called, ["POST /alarm", "POST /private/json"]);
        assert_eq!(night.machine.backups().len(), 1);
    }
}

#[test]
fn messages_are_tried_without_a_run() {
    let recorder = Recorder::answering(200);
    let mut night = notifying(
        &recorder,
        ", when: on-problem, token: {command: [echo, opensesame]}",
    );
    tried(&mut night)
        .exit(0)
        .says("notify.1 (slack): the message was taken")
        .never_says("opensesame")
        .never_says("/private");
    assert!(
        sent(&recorder, "ntfy").body.contains("no backup was made")
            || header(&sent(&recorder, "ntfy"), "title").starts_with("TEST, ")
    );
    assert_eq!(
        header(&sent(&recorder, "ntfy"), "authorization"),
        "Bearer opensesame"
    );
    assert!(night.machine.backups().is_empty());
    let deaf = Recorder::answering(500);
    let mut night = notifying(&deaf, "");
    tried(&mut night)
        .exit(1)
        .says("it answered with status 500");
    let mut silent = Night::new();
    silent.email.clear();
    tried(&mut silent).exit(1).says("sends no messages");
}

/// By email too, whatever `when` says.
#[test]
fn an_email_is_tried() {
    let mut night = Night::new();
    night.email.push_str("  when: on-problem\n");
    tried(&mut night).exit(0);
    let mail = night.mail();
    assert!(mail.subject.starts_with("TEST, "), "{mail:?}");
    assert!(mail.body.contains("notify test"), "{mail:?}");
}

/// Whoever writes the address into the profile is told where to put it, and it is not shown.
#[test]
fn an_address_in_the_profile_is_refused_and_not_shown() {
    let mut night = Night::new();
    for text in [
        "url: https://hooks.example.com/T0/opensesame",
        "url: {value: opensesame}",
    ] {
        night.more = format!("notify:\n  - {text}\n    format: slack\n");
        night.prepare();
        night
            .machine
            .aam("check", &[])
            .exit(2)
            .says("notify")
            .never_says("opensesame");
    }
    night.more = "notify: [{url: {command: [echo, opensesame]}}]\n".to_owned();
    night.prepare();
    night
        .machine
        .aam("doctor", &[])
        .says("problem  reports: notify.0.url: the secret is not an http or https address")
        .never_says("opensesame");
    night.run(&[]).exit(3).never_says("opensesame");
}
