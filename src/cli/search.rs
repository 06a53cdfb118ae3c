//! `find`, `versions`, `ls` and `diff`: questions to the manifests of all backups (SPEC#search).

use crate::cli::examples;
use clap::Args;
use serde::Serialize;

use super::place::StoreArgs;
use super::prices::PricesArgs;
use super::restore::key::{KeyArgs, key};
use super::terminal::Terminal;
use super::when::when;
use super::{Exit, Global, OutputFormat, output};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::path::FullPath;
use crate::plan::restore::point_in_time::PointInTime;
use crate::plan::search::listing::Question;
use crate::plan::search::pattern::Pattern;
use crate::run::restore::error::RestoreError;
use crate::run::restore::tools::ThawPolicy;
use crate::run::restore::work::RestoreSettings;
use crate::run::search;

/// Where to search, and how to print.
#[derive(Debug, Args)]
pub struct SearchArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Search only the lists that this computer keeps. No store is asked.
    #[arg(long)]
    pub local: bool,
    #[command(flatten)]
    pub key: KeyArgs,
    #[command(flatten)]
    pub prices: PricesArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// Find files in all backups by name.
///
/// Example: `aam-backup find nightly '*.odt'`. Prints each path with its versions, and the states
/// that have them: `restore --only PATH --at STATE` brings one back.
#[derive(Debug, Args)]
#[command(after_help = examples::FIND)]
pub struct FindArgs {
    /// Profile: a path, or a name looked up in the profile directories. With --location, the
    /// pattern.
    #[arg(value_name = "PROFILE")]
    pub first: String,
    /// Part of a name, or a name with the wildcards * and ?. With a separator in it, a part of a
    /// path or a path with wildcards. Case does not matter.
    #[arg(value_name = "PATTERN", required_unless_present = "location")]
    pub second: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
}

/// List the versions of a file in all backups.
///
/// Example: `aam-backup versions nightly /home/allen/taxes.ods`.
#[derive(Debug, Args)]
pub struct VersionsArgs {
    /// Profile: a path, or a name looked up in the profile directories. With --location, the path.
    #[arg(value_name = "PROFILE")]
    pub first: String,
    /// Original absolute path of a file or directory, or a path below the number of a mount.
    #[arg(value_name = "PATH", required_unless_present = "location")]
    pub second: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
}

/// List a directory as it was in a backup.
///
/// Example: `aam-backup ls --at 20261124 nightly /home/allen`.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// Profile: a path, or a name looked up in the profile directories. With --location, the path.
    #[arg(value_name = "PROFILE", required_unless_present = "location")]
    pub first: Option<String>,
    /// Original absolute path, or a path below the number of a mount. Default: the mounts.
    #[arg(value_name = "PATH")]
    pub second: Option<String>,
    /// The newest state at or before this stamp, day or time. Default: the newest state.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    pub at: Option<PointInTime>,
    /// List everything below the directory.
    #[arg(long, short)]
    pub recursive: bool,
    #[command(flatten)]
    pub search: SearchArgs,
}

/// Show what differs between two backups: new, changed, moved and deleted files.
///
/// Example: `aam-backup diff nightly 20261101 20261124`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Profile: a path, or a name looked up in the profile directories. With --location, the older
    /// state.
    #[arg(value_name = "PROFILE")]
    pub first: String,
    /// The older state: the newest one at or before this stamp, day or time.
    #[arg(value_name = "A", required_unless_present = "location")]
    pub second: Option<String>,
    /// The newer state. Default: the newest.
    #[arg(value_name = "B")]
    pub third: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
}

