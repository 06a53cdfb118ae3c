//! `restore`: files back from a store, in one step or in four (SPEC#restore).

mod drill;
mod key;
mod one_step;
mod status;
mod thaw;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::place::{PlaceArgs, complain};
use super::sets;
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::seven_zip::SevenZip;
use crate::adapters::store::Store;
use crate::cli::terminal::Terminal;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Outcome, Section};
use crate::model::path::Family;
use crate::model::secret::Secret;
use crate::plan::restore::at::At;
use crate::plan::restore::choose::newest_state;
use crate::plan::restore::estimate::Estimate;
use crate::plan::restore::layout::Layout;
use crate::plan::restore::plan::Options;
use crate::run::restore::error::RestoreError;
use crate::run::restore::newest::Place;
use crate::run::restore::run::{Step, Tools};
use crate::run::restore::{self, gather};

use crate::run::restore::facts::{self, Facts};
use crate::run::restore::newest;
use key::KeyArgs;
use one_step::TellArgs;

use thaw::{Terms, ThawArgs};

/// Restore files from a store.
///
/// Without a subcommand everything in one step. It can be started again at any time with the same
/// options, and goes on.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RestoreArgs {
    #[command(subcommand)]
    pub step: Option<StepCommand>,
    #[command(flatten)]
    pub what: What,
    /// List what there is to restore, as `sets` does, and stop.
    #[arg(long)]
    pub list: bool,
    #[command(flatten)]
    pub tell: TellArgs,
}

