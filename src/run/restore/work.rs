//! The work of the `restore` command, from what was asked for to how it ended: chooses the store,
//! makes the plan, and carries it out as far as the step goes.

use std::path::{Path, PathBuf};

use crate::adapters::store::Store;
use crate::model::cancel::Cancel;
use crate::model::catalog::Catalog;
use crate::model::event::{Events, Outcome, Section};
use crate::model::secret::Secret;
use crate::plan::restore::choose::newest_state;
use crate::plan::restore::plan::{RestoreOptions, RestorePlan};

use super::drill::sample;
use super::error::RestoreError;
use super::extraction::tally::Tally;
use super::facts::{self, RestoreFacts};
use super::gather;
use super::journal::{BegunRestore, find_begun};
use super::origin::{self, RestoreOrigin};
use super::run::run;
use super::status::{RestoreStatus, status};
use super::tools::{RestoreStep, RestoreTools, ThawPolicy};

/// Where a restore comes from, and how.
#[derive(Clone, Copy)]
pub struct RestoreSettings<'a> {
    pub origin: &'a RestoreOrigin,
    pub thaw: ThawPolicy<'a>,
    /// The archive key and where it came from. Called only when the key is needed.
    pub key: &'a dyn Fn() -> Result<(Secret, String), RestoreError>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// What is restored, where to, and how far.
pub struct RestoreRequest<'a> {
    pub step: RestoreStep,
    pub to: &'a Path,
    pub into_existing: bool,
    /// The store is not chosen yet.
    pub options: RestoreOptions,
}

/// A plan, and what it was made from.
struct Decided<'a> {
    store: &'a dyn Store,
    catalog: Catalog,
    plan: RestorePlan,
}

impl RestoreRequest<'_> {
    /// What was asked for, into the log.
    pub fn report_parameters(&self, settings: &RestoreSettings<'_>) {
        let RestoreSettings {
            origin,
            thaw,
            events,
            ..
        } = settings;
        let note = |text: String| events.detail(Section::Parameters, text);
        note(format!("aam-backup {}", env!("CARGO_PKG_VERSION")));
        note(format!(
            "restore of location '{}' to '{}', layout {}",
            origin.location,
            self.to.display(),
            self.options.layout.word()
        ));
        if let Some(job) = &origin.job {
            note(format!(
                "profile '{}' ({})",
                job.name,
                job.profile.display()
            ));
        }
        for candidate in &origin.candidates {
            note(format!("store: {}", candidate.label));
        }
        note(format!(
            "archived objects: {:?}, for {} days, checked every {}",
            thaw.tier,
            thaw.keep_days,
            humantime::format_duration(thaw.poll_every)
        ));
        for (given, option) in [
            (
                !self.options.exact && self.options.only.is_empty(),
                "--with-deleted",
            ),
            (self.into_existing, "--into-existing"),
        ] {
            if given {
                note(option.to_owned());
            }
        }
        if let Some(at) = &self.options.at {
            events.note(Section::Parameters, format!("--at {at}"));
        }
        if let Some(before) = self.options.written_before {
            events.note(Section::Parameters, format!("--written-before {before}"));
        }
        for path in &self.options.only {
            note(format!("--only {path}"));
        }
    }

    /// Restores. What it comes to is put into `facts` as it gets known.
    ///
    /// # Errors
    /// When it could not continue.
    pub fn work(
        &self,
        settings: &RestoreSettings<'_>,
        facts: &mut RestoreFacts,
    ) -> Result<(), RestoreError> {
        let begun = find_begun(self.to)?;
        let decided = decide(settings, self.options.clone(), begun.as_ref())?;
        facts::planned(facts, &decided.plan, self.to);
        self.report_plan(settings.events, &decided, begun.is_some());
        let seven_zip = settings.origin.seven_zip()?;
        let (key, key_from) = match self.step.needs_key(&decided.plan.only) {
            true => (settings.key)()?,
            false => (Secret::new(""), String::new()),
        };
        let tools = RestoreTools {
            store: decided.store,
            seven_zip: &seven_zip,
            key: &key,
            key_from: &key_from,
            thaw: settings.thaw,
            cancel: settings.cancel,
            events: settings.events,
        };
        let tally = run(decided.plan, self.to, self.into_existing, self.step, &tools)?;
        facts::verified(facts, tally);
        Ok(())
    }

    fn report_plan(&self, events: &Events<'_>, decided: &Decided<'_>, is_begun: bool) {
        let plan = &decided.plan;
        let text = format!(
            "from {}: the state of {} (full backup {})",
            plan.store, plan.state, plan.set
        );
        events.note(Section::Restore, text);
        for mount in &plan.mounts {
            let text = format!("mount {}: {}", mount.number, mount.shown());
            events.note(Section::Sources, text);
        }
        let is_pinned = is_begun && self.options.at.is_none();
        let newest = newest_state(&decided.catalog, None);
        if let Some(newer) = newest.filter(|newest| is_pinned && *newest > plan.state) {
            let text = format!(
                "a newer backup exists, {newer}; this restore was started with {} and continues with \
                 it",
                plan.state
            );
            events.note(Section::Restore, text);
        }
    }
}

