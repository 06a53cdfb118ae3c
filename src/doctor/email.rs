//! Whether reports will be sent: SES refuses senders that were not verified, and in its sandbox
//! recipients too.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem};
use crate::adapters::notify::{SendError, Ses};
use crate::model::job::Email;

pub(super) fn email(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let Some(email) = &visit.job.reporting.email else {
        return Vec::new();
    };
    match Ses::open(email, |reference| visit.secret(reference)) {
        Err(error) => vec![problem(error.why, error.hint)],
        Ok(ses) => {
            let mut found = vec![address(visit, &ses, email, &email.from, "sender")];
            found.extend(recipients(visit, &ses, email));
            found
        }
    }
}

/// Whether one address is verified. Requests the verification if the user asked for that.
fn address(
    visit: &Visit<'_>,
    ses: &Ses<'_>,
    email: &Email,
    address: &str,
    role: &str,
) -> CheckAnswer {
    let region = &email.region;
    match ses.is_verified(address, visit.cancel) {
        Ok(true) => ok(format!(
            "the {role} {address} is verified in SES, region {region}"
        )),
        Ok(false) if visit.options.verify_sender => match ses.verify(address, visit.cancel) {
            Ok(()) => problem(
                format!(
                    "the {role} {address} is not verified in SES, region {region}; a verification email was sent to it"
                ),
                "follow the link in that email",
            ),
            Err(error) => problem(
                format!("the {role} {address} is not verified: {}", error.why),
                error.hint,
            ),
        },
        Ok(false) => problem(
            format!(
                "the {role} {address} is not verified in SES, region {region}: no report can be sent"
            ),
            "ask SES for a verification email with `doctor --verify-sender`",
        ),
        Err(error) => unknown(&format!("whether the {role} {address} is verified"), error),
    }
}

/// Outside of its sandbox SES sends to everybody.
fn recipients(visit: &Visit<'_>, ses: &Ses<'_>, email: &Email) -> Vec<CheckAnswer> {
    match ses.is_in_sandbox(visit.cancel) {
        Ok(false) => vec![ok(
            "SES sends to every recipient, because the account is not in the sandbox",
        )],
        Ok(true) => email
            .to
            .iter()
            .map(|to| address(visit, ses, email, to, "recipient"))
            .collect(),
        Err(error) => vec![unknown(
            "whether the account is in the SES sandbox, where recipients must be verified",
            error,
        )],
    }
}

/// A missing right is not a fault: sending does not need the rights that these checks need.
fn unknown(what: &str, error: SendError) -> CheckAnswer {
    match error.refused {
        true => ok(format!("{what} is not known: {}", error.why)),
        false => problem(format!("{what} is not known: {}", error.why), error.hint),
    }
}
