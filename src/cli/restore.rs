//! `restore`: files back from a store, in one step (SPEC §9).

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use chrono::Utc;
use clap::Args;

use super::place::{Candidate, Place, PlaceArgs, complain};
use super::sets;
use super::{Exit, Format, Global, output};
use crate::cancel::Cancel;
use crate::catalog::Catalog;
use crate::event::{Event, Events, Outcome, Section, Sink};
use crate::job::Reference;
use crate::log::Log;
use crate::path::Family;
use crate::profile::credential;
use crate::restore::{self, At, Layout, Options, RestoreError, RestorePlan, Tools, gather};
use crate::secret::Secret;
use crate::state::base_directory;
use crate::store::Store;
use crate::terminal::Terminal;
use crate::text;
use crate::tool::seven_zip::SevenZip;

/// Restore files from a store.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Directory to restore into; it must be empty or not exist.
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    pub to: Option<PathBuf>,
    /// `numbered`: a directory for each mount, 1, 2, …, with a table. `original`: the original path below DIR.
    #[arg(long, value_enum, default_value_t)]
    pub layout: Layout,
    /// Also remove what was deleted before the newest backup.
    #[arg(long, conflicts_with = "only")]
    pub exact: bool,
    /// The newest state at or before this stamp; the beginning of one will do: 20201222 is the end of that day.
    #[arg(long, value_name = "STAMP")]
    pub at: Option<At>,
    /// Only these files and directories: original absolute paths, or such as 1/docs, below a mount's number.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub only: Vec<String>,
    /// Allow DIR to hold files; those of the same name are overwritten.
    #[arg(long)]
    pub into_existing: bool,
    /// Environment variable that holds the archive key.
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    pub key_env: Option<String>,
    /// File whose first line is the archive key.
    #[arg(long, value_name = "PATH")]
    pub key_file: Option<PathBuf>,
    /// List what there is to restore, as `sets` does, and stop.
    #[arg(long)]
    pub list: bool,
    /// Also show what the tools print.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Restores.
