//! `restore drill`: a few files, to see that a restore would work.

use clap::Args;

use super::key::{KeyArgs, key};
use super::thaw::ThawArgs;
use crate::cli::place::{PlaceArgs, ReceivedArgs};
use crate::cli::terminal::Terminal;
use crate::cli::when::when;
use crate::cli::{Exit, Global, output};
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Outcome};
use crate::model::text::{count, size};
use crate::plan::restore::estimate::Estimate;
use crate::plan::restore::plan::RestoreOptions;
use crate::plan::restore::point_in_time::PointInTime;
use crate::run::restore::work::{self, RestoreSettings};

/// Restore a few random files to a temporary directory, compare them with the manifest, and
/// delete them.
#[derive(Debug, Args)]
pub struct DrillArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Number of files.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub files: u32,
    /// Restore the newest state at or before this day, time or stamp.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub at: Option<PointInTime>,
    #[command(flatten)]
    pub received: ReceivedArgs,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub thaw: ThawArgs,
}

/// Drills.
pub fn drill(global: &Global, args: &DrillArgs, cancel: &Cancel) -> Exit {
    let (origin, terms) = match args.thaw.open(&args.place, global, cancel) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let events = Events::new(vec![Box::new(Terminal::new(false, false))]);
    let agree = |_: &Estimate| args.thaw.yes;
    let settings = RestoreSettings {
        origin: &origin,
        thaw: terms.policy(&agree),
        key: &|| key(&args.key, &origin, cancel),
        cancel,
        events: &events,
    };
    let options = RestoreOptions {
        location: origin.location.clone(),
        at: origin.at(args.at.as_ref()),
        written_before: args.received.written_before,
        ..RestoreOptions::default()
    };
    let exit = match work::drill(&settings, options, args.files as usize) {
        Ok((files, tally)) => {
            output::result(format!(
                "restored {} of {} and compared them with the manifest ({}); the copies are \
                 deleted\n",
                tally.files,
                count(files as u64, "file"),
                size(tally.bytes)
            ));
            Exit::of(events.outcome())
        }
        Err(error) => {
            error.report(&events);
            Exit::of(error.outcome())
        }
    };
    let (outcome, text) = match exit {
        Exit::Success => (Outcome::Success, "the drill succeeded"),
        Exit::Warnings => (Outcome::Warning, "the drill succeeded, with warnings"),
        _ => (Outcome::Failure, "the drill FAILED"),
    };
    events.emit(Event::Finished {
        outcome,
        text: text.to_owned(),
    });
    exit
}
