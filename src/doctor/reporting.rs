//! Who is notified how a run ended. Nothing is run, called or sent.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::process::locate;
use crate::run::session::examine;

/// Whether anybody is notified if a run fails.
pub(super) fn reports(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    match visit.job.reporting.listeners().as_slice() {
        [] => vec![warning(
            "nobody is notified if a run fails",
            "add a section that reports it, such as `email` or `ping`: see docs/unattended.md",
        )],
        keys => {
            let mut found = vec![ok(format!("a failure is reported by {}", keys.join(", ")))];
            let secret = |reference: &_| visit.secret(reference).ok();
            let examined = examine(&visit.job.reporting, &secret).into_iter();
            found.extend(examined.map(|examined| match examined {
                Ok(name) => ok(format!("{name}: well-formed; nothing is sent")),
                Err((text, hint)) => problem(text, hint),
            }));
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
