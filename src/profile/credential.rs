//! Credential references.
use crate::profile::document::Reference;
use crate::secret::Secret;

/// Why a reference gives no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CredentialError(String);

/// Resolves a reference.
///
/// # Errors
/// When it gives no secret.
pub fn resolve(reference: &Reference) -> Result<Secret, CredentialError> {
    match reference {
        Reference::Env(name) => std::env::var(name)
            .map(Secret::new)
            .map_err(|_| CredentialError(format!("the environment variable '{name}' is not set"))),
        _ => Err(CredentialError("not yet".to_owned())),
    }
}
