//! Reports by email through an SMTP server (SPEC#email).

use std::error::Error;
use std::io;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, Message, SmtpTransport, Transport};

use super::SendError;
use crate::model::job::{Smtp, SmtpSecurity};
use crate::model::secret::Secret;
use crate::render::report::Report;

/// How long each step of the conversation may take: RFC 5321 allows minutes, but a run that holds the
/// lock waits meanwhile.
const STEP: Duration = Duration::from_secs(60);

/// Sends a report to every recipient, as plain text and HTML. Returns what the server answered.
///
/// # Errors
/// When the server is not reached, its certificate is not trusted, or it does not take the message
/// for every recipient.
pub fn send_by_smtp(
    smtp: &Smtp,
    password: Option<&Secret>,
    report: &Report,
) -> Result<String, SendError> {
    let message = message(smtp, report)?;
    let relay = match smtp.security {
        SmtpSecurity::Tls => SmtpTransport::relay(&smtp.host),
        SmtpSecurity::Starttls => SmtpTransport::starttls_relay(&smtp.host),
        SmtpSecurity::None => Ok(SmtpTransport::builder_dangerous(&smtp.host)),
    };
    let mut transport = relay.map_err(|error| failed(smtp, &error))?;
    transport = transport.port(smtp.port()).timeout(Some(STEP));
    if let (Some(login), Some(password)) = (&smtp.login, password) {
        let credentials = Credentials::new(login.user.clone(), password.expose().to_owned());
        transport = transport.credentials(credentials);
    }
    let answer = transport
        .build()
        .send(&message)
        .map_err(|error| failed(smtp, &error))?;
    Ok(answer.message().collect::<Vec<_>>().join(" "))
}

fn message(smtp: &Smtp, report: &Report) -> Result<Message, SendError> {
    let mailbox = |name: Option<&String>, address: &str| match address.parse::<Address>() {
        Ok(address) => Ok(Mailbox::new(name.cloned(), address)),
        Err(why) => Err(SendError {
            why: format!(
                "'{}' is not an email address: {why}",
                address.escape_debug()
            ),
            hint: "see smtp.from and smtp.to in the profile".to_owned(),
            refused: false,
        }),
    };
    let mut message = Message::builder()
        .from(mailbox(smtp.from_name.as_ref(), &smtp.from)?)
        .subject(&report.title);
    for to in &smtp.to {
        message = message.to(mailbox(None, to)?);
    }
    let body = MultiPart::alternative_plain_html(report.text(), report.html());
    message.multipart(body).map_err(|why| SendError {
        why: why.to_string(),
        hint: "see smtp.from and smtp.to in the profile".to_owned(),
        refused: false,
    })
}

fn failed(smtp: &Smtp, error: &lettre::transport::smtp::Error) -> SendError {
    let server = format!("{}:{}", smtp.host, smtp.port());
    // 530, 534 and 535: the server wants a login, another one, or does not know this one.
    let login = error
        .status()
        .is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535));
    let hint = if login {
        "see smtp.login in the profile: some services want a password made for programs".to_owned()
    } else if error.status().is_some() {
        format!("{server} refused the message: see smtp.from and smtp.to in the profile")
    } else {
        format!("check that {server} is right, and smtp.security in the profile")
    };
    // A read that takes too long is an error of the operating system's whose text says nothing.
    let timed_out = error.is_timeout() || would_block(error);
    SendError {
        why: match timed_out {
            true => format!("{server} did not answer within {} s", STEP.as_secs()),
            false => causes(error),
        },
        hint,
        refused: login,
    }
}

fn would_block(error: &dyn Error) -> bool {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::WouldBlock)
    })
}

/// The error and what caused it, each once.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
