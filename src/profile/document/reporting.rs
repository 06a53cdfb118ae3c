//! Who gets a report of a run, as a profile writes it: log, email, pings, hooks (SPEC#email,
//! SPEC#notifications).

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ENDPOINT, PATH, REGION, S3Credentials, Span, URL};
use crate::model::job::{ADDRESS, Messages};
use crate::model::policy::{DetailLevel, When};

/// The sections of a profile that concern reports: each is a key of the profile itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReportingSections {
    /// The backup log.
    #[serde(default)]
    pub log: LogPolicy,
    /// Email reports through Amazon SES. Without this section, no email is sent.
    pub email: Option<EmailSection>,
    /// Addresses called when a run starts and ends, such as those of Healthchecks: a watchdog
    /// raises an alarm if a call does not arrive.
    #[serde(default)]
    pub ping: PingSection,
    /// Programs that run before and after a backup.
    #[serde(default)]
    pub hooks: HooksSection,
    /// Messages when a run ends.
    #[serde(flatten)]
    pub messages: Messages,
}

/// The backup log.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LogPolicy {
    /// Directory of the log files, one for each run. By default, `logs` in the state directory of
    /// this computer.
    #[schemars(regex(pattern = PATH), example = &"/var/log/aam-backup")]
    pub directory: Option<String>,
    /// Log files older than this many days are removed. 180 by default.
    #[schemars(range(min = 1), example = 180)]
    pub keep_days: Option<u32>,
}

/// Email reports through Amazon SES.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EmailSection {
    /// Name shown as the sender.
    #[schemars(example = &"Backup of the office")]
    pub from_name: Option<String>,
    /// Address of the sender, verified in SES.
    #[schemars(regex(pattern = ADDRESS), example = &"backup@example.com")]
    pub from: String,
    /// Addresses of the recipients.
    #[schemars(length(min = 1), inner(regex(pattern = ADDRESS)), example = ["owner@example.com"])]
    pub to: Vec<String>,
    /// Region of SES.
    #[schemars(regex(pattern = REGION), example = &"us-east-1")]
    pub region: String,
    /// After which runs a report is sent. Incremental-only runs do not send reports.
    #[serde(default)]
    pub when: When,
    /// How much the report says.
    #[serde(default)]
    pub details: DetailLevel,
    /// Address of an SES-compatible server. Amazon SES by default.
    #[schemars(regex(pattern = ENDPOINT), example = &"https://email.example.com")]
    pub endpoint: Option<String>,
    /// How long the server may take to accept a report, including retries. `100s` by default.
    pub give_up_after: Option<Span>,
    /// Access key. By default, the AWS SDK looks for one.
    pub credentials: Option<S3Credentials>,
}

/// Addresses called when a run starts and ends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PingSection {
    /// Called when a run starts.
    #[schemars(regex(pattern = URL), example = &"https://hc-ping.com/your-check/start")]
    pub start: Option<String>,
    /// Called when everything was backed up.
    #[schemars(regex(pattern = URL), example = &"https://hc-ping.com/your-check")]
    pub success: Option<String>,
    /// Called when a run finished with warnings. By default, `success` is called.
    #[schemars(regex(pattern = URL), example = &"https://hc-ping.com/your-check")]
    pub warning: Option<String>,
    /// Called when a run failed or its report could not be sent.
    #[schemars(regex(pattern = URL), example = &"https://hc-ping.com/your-check/fail")]
    pub failure: Option<String>,
    /// How much the text of a call says.
    #[serde(default)]
    pub details: DetailLevel,
}

/// Programs that run before and after a backup. Each is a program with its arguments, started
/// without a shell.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HooksSection {
    /// Runs first. Exit code 75 means "not today": nothing is backed up, and the run does not count
    /// as failed. With any other exit code except 0, the run stops and fails.
    #[schemars(length(min = 1), example = ["pg_dumpall", "--file", "/var/backups/all.sql"])]
    pub before: Option<Vec<String>>,
    /// Runs last whenever `before` was started, whatever the outcome of the backup.
    #[schemars(length(min = 1), example = ["/usr/local/bin/after-backup"])]
    pub after: Option<Vec<String>>,
    /// Runs when a backup failed or its report could not be sent.
    #[schemars(length(min = 1), example = ["/usr/local/bin/alarm"])]
    pub on_failure: Option<Vec<String>>,
    /// How long each hook may run before it fails and is stopped with everything that it started.
    /// `1h` by default.
    pub give_up_after: Option<Span>,
}