impl SearchArgs {
    /// Opens the stores and asks `question`.
    fn ask<T: Serialize>(
        &self,
        profile: Option<&str>,
        global: &Global,
        cancel: &Cancel,
        question: impl FnOnce(&RestoreSettings<'_>) -> Result<T, RestoreError>,
        to_text: impl FnOnce(&T) -> String,
    ) -> Exit {
        let opened = self.store.open(profile, global, cancel);
        let (origin, prices) = match opened.and_then(|origin| Ok((origin, self.prices.read()?))) {
            Ok(opened) => opened,
            Err(exit) => return exit,
        };
        let events = Events::new(vec![Box::new(Terminal::new(false, true))]);
        let answer = question(&RestoreSettings {
            origin: &origin,
            thaw: ThawPolicy::look_only(&prices),
            key: &|| key(&self.key, &origin, cancel),
            cancel,
            events: &events,
        });
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                error.report(&events);
                return Exit::of(error.outcome());
            }
        };
        let printed = match self.format {
            OutputFormat::Text => output::result(to_text(&answer)),
            OutputFormat::Json => output::json(&answer),
        };
        printed.or(Exit::of(events.outcome()))
    }
}

/// The profile and the words after it. With `--location` there is no profile, and all words count.
fn words<'w>(
    store: &StoreArgs,
    all: [Option<&'w String>; 3],
) -> (Option<&'w str>, [Option<&'w str>; 3]) {
    let [a, b, c] = all.map(|word| word.map(String::as_str));
    match store.location {
        Some(_) => (None, [a, b, c]),
        None => (a, [b, c, None]),
    }
}

fn wrong(error: impl std::fmt::Display) -> Exit {
    super::place::complain("error", &error.to_string(), "");
    Exit::Usage
}

impl FindArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let (profile, [pattern, extra, _]) = words(
            &self.search.store,
            [Some(&self.first), self.second.as_ref(), None],
        );
        let pattern = match (pattern.unwrap_or_default().parse::<Pattern>(), extra) {
            (Ok(pattern), None) => pattern,
            (Err(error), _) => return wrong(error),
            (_, Some(extra)) => return wrong(format_args!("'{extra}' is one argument too many")),
        };
        let looked = |_: usize, mount: &FullPath| Some(pattern.within(mount));
        self.search.ask(
            profile,
            global,
            cancel,
            |settings| search::find(settings, self.search.local, &looked),
            |findings| findings.to_text(),
        )
    }
}

impl VersionsArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let (profile, [path, extra, _]) = words(
            &self.search.store,
            [Some(&self.first), self.second.as_ref(), None],
        );
        if let Some(extra) = extra {
            return wrong(format_args!("'{extra}' is one argument too many"));
        }
        let path = path.unwrap_or_default();
        let looked = |number: usize, mount: &FullPath| search::exactly(path, number, mount);
        self.search.ask(
            profile,
            global,
            cancel,
            |settings| search::find(settings, self.search.local, &looked),
            |findings| findings.to_text(),
        )
    }
}

impl LsArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let (profile, [path, extra, _]) = words(
            &self.search.store,
            [self.first.as_ref(), self.second.as_ref(), None],
        );
        if let Some(extra) = extra {
            return wrong(format_args!("'{extra}' is one argument too many"));
        }
        let question = Question {
            path: path.map(str::to_owned),
            recursive: self.recursive,
        };
        self.search.ask(
            profile,
            global,
            cancel,
            |settings| search::list(settings, self.search.local, self.at.as_ref(), &question),
            |listing| listing.to_text(),
        )
    }
}

impl DiffArgs {
    pub fn run(&self, global: &Global, cancel: &Cancel) -> Exit {
        let (profile, [from, to, extra]) = words(
            &self.search.store,
            [Some(&self.first), self.second.as_ref(), self.third.as_ref()],
        );
        if let Some(extra) = extra {
            return wrong(format_args!("'{extra}' is one argument too many"));
        }
        let (from, to) = match (when(from.unwrap_or_default()), to.map(when).transpose()) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(error), _) | (_, Err(error)) => return wrong(error),
        };
        self.search.ask(
            profile,
            global,
            cancel,
            |settings| search::diff(settings, self.search.local, &from, to.as_ref()),
            |diff| diff.to_text(),
        )
    }
}
