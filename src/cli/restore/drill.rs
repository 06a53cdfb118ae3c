//! `restore drill`: a few files, to see that a restore would work.

use clap::Args;

use super::key::{KeyArgs, key};
use super::thaw::{Terms, ThawArgs};
use super::{outcome_of, what_store};
use crate::adapters::seven_zip::SevenZip;
use crate::cli::place::PlaceArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Global, output};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome, Section};
use crate::model::path::Family;
use crate::model::text::size;
use crate::plan::restore::at::At;
use crate::plan::restore::estimate::Estimate;
use crate::plan::restore::plan::Options;
use crate::run::restore::error::RestoreError;
use crate::run::restore::finish::Tally;
use crate::run::restore::newest;
use crate::run::restore::newest::Place;
use crate::run::restore::run::{Step, Tools};
use crate::run::restore::{self, gather};

/// Restore a few files chosen at random into a temporary directory, compare them with the backup's
/// list, delete them.
#[derive(Debug, Args)]
pub struct DrillArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How many files.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub files: u32,
    /// The newest state at or before this stamp.
    #[arg(long, value_name = "STAMP")]
    pub at: Option<At>,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub thaw: ThawArgs,
}

/// Drills.
pub fn drill(global: &Global, args: &DrillArgs, cancel: &Cancel) -> Exit {
    let (place, terms) = match args
        .place
        .open(global, cancel)
        .and_then(|p| args.thaw.terms(&p).map(|t| (p, t)))
    {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let events = Events::new(vec![Box::new(Terminal::new(false, false))]);
    let exit = match work(args, &place, &terms, cancel, &events) {
        Ok((files, tally)) => {
            output::result(format!(
                "{} of {files} files restored and compared with the list of the backup ({}); the copies are deleted\n",
                tally.files,
                size(tally.bytes)
            ));
            Exit::of(events.outcome())
        }
        Err(error) => {
            events.fail(
                Section::Restore,
                error.to_string(),
                Some(error.hint()).filter(|h| !h.is_empty()),
            );
            Exit::of(outcome_of(&error))
        }
    };
    let (outcome, text) = match exit {
        Exit::Success => (Outcome::Success, "the drill succeeded"),
        Exit::Warnings => (Outcome::Warning, "the drill succeeded, with warnings"),
        _ => (Outcome::Failure, "the drill FAILED"),
    };
    events.tell(Event::Finished {
        outcome,
        text: text.to_owned(),
    });
    exit
}

fn work(
    args: &DrillArgs,
    place: &Place,
    terms: &Terms,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<(usize, Tally), RestoreError> {
    let (store, catalog) = newest::newest(place, args.at.as_ref(), events)?;
    let mut options = Options {
        location: place.location.clone(),
        store: what_store(store),
        at: args.at.clone(),
        ..Options::default()
    };
    let plan = gather::plan(store, &catalog, &options, events)
        .inspect_err(|error| newest::tell_locations(error, store, events))?;
    let configured = place.job.as_ref().filter(|job| job.family == Family::HOST);
    let seven_zip = SevenZip::locate(configured.and_then(|job| job.tools.seven_zip.as_deref()))?;
    let (key, key_from) = key(&args.key, place)?;
    let agree = |_: &Estimate| args.thaw.yes;
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
    let scratch = tempfile::Builder::new()
        .prefix("aam-drill-")
        .tempdir()
        .map_err(|why| RestoreError::Disk {
            what: "create a directory in",
            path: std::env::temp_dir(),
            why,
        })?;
    options.only = restore::sample(
        &plan,
        args.files as usize,
        &scratch.path().join("list"),
        &tools,
    )?;
    events.note(
        Section::Restore,
        format!("files of this drill: {}", options.only.join(", ")),
    );
    let plan = gather::plan(store, &catalog, &options, events)?;
    let tally = restore::run(
        plan,
        &scratch.path().join("files"),
        false,
        Step::All,
        &tools,
    )?;
    Ok((options.only.len(), tally))
}
