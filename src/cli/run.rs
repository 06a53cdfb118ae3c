//! `run`: the backup itself, as a scheduler or a person starts it (SPEC#run).

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::cli::examples;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::event_lines::WatchArgs;
use super::place::complain;
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::state::history::{History, RunRecord};
use crate::cli::terminal;
use crate::model::cancel::Cancel;
use crate::model::event::Sink;
use crate::model::job::{Destination, Job};
use crate::model::path::Family;
use crate::plan::backup::Mode;
use crate::profile::{self, Diagnostics, Search};
use crate::run::backup::survey::Request;
use crate::run::backup::{self, Ask};
use crate::run::session::{Ended, Files};

/// Which backup: what `run` makes and `plan` shows.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Mode of the backup.
    #[arg(long, value_enum, default_value_t)]
    pub mode: Mode,
    /// Make a full backup this time.
    #[arg(long)]
    pub force_full: bool,
    /// Accept that the archive key has changed, and make a full backup with the new key.
    #[arg(long)]
    pub new_key: bool,
    /// Continue the backups that another computer or another profile made at this location.
    #[arg(long)]
    pub adopt: bool,
    /// Accept a new disk or directory as the mirror or the archive directory.
    #[arg(long)]
    pub new_destination: bool,
    /// Back up to this destination only. Can be repeated.
    #[arg(long = "destination", value_enum)]
    pub destinations: Vec<Destination>,
}

impl BackupArgs {
    pub fn request(&self) -> Request {
        Request {
            mode: self.mode,
            force_full: self.force_full,
            new_key: self.new_key,
            adopt: self.adopt,
            new_destination: self.new_destination,
            unattended: false,
        }
    }
}

/// Make a backup.
///
/// With several profiles, or --all, they are run one after the other. A profile that fails does not
/// stop the others; the exit code is the worst of them.
#[derive(Debug, Args)]
#[command(after_help = examples::RUN)]
pub struct RunArgs {
    /// Profiles: paths, or names looked up in the profile directories.
    #[arg(value_name = "PROFILE", required_unless_present = "all")]
    pub profiles: Vec<String>,
    /// Run every profile of the first profile directory that has any.
    #[arg(long, conflicts_with = "profiles")]
    pub all: bool,
    #[command(flatten)]
    pub backup: BackupArgs,
    /// Ask no questions, and do not wait for a key press. For schedulers, some of which offer a
    /// terminal that nobody sees.
    #[arg(long)]
    pub unattended: bool,
    /// Write metrics of the run to this file, for the textfile collector of the Prometheus node
    /// exporter. Use one file for each profile.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Log format. `json` also writes the events as JSON lines to a file beside the log.
    #[arg(long, value_enum, default_value_t)]
    pub log_format: OutputFormat,
    /// How the result is written. `json`: one line for each profile on standard output.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// How a run ended, as JSON.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunAnswer {
    /// The exit code, if this was the only profile.
    exit_code: u8,
    run: RunRecord,
}

impl RunArgs {
    fn is_attended(&self) -> bool {
        !self.unattended && std::io::stdin().is_terminal()
    }

    fn files(&self) -> Files<'_> {
        Files {
            metrics: self.metrics.as_deref(),
            log_json: self.log_format == OutputFormat::Json,
        }
    }
}

/// Runs one profile, or several one after the other.
pub fn run(global: &Global, args: &RunArgs, cancel: &Cancel) -> Exit {
    let search = Search::new(global.profiles.as_deref());
    let profiles = match args.all {
        true => search.all(),
        false => args.profiles.clone(),
    };
    if profiles.is_empty() {
        let hint = "name a directory with --profiles DIR";
        complain("error", "no profile directory has a profile", hint);
        return Exit::Usage;
    }
    if profiles.len() > 1 && args.metrics.is_some() {
        let text = "--metrics FILE would hold the metrics of the last profile only";
        complain(
            "error",
            text,
            "run the profiles one by one, each with a file of its own",
        );
        return Exit::Usage;
    }
    let mut worst = Exit::Success;
    for profile in &profiles {
        if profiles.len() > 1 {
            output::note(format_args!("profile {profile}\n"));
        }
        worst = worst.worse(one(&search, profile, args, cancel));
        if cancel.is_set() {
            return Exit::Interrupted;
        }
    }
    worst
}

fn one(search: &Search, profile: &str, args: &RunArgs, cancel: &Cancel) -> Exit {
    match search.load(profile) {
        Err(diagnostics) => refuse(search, profile, args, &diagnostics),
        Ok(job) if job.family != Family::HOST => {
            output::note(super::other_host(&job));
            Exit::Usage
        }
        Ok(job) => super::only_to(&job, &args.backup.destinations, |job| {
            backup(job, args, cancel)
        }),
    }
}

fn backup(job: &Job, args: &RunArgs, cancel: &Cancel) -> Exit {
    let attended = args.is_attended();
    let ask: Option<Ask<'_>> =
        (attended && args.backup.mode == Mode::IncrementalOnly).then_some(&terminal::confirm);
    let ended = backup::run(
        job,
        Request {
            unattended: args.unattended,
            ..args.backup.request()
        },
        ask,
        args.files(),
        readers(args),
        cancel,
    );
    let exit = show(ended, args.format);
    if attended && job.pause_at_end {
        output::wait_to_close();
    }
    exit
}

/// A broken profile is reported like a failed run, as far as its reporting sections can be read.
fn refuse(search: &Search, profile: &str, args: &RunArgs, diagnostics: &Diagnostics) -> Exit {
    let readers = match terminal::is_journal() {
        // It says how bad each of them is.
        true => readers(args),
        false => {
            output::note(diagnostics);
            Vec::new()
        }
    };
    let found = search.find(profile);
    if found.is_err() && !History::of(profile).has_runs() {
        // A slip in a name is nothing that `status` should know for ever.
        if terminal::is_journal() {
            output::note(diagnostics);
        }
        return Exit::Usage;
    }
    let readable = found
        .map(|path| profile::readable(&path))
        .unwrap_or_default();
    let ended = backup::refuse(
        profile,
        &readable,
        diagnostics,
        args.backup.mode,
        args.is_attended(),
        args.files(),
        readers,
    );
    show(ended, args.format)
}

fn readers<'a>(args: &RunArgs) -> Vec<Box<dyn Sink + 'a>> {
    vec![args.watch.reader()]
}

fn show(ended: Ended, format: OutputFormat) -> Exit {
    let exit = Exit::of(ended.outcome);
    if format == OutputFormat::Json {
        return exit.or(output::json_line(&RunAnswer {
            exit_code: exit.code(),
            run: ended.record,
        }));
    }
    output::ended(&ended)
}
