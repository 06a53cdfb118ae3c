//! The report by email through an SMTP server (SPEC#email).

use super::{Channel, Examined, Reached, RunEnd, SecretOf};
use crate::adapters::credential;
use crate::adapters::notify::{SendError, send_by_smtp};
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::job::{Reporting, Smtp, SmtpSecurity};
use crate::run::session::Session;

/// A password is sent through encrypted connections only.
const OPEN_PASSWORD: &str = "smtp.login: the password would be sent unencrypted";
const OPEN_PASSWORD_HINT: &str = "set smtp.security to `tls` or `starttls`, or remove smtp.login";

pub(super) struct SmtpChannel;

impl Channel for SmtpChannel {
    fn sends_messages(&self, reporting: &Reporting) -> bool {
        reporting.messages.smtp.is_some()
    }

    fn examine(&self, reporting: &Reporting, _secret: &SecretOf<'_>) -> Vec<Examined> {
        let smtp = reporting.messages.smtp.iter();
        let found = smtp.map(|smtp| match exposes_password(smtp) {
            true => Err((OPEN_PASSWORD.to_owned(), OPEN_PASSWORD_HINT)),
            false => Ok(format!("smtp ({}:{})", smtp.host, smtp.port())),
        });
        found.collect()
    }

    fn end(&mut self, session: &Session<'_>, end: &RunEnd<'_>, events: &Events<'_>) -> Reached {
        let Some(smtp) = &session.reporting.messages.smtp else {
            return Reached::Yes;
        };
        if !end.wants_message(smtp.when, session) {
            events.detail(Section::Email, "smtp: no email is wanted");
            return Reached::Yes;
        }
        match send(smtp, end) {
            Ok(answer) => {
                let to = smtp.to.join(", ");
                let server = &smtp.host;
                events.note(
                    Section::Email,
                    format!("report sent to {to} by {server} ({answer})"),
                );
                Reached::Yes
            }
            Err(error) => {
                let hint = Some(error.hint.clone()).filter(|hint| !hint.is_empty());
                events.warn(Section::Email, error.to_string(), hint);
                Reached::No
            }
        }
    }
}

fn exposes_password(smtp: &Smtp) -> bool {
    smtp.login.is_some() && smtp.security == SmtpSecurity::None
}

fn send(smtp: &Smtp, end: &RunEnd<'_>) -> Result<String, SendError> {
    let wrong = |why: String, hint: &str| SendError {
        why,
        hint: hint.to_owned(),
        refused: false,
    };
    if exposes_password(smtp) {
        return Err(wrong(OPEN_PASSWORD.to_owned(), OPEN_PASSWORD_HINT));
    }
    // Also a run that was interrupted is reported; a second interrupt ends the program.
    let password = smtp
        .login
        .as_ref()
        .map(|login| credential::resolve(&login.password, &Cancel::new()))
        .transpose()
        .map_err(|error| wrong(error.to_string(), "see smtp.login.password in the profile"))?;
    let report = end.report.with(smtp.details, &end.record.counts);
    send_by_smtp(smtp, password.as_ref(), &report)
}
