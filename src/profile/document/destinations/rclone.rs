//! The section of an rclone remote.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{PATH, PROGRAM, REMOTE};
use super::{FieldChecks, KeepSection, StoreSection};
use crate::model::policy::Reference;
use crate::model::store::{Rclone, StoreName, StoreSettings};
use crate::profile::mistake::Mistake;

/// Encrypted archives where the program rclone can store them: SFTP, WebDAV, Azure, B2 and others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RcloneSection {
    /// Remote and path, such as `nas:backups`. The remote is one that `rclone config` has set up,
    /// and the directory must exist.
    #[schemars(regex(pattern = REMOTE), example = &"nas:backups")]
    pub remote: String,
    /// Path of the program rclone. By default, it is searched for.
    #[schemars(regex(pattern = PROGRAM), example = &"/usr/bin/rclone")]
    pub program: Option<String>,
    /// Path of the configuration file of rclone. By default, the one of the account that runs the
    /// backup.
    #[schemars(regex(pattern = PATH), example = &"/etc/aam-backup/rclone.conf")]
    pub config: Option<String>,
    /// The password of an encrypted configuration file.
    pub config_password: Option<Reference>,
    /// Which sets `prune` keeps. By default, nothing is ever deleted.
    pub keep: Option<KeepSection>,
}

impl StoreSection for RcloneSection {
    fn name(&self) -> StoreName {
        StoreName::Rclone
    }

    fn check(&self, fields: &mut dyn FieldChecks) -> Option<StoreSettings> {
        let RcloneSection {
            remote,
            program,
            config,
            config_password,
            keep,
        } = self;
        // A drive letter is a directory of this computer, where the disk may not be attached.
        let name = remote.split(':').next().unwrap_or_default();
        if name.len() == 1 {
            let pointer = "/destinations/rclone/remote";
            let mistake = Mistake::value(pointer, "is a path of this computer");
            fields.report(mistake.hint("write it as `destinations.directory.path`"));
        }
        if let Some(password) = config_password {
            fields.reference("/destinations/rclone/config-password", password);
        }
        let config = config.as_ref();
        Some(StoreSettings::Rclone(Rclone {
            remote: remote.clone(),
            program: fields.program("/destinations/rclone/program", program.as_deref()),
            config: config.and_then(|path| fields.path("/destinations/rclone/config", path)),
            config_password: config_password.clone(),
            keep: keep
                .as_ref()
                .map(|keep| keep.check("/destinations/rclone/keep", fields)),
        }))
    }
}
