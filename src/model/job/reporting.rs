//! Who gets a report of a run, and where its log goes (SPEC#email, SPEC#notifications).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::{DetailLevel, Reference, When};

use std::time::Duration;

use crate::model::path::FullPath;
use crate::model::policy::Credentials;

/// The pattern of an email address in the schema.
pub const ADDRESS: &str = r#"^[^@\s<>,;"]+@[^@\s<>,;"]+$"#;

/// The pattern of the name of a server in the schema.
pub const HOST: &str = r"^[A-Za-z0-9.:-]+$";

/// Everything in a job that concerns its reports. It can be read from a profile whose other parts
/// are invalid.
#[derive(Clone, Debug, Default)]
pub struct Reporting {
    pub log: Log,
    pub email: Option<Email>,
    pub ping: Ping,
    pub hooks: Hooks,
    pub messages: Messages,
}

impl Reporting {
    /// What remains when only the sections at good JSON pointers are kept.
    pub fn only(self, good: impl Fn(&str) -> bool) -> Reporting {
        let Reporting {
            log,
            email,
            ping,
            hooks,
            messages,
        } = self;
        Reporting {
            log: Some(log).filter(|_| good("/log")).unwrap_or_default(),
            email: email.filter(|_| good("/email")),
            ping: Some(ping).filter(|_| good("/ping")).unwrap_or_default(),
            hooks: Some(hooks).filter(|_| good("/hooks")).unwrap_or_default(),
            messages: messages.only(good),
        }
    }

    /// What a restore uses: pings and hooks are for backups only.
    pub fn of_restore(&self) -> Reporting {
        Reporting {
            log: Log {
                directory: None,
                keep_days: self.log.keep_days,
            },
            email: self.email.clone(),
            messages: self.messages.clone(),
            ..Reporting::default()
        }
    }

    /// The keys of the channels that report a failed run.
    pub fn listeners(&self) -> Vec<&'static str> {
        let watchdog = self.ping.failure.is_some() || self.ping.success.is_some();
        let before = [("email", self.email.is_some()), ("ping", watchdog)];
        let after = [("hooks.on-failure", self.hooks.on_failure.is_some())];
        before
            .into_iter()
            .chain(self.messages.set())
            .chain(after)
            .filter_map(|(key, set)| set.then_some(key))
            .collect()
    }

    /// The places that name a secret, with their keys in the profile.
    pub fn references(&self) -> Vec<(String, &Reference)> {
        let email = self
            .email
            .as_ref()
            .and_then(|email| email.credentials.as_ref());
        let email = email.into_iter().flat_map(Credentials::references);
        let email = email.map(|(key, found)| (format!("email.credentials.{key}"), found));
        email.chain(self.messages.references()).collect()
    }
}

/// Channels that send a message at the end of a run, as a profile writes them: each field is a key of
/// the profile.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Messages {
    /// Messages to chats and other services when a run ends.
    #[serde(default)]
    pub notify: Vec<Webhook>,
    /// Email reports through an SMTP server. `email` sends them through Amazon SES.
    pub smtp: Option<Smtp>,
}

impl Messages {
    /// What remains when only the sections at good JSON pointers are kept.
    fn only(self, good: impl Fn(&str) -> bool) -> Messages {
        let Messages { notify, smtp } = self;
        Messages {
            smtp: smtp.filter(|_| good("/smtp")),
            notify: Some(notify).filter(|_| good("/notify")).unwrap_or_default(),
        }
    }

