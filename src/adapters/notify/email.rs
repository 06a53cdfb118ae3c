//! Reports by email through Amazon SES (SPEC#email: the region is always given).

use std::error::Error;
use std::fmt::Display;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::runtime::{Builder, Runtime};

use crate::adapters::aws;
use crate::model::job::Email;
use crate::model::policy::Reference;
use crate::model::secret::Secret;
use crate::render::report::Report;

/// Why a report was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the email report was not sent: {why}")]
pub struct SendError {
    pub why: String,
    /// What to do.
    pub hint: String,
    /// The credentials have no right to do this.
    pub refused: bool,
}

/// A connection to SES, as a profile's `email` section describes it.
pub struct Ses<'a> {
    email: &'a Email,
    pub(super) client: Client,
    pub(super) runtime: Runtime,
}

impl Ses<'_> {
    /// Prepares a connection. Nothing is sent yet. `resolve` reads what a reference to a secret
    /// leads to.
    ///
    /// # Errors
    /// When the access key cannot be had.
    pub fn open<E: Display>(
        email: &Email,
        resolve: impl Fn(&Reference) -> Result<Secret, E>,
    ) -> Result<Ses<'_>, SendError> {
        let keys = aws::keys(email.credentials.as_ref(), resolve).map_err(|why| SendError {
            why: why.to_string(),
            hint: "see email.credentials in the profile".to_owned(),
            refused: false,
        })?;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| SendError {
                why: why.to_string(),
                hint: "this computer has no threads or sockets to give".to_owned(),
                refused: false,
            })?;
        let loader = aws::loader(&email.region, email.endpoint.as_deref(), &keys)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(aws::within(email.give_up_after));
        let client = Client::new(&runtime.block_on(loader.load()));
        Ok(Ses {
            email,
            client,
            runtime,
        })
    }

    /// Sends a report to every recipient, as plain text and HTML. Returns the message's id.
    ///
    /// # Errors
    /// When SES does not take it.
    pub fn send(&self, report: &Report) -> Result<String, SendError> {
        let content = |text: String| Content::builder().charset("UTF-8").data(text).build();
        let failed = |why: String, hint: &str| SendError {
            why,
            hint: hint.to_owned(),
            refused: false,
        };
        let (Ok(subject), Ok(text), Ok(html)) = (
            content(report.title.clone()),
            content(report.text()),
            content(report.html()),
        ) else {
            return Err(failed("the report has no text".to_owned(), ""));
        };
        let message = Message::builder()
            .subject(subject)
            .body(Body::builder().text(text).html(html).build())
            .build();
        let to = Destination::builder()
            .set_to_addresses(Some(self.email.to.clone()))
            .build();
        let request = self
            .client
            .send_email()
            .from_email_address(sender(self.email.from_name.as_deref(), &self.email.from))
            .destination(to)
            .content(EmailContent::builder().simple(message).build());
        let sent = self
            .runtime
            .block_on(request.send())
            .map_err(|error| self.explain(error))?;
        Ok(sent.message_id().unwrap_or_default().to_owned())
    }

    fn explain(&self, error: SdkError<SendEmailError>) -> SendError {
        let (from, region) = (&self.email.from, &self.email.region);
        let hint = match error.as_service_error() {
            Some(
                SendEmailError::MessageRejected(_)
                | SendEmailError::MailFromDomainNotVerifiedException(_),
            ) => {
                format!(
                    "verify '{from}' in SES, region {region}; in its sandbox the recipients too"
                )
            }
            Some(
                SendEmailError::AccountSuspendedException(_)
                | SendEmailError::SendingPausedException(_),
            ) => {
                format!("sending is stopped for this account: see SES, region {region}")
            }
            Some(
                SendEmailError::LimitExceededException(_)
                | SendEmailError::TooManyRequestsException(_),
            ) => "the account has sent as much as it may".to_owned(),
            Some(_) => {
                "see email in the profile: the access key needs the right ses:SendEmail".to_owned()
            }
            None => self.unreached(),
        };
        SendError {
            why: reason(error),
            hint,
            refused: false,
        }
    }

    /// What to do when there was no answer.
    pub(super) fn unreached(&self) -> String {
        let region = &self.email.region;
        format!(
            "SES in {region} was not reached: check the network, email.region and email.endpoint"
        )
    }
}

/// What the service says, or else the innermost cause: what lies between is the SDK's own.
pub(super) fn reason<E: ProvideErrorMetadata + Error + 'static>(error: SdkError<E>) -> String {
    if let Some(said) = error.message() {
        return said.to_owned();
    }
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let innermost = cause.to_string();
    if innermost.is_empty() {
        DisplayErrorContext(&error).to_string()
    } else {
        innermost
    }
}

/// `"Name" <address>`. SES takes ASCII only, so that another name is an encoded word (RFC 2047).
fn sender(name: Option<&str>, address: &str) -> String {
    match name.map(str::trim).filter(|name| !name.is_empty()) {
        None => address.to_owned(),
        Some(name) if name.is_ascii() => {
            format!(
                "\"{}\" <{address}>",
                name.replace('\\', "\\\\").replace('"', "\\\"")
            )
        }
        Some(name) => format!("{} <{address}>", encoded_words(name).join(" ")),
    }
}

/// A word has 75 characters at most (RFC 2047). 45 bytes are 60 in Base64, and 12 stand around
/// them. No character is split.
fn encoded_words(text: &str) -> Vec<String> {
    const BYTES: usize = 45;
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        match pieces.last_mut() {
            Some(last) if last.len() + c.len_utf8() <= BYTES => last.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
        .iter()
        .map(|piece| format!("=?UTF-8?B?{}?=", STANDARD.encode(piece)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders() {
        for (name, shown) in [
            (None, "a@example.com"),
            (Some(" "), "a@example.com"),
            (Some("AAM Backup"), "\"AAM Backup\" <a@example.com>"),
            (
                Some(r#"The "big" one\"#),
                r#""The \"big\" one\\" <a@example.com>"#,
            ),
            (
                Some("Übersicht"),
                "=?UTF-8?B?w5xiZXJzaWNodA==?= <a@example.com>",
            ),
        ] {
            assert_eq!(sender(name, "a@example.com"), shown);
        }
        let words = encoded_words(&"ü".repeat(60));
        assert!(
            words.len() == 3 && words.iter().all(|word| word.len() <= 75),
            "{words:?}"
        );
    }
}
