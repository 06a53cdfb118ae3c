//! Who may send and be sent to: SES knows verified addresses and domains.

use std::time::Duration;

use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::types::VerificationStatus;

use super::email::{SendError, Ses, reason};
use crate::model::cancel::Cancel;

/// How often a waiting call asks whether it was interrupted: a person notices no delay, and the
/// processor no load.
const TICK: Duration = Duration::from_millis(100);

impl Ses<'_> {
    /// Whether SES sends from an address, or in its sandbox to it: itself is verified, or its
    /// domain.
    ///
    /// # Errors
    /// When SES cannot be asked, or not with these credentials.
    pub fn is_verified(&self, address: &str, cancel: &Cancel) -> Result<bool, SendError> {
        for identity in
            std::iter::once(address).chain(address.split_once('@').map(|(_, domain)| domain))
        {
            match self.wait(
                self.client
                    .get_email_identity()
                    .email_identity(identity)
                    .send(),
                cancel,
            )? {
                Ok(found)
                    if found.verified_for_sending_status()
                        || found.verification_status() == Some(&VerificationStatus::Success) =>
                {
                    return Ok(true);
                }
                Ok(_) => {}
                Err(error) if error.code() == Some("NotFoundException") => {}
                Err(error) => return Err(self.unasked(error)),
            }
        }
        Ok(false)
    }

    /// Whether SES is in its sandbox, where it sends to verified addresses only.
    ///
    /// # Errors
    /// As [`Ses::is_verified`].
    pub fn is_in_sandbox(&self, cancel: &Cancel) -> Result<bool, SendError> {
        let account = self.wait(self.client.get_account().send(), cancel)?;
        account
            .map(|account| !account.production_access_enabled())
            .map_err(|error| self.unasked(error))
    }

    /// Asks SES to send a mail with a link to an address, which verifies it.
    ///
    /// # Errors
    /// When SES does not.
    pub fn verify(&self, address: &str, cancel: &Cancel) -> Result<(), SendError> {
        let asked = self.wait(
            self.client
                .create_email_identity()
                .email_identity(address)
                .send(),
            cancel,
        )?;
        asked.map(drop).map_err(|error| self.unasked(error))
    }

    /// Waits for an answer, or for the interrupt.
    fn wait<T>(&self, answer: impl Future<Output = T>, cancel: &Cancel) -> Result<T, SendError> {
        self.runtime.block_on(async {
            let mut answer = std::pin::pin!(answer);
            while !cancel.is_set() {
                if let Ok(answer) = tokio::time::timeout(TICK, answer.as_mut()).await {
                    return Ok(answer);
                }
            }
            Err(SendError {
                why: "interrupted".to_owned(),
                hint: String::new(),
                refused: false,
            })
        })
    }

    fn unasked<E>(&self, error: SdkError<E>) -> SendError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let refused = error.code() == Some("AccessDeniedException");
        let hint = match error.as_service_error() {
            Some(_) => "see email in the profile".to_owned(),
            None => self.unreached(),
        };
        SendError {
            why: reason(error),
            hint,
            refused,
        }
    }
}