    /// Each key, and whether it is set.
    fn set(&self) -> [(&'static str, bool); 2] {
        let Messages { notify, smtp } = self;
        [("notify", !notify.is_empty()), ("smtp", smtp.is_some())]
    }

    /// The places that name a secret, with their keys in the profile.
    pub fn references(&self) -> Vec<(String, &Reference)> {
        let Messages { notify, smtp } = self;
        let login = smtp.as_ref().and_then(|smtp| smtp.login.as_ref());
        let login = login.map(|login| ("smtp.login.password".to_owned(), &login.password));
        let webhooks = notify.iter().enumerate().flat_map(|(at, webhook)| {
            let url = Some((format!("notify.{at}.url"), &webhook.url));
            let token = webhook.token.as_ref();
            url.into_iter()
                .chain(token.map(|token| (format!("notify.{at}.token"), token)))
        });
        webhooks.chain(login).collect()
    }

    /// The email addresses, with their keys in the profile.
    pub fn addresses(&self) -> Vec<(String, &str)> {
        let Messages { notify: _, smtp } = self;
        let Some(smtp) = smtp else { return Vec::new() };
        let to = smtp.to.iter().enumerate();
        let to = to.map(|(at, to)| (format!("smtp.to.{at}"), to.as_str()));
        let from = ("smtp.from".to_owned(), smtp.from.as_str());
        std::iter::once(from).chain(to).collect()
    }
}

/// The backup log.
#[derive(Clone, Debug)]
pub struct Log {
    /// `None`: `logs` in the state directory of this computer.
    pub directory: Option<FullPath>,
    pub keep_days: u32,
}

impl Default for Log {
    /// 180 days, because an object in Deep Archive is charged for that long in any case.
    fn default() -> Log {
        Log {
            directory: None,
            keep_days: 180,
        }
    }
}

/// Email reports through SES.
#[derive(Clone, Debug)]
pub struct Email {
    pub from_name: Option<String>,
    pub from: String,
    pub to: Vec<String>,
    pub region: String,
    pub when: When,
    pub details: DetailLevel,
    pub endpoint: Option<String>,
    /// How long sending may take, with all tries.
    pub give_up_after: Duration,
    pub credentials: Option<Credentials>,
}

/// Addresses called at the start and the end of a run. They are as good as passwords, and are not
/// shown in full.
#[derive(Clone, Debug, Default)]
pub struct Ping {
    pub start: Option<String>,
    pub success: Option<String>,
    /// `None`: as `success`.
    pub warning: Option<String>,
    pub failure: Option<String>,
    pub details: DetailLevel,
}

/// A message to a chat or another service, sent when a run ends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Webhook {
    /// Address of the webhook. Anyone who knows it can send messages, so it is kept like other
    /// secrets, not in the profile.
    pub url: Reference,
    /// Access token, sent as `Authorization: Bearer`. Most services need none.
    pub token: Option<Reference>,
    /// Which service the message is written for.
    #[serde(default)]
    pub format: MessageFormat,
    /// After which runs a message is sent. After an incremental-only run that succeeded, none is.
    #[serde(default)]
    pub when: When,
    /// How much the message says. `counts` by default.
    #[serde(default = "counts")]
    pub details: DetailLevel,
}

/// Chats are read by more people than email.
fn counts() -> DetailLevel {
    DetailLevel::Counts
}

/// Email reports through an SMTP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Smtp {
    /// Name of the server, such as `smtp.example.com`.
    #[schemars(regex(pattern = HOST), example = &"smtp.example.com")]
    pub host: String,
    /// Port of the server. By default 465 with `security: tls`, 587 with `starttls`, 25 with `none`.
    #[schemars(range(min = 1), example = 465)]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// Name and password. Without this section, no login takes place.
    pub login: Option<SmtpLogin>,
    /// Name shown as the sender.
    #[schemars(example = &"Backup of the office")]
    pub from_name: Option<String>,
    /// Address of the sender.
    #[schemars(regex(pattern = ADDRESS), example = &"backup@example.com")]
    pub from: String,
    /// Addresses of the recipients.
    #[schemars(length(min = 1), inner(regex(pattern = ADDRESS)), example = ["owner@example.com"])]
    pub to: Vec<String>,
    /// After which runs a report is sent. Incremental-only runs that succeed do not send reports.
    #[serde(default)]
    pub when: When,
    /// How much the report says.
    #[serde(default)]
    pub details: DetailLevel,
}

impl Smtp {
    /// The port, or the usual one.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            SmtpSecurity::Tls => 465,
            SmtpSecurity::Starttls => 587,
            SmtpSecurity::None => 25,
        })
    }
}

/// The login at an SMTP server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SmtpLogin {
    /// Name of the account, often the address of the sender.
    #[schemars(example = &"backup@example.com")]
    pub user: String,
    /// Password of the account, or an app password.
    pub password: Reference,
}

/// How a connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmtpSecurity {
    /// From the beginning.
    #[default]
    Tls,
    /// After STARTTLS. A server that does not offer encryption is refused.
    Starttls,
    /// Not at all: for a server on this computer. No password is sent.
    None,
}

/// The service that a message is written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageFormat {
    /// A JSON object with the outcome, counts and the report as text.
    #[default]
    Json,
    /// An incoming webhook of Slack, or of Mattermost or Rocket.Chat.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A topic of ntfy.
    Ntfy,
    /// A workflow of Microsoft Teams that starts with a webhook request.
    Teams,
}

impl fmt::Display for MessageFormat {
    /// The word in a profile.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Programs run before and after a backup.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    pub before: Option<Program>,
    pub after: Option<Program>,
    pub on_failure: Option<Program>,
}

/// A program to run, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// A full path, or a name on the search path.
    pub program: String,
    pub args: Vec<String>,
    /// How long it may run.
    pub give_up_after: Duration,
}
