//! `restore status`: where every volume is.

use crate::cli::examples;
use clap::Args;

use super::WhatArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, Global, OutputFormat, output};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::plan::restore::plan::RestoreOptions;
use crate::run::restore::error::MissingKey;
use crate::run::restore::status::RestoreStatus;
use crate::run::restore::work::{self, RestoreSettings};

/// Second step: show where every volume is and what remains to be done. Costs nothing.
#[derive(Debug, Args)]
#[command(after_help = examples::RESTORE_STATUS)]
pub struct RestoreStatusArgs {
    #[command(flatten)]
    pub what: WhatArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Shows.
pub fn show(global: &Global, args: &RestoreStatusArgs, cancel: &Cancel) -> Exit {
    let what = &args.what;
    let (origin, terms) = match what.thaw.open(&what.place, global, cancel) {
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
        at: origin.at(what.at.as_ref()),
        written_before: what.received.written_before,
        layout: what.layout,
        exact: what.is_exact(),
        only: what.only.clone(),
        ..RestoreOptions::default()
    };
    match work::look(&settings, options, what.to.as_deref()) {
        Ok(status) => print(&status, args),
        Err(error) => {
            error.report(&events);
            Exit::of(error.outcome())
        }
    }
}

fn print(status: &RestoreStatus, args: &RestoreStatusArgs) -> Exit {
    match args.format {
        OutputFormat::Text => output::result(status.to_text(args.what.watch.verbose)),
        OutputFormat::Json => output::json(status),
    }
}
