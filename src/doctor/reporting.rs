//! Hooks and pings of a profile. None is run or called.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem};
use crate::adapters::process::locate;

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
