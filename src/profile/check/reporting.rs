//! Who gets a report of a run: log, email, pings, hooks.

use std::time::Duration;

use super::{Checker, Mistake};
use crate::model::job::{Email, Hooks, Log, Messages, Ping, Program, Reporting};
use crate::model::policy::UNREACHABLE_AFTER;
use crate::profile::document::{self, ReportingSections};

/// How long a hook may run: shorter than the time for which another backup waits for the lock.
const HOOK_LIMIT: Duration = Duration::from_secs(60 * 60);

impl Checker<'_> {
    pub(super) fn reporting(&mut self, sections: &ReportingSections) -> Reporting {
        let ReportingSections {
            log,
            email,
            ping,
            hooks,
            messages,
        } = sections;
        Reporting {
            log: self.log(log),
            email: self.email(email.as_ref()),
            ping: self.ping(ping),
            hooks: self.hooks(hooks),
            messages: self.messages(messages),
        }
    }

    fn ping(&mut self, ping: &document::PingSection) -> Ping {
        let document::PingSection {
            start,
            success,
            warning,
            failure,
            details,
        } = ping;
        Ping {
            start: self.url("/ping/start", start.as_deref()),
            success: self.url("/ping/success", success.as_deref()),
            warning: self.url("/ping/warning", warning.as_deref()),
            failure: self.url("/ping/failure", failure.as_deref()),
            details: *details,
        }
    }

    fn messages(&mut self, messages: &Messages) -> Messages {
        let pointer = |key: &str| format!("/{}", key.replace('.', "/"));
        for (key, reference) in messages.references() {
            self.reference(&pointer(&key), reference);
        }
        for (key, address) in messages.addresses() {
            self.address(&pointer(&key), address);
        }
        messages.clone()
    }

    fn hooks(&mut self, hooks: &document::HooksSection) -> Hooks {
        let document::HooksSection {
            before,
            after,
            on_failure,
            give_up_after,
        } = hooks;
        let limit = self.span("/hooks/give-up-after", give_up_after.as_ref(), HOOK_LIMIT);
        Hooks {
            before: self.hook("/hooks/before", before.as_deref(), limit),
            after: self.hook("/hooks/after", after.as_deref(), limit),
            on_failure: self.hook("/hooks/on-failure", on_failure.as_deref(), limit),
        }
    }

    fn log(&mut self, log: &document::LogPolicy) -> Log {
        let document::LogPolicy {
            directory,
            keep_days,
        } = log;
        let default = Log::default();
        let directory = directory
            .as_deref()
            .and_then(|text| self.path("/log/directory", text));
        Log {
            directory,
            keep_days: keep_days.unwrap_or(default.keep_days),
        }
    }

    fn email(&mut self, email: Option<&document::EmailSection>) -> Option<Email> {
        let document::EmailSection {
            from_name,
            from,
            to,
            region,
            when,
            details,
            endpoint,
            give_up_after,
            credentials,
        } = email?;
        self.address("/email/from", from);
        for (i, to) in to.iter().enumerate() {
            self.address(&format!("/email/to/{i}"), to);
        }
        if from_name
            .as_ref()
            .is_some_and(|name| name.contains(char::is_control))
        {
            self.report(Mistake::value(
                "/email/from-name",
                "contains a line break or another control character",
            ));
        }
        Some(Email {
            from_name: from_name.clone(),
            from: from.clone(),
            to: to.clone(),
            region: self.region("/email/region", region),
            when: *when,
            details: *details,
            endpoint: self.endpoint("/email/endpoint", endpoint.as_deref()),
            give_up_after: self.span(
                "/email/give-up-after",
                give_up_after.as_ref(),
                UNREACHABLE_AFTER,
            ),
            credentials: self.credentials("/email/credentials", credentials.as_ref()),
        })
    }

    /// Keeps other headers out of an email. Only sending shows whether the address exists.
    fn address(&mut self, pointer: &str, address: &str) {
        let forbidden = |c: char| {
            c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"')
        };
        let halves = address
            .split_once('@')
            .filter(|(user, host)| !user.is_empty() && !host.is_empty());
        if halves.is_none_or(|(_, host)| host.contains('@')) || address.contains(forbidden) {
            let message = format!("'{}' is not an email address", address.escape_debug());
            self.report(
                Mistake::value(pointer, message)
                    .hint("write one plain address, such as `owner@example.com`"),
            );
        }
    }

    /// The value is not repeated, because anyone who has the address can report a false success.
    fn url(&mut self, pointer: &str, url: Option<&str>) -> Option<String> {
        let text = url?;
        let web = |uri: &http::Uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.authority().is_some_and(|a| !a.as_str().contains('@'))
        };
        if !text.parse::<http::Uri>().is_ok_and(|uri| web(&uri)) {
            let hint = "write the whole address, such as `https://hc-ping.com/your-check`, without a user name";
            self.report(Mistake::value(pointer, "is not an http or https address").hint(hint));
        }
        Some(text.to_owned())
    }

    fn hook(
        &mut self,
        pointer: &str,
        words: Option<&[String]>,
        give_up_after: Duration,
    ) -> Option<Program> {
        let (program, args) = words?.split_first()?;
        if args.iter().any(|word| word.contains('\0')) {
            self.report(Mistake::value(pointer, "contains a NUL character"));
        }
        let program = self.program(&format!("{pointer}/0"), Some(program))?;
        Some(Program {
            program,
            args: args.to_vec(),
            give_up_after,
        })
    }
}
