//! `copy`: whole sets from one store to another (SPEC#copy).

use std::path::PathBuf;

use crate::cli::examples;
use clap::Args;

use super::place::{PlaceArgs, complain, complain_store};
use super::restore::thaw::ThawArgs;
use super::terminal::Terminal;
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::store::open::open_stores;
use crate::adapters::store::{DirectoryStore, Opened, Store};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::path::Family;
use crate::model::store::StoreName;
use crate::plan::restore::estimate::Estimate;
use crate::run::copy::CopyRequest;
use crate::run::restore::error::RestoreError;
use crate::run::restore::origin::RestoreOrigin;

/// Copy whole sets to another store: a second disk, a tape, or the other store of the profile.
///
/// Every object is compared with its marker. If it is interrupted, give the same command again to
/// continue. Example: `aam-backup copy nightly --from s3 --to directory --set 20260101`.
#[derive(Debug, Args)]
#[command(after_help = examples::COPY)]
pub struct CopyArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Store of the profile to copy to.
    #[arg(
        long,
        value_enum,
        value_name = "STORE",
        required_unless_present = "to_directory",
        conflicts_with = "location"
    )]
    pub to: Option<StoreName>,
    /// Directory to copy to. It must exist.
    #[arg(long, value_name = "DIR", conflicts_with = "to")]
    pub to_directory: Option<PathBuf>,
    /// Set to copy: the stamp of its full backup, or the beginning of it. Can be repeated. Default:
    /// every complete set.
    #[arg(long = "set", value_name = "STAMP")]
    pub sets: Vec<String>,
    #[command(flatten)]
    pub thaw: ThawArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

impl CopyArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let (origin, terms) = match self.thaw.open(&self.place, global, cancel) {
            Ok(opened) => opened,
            Err(exit) => return exit,
        };
        let (target, source) = match self.target(&origin, cancel).and_then(|target| {
            let source = source(&origin, &*target)?;
            Ok((target, source))
        }) {
            Ok(stores) => stores,
            Err(exit) => return exit,
        };
        let work = origin.job.as_ref().filter(|job| job.family == Family::HOST);
        let work = work.map_or_else(std::env::temp_dir, |job| job.work_directory.to_native());
        let scratch = match tempfile::Builder::new()
            .prefix("aam-copy-")
            .tempdir_in(&work)
        {
            Ok(scratch) => scratch,
            Err(error) => {
                let text = format!("no directory can be made in '{}': {error}", work.display());
                complain("error", &text, "see archive.work-directory in the profile");
                return Exit::Failed;
            }
        };
        let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
        let agree = |estimate: &Estimate| self.thaw.agree(estimate);
        let request = CopyRequest {
            source,
            target: &*target,
            location: &origin.location,
            sets: &self.sets,
            scratch: scratch.path(),
            thaw: terms.policy(&agree),
            cancel,
            events: &events,
        };
        let copied = request.run();
        if let Err(error) = &copied {
            error.report(&events);
        }
        // The live line is gone before the result is shown.
        drop(events);
        match copied {
            Ok(report) => match self.format {
                OutputFormat::Text => output::result(report.to_text()),
                OutputFormat::Json => output::json(&report),
            },
            Err(error) => {
                let text = "the copy is NOT complete; give the same command again to continue";
                complain("error", text, "");
                match error {
                    RestoreError::Interrupted => Exit::Interrupted,
                    error => Exit::of(error.outcome()),
                }
            }
        }
    }

    fn target(&self, origin: &RestoreOrigin, cancel: &Cancel) -> Result<Box<dyn Store>, Exit> {
        let opened: Option<Opened> = match (&self.to_directory, &origin.job) {
            (Some(path), _) => {
                let opened = DirectoryStore::open(path, cancel.clone());
                Some(opened.map(|store| Box::new(store) as Box<dyn Store>))
            }
            (None, Some(job)) => open_stores(job, cancel)
                .into_iter()
                .find(|(name, ..)| Some(*name) == self.to)
                .map(|(.., opened)| opened),
            (None, None) => None,
        };
        match opened {
            Some(Ok(store)) => Ok(store),
            Some(Err(error)) => {
                complain_store("error", &error);
                Err(Exit::Failed)
            }
            None => {
                let hint = "name a store of the profile with --to, or --to-directory DIR";
                complain("error", "there is no store to copy to", hint);
                Err(Exit::Usage)
            }
        }
    }
}

/// The first store that is not the target.
fn source<'o>(origin: &'o RestoreOrigin, target: &dyn Store) -> Result<&'o dyn Store, Exit> {
    let mut candidates = origin
        .candidates
        .iter()
        .filter(|c| c.label != target.label());
    match candidates
        .next()
        .map(|candidate| candidate.store.as_deref())
    {
        Some(Ok(store)) => Ok(store),
        Some(Err(error)) => {
            complain_store("error", error);
            Err(Exit::Failed)
        }
        None => {
            let hint = "name the store to copy from with --from";
            complain(
                "error",
                "source and target of the copy are the same store",
                hint,
            );
            Err(Exit::Usage)
        }
    }
}
