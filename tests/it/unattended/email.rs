//! The report by email: sent, not wanted, refused.

use super::kit::{Night, OWNERS, post};
use crate::support::recorder::Recorder;

#[test]
fn the_report_arrives() {
    let mut night = Night::new();
    night.email = format!("  from-name: AAM Backup Report\n{}", night.email);
    // Who started the run sees where the log is.
    night
        .run(&[])
        .exit(0)
        .says("\nLog: ")
        .never_says("For details, see the log");
    let mail = night.mail();
    assert_eq!(
        mail.source,
        format!("\"AAM Backup Report\" <{}>", night.sender)
    );
    assert_eq!(mail.to, OWNERS);
    assert!(
        mail.subject.starts_with("SUCCESS, 20") && mail.subject.ends_with(" UTC full backup!"),
        "{}",
        mail.subject
    );
    let mirror = format!(
        "<td>mirror {}</td><td>has all of this backup</td>",
        night.machine.path("mirror").display()
    );
    for part in [
        &mirror,
        "<td>has all of this backup</td><td>3 objects, ",
        "For details, see the log on the computer that was backed up.",
    ] {
        let body = mail.body.replace("&#x2f;", "/");
        assert!(body.contains(part), "not in the mail: {part}\n{body}");
    }
    assert!(
        night
            .log()
            .contains("report sent to owner@example.com, second@example.com (message ")
    );
}

/// What people read whose mail program shows no HTML. The server of the tests keeps only that.
#[test]
fn plain_text_and_html_say_the_same() {
    let mut night = Night::new();
    let recorder = Recorder::before(post().address());
    night.email_to(&recorder.endpoint());
    night.email = format!("  from-name: Übersicht & Co\n{}", night.email);
    night.run(&[]).exit(0);
    let taken = recorder.taken();
    let sent: serde_json::Value = serde_json::from_str(&taken.last().unwrap().body).unwrap();
    assert_eq!(taken.last().unwrap().what, "POST /v2/email/outbound-emails");
    assert_eq!(
        sent["FromEmailAddress"],
        format!("=?UTF-8?B?w5xiZXJzaWNodCAmIENv?= <{}>", night.sender)
    );
    let body = &sent["Content"]["Simple"]["Body"];
    let text = body["Text"]["Data"].as_str().unwrap();
    let mirror = night.machine.path("mirror");
    let lines = [
        "Location: pc",
        "Selected: 3 files, ",
        &format!(
            "Destination: mirror {}: has all of this backup",
            mirror.display()
        ),
    ];
    for line in lines {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(night.mail().body, body["Html"]["Data"].as_str().unwrap());
    for secret in [night.machine.key, "wJalrXUtnFEMI"] {
        assert!(!taken.iter().any(|taken| taken.body.contains(secret)));
    }
}

#[test]
fn an_unverified_sender_is_told_and_is_no_success() {
    let mut night = Night::unverified();
    night
        .run(&[])
        .exit(3)
        .says("WARNING, ")
        .says("the email report was not sent: Email address not verified")
        .says(&format!(
            "verify '{}' in SES, region us-east-1",
            night.sender
        ));
    assert!(night.log().contains("the email report was not sent"));
    assert_eq!(
        night.machine.backups().len(),
        1,
        "the backup is there all the same"
    );
}

#[test]
fn a_server_that_is_not_there() {
    let mut night = Night::new();
    night.email_to("http://127.0.0.1:9");
    night
        .run(&[])
        .exit(3)
        .says("the email report was not sent: ")
        .says("SES in us-east-1 was not reached");
}

#[test]
fn only_problems() {
    let mut night = Night::new();
    night.email.push_str("  when: on-problem\n");
    night.run(&[]).exit(0);
    assert!(night.mails().is_empty());
    night
        .machine
        .profile
        .source("/tmp/no-such-directory".as_ref());
    night.run(&[]).exit(1);
    assert!(night.mail().subject.starts_with("FAILURE, "));
}

/// SPEC#email.
#[test]
fn an_incremental_only_backup_sends_none() {
    let mut night = Night::new();
    night.run(&[]).exit(0);
    night.run(&["--mode", "incremental-only"]).exit(0);
    assert_eq!(night.mails().len(), 1);
}

/// Nobody watches a run without a terminal.
#[test]
fn an_unattended_incremental_only_backup_that_fails_is_mailed() {
    let mut night = Night::new();
    night.run(&["--mode", "incremental-only"]).exit(1);
    assert!(night.mail().subject.starts_with("FAILURE, "));
}

#[test]
fn without_the_access_key() {
    let mut night = Night::new();
    night.email = night
        .email
        .replace("command: [echo, AKIDEXAMPLE]", "env: AAM_NOT_SET");
    night
        .run(&[])
        .exit(3)
        .says("AAM_NOT_SET")
        .says("see email.credentials in the profile");
}