/// One of the four steps, or a drill.
#[derive(Debug, Subcommand)]
pub enum StepCommand {
    /// First step: order archived objects to be made readable.
    Request(What),
    Status(status::StatusArgs),
    /// Third step: download what is readable.
    Download(What),
    /// Fourth step: extract what was downloaded.
    Extract(What),
    Drill(drill::DrillArgs),
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub struct What {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Directory to restore into; it must be empty or not exist, or hold a restore that was begun.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// `numbered`: a directory for each mount, 1, 2, …, with a table. `original`: the original path
    /// below DIR.
    #[arg(long, value_enum, default_value_t)]
    pub layout: Layout,
    /// Also remove what was deleted before the newest backup.
    #[arg(long, conflicts_with = "only")]
    pub exact: bool,
    /// The newest state at or before this stamp; the beginning of one will do: 20201222 is the end
    /// of that day.
    #[arg(long, value_name = "STAMP")]
    pub at: Option<At>,
    /// Only these files and directories: original absolute paths, or such as 1/docs, below a
    /// mount's number.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub only: Vec<String>,
    /// Allow DIR to hold files; those of the same name are overwritten.
    #[arg(long)]
    pub into_existing: bool,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub thaw: ThawArgs,
    /// Also show what the tools print.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Restores.
pub fn restore(global: &Global, args: &RestoreArgs, cancel: &Cancel) -> Exit {
    let (step, what) = match &args.step {
        Some(StepCommand::Status(args)) => return status::show(global, args, cancel),
        Some(StepCommand::Drill(args)) => return drill::drill(global, args, cancel),
        Some(StepCommand::Request(what)) => (Step::Request, what),
        Some(StepCommand::Download(what)) => (Step::Download, what),
        Some(StepCommand::Extract(what)) => (Step::Extract, what),
        None if args.list => {
            return match args.what.place.open(global, cancel) {
                Ok(place) => sets::list(&place, OutputFormat::Text),
                Err(exit) => exit,
            };
        }
        None => (Step::All, &args.what),
    };
    let Some(to) = &what.to else {
        complain(
            "error",
            "--to is missing",
            "name the directory to restore into: --to DIR",
        );
        return Exit::Usage;
    };
    let (place, terms) = match what
        .place
        .open(global, cancel)
        .and_then(|p| what.thaw.terms(&p).map(|terms| (p, terms)))
    {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    if step == Step::All {
        return one_step::restore(&args.tell, what, &place, to, &terms, cancel);
    }
    let events = Events::new(vec![Box::new(Terminal::new(what.verbose, true))]);
    tell_parameters(what, &place, to, &terms, &events);
    let mut facts = Facts::new();
    let result = work(step, what, &place, to, &terms, cancel, &events, &mut facts);
    if result.is_ok() && step == Step::Extract {
        output::result(
            facts
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"))
                .collect::<String>(),
        );
    }
    Exit::of(ended(result, step, &events))
}

/// How a step ended, told as the last of it.
fn ended(result: Result<(), RestoreError>, step: Step, events: &Events<'_>) -> Outcome {
    let outcome = match result {
        Ok(()) => events.outcome(),
        Err(error) if error.is_interrupted() => {
            let text =
                "interrupted: what was restored so far is not complete; start it again to go on";
            events.fail(Section::Restore, text, None);
            Outcome::Interrupted
        }
        Err(error) => {
            events.fail(
                Section::Restore,
                error.to_string(),
                Some(error.hint()).filter(|h| !h.is_empty()),
            );
            outcome_of(&error)
        }
    };
    let done = match step {
        Step::All | Step::Extract => "the restore is complete",
        Step::Request => "everything needed is requested",
        Step::Download => "everything that is readable is downloaded",
    };
    let text = match (outcome, step) {
        (Outcome::Success, _) => done.to_owned(),
        (Outcome::Warning, _) => format!("{done}, with warnings"),
        (_, Step::All | Step::Extract) => "the restore is NOT complete".to_owned(),
        _ => "this step is NOT complete".to_owned(),
    };
    events.note(Section::Result, text);
    outcome
}

/// What an error makes of it.
fn outcome_of(error: &RestoreError) -> Outcome {
    match error {
        RestoreError::NotAgreed { .. } => Outcome::Invalid,
        RestoreError::Busy(_) => Outcome::Locked,
        error if error.is_interrupted() => Outcome::Interrupted,
        _ => Outcome::Failure,
    }
}

/// Everything after the parameters are known; what it comes to is put into `facts` as it gets
/// known.
#[expect(
    clippy::too_many_arguments,
    reason = "what was given, who is told, and what is told in the end"
)]
fn work(
    step: Step,
    args: &What,
    place: &Place,
    to: &Path,
    terms: &Terms,
    cancel: &Cancel,
    events: &Events<'_>,
    facts: &mut Facts,
) -> Result<(), RestoreError> {
    let mut options = Options {
        location: place.location.clone(),
        store: String::new(),
        at: args.at.clone(),
        layout: args.layout,
        exact: args.exact,
        only: args.only.clone(),
    };
    let begun = restore::begun(to)?;
    if let Some(begun) = &begun {
        begun.pin(&mut options);
    }
    let (store, catalog) = newest::newest(place, options.at.as_ref(), events)?;
    options.store = what_store(store);
    let plan = gather::plan(store, &catalog, &options, events)
        .inspect_err(|error| newest::tell_locations(error, store, events))?;
    let text = format!(
        "from {}: the state of {} (full backup {})",
        plan.store, plan.state, plan.set
    );
    events.note(Section::Restore, text);
    facts::planned(facts, &plan, to);
    for mount in &plan.mounts {
        events.note(
            Section::Sources,
            format!("mount {}: {}", mount.number, mount.shown()),
        );
    }
    let newest = newest_state(&catalog, None);
    if let Some(newer) =
        newest.filter(|newest| args.at.is_none() && begun.is_some() && *newest > plan.state)
    {
        let text = format!(
            "a newer backup is there, of {newer}; this restore was begun with {} and goes on with it",
            plan.state
        );
        events.note(Section::Restore, text);
    }
    let configured = place.job.as_ref().filter(|job| job.family == Family::HOST);
    let seven_zip = SevenZip::locate(configured.and_then(|job| job.tools.seven_zip.as_deref()))?;
    let (key, key_from) = match step.needs_key(&options.only) {
        true => key::key(&args.key, place)?,
        false => (Secret::new(""), String::new()),
    };
    let agree = |estimate: &Estimate| args.thaw.agree(estimate);
    let thaw = terms.thawing(&agree);
    let tools = Tools {
        store,
        seven_zip: &seven_zip,
        key: &key,
        key_from: &key_from,
        thaw,
        cancel,
        events,
    };
    let tally = restore::run(plan, to, args.into_existing, step, &tools)?;
    facts::verified(facts, tally);
    Ok(())
}

fn what_store(store: &dyn Store) -> String {
    store.label().to_owned()
}

fn tell_parameters(args: &What, place: &Place, to: &Path, terms: &Terms, events: &Events<'_>) {
    let note = |text: String| events.detail(Section::Parameters, text);
    note(format!("aam-backup {}", env!("CARGO_PKG_VERSION")));
    note(format!(
        "restore of location '{}' to '{}', layout {}",
        place.location,
        to.display(),
        super::word(args.layout)
    ));
    if let Some(job) = &place.job {
        note(format!(
            "profile '{}' ({})",
            job.name,
            job.profile.display()
        ));
    }
    place
        .candidates
        .iter()
        .for_each(|candidate| note(format!("store: {}", candidate.label)));
    note(format!(
        "archived objects: {:?}, for {} days, asked for every {}",
        terms.tier,
        terms.keep_days,
        humantime::format_duration(terms.poll_every)
    ));
    for (given, option) in [
        (args.exact, "--exact"),
        (args.into_existing, "--into-existing"),
    ] {
        if given {
            note(option.to_owned());
        }
    }
    if let Some(at) = &args.at {
        note(format!("--at {at}"));
    }
    for path in &args.only {
        note(format!("--only {path}"));
    }
}
