//! Whether a scheduler starts the profile, and how the last run ended.

use super::visit::Visit;
use super::{CheckAnswer, ok, problem, warning};
use crate::adapters::scheduler::{self, LastResult};

/// Exit codes of a run that made its backup.
const DONE: [i64; 2] = [0, 3];

pub(super) fn schedule(visit: &Visit<'_>) -> Vec<CheckAnswer> {
    let name = &visit.job.name;
    if scheduler::is_absent() {
        let [text, hint] = scheduler::ABSENT;
        return vec![warning(text, hint)];
    }
    match scheduler::status(name, visit.cancel) {
        Err(error) => vec![warning(
            format!("whether '{name}' is scheduled is not known: {error}"),
            format!("see `aam-backup schedule status {name}`"),
        )],
        Ok(tasks) if tasks.is_empty() => vec![warning(
            format!("no scheduler on this computer starts '{name}'"),
            "run `aam-backup schedule install`, unless something else starts it",
        )],
        Ok(tasks) => tasks.iter().map(judge).collect(),
    }
}

fn judge(task: &scheduler::ScheduledTask) -> CheckAnswer {
    let name = format!("{}: {}", task.scheduler, task.task);
    let again =
        "run `aam-backup schedule resume`, or install it again with `aam-backup schedule install`";
    if let Some(why) = &task.problem {
        return problem(format!("{name} will not run: {why}"), again);
    }
    let Some(next) = &task.next_run else {
        return problem(format!("{name} has no next run"), again);
    };
    let log = "read the log of that run and fix the problem that it names";
    match &task.last_result {
        LastResult::Exit(code) if !DONE.contains(code) => warning(
            format!("{name}: the last run ended with exit code {code}; next run {next}"),
            log,
        ),
        LastResult::Ended(why) => warning(
            format!("{name}: the last run was ended: {why}; next run {next}"),
            log,
        ),
        LastResult::Exit(code) => ok(format!(
            "{name}: the last run ended with exit code {code}; next run {next}"
        )),
        LastResult::Never => ok(format!("{name}: has not run yet; next run {next}")),
        LastResult::Running => ok(format!("{name}: running now; next run {next}")),
        LastResult::Unknown => ok(format!("{name}: next run {next}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CheckLevel;
    use super::*;
    use crate::plan::backup::Mode;
    use crate::render::schedule::Scheduler;

    #[test]
    fn tasks() {
        let task =
            |next: Option<&str>, last_result, problem: Option<&str>| scheduler::ScheduledTask {
                scheduler: Scheduler::Cron,
                task: "a line".to_owned(),
                mode: Mode::Regular,
                next_run: next.map(str::to_owned),
                last_run: None,
                last_result,
                problem: problem.map(str::to_owned),
                has_password: true,
                try_now: None,
            };
        let next = Some("tonight");
        for (task, level, said) in [
            (
                task(next, LastResult::Never, None),
                CheckLevel::Ok,
                "next run tonight",
            ),
            (
                task(next, LastResult::Exit(0), None),
                CheckLevel::Ok,
                "exit code 0",
            ),
            (
                task(next, LastResult::Exit(3), None),
                CheckLevel::Ok,
                "exit code 3",
            ),
            (
                task(next, LastResult::Exit(1), None),
                CheckLevel::Warning,
                "exit code 1",
            ),
            (
                task(next, LastResult::Ended("timeout".to_owned()), None),
                CheckLevel::Warning,
                "timeout",
            ),
            (
                task(None, LastResult::Exit(0), None),
                CheckLevel::Problem,
                "no next run",
            ),
            (
                task(next, LastResult::Exit(0), Some("disabled")),
                CheckLevel::Problem,
                "will not run: disabled",
            ),
        ] {
            let CheckAnswer(found, text, hint) = judge(&task);
            assert_eq!(
                (found, hint.is_some()),
                (level, level != CheckLevel::Ok),
                "{text}"
            );
            assert!(text.contains(said), "{text}");
        }
    }
}
