//! Who gets a report of a run, and where its log goes (SPEC#email, SPEC#notifications).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::policy::{DetailLevel, Reference, When};

use std::time::Duration;

use crate::model::path::FullPath;
use crate::model::policy::Credentials;

/// Everything of a job that concerns its reports. It can be had from a profile whose other parts
/// are broken.
#[derive(Clone, Debug, Default)]
pub struct Reporting {
    pub log: Log,
    pub email: Option<Email>,
    pub ping: Ping,
    pub hooks: Hooks,
    pub notify: Vec<Webhook>,
}

impl Reporting {
    /// What remains when only the sections at good JSON pointers are kept.
    pub fn only(self, good: impl Fn(&str) -> bool) -> Reporting {
        let Reporting {
            log,
            email,
            ping,
            hooks,
            notify,
        } = self;
        Reporting {
            log: Some(log).filter(|_| good("/log")).unwrap_or_default(),
            email: email.filter(|_| good("/email")),
            ping: Some(ping).filter(|_| good("/ping")).unwrap_or_default(),
            hooks: Some(hooks).filter(|_| good("/hooks")).unwrap_or_default(),
            notify: Some(notify).filter(|_| good("/notify")).unwrap_or_default(),
        }
    }

    /// What a restore takes over: pings and hooks belong to backups.
    pub fn of_restore(&self) -> Reporting {
        Reporting {
            log: Log {
                directory: None,
                keep_days: self.log.keep_days,
            },
            email: self.email.clone(),
            notify: self.notify.clone(),
            ..Reporting::default()
        }
    }

    /// The keys of those who learn that a run failed.
    pub fn listeners(&self) -> Vec<&'static str> {
        let watchdog = self.ping.failure.is_some() || self.ping.success.is_some();
        [
            ("email", self.email.is_some()),
            ("ping", watchdog),
            ("notify", !self.notify.is_empty()),
            ("hooks.on-failure", self.hooks.on_failure.is_some()),
        ]
        .into_iter()
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
        let webhooks = self.notify.iter().enumerate().flat_map(|(at, webhook)| {
            let url = Some((format!("notify.{at}.url"), &webhook.url));
            let token = webhook.token.as_ref();
            url.into_iter()
                .chain(token.map(|token| (format!("notify.{at}.token"), token)))
        });
        email.chain(webhooks).collect()
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
    /// 180 days: as long as an object in Deep Archive is paid for anyway.
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

/// A message to a chat or another service.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Whoever knows the address can send messages.
    pub url: Reference,
    pub token: Option<Reference>,
    pub format: MessageFormat,
    pub when: When,
    pub details: DetailLevel,
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
    /// As a profile has it.
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