/// Chooses a store and makes the plan. A restore that was started keeps its state.
fn decide<'a>(
    settings: &RestoreSettings<'a>,
    mut options: RestoreOptions,
    begun: Option<&BegunRestore>,
) -> Result<Decided<'a>, RestoreError> {
    if let Some(begun) = begun {
        begun.pin(&mut options);
    }
    let events = settings.events;
    let (store, catalog) = origin::newest(settings.origin, &options, events)?;
    options.store = store.label().to_owned();
    let plan = gather::plan(store, &catalog, &options, events)
        .inspect_err(|error| origin::report_locations(error, store, events))?;
    Ok(Decided {
        store,
        catalog,
        plan,
    })
}

/// Reports how a step ended, as the last of it.
pub fn report_end(
    result: Result<(), RestoreError>,
    step: RestoreStep,
    events: &Events<'_>,
) -> Outcome {
    let outcome = match result {
        Ok(()) => events.outcome(),
        Err(error) if error.is_interrupted() => {
            let text =
                "interrupted: what was restored so far is not complete; start it again to resume";
            events.fail(Section::Restore, text, None);
            Outcome::Interrupted
        }
        Err(error) => {
            error.report(events);
            error.outcome()
        }
    };
    let done = match step {
        RestoreStep::All | RestoreStep::Extract => "the restore is complete",
        RestoreStep::Request => "everything needed is requested",
        RestoreStep::Download => "everything that is readable is downloaded",
    };
    let text = match (outcome, step) {
        (Outcome::Success, _) => done.to_owned(),
        (Outcome::Warning, _) => format!("{done}, with warnings"),
        (_, RestoreStep::All | RestoreStep::Extract) => "the restore is NOT complete".to_owned(),
        _ => "this step is NOT complete".to_owned(),
    };
    events.note(Section::Result, text);
    outcome
}

/// Restores `count` files chosen at random into a temporary directory, which is deleted. Returns
/// how many were chosen, and what the manifest says of them.
///
/// # Errors
/// When there are no backups, or the restore could not continue.
pub fn drill(
    settings: &RestoreSettings<'_>,
    mut options: RestoreOptions,
    count: usize,
) -> Result<(usize, Tally), RestoreError> {
    let events = settings.events;
    let every_list = RestoreOptions {
        exact: true,
        ..options.clone()
    };
    let Decided {
        store,
        catalog,
        plan,
    } = decide(settings, every_list, None)?;
    options.store = store.label().to_owned();
    let seven_zip = settings.origin.seven_zip()?;
    let (key, key_from) = (settings.key)()?;
    let tools = RestoreTools {
        store,
        seven_zip: &seven_zip,
        key: &key,
        key_from: &key_from,
        thaw: settings.thaw,
        cancel: settings.cancel,
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
    let in_scratch = |name: &str| -> PathBuf { scratch.path().join(name) };
    options.only = sample(&plan, count, &in_scratch("list"), &tools)?;
    let chosen = options.only.len();
    events.note(
        Section::Restore,
        format!("files of this drill: {}", options.only.join(", ")),
    );
    let plan = gather::plan(store, &catalog, &options, events)?;
    let tally = run(plan, &in_scratch("files"), false, RestoreStep::All, &tools)?;
    Ok((chosen, tally))
}

/// The state of every volume of a restore. `to` is the destination, in which it may have been
/// started.
///
/// # Errors
/// When nothing can be planned, the store cannot be asked, or the destination's state cannot be
/// read.
pub fn look(
    settings: &RestoreSettings<'_>,
    options: RestoreOptions,
    to: Option<&Path>,
) -> Result<RestoreStatus, RestoreError> {
    let begun = to.map_or(Ok(None), find_begun)?;
    let decided = decide(settings, options, begun.as_ref())?;
    status(&decided.plan, to, decided.store, &settings.thaw)
}
