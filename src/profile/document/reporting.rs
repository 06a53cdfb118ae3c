//! Who gets a report of a run, as a profile writes it: log, e-mail, pings, hooks (SPEC#email,
//! SPEC#notifications).

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ADDRESS, ENDPOINT, REGION, S3Credentials, Span, URL};
use crate::model::policy::When;

/// The backup log.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogPolicy {
    /// Directory of the log files, one a run. Without it: `logs` in the state directory of this
    /// computer.
    pub directory: Option<String>,
    /// Log files older than this many days are removed. 180 by default.
    #[schemars(range(min = 1))]
    pub keep_days: Option<u32>,
}

/// E-mail reports through Amazon SES.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EmailSection {
    /// Name shown as the sender.
    pub from_name: Option<String>,
    /// Address of the sender, verified in SES.
    #[schemars(regex(pattern = ADDRESS))]
    pub from: String,
    /// Addresses of the recipients.
    #[schemars(length(min = 1), inner(regex(pattern = ADDRESS)))]
    pub to: Vec<String>,
    /// Region of SES.
    #[schemars(regex(pattern = REGION))]
    pub region: String,
    /// After which runs a report is sent. Incremental-only runs send none.
    #[serde(default)]
    pub when: When,
    /// Address of an SES-compatible server. Without it: Amazon SES.
    #[schemars(regex(pattern = ENDPOINT))]
    pub endpoint: Option<String>,
    /// How long the server may take to accept a report, with all tries. `100s` by default.
    pub give_up_after: Option<Span>,
    /// Access key. Without it: the usual chain of the AWS SDK.
    pub credentials: Option<S3Credentials>,
}

/// Addresses called when a run starts and ends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PingSection {
    /// Called when a run starts.
    #[schemars(regex(pattern = URL))]
    pub start: Option<String>,
    /// Called when everything was backed up.
    #[schemars(regex(pattern = URL))]
    pub success: Option<String>,
    /// Called when a run finished with warnings. Without it: as `success`.
    #[schemars(regex(pattern = URL))]
    pub warning: Option<String>,
    /// Called when a run failed, or its report could not be sent.
    #[schemars(regex(pattern = URL))]
    pub failure: Option<String>,
}

/// Programs run before and after a backup: each a program and its arguments, started without a
/// shell.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HooksSection {
    /// Run first. Exit code 75 means "not today": nothing is backed up, and nothing counts as
    /// failed. Any other but 0 stops the run as failed.
    #[schemars(length(min = 1))]
    pub before: Option<Vec<String>>,
    /// Run last whenever `before` was started, whatever came of the backup.
    #[schemars(length(min = 1))]
    pub after: Option<Vec<String>>,
    /// Run when a run failed, or its report could not be sent.
    #[schemars(length(min = 1))]
    pub on_failure: Option<Vec<String>>,
    /// How long each may run; then it and all that it started is stopped, and it has failed. `1h`
    /// by default.
    pub give_up_after: Option<Span>,
}
