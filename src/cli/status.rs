//! `status`: the last runs, from local state. It does not ask stores and does not need a profile.

use crate::cli::examples;
use chrono::{Local, Utc};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Exit, Global, OutputFormat, output};
use crate::adapters::state::base_directory;
use crate::adapters::state::history::{History, RunRecord};
use crate::model::event::Outcome;
use crate::model::text;
use crate::profile::{self, Search};
use crate::run::backup;

/// Show the last runs on this computer. The exit code says whether the last run of each profile
/// succeeded.
#[derive(Debug, Args)]
#[command(after_help = examples::STATUS)]
pub struct StatusArgs {
    /// Profile: a path, or a name, even if the file no longer exists. Default: all profiles that
    /// have run on this computer.
    pub profile: Option<String>,
    /// Number of runs to show for each profile.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub last: usize,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The last runs on this computer, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// By name.
    profiles: Vec<Runs>,
}

/// The runs of one profile, newest first.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Runs {
    /// Name of the profile.
    profile: String,
    /// Seconds since the last successful backup ended.
    age: Option<u64>,
    runs: Vec<RunRecord>,
}

impl Runs {
    fn of(profile: String, history: &History) -> Runs {
        let runs = history.records();
        let successes = runs
            .iter()
            .filter(|run| run.is_backup() && run.is_success());
        let last = successes.filter_map(|run| run.ended).max();
        let age = last.map(|last| (Utc::now() - last).num_seconds().max(0).unsigned_abs());
        Runs { profile, age, runs }
    }
}

/// Shows the last runs.
pub fn status(global: &Global, args: &StatusArgs) -> Exit {
    let histories = match &args.profile {
        None => History::all(),
        Some(named) => {
            let file = Search::new(global.profiles.as_deref()).find(named);
            let readable = file
                .map(|path| profile::readable(&path))
                .unwrap_or_default();
            let name = backup::called(named, &readable);
            let history = History::of(&name);
            vec![(name, history)]
        }
    };
    let mut all: Vec<Runs> = histories
        .into_iter()
        .map(|(profile, history)| Runs::of(profile, &history))
        .collect();
    // A computer that never made a backup is not a success.
    let exit = all
        .iter()
        .filter_map(|runs| judge(&runs.runs))
        .max_by_key(|exit| rank(*exit))
        .unwrap_or(Exit::Failed);
    if all.iter().all(|runs| runs.runs.is_empty()) {
        let of = args
            .profile
            .as_ref()
            .map(|named| format!(" of '{named}'"))
            .unwrap_or_default();
        let place = base_directory();
        output::note(format_args!(
            "no runs{of} are known on this computer; looked in '{}' (runs of other users are recorded elsewhere)\n",
            place.display()
        ));
    }
    all.iter_mut()
        .for_each(|runs| runs.runs.truncate(args.last));
    let printed = match args.format {
        OutputFormat::Text => {
            let shown = all.iter().filter(|runs| !runs.runs.is_empty());
            output::result(shown.map(to_text).collect::<Vec<_>>().join("\n"))
        }
        OutputFormat::Json => output::json(&StatusAnswer { profiles: all }),
    };
    if printed == Exit::Success {
        exit
    } else {
        printed
    }
}

/// Judges by the last backup that ended and was not skipped. `None` if only restores are known.
fn judge(runs: &[RunRecord]) -> Option<Exit> {
    let mut backups = runs
        .iter()
        .filter(|run| run.is_backup())
        .map(|run| run.outcome)
        .peekable();
    backups.peek()?;
    Some(
        match backups.flatten().find(|outcome| !outcome.is_skipped()) {
            Some(Outcome::Success) => Exit::Success,
            Some(Outcome::Warning) => Exit::Warnings,
            _ => Exit::Failed,
        },
    )
}

fn rank(exit: Exit) -> u8 {
    match exit {
        Exit::Success => 0,
        Exit::Warnings => 1,
        _ => 2,
    }
}

fn to_text(runs: &Runs) -> String {
    let mut table = vec![
        [
            "STARTED", "TOOK", "RESULT", "MODE", "FILES", "SIZE", "ARCHIVED",
        ]
        .map(str::to_owned),
    ];
    for run in &runs.runs {
        let until = run.ended.or_else(|| run.outcome.is_none().then(Utc::now));
        let took = until.map(|until| (until - run.started).num_seconds().max(0).unsigned_abs());
        let took = took.map(text::duration);
        let started = run.started.with_timezone(&Local);
        table.push([
            started.format("%Y-%m-%d %H:%M %:z").to_string(),
            took.unwrap_or_else(|| "-".to_owned()),
            run.outcome
                .map_or_else(|| "running".to_owned(), |outcome| outcome.to_string()),
            run.operation.clone(),
            run.counts.files.to_string(),
            text::size(run.counts.bytes),
            run.counts.archived_files.to_string(),
        ]);
    }
    let age = match runs.age {
        Some(age) => format!("last success {} ago", text::duration(age)),
        None => "no success is known".to_owned(),
    };
    // Paths are too long for a table. The logs of the other runs are beside it.
    let newest = runs.runs.first().and_then(|run| run.log.as_ref());
    let log = newest.map_or_else(String::new, |log| {
        format!("log of the newest run: {}\n", log.display())
    });
    let table = text::aligned(&table);
    format!("{}, {age}\n{table}{log}", runs.profile)
}
