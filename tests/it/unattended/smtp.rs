//! The report through a real SMTP server: encrypted in each way, refused, not trusted.

use super::kit::{Night, OWNERS};
use crate::support::machine::Ran;
use crate::support::smtp::{MailServer, PASSWORD, USER};

/// A machine that reports to this server and to nobody else.
fn reporting_to(server: &MailServer, more: &str) -> Night {
    let mut night = Night::new();
    night.email.clear();
    night.more = format!(
        "smtp:\n  host: localhost\n  port: {}\n  from-name: Übersicht\n  from: aam@example.com\n  to: [{}]\n{more}",
        server.port,
        OWNERS.join(", ")
    );
    night
}

fn login(password: &str) -> String {
    format!("  login: {{user: {USER}, password: {{command: [echo, {password}]}}}}\n")
}

/// A command of its profile on a computer that trusts the server's certificate.
fn trusting(night: &mut Night, server: &MailServer, command: &[&str]) -> Ran {
    night.prepare();
    let profile = night.machine.path("profile.yaml");
    let profile = night.machine.profile.said(&profile);
    let arguments = [command, &[profile.as_str()]].concat();
    let mut command = night.machine.command(&arguments);
    Ran::of(
        command
            .env("SSL_CERT_FILE", server.certificate())
            .output()
            .unwrap(),
    )
}

#[test]
fn the_report_arrives_by_each_kind_of_connection() {
    for security in ["tls", "starttls", "none"] {
        let server = MailServer::start(security);
        let login = match security {
            "none" => String::new(),
            _ => login(PASSWORD),
        };
        let mut night = reporting_to(&server, &format!("  security: {security}\n{login}"));
        trusting(&mut night, &server, &["run"])
            .exit(0)
            .says("report sent to owner@example.com, second@example.com by localhost")
            .never_says(PASSWORD);
        let taken = server.taken();
        assert_eq!(taken.len(), 1, "{security}");
        let mail = &taken[0];
        for part in [
            "X-To: owner@example.com second@example.com",
            "From: =?utf-8?b?w5xiZXJzaWNodA==?= <aam@example.com>",
            "To: owner@example.com, second@example.com",
            "Subject: SUCCESS, 20",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
            "Location: pc",
        ] {
            assert!(mail.contains(part), "not in the mail: {part}\n{mail}");
        }
        assert!(!night.log().contains(PASSWORD));
        trusting(&mut night, &server, &["notify", "test"]).exit(0);
        assert!(server.taken()[1].contains("Subject: TEST, "));
    }
}

/// The backup is made, the failure is said and is an alarm, and no message arrives.
#[test]
fn what_is_refused_or_not_trusted_is_an_alarm() {
    let tls = MailServer::start("tls");
    let open = MailServer::start("none");
    let wrong_name = "  to: [nobody@example.com]\n".to_owned();
    for (server, more, trusts, why) in [
        (&tls, login("guess"), true, "smtp.login"),
        (&tls, login(PASSWORD), false, "smtp.security"),
        (&tls, String::new(), true, "smtp.login"),
        (&open, "  security: starttls\n".to_owned(), true, "STARTTLS"),
        (
            &open,
            format!("  security: none\n{}", login(PASSWORD)),
            true,
            "the password would be sent unencrypted",
        ),
        (
            &open,
            format!("  security: none\n{wrong_name}"),
            true,
            "no such recipient",
        ),
    ] {
        let mut night = reporting_to(server, &more);
        if more.contains("to: [nobody") {
            let both = format!("  to: [{}]\n", OWNERS.join(", "));
            night.more = night.more.replace(&both, "");
        }
        let ran = match trusts {
            true => trusting(&mut night, server, &["run"]),
            false => night.run(&[]),
        };
        ran.exit(3)
            .says("the email report was not sent: ")
            .says(why)
            .never_says(PASSWORD);
        assert_eq!(night.machine.backups().len(), 1, "{why}");
    }
    assert!(tls.taken().is_empty() && open.taken().is_empty());
}

#[test]
fn the_doctor_looks_at_the_section() {
    let server = MailServer::start("none");
    let mut night = reporting_to(&server, &login(PASSWORD));
    trusting(&mut night, &server, &["doctor"])
        .says("reports: a failure is reported by smtp")
        .says("reports: smtp (localhost:")
        .says("well-formed; nothing is sent");
    night = reporting_to(&server, &format!("  security: none\n{}", login(PASSWORD)));
    trusting(&mut night, &server, &["doctor"]).says("the password would be sent unencrypted");
    night = reporting_to(&server, "  login: {user: a}\n");
    trusting(&mut night, &server, &["check"])
        .exit(2)
        .says("password");
    night.more = night
        .more
        .replace("aam@example.com", "a@b@c")
        .replace("  login: {user: a}\n", "");
    trusting(&mut night, &server, &["check"])
        .exit(2)
        .says("/smtp/from: 'a@b@c'");
    assert!(server.taken().is_empty());
}