pub fn restore(global: &Global, args: &RestoreArgs, cancel: &Cancel) -> Exit {
    let place = match args.place.open(global, cancel) {
        Ok(place) => place,
        Err(exit) => return exit,
    };
    let to = match &args.to {
        Some(to) if !args.list => to,
        _ => return sets::list(&place, Format::Text),
    };
    let log = open_log(&place);
    let terminal = Terminal { verbose: args.verbose, report_follows: false };
    let log_reader = log.iter().map(|log| Box::new(log) as Box<dyn Sink + '_>);
    let events = Events::new(log_reader.chain([Box::new(terminal) as Box<dyn Sink + '_>]).collect());
    tell_parameters(args, &place, to, &events);
    let outcome = match work(args, &place, to, cancel, &events) {
        Ok(()) => events.outcome(),
        Err(error) if error.is_interrupted() => {
            events.fail(Section::Restore, "interrupted: what was restored so far is not complete", None);
            Outcome::Interrupted
        }
        Err(error) => {
            events.fail(Section::Restore, error.to_string(), Some(error.hint()).filter(|h| !h.is_empty()));
            Outcome::Failure
        }
    };
    let text = match outcome {
        Outcome::Success => "the restore is complete",
        Outcome::Warning => "the restore is complete, with warnings",
        _ => "the restore is NOT complete",
    };
    events.tell(Event::Finished { outcome, text: text.to_owned() });
    Exit::of(outcome)
}

/// Everything after the parameters are known.
fn work(
    args: &RestoreArgs,
    place: &Place,
    to: &Path,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<(), RestoreError> {
    let (store, catalog) = newest(place, args, events)?;
    let options = Options {
        location: place.location.clone(),
        store: store.label().to_owned(),
        at: args.at.clone(),
        layout: args.layout,
        exact: args.exact,
        only: args.only.clone(),
    };
    let plan = gather::plan(store, &catalog, &options).inspect_err(|error| tell_locations(error, store, events))?;
    let text = format!("from {}: the state of {} (full backup {})", plan.store, plan.state, plan.set);
    events.note(Section::Restore, text);
    let configured = place.job.as_ref().filter(|job| job.family == Family::HOST);
    let seven_zip = SevenZip::locate(configured.and_then(|job| job.tools.seven_zip.as_deref()))?;
    let (key, key_from) = key(args, place)?;
    let summary = Summary::of(&plan, to);
    let tools = Tools { store, seven_zip: &seven_zip, key: &key, key_from: &key_from, cancel, events };
    let tally = restore::run(plan, to, args.into_existing, &tools)?;
    summary.print(tally);
    Ok(())
}

/// The store to restore from: of those that can be asked, that with the newest backup.
fn newest<'a>(
    place: &'a Place,
    args: &RestoreArgs,
    events: &Events<'_>,
) -> Result<(&'a dyn Store, Catalog), RestoreError> {
    let mut found: Vec<(&dyn Store, Catalog)> = Vec::new();
    let mut failed = Vec::new();
    let ask = |candidate: &'a Candidate| {
        let store = candidate.store.as_deref().map_err(Clone::clone)?;
        Ok((store, gather::catalog(store, &place.location)?))
    };
    for candidate in &place.candidates {
        match ask(candidate) {
            Ok(asked) => found.push(asked),
            Err(error) => failed.push(error),
        }
    }
    let state = |catalog: &Catalog| restore::newest_state(catalog, args.at.as_ref());
    // The first of equal ones.
    let best = found.into_iter().reduce(|best, next| if state(&next.1) > state(&best.1) { next } else { best });
    match (best, failed) {
        (None, failed) => Err(failed.into_iter().next().map_or(RestoreError::NoStore, RestoreError::Store)),
        (Some(best), failed) => {
            for error in failed {
                let text = format!("{error}; a newer backup may be there");
                events.warn(Section::LatestBackups, text, Some(error.hint).filter(|h| !h.is_empty()));
            }
            if place.candidates.len() > 1 {
                let text = format!("{} holds the newest backup that can be restored", best.0.label());
                events.note(Section::LatestBackups, text);
            }
            if best.1.ignored > 0 {
                let text = format!("{}: {} other objects ignored", best.0.label(), best.1.ignored);
                events.note(Section::LatestBackups, text);
            }
            Ok(best)
        }
    }
}

/// A wrong location is the most likely slip on a bare computer.
fn tell_locations(error: &RestoreError, store: &dyn Store, events: &Events<'_>) {
    let RestoreError::Plan(plan) = error else { return };
    if !matches!(**plan, restore::PlanError::NoBackup { .. }) {
        return;
    }
    match gather::locations(store) {
        Ok(locations) if !locations.is_empty() => {
            let names: Vec<String> = locations.into_iter().collect();
            let text = format!("{} holds backups of: {}", store.label(), names.join(", "));
            events.note(Section::LatestBackups, text);
        }
        _ => {}
    }
}

/// The archive key and where it came from.
fn key(args: &RestoreArgs, place: &Place) -> Result<(Secret, String), RestoreError> {
    let named = match (&args.key_env, &args.key_file) {
        (Some(name), _) => Some(Reference::Env(name.clone())),
        (None, Some(path)) => Some(Reference::File(path.display().to_string())),
        (None, None) => place.key().cloned(),
    };
    if let Some(reference) = named {
        let from = match &reference {
            Reference::Env(name) => format!("the environment variable '{name}'"),
            Reference::File(path) => format!("the file '{path}'"),
            Reference::Command(command) => format!("the command '{}'", command.first().map_or("", String::as_str)),
            Reference::Keyring(keyring) => format!("the keyring entry '{}' of '{}'", keyring.service, keyring.user),
        };
        let key = credential::resolve(&reference);
        return key.map(|key| (key, from)).map_err(|e| RestoreError::NoKey(e.to_string()));
    }
    if !std::io::stdin().is_terminal() {
        return Err(RestoreError::NoKey("there is no terminal to ask for it".to_owned()));
    }
    let typed = rpassword::prompt_password("Archive key: ").map_err(|e| RestoreError::NoKey(e.to_string()))?;
    Ok((Secret::new(typed), "the terminal".to_owned()))
}

/// A restore goes on without its log.
fn open_log(place: &Place) -> Option<Log> {
    let configured = place.job.as_ref().filter(|job| job.family == Family::HOST);
    let directory = configured.and_then(|job| job.log.directory.as_ref()).map(|path| path.to_native());
    let name = place.job.as_ref().map_or(&place.location, |job| &job.name);
    match Log::create(
        &directory.unwrap_or_else(|| base_directory().join("logs")),
        &format!("{name}-restore"),
        Utc::now(),
    ) {
        Ok(log) => Some(log),
        Err(error) => {
            complain("note", &format!("{error}; going on without a log"), "");
            None
        }
    }
}

fn tell_parameters(args: &RestoreArgs, place: &Place, to: &Path, events: &Events<'_>) {
    let note = |text: String| events.note(Section::Parameters, text);
    note(format!("aam-backup {}", env!("CARGO_PKG_VERSION")));
    note(format!(
        "restore of location '{}' to '{}', layout {}",
        place.location,
        to.display(),
        super::word(args.layout)
    ));
    if let Some(job) = &place.job {
        note(format!("profile '{}' ({})", job.name, job.profile.display()));
    }
    for (given, option) in [(args.exact, "--exact"), (args.into_existing, "--into-existing")] {
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

/// What is printed as the result.
struct Summary(String);

impl Summary {
    fn of(plan: &RestorePlan, to: &Path) -> Summary {
        let mut text = format!("{} as of {}, from {}:\n", plan.location, plan.state, plan.store);
        for mount in &plan.mounts {
            let at = mount.target.iter().fold(to.to_path_buf(), |path, name| path.join(name));
            text.push_str(&format!("  {}  <-  {}\n", at.display(), mount.shown()));
        }
        Summary(text)
    }

    fn print(&self, tally: restore::Tally) {
        let mut text = self.0.clone();
        // Without manifests nothing was counted.
        if tally.files + tally.directories + tally.different > 0 {
            let (files, bytes) = (tally.files, text::size(tally.bytes));
            text.push_str(&format!("{files} files, {bytes}, {} directories verified\n", tally.directories));
        }
        if tally.different > 0 {
            text.push_str(&format!("{} files or directories are not as the backup lists them\n", tally.different));
        }
        if tally.removed > 0 {
            text.push_str(&format!(
                "{} files or directories removed that the newest backup does not list\n",
                tally.removed
            ));
        }
        output::result(text);
    }
}
