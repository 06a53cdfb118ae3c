//! `restore`: brings files back from a store, in one step or in four (SPEC#restore).

mod drill;
pub mod key;
mod one_step;
mod status;
pub mod thaw;

use std::path::{Path, PathBuf};

use crate::cli::examples;
use clap::{Args, Subcommand};

use super::place::{PlaceArgs, ReceivedArgs, complain};
use super::sets;
use super::{Exit, Global, OutputFormat, output};
use crate::cli::event_lines::WatchArgs;
use crate::cli::when::when;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::plan::restore::estimate::Estimate;
use crate::plan::restore::layout::Layout;
use crate::plan::restore::plan::RestoreOptions;
use crate::plan::restore::point_in_time::PointInTime;
use crate::run::restore::error::RestoreError;
use crate::run::restore::facts::RestoreFacts;
use crate::run::restore::origin::RestoreOrigin;
use crate::run::restore::tools::RestoreStep;
use crate::run::restore::work::{RestoreRequest, RestoreSettings, report_end};
use crate::run::search;

use key::{KeyArgs, key};
use one_step::ReportArgs;
use thaw::{ThawArgs, ThawTerms};

/// Restore files from a store.
///
/// Without a subcommand, everything is done in one step. If it is interrupted, give the same
/// command again to resume.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = examples::RESTORE)]
pub struct RestoreArgs {
    #[command(subcommand)]
    pub step: Option<StepCommand>,
    #[command(flatten)]
    pub what: WhatArgs,
    /// List what can be restored, as `sets` does, and stop.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// One of the four steps, or a drill.
#[derive(Debug, Subcommand)]
pub enum StepCommand {
    /// First step: request that archived objects are thawed.
    Request(WhatArgs),
    Status(status::RestoreStatusArgs),
    /// Third step: download the objects that are readable.
    Download(WhatArgs),
    /// Fourth step: extract the downloaded archives.
    Extract(WhatArgs),
    Drill(drill::DrillArgs),
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub struct WhatArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Directory to restore into. It must be empty, not exist, or hold an interrupted restore.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Layout of the directories below DIR.
    #[arg(long, value_enum, default_value_t)]
    pub layout: Layout,
    /// With --into-existing: also delete what the directories of the state hold in DIR and the
    /// state does not list, excluded files too. Without --into-existing, this is the default. With
    /// --only, this is done in the named directories alone.
    #[arg(long)]
    pub exact: bool,
    /// Also bring back files that were deleted between the full backup and the state, as v1.0 did.
    #[arg(long, conflicts_with_all = ["exact", "only"])]
    pub with_deleted: bool,
    /// Restore the newest state at or before this day (2026-12-24, yesterday), time ('2026-12-24
    /// 18:30', in local time) or stamp (as `sets` prints it).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub at: Option<PointInTime>,
    #[command(flatten)]
    pub received: ReceivedArgs,
    /// Restore only these files and directories: original absolute paths, or paths below the
    /// number of a mount, such as 1/docs.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub only: Vec<String>,
    /// Restore owners by their numbers, also where this computer has another number for the name of
    /// a user or group. For the restore of a whole system from a rescue system.
    #[arg(long)]
    pub numeric_owner: bool,
    /// Allow DIR to hold files. Files with the same names are overwritten.
    #[arg(long)]
    pub into_existing: bool,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub thaw: ThawArgs,
    #[command(flatten)]
    pub watch: WatchArgs,
}

impl WhatArgs {
    /// Whether what the state does not list is removed. What lay in the directory before is never
    /// removed unless that is asked for.
    fn is_exact(&self) -> bool {
        self.exact || !(self.with_deleted || self.into_existing || !self.only.is_empty())
    }
}

/// A restore with checked arguments.
struct RestoreCall<'a> {
    what: &'a WhatArgs,
    to: &'a Path,
    origin: RestoreOrigin,
    terms: ThawTerms,
    cancel: &'a Cancel,
}

impl RestoreCall<'_> {
    fn request(&self, step: RestoreStep) -> RestoreRequest<'_> {
        RestoreRequest {
            step,
            to: self.to,
            into_existing: self.what.into_existing,
            options: RestoreOptions {
                location: self.origin.location.clone(),
                store: String::new(),
                at: self.origin.at(self.what.at.as_ref()),
                written_before: self.what.received.written_before,
                layout: self.what.layout,
                exact: self.what.is_exact(),
                only: self.what.only.clone(),
                numeric_owner: self.what.numeric_owner,
            },
        }
    }

    /// Restores, as far as the step of the request goes.
    fn work(
        &self,
        request: &RestoreRequest<'_>,
        facts: &mut RestoreFacts,
        events: &Events<'_>,
        begins: Option<&str>,
    ) -> Result<(), RestoreError> {
        let agree = |estimate: &Estimate| self.what.thaw.agree(estimate);
        let settings = RestoreSettings {
            origin: &self.origin,
            thaw: self.terms.policy(&agree),
            key: &|| key(&self.what.key, &self.origin, self.cancel),
            cancel: self.cancel,
            events,
        };
        request.report_parameters(&settings);
        if let Some(text) = begins {
            events.note(Section::Start, text);
        }
        let done = request.work(&settings, facts);
        done.map_err(|error| match request.options.written_before {
            None => search::last_state(&settings, error),
            // It would look at everything.
            Some(_) => error,
        })
    }
}

/// Restores.
pub fn restore(global: &Global, args: &RestoreArgs, cancel: &Cancel) -> Exit {
    let (step, what) = match &args.step {
        Some(StepCommand::Status(args)) => return status::show(global, args, cancel),
        Some(StepCommand::Drill(args)) => return drill::drill(global, args, cancel),
        Some(StepCommand::Request(what)) => (RestoreStep::Request, what),
        Some(StepCommand::Download(what)) => (RestoreStep::Download, what),
        Some(StepCommand::Extract(what)) => (RestoreStep::Extract, what),
        None if args.list => {
            return match args.what.place.open(global, cancel) {
                Ok(origin) => sets::list(&origin, &args.what.received, OutputFormat::Text),
                Err(exit) => exit,
            };
        }
        None => (RestoreStep::All, &args.what),
    };
    let Some(to) = &what.to else {
        complain(
            "error",
            "--to is missing",
            "name the directory to restore into: --to DIR",
        );
        return Exit::Usage;
    };
    let (origin, terms) = match what.thaw.open(&what.place, global, cancel) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let call = RestoreCall {
        what,
        to,
        origin,
        terms,
        cancel,
    };
    match step {
        RestoreStep::All => one_step::restore(&args.report, &call),
        step => one_of_four(step, &call),
    }
}

/// One of the four steps. It reports to the terminal only.
fn one_of_four(step: RestoreStep, call: &RestoreCall<'_>) -> Exit {
    let events = Events::new(vec![call.what.watch.reader()]);
    let request = call.request(step);
    let mut facts = RestoreFacts::new();
    let result = call.work(&request, &mut facts, &events, None);
    if result.is_ok() && step == RestoreStep::Extract {
        output::result(
            facts
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"))
                .collect::<String>(),
        );
    }
    Exit::of(report_end(result, step, &events))
}
