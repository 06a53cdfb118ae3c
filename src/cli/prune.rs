//! `prune`: deletes the sets that the profile does not keep (SPEC#retention).

use crate::cli::examples;
use chrono::{Local, Utc};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::place::{complain, complain_store};
use super::terminal::{self, Terminal};
use super::{Exit, Global, OutputFormat, output};
use crate::adapters::credential;
use crate::adapters::state::lock::{self, Attempt, Holder, RunLock};
use crate::adapters::store::Store;
use crate::adapters::store::open::open_stores;
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::job::Job;
use crate::model::store::StoreName;
use crate::model::text::{count, size};
use crate::plan::prune::PrunePlan;
use crate::run::prune;

/// Delete old sets, as `keep` in the profile says.
///
/// Shows what goes and what stays, and asks. Whole sets only; never the newest.
#[derive(Debug, Args)]
#[command(after_help = examples::PRUNE)]
pub struct PruneArgs {
    /// Profile: a path, or a name looked up in the profile directories.
    pub profile: String,
    /// Store of the profile to prune. Default: every store that has `keep`.
    #[arg(long, value_enum, value_name = "STORE")]
    pub from: Option<StoreName>,
    /// Show what would be deleted, and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Delete without a prompt.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// What would go from each store, as JSON.
#[derive(Serialize, JsonSchema)]
pub struct PruneAnswer<'a> {
    /// In the order of the profile. A store that cannot be listed is left out, and the command
    /// fails.
    stores: Vec<&'a PrunePlan>,
}

/// A store with what would go from it.
type PrunedStore = (Box<dyn Store>, PrunePlan);

/// The lock of runs, if it is free.
fn take_lock(job: &Job) -> Result<RunLock, Exit> {
    let holder = Holder {
        profile: job.name.clone(),
        pid: std::process::id(),
        since: Local::now().format("%Y-%m-%d %H:%M:%S").to_string(),
    };
    match lock::attempt(&lock::default_path(), &holder) {
        Ok(Attempt::Taken(lock)) => Ok(lock),
        Ok(Attempt::Busy(other)) => {
            let other = other.map_or_else(String::new, |other| format!(" ({other})"));
            let text = format!("a backup is running{other}: nothing is deleted");
            complain("error", &text, "start this again when it has ended");
            Err(Exit::Locked)
        }
        Err(error) => {
            complain("error", &error.to_string(), "");
            Err(Exit::Failed)
        }
    }
}

impl PruneArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        super::with_job(global, &self.profile, |job| {
            credential::withhold_from_programs(&job.secrets);
            self.prune(job, cancel)
        })
    }

    fn prune(&self, job: &Job, cancel: &Cancel) -> Exit {
        let wanted = |name: StoreName| self.from.is_none_or(|from| from == name);
        if !job
            .stores()
            .any(|store| store.keep().is_some() && wanted(store.name()))
        {
            let name = self.from.unwrap_or(StoreName::Directory);
            complain(
                "error",
                &format!("the profile '{}' does not say which sets to keep", job.name),
                &format!("add `keep: {{monthly: 12, yearly: 5}}` to destinations.{name}"),
            );
            return Exit::Usage;
        }
        // A run that uploads now may need what looks old.
        let _lock = match take_lock(job) {
            Ok(lock) => lock,
            Err(exit) => return exit,
        };
        let mut exit = Exit::Success;
        let mut planned = Vec::new();
        for (name, _, opened) in open_stores(job, cancel) {
            let Some(keep) = job.keep(name).filter(|_| wanted(name)) else {
                continue;
            };
            let looked = opened.and_then(|store| {
                let plan = prune::look(&*store, job, keep, Utc::now())?;
                Ok((store, plan))
            });
            match looked {
                Ok(looked) => planned.push(looked),
                Err(error) => {
                    complain_store("error", &error);
                    exit = Exit::Failed;
                }
            }
        }
        let shown = self.show(&planned);
        exit.or(shown).or(self.delete(&planned, cancel))
    }

    fn show(&self, planned: &[PrunedStore]) -> Exit {
        let plans: Vec<&PrunePlan> = planned.iter().map(|(_, plan)| plan).collect();
        match self.format {
            OutputFormat::Json => output::json(&PruneAnswer { stores: plans }),
            OutputFormat::Text => {
                let texts: Vec<String> = plans.iter().map(|plan| plan.to_text()).collect();
                output::result(texts.join("\n"))
            }
        }
    }

    fn delete(&self, planned: &[PrunedStore], cancel: &Cancel) -> Exit {
        let going = planned.iter().flat_map(|(_, plan)| plan.going());
        let (sets, bytes) = going.fold((0, 0), |(n, bytes), row| (n + 1, bytes + row.bytes));
        if sets == 0 || self.dry_run {
            return Exit::Success;
        }
        let question = format!("Delete {} ({})?", count(sets, "set"), size(bytes));
        if !self.yes && !terminal::confirm(&question) {
            let hint = "add --yes to delete without a prompt";
            complain("error", "nothing is deleted: not confirmed", hint);
            return Exit::Usage;
        }
        let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
        let mut exit = Exit::Success;
        for (store, plan) in planned {
            if let Err(error) = prune::delete(&**store, plan, cancel, &events) {
                complain_store("error", &error);
                exit = match cancel.is_set() {
                    true => Exit::Interrupted,
                    false => Exit::Failed,
                };
            }
        }
        exit
    }
}
