//! `restore status`: where every volume is.

use std::path::PathBuf;

use clap::Args;

use super::thaw::ThawArgs;
use crate::cli::place::PlaceArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Global, OutputFormat, output};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::plan::restore::plan::RestoreOptions;
use crate::plan::restore::point_in_time::PointInTime;
use crate::run::restore::error::MissingKey;
use crate::run::restore::status::RestoreStatus;
use crate::run::restore::work::{self, RestoreSettings};

/// Second step: show where every volume is and what remains to be done. Costs nothing.
#[derive(Debug, Args)]
pub struct RestoreStatusArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Directory of the restore.
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    /// Restore the newest state at or before this stamp.
    #[arg(long, value_name = "STAMP")]
    pub at: Option<PointInTime>,
    #[command(flatten)]
    pub thaw: ThawArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Shows.
pub fn show(global: &Global, args: &RestoreStatusArgs, cancel: &Cancel) -> Exit {
    let (origin, terms) = match args.thaw.open(&args.place, global, cancel) {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let events = Events::new(vec![Box::new(Terminal::new(false, false))]);
    let settings = RestoreSettings {
        origin: &origin,
        thaw: terms.policy(&|_| false),
        key: &|| Err(MissingKey::NoTerminal.into()),
        cancel,
        events: &events,
    };
    let options = RestoreOptions {
        location: origin.location.clone(),
        at: args.at.clone(),
        ..RestoreOptions::default()
    };
    match work::look(&settings, options, args.to.as_deref()) {
        Ok(status) => print(&status, args.format),
        Err(error) => {
            error.report(&events);
            Exit::of(error.outcome())
        }
    }
}

fn print(status: &RestoreStatus, format: OutputFormat) -> Exit {
    match format {
        OutputFormat::Text => output::result(status.to_text()),
        OutputFormat::Json => output::json(status),
    }
}
