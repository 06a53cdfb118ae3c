//! Where the archive key is.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;

use crate::adapters::credential;
use crate::model::cancel::Cancel;
use crate::model::policy::Reference;
use crate::model::secret::Secret;
use crate::run::restore::error::{MissingKey, RestoreError};
use crate::run::restore::origin::RestoreOrigin;

/// Options that name the archive key. Without them it is that of the profile, or it is asked for.
#[derive(Debug, Default, Args)]
pub struct KeyArgs {
    /// Environment variable that holds the archive key.
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    pub key_env: Option<String>,
    /// File whose first line is the archive key.
    #[arg(long, value_name = "PATH")]
    pub key_file: Option<PathBuf>,
}

/// The archive key and where it came from.
pub fn key(
    args: &KeyArgs,
    origin: &RestoreOrigin,
    cancel: &Cancel,
) -> Result<(Secret, String), RestoreError> {
    let named = match (&args.key_env, &args.key_file) {
        (Some(name), _) => Some(Reference::Env(name.clone())),
        (None, Some(path)) => Some(Reference::File(path.display().to_string())),
        (None, None) => origin.key().cloned(),
    };
    if let Some(reference) = named {
        let from = match &reference {
            Reference::Env(name) => format!("the environment variable '{name}'"),
            Reference::File(path) => format!("the file '{path}'"),
            Reference::Command(command) => format!(
                "the command '{}'",
                command.first().map_or("", String::as_str)
            ),
            Reference::Keyring(keyring) => format!(
                "the keyring entry '{}' of '{}'",
                keyring.service, keyring.user
            ),
        };
        let key = credential::resolve(&reference, cancel);
        return key
            .map(|key| (key, from))
            .map_err(|error| MissingKey::from(error).into());
    }
    if !std::io::stdin().is_terminal() {
        return Err(MissingKey::NoTerminal.into());
    }
    let typed = rpassword::prompt_password("Archive key: ").map_err(MissingKey::from)?;
    Ok((Secret::new(typed), "the terminal".to_owned()))
}
