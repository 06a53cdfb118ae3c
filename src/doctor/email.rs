//! Whether reports will be sent: SES refuses senders that were not verified, and in its sandbox
//! recipients too.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem};
use crate::adapters::notify::{SendError, Ses};
use crate::model::job::Email;

pub(super) fn email(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let reporting = &visit.job.reporting;
    let Some(email) = &reporting.email else {
        return match reporting.ping.failure {
            Some(_) => vec![ok("no e-mail is sent")],
            None => {
                vec![ok(
                    "no e-mail is sent: nobody learns when a run fails; see email and ping in docs/profile.md",
                )]
            }
        };
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

/// Whether one address is verified; asks for it, if that was wished for.
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
                    "the {role} {address} is not verified in SES, region {region}; a mail was sent to it just now"
                ),
                "follow the link in that mail",
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
            "`doctor --verify-sender` asks SES to send a mail with a link to it",
        ),
        Err(error) => unknown(&format!("whether the {role} {address} is verified"), error),
    }
}

/// Outside of its sandbox SES sends to everybody.
fn recipients(visit: &Visit<'_>, ses: &Ses<'_>, email: &Email) -> Vec<CheckAnswer> {
    match ses.is_in_sandbox(visit.cancel) {
        Ok(false) => vec![ok("SES sends to every recipient: it is out of its sandbox")],
        Ok(true) => email
            .to
            .iter()
            .map(|to| address(visit, ses, email, to, "recipient"))
            .collect(),
        Err(error) => vec![unknown(
            "whether SES is in its sandbox, where recipients must be verified",
            error,
        )],
    }
}

/// A missing right is not a fault: sending does not need the rights that these checks need.
fn unknown(what: &str, error: SendError) -> CheckAnswer {
    match error.refused {
        true => ok(format!("{what} cannot be told: {}", error.why)),
        false => problem(format!("{what} cannot be told: {}", error.why), error.hint),
    }
}
