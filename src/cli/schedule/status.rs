//! `schedule status`: what the schedulers of this computer say about a profile.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, Global, OutputFormat, output};
use crate::adapters::scheduler::{self, LastResult, ScheduledTask};
use crate::cli::place::complain;
use crate::model::cancel::Cancel;
use crate::profile::Search;

/// The tasks of a profile, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct ScheduleAnswer<'a> {
    profile: &'a str,
    /// Of all schedulers of this computer. None: it is not scheduled.
    tasks: &'a [ScheduledTask],
}

/// The same profile in another scheduler too would run twice.
pub(super) fn others(profile: &str, own: &ScheduledTask, cancel: &Cancel) {
    for other in scheduler::status(profile, cancel).unwrap_or_default() {
        if other.scheduler != own.scheduler && other.mode == own.mode {
            let text = format!(
                "{} has a task for this profile too ({}): it would run twice",
                other.scheduler, other.task
            );
            complain(
                "warning",
                &text,
                "remove all tasks with `schedule remove`, then install one",
            );
        }
    }
}

pub(super) fn status(
    global: &Global,
    given: &str,
    profile: &str,
    format: OutputFormat,
    cancel: &Cancel,
) -> Exit {
    let tasks = match scheduler::status(profile, cancel) {
        Ok(tasks) => tasks,
        Err(error) => return super::fail(&error),
    };
    // A task outlives its profile; a name that has neither is a slip.
    let sought = Search::new(global.profiles.as_deref()).find(given);
    if let (true, Err(error)) = (tasks.is_empty(), sought) {
        let hint = error.hint().unwrap_or_default();
        complain("warning", &error.to_string(), &hint);
    }
    let written = match format {
        OutputFormat::Json => output::json(&ScheduleAnswer {
            profile,
            tasks: &tasks,
        }),
        OutputFormat::Text if tasks.is_empty() => {
            output::result(format_args!("'{profile}' is not scheduled.\n"))
        }
        OutputFormat::Text => output::result(
            tasks
                .iter()
                .map(|task| describe(profile, task))
                .collect::<String>(),
        ),
    };
    let runs = |task: &ScheduledTask| task.next_run.is_some() && task.problem.is_none();
    if tasks.is_empty() || !tasks.iter().all(runs) {
        Exit::Failed
    } else {
        written
    }
}

/// A task, for a person.
pub(super) fn describe(profile: &str, found: &ScheduledTask) -> String {
    let mode = crate::cli::word(found.mode);
    let mut text = format!(
        "'{profile}' ({mode}) is scheduled in {}: {}\n",
        found.scheduler, found.task
    );
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<12} {value}\n"));
    row("next run:", found.next_run.as_deref().unwrap_or("none"));
    row(
        "last run:",
        found
            .last_run
            .as_deref()
            .unwrap_or("the scheduler does not know"),
    );
    let last = match &found.last_result {
        LastResult::Unknown => "the scheduler does not know; see the logs".to_owned(),
        LastResult::Never => "has not run yet".to_owned(),
        LastResult::Running => "running now".to_owned(),
        LastResult::Ended(why) => why.clone(),
        LastResult::Exit(code) => match Exit::ALL
            .iter()
            .find(|exit| i64::from(exit.code()) == *code)
        {
            Some(exit) => format!("exit code {code}: {}", exit.words()),
            None => format!("exit code {code} (not one of aam-backup)"),
        },
    };
    row("last result:", &last);
    if let Some(problem) = &found.problem {
        row("problem:", problem);
    }
    text
}
