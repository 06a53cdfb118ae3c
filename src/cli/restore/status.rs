//! `restore status`: where every volume is.

use std::path::PathBuf;

use clap::Args;

use super::thaw::ThawArgs;
use super::what_store;
use crate::cli::place::PlaceArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Global, OutputFormat, output};
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::plan::restore::at::At;
use crate::plan::restore::plan::Options;
use crate::run::restore::error::RestoreError;
use crate::run::restore::newest;
use crate::run::restore::newest::Place;
use crate::run::restore::status::{Status, status};
use crate::run::restore::{self, gather};

/// Show where every volume is and what is still ahead; costs nothing.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Directory that is restored into.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// The newest state at or before this stamp.
    #[arg(long, value_name = "STAMP")]
    pub at: Option<At>,
    #[command(flatten)]
    pub thaw: ThawArgs,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Shows.
pub fn show(global: &Global, args: &StatusArgs, cancel: &Cancel) -> Exit {
    let place = match args.place.open(global, cancel) {
        Ok(place) => place,
        Err(exit) => return exit,
    };
    let events = Events::new(vec![Box::new(Terminal::new(false, false))]);
    match look(args, &place, &events) {
        Ok(status) => {
            let text = match args.format {
                OutputFormat::Text => Ok(status.to_text()),
                OutputFormat::Json => serde_json::to_string_pretty(&status).map(|text| text + "\n"),
            };
            match text {
                Ok(text) => output::result(text),
                Err(error) => {
                    output::note(format_args!(
                        "error: the status cannot be printed: {error}\n"
                    ));
                    Exit::Failed
                }
            }
        }
        Err(Failed::Exit(exit)) => exit,
        Err(Failed::Error(error)) => {
            events.fail(
                Section::Restore,
                error.to_string(),
                Some(error.hint()).filter(|h| !h.is_empty()),
            );
            Exit::of(super::outcome_of(&error))
        }
    }
}

enum Failed {
    Exit(Exit),
    Error(RestoreError),
}

impl From<RestoreError> for Failed {
    fn from(error: RestoreError) -> Failed {
        Failed::Error(error)
    }
}

fn look(args: &StatusArgs, place: &Place, events: &Events<'_>) -> Result<Status, Failed> {
    let terms = args.thaw.terms(place).map_err(Failed::Exit)?;
    let mut options = Options {
        location: place.location.clone(),
        at: args.at.clone(),
        ..Options::default()
    };
    if let Some(begun) = args.to.as_deref().map_or(Ok(None), restore::begun)? {
        begun.pin(&mut options);
    }
    let (store, catalog) = newest::newest(place, options.at.as_ref(), events)?;
    options.store = what_store(store);
    let plan = gather::plan(store, &catalog, &options, events)
        .inspect_err(|error| newest::tell_locations(error, store, events))?;
    let thaw = terms.thawing(&|_| false);
    Ok(status(&plan, args.to.as_deref(), store, &thaw)?)
}
