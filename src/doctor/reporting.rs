//! Who learns how a run ended. Nothing is run, called or sent.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::notify::is_web_address;
use crate::adapters::process::locate;

/// Whether anybody learns that a run failed.
pub(super) fn reports(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    match visit.job.reporting.listeners().as_slice() {
        [] => vec![warning(
            "nobody learns that a run failed",
            "add `email`, `notify` or `ping` to the profile: see docs/unattended.md",
        )],
        keys => {
            let mut found = vec![ok(format!("a failure is reported by {}", keys.join(", ")))];
            found.extend(webhooks(visit));
            found
        }
    }
}

pub(super) fn hooks(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let hooks = &visit.job.reporting.hooks;
    [
        ("before", &hooks.before),
        ("after", &hooks.after),
        ("on-failure", &hooks.on_failure),
    ]
    .into_iter()
    .filter_map(|(name, hook)| {
        let hook = hook.as_ref()?;
        Some(
            match locate(Some(&hook.program), &[], "give its full path") {
                Ok(program) => ok(format!("{name}: {}", program.display())),
                Err(error) => problem(
                    format!("hooks.{name}: {error}"),
                    error.hint().unwrap_or("give its full path"),
                ),
            },
        )
    })
    .collect()
}

fn webhooks(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let webhooks = visit.job.reporting.notify.iter().enumerate();
    // A secret that cannot be read is a problem of another check.
    let found = webhooks.filter_map(|(at, webhook)| {
        let url = visit.secret(&webhook.url).ok()?;
        let format = webhook.format;
        Some(match is_web_address(&url) {
            true => ok(format!(
                "notify.{at} ({format}): well-formed; nothing is sent"
            )),
            false => problem(
                format!("notify.{at}.url: the secret is not an http or https address"),
                "keep the whole address of the webhook, such as `https://example.com/hook`",
            ),
        })
    });
    found.collect()
}

pub(super) fn ping(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let ping = &visit.job.reporting.ping;
    let all = [
        ("start", &ping.start),
        ("success", &ping.success),
        ("warning", &ping.warning),
        ("failure", &ping.failure),
    ];
    let set: Vec<&str> = all
        .into_iter()
        .filter(|(_, url)| url.is_some())
        .map(|(name, _)| name)
        .collect();
    match set.as_slice() {
        [] => Vec::new(),
        set => vec![ok(format!("{}: well-formed; not called", set.join(", ")))],
    }
}
