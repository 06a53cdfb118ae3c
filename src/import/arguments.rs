//! The 22 arguments of v1.0, each with its meaning. Where versions of v1.0 differ, the latest one
//! counts.

use std::time::Duration;

use super::remark::Remark;
use crate::model::policy::ExtraFiles;
use crate::model::secret::Secret;
use crate::plan::backup::Mode;

/// A secret of the command line.
#[derive(Clone, Debug)]
pub enum Kept {
    Here(Secret),
    /// The batch file takes it from this environment variable.
    Variable(String),
}

/// `local` in argument 13, and its directory.
#[derive(Clone, Debug)]
pub struct MirrorArguments {
    pub path: String,
    pub extra_files: ExtraFiles,
}

/// `AWS` in argument 13, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Aws {
    pub bucket: String,
    pub key: Kept,
}

/// Email reports are on.
#[derive(Clone, Debug)]
pub struct EmailArguments {
    pub from_name: String,
    pub from: String,
    pub to: String,
}

/// The command line of a v1.0 backup, read.
#[derive(Clone, Debug)]
pub struct Arguments {
    pub mode: Mode,
    pub retry_every: Duration,
    pub give_up_after: Duration,
    pub log: String,
    pub email: Option<EmailArguments>,
    pub instruction_file: String,
    pub mount: String,
    pub mirror: Option<MirrorArguments>,
    pub aws: Option<Aws>,
    /// Access key id and secret access key, for the bucket and for email; none when
    /// neither is used.
    pub access: Option<(Kept, Kept)>,
    pub location: String,
    pub force_full: bool,
    pub when_instructions_change: bool,
    /// Every secret that was on the command line, whatever uses it.
    pub secrets: Vec<Secret>,
}

impl Arguments {
    /// Whether a secret was on the command line, also one that the profile does not need.
    pub fn hold_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// A finding in which no secret of the command line stands.
    pub fn masked(&self, finding: Remark) -> Remark {
        self.secrets
            .iter()
            .fold(finding, |finding, secret| finding.without(secret))
    }

    /// A text in which no secret of the command line stands.
    pub fn mask(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| secret.masked(&text))
    }
}
