//! A remote of rclone: SFTP, WebDAV, Azure, B2 and many others.

use super::{AccountNeed, KeyLimit, StoreKind, StoreName};
use crate::model::path::FullPath;
use crate::model::policy::Reference;

/// The longest file name of most remotes, less what the name of an unfinished object begins with.
const MAX_NAME_BYTES: usize = 240;

/// The rclone destination.
#[derive(Clone, Debug)]
pub struct Rclone {
    /// `NAME:PATH`, as rclone names it.
    pub remote: String,
    pub program: Option<String>,
    /// The configuration file of rclone; its usual one when `None`.
    pub config: Option<FullPath>,
    /// Opens an encrypted configuration file.
    pub config_password: Option<Reference>,
}

impl StoreKind for Rclone {
    fn name(&self) -> StoreName {
        StoreName::Rclone
    }

    fn label(&self) -> String {
        format!("rclone:{}", self.remote)
    }

    fn address(&self) -> String {
        self.remote.clone()
    }

    fn parameters(&self) -> String {
        format!("remote {}", self.remote)
    }

    fn alone(&self) -> &'static str {
        "the rclone remote only"
    }

    fn longest_key(&self) -> KeyLimit {
        KeyLimit {
            bytes: MAX_NAME_BYTES,
            store: "an rclone remote",
        }
    }

    fn secrets(&self) -> Vec<(String, &Reference)> {
        let password = self.config_password.iter();
        password
            .map(|reference| ("config-password".to_owned(), reference))
            .collect()
    }

    fn program(&self) -> Option<&str> {
        Some(self.program.as_deref().unwrap_or("rclone"))
    }

    fn of_account(&self) -> Option<AccountNeed> {
        self.config.is_none().then_some(AccountNeed {
            lacks: "config",
            uses: "the configuration file of rclone",
            hint: "add destinations.rclone.config with the path of a file that the account can read",
        })
    }
}
