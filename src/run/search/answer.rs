//! `find`, `versions`, `ls` and `diff`: reads lists and collects what was asked for.

use std::path::PathBuf;

use crate::model::event::Section;
use crate::model::manifest::{Entry, Moment, RelPath};
use crate::model::path::{Family, FullPath};
use crate::model::stamp::Stamp;
use crate::plan::restore::error::PlanError;
use crate::plan::restore::only::Wanted;
use crate::plan::restore::point_in_time::PointInTime;
use crate::plan::search::diff::{Diff, compare};
use crate::plan::search::entry::Seen;
use crate::plan::search::listing::{DirectoryView, Question};
use crate::plan::search::versions::{Collected, Findings};
use crate::run::parallel::each;
use crate::run::restore::error::RestoreError;
use crate::run::restore::work::RestoreSettings;

use super::lists::{OpenMount, OpenState, open_local};
use super::states::{KnownState, States};

/// What is looked for in a mount with this number and path. `None`: it is not in there.
pub type Looked<'q> = dyn Fn(usize, &FullPath) -> Option<IsLookedFor<'q>> + Sync + 'q;

/// Whether an entry is looked for.
pub type IsLookedFor<'q> = Box<dyn FnMut(&Entry) -> bool + 'q>;

/// Searches every state.
///
/// # Errors
/// When no state exists, or the search was interrupted. A state whose lists cannot be read is a
/// warning.
pub fn find(
    settings: &RestoreSettings<'_>,
    local: bool,
    looked: &Looked<'_>,
) -> Result<Findings, RestoreError> {
    let states = States::gather(settings, local)?;
    let all: Vec<(Stamp, &KnownState)> = states.all().collect();
    let mut search = StateSearch {
        settings,
        looked,
        searched: Vec::new(),
        unsearched: Vec::new(),
        collected: Collected::default(),
    };
    let mut rest = Vec::new();
    let here: Vec<(Stamp, &Vec<PathBuf>)> = all
        .iter()
        .filter_map(|(stamp, known)| Some((*stamp, known.local.as_ref()?)))
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // A list of this computer that cannot be read is looked for in a store.
    let answers = each(&here, threads, |(stamp, files)| {
        if settings.cancel.is_set() {
            return Err(RestoreError::Interrupted);
        }
        let read = open_local(*stamp, files).and_then(|open| search_one(&open, looked));
        Ok((*stamp, read.ok()))
    });
    for (stamp, read) in answers.map_err(|(_, error)| error)? {
        match read {
            Some(collected) => search.add(stamp, collected),
            None => rest.push(stamp),
        }
    }
    let remote: Vec<(Stamp, &KnownState)> = all
        .into_iter()
        .filter(|(stamp, known)| known.local.is_none() || rest.contains(stamp))
        .collect();
    states.announce(&remote);
    for (stamp, known) in remote {
        if settings.cancel.is_set() {
            return Err(RestoreError::Interrupted);
        }
        let opened = states.open(stamp, known);
        search.open(stamp, opened)?;
    }
    search.searched.sort();
    search.unsearched.sort();
    let found = search.collected.versions(&search.searched);
    Ok(Findings {
        location: settings.origin.location.clone(),
        states: search.searched,
        unsearched: search.unsearched,
        found,
    })
}

struct StateSearch<'a, 'q> {
    settings: &'a RestoreSettings<'a>,
    looked: &'a Looked<'q>,
    searched: Vec<Stamp>,
    unsearched: Vec<Stamp>,
    collected: Collected,
}

impl StateSearch<'_, '_> {
    fn add(&mut self, stamp: Stamp, collected: Collected) {
        self.searched.push(stamp);
        self.collected.merge(collected);
    }

    fn open(
        &mut self,
        stamp: Stamp,
        opened: Result<Option<OpenState>, RestoreError>,
    ) -> Result<(), RestoreError> {
        let read = match opened {
            Ok(Some(open)) => search_one(&open, self.looked).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match read {
            Ok(Some(collected)) => self.add(stamp, collected),
            Ok(None) => {
                let text = format!("the backup {stamp} has no list of its files: v1.0 wrote it");
                self.settings.events.note(Section::Objects, text);
                self.unsearched.push(stamp);
            }
            // Every other state needs the key too.
            Err(error @ (RestoreError::NoKey(_) | RestoreError::Interrupted)) => return Err(error),
            Err(error) => {
                let text = format!("the state {stamp} is not searched: {error}");
                self.settings
                    .events
                    .warn(Section::Objects, text, Some(error.hint()));
                self.unsearched.push(stamp);
            }
        }
        Ok(())
    }
}

fn search_one(open: &OpenState, looked: &Looked<'_>) -> Result<Collected, RestoreError> {
    let mut collected = Collected::default();
    for mount in &open.mounts {
        let Some(mut is_looked_for) = looked(mount.number, &mount.path) else {
            continue;
        };
        mount.each(|entry| {
            if is_looked_for(entry) {
                let path = entry.shown_below(&mount.path);
                collected.add(path, open.stamp, Seen::of(entry));
            }
        })?;
    }
    Ok(collected)
}

/// Lists a directory of a state.
///
/// # Errors
/// When the state does not exist, its lists cannot be read, or the path is not in it.
pub fn list(
    settings: &RestoreSettings<'_>,
    local: bool,
    at: Option<&PointInTime>,
    question: &Question,
) -> Result<DirectoryView, RestoreError> {
    let states = States::gather(settings, local)?;
    let open = opened(&states, at)?;
    let mut listing = DirectoryView::new(&settings.origin.location, open.stamp);
    let mut mounts = Vec::new();
    for mount in &open.mounts {
        mounts.push(format!("{}: {}", mount.number, mount.path));
        let Some(wanted) = question.within(mount.number, &mount.path) else {
            continue;
        };
        mount.each(|entry| listing.consider(question, &wanted, &mount.path, entry))?;
    }
    listing
        .finish(question, mounts)
        .map_err(|error| Box::new(error).into())
}

/// Compares two states.
///
/// # Errors
/// When the state does not exist, or its lists cannot be read.
pub fn diff(
    settings: &RestoreSettings<'_>,
    local: bool,
    from: &PointInTime,
    to: Option<&PointInTime>,
) -> Result<Diff, RestoreError> {
    let states = States::gather(settings, local)?;
    let (before, now) = (opened(&states, Some(from))?, opened(&states, to)?);
    differences(settings, &before, &now, &[])
}

/// The files as they are now, as a walk listed them.
pub struct WalkedMount {
    pub list: PathBuf,
    /// What the walk could not look at.
    pub unknown: Vec<RelPath>,
}

/// Compares the newest state with the files as they are now. If no store can be asked, its lists
/// are those of this computer. `None`: there is no backup.
///
/// # Errors
/// When the lists cannot be read.
pub fn diff_now(
    settings: &RestoreSettings<'_>,
    stamp: Stamp,
    walked: &[WalkedMount],
) -> Result<Option<Diff>, RestoreError> {
    let is_nothing = |error: &RestoreError| matches!(error, RestoreError::Plan(plan) if matches!(**plan, PlanError::NoBackup { .. }));
    let states = match States::gather(settings, false) {
        Err(error) if is_nothing(&error) => return Ok(None),
        states => states?,
    };
    let lists: Vec<PathBuf> = walked.iter().map(|walked| walked.list.clone()).collect();
    let (before, now) = (opened(&states, None)?, open_local(stamp, &lists)?);
    differences(settings, &before, &now, walked).map(Some)
}

fn differences(
    settings: &RestoreSettings<'_>,
    before: &OpenState,
    now: &OpenState,
    walked: &[WalkedMount],
) -> Result<Diff, RestoreError> {
    let mut found = Vec::new();
    let mut compared = |was: Option<&OpenMount>, is: Option<&OpenMount>| {
        let path = is.or(was).map(|mount| &mount.path);
        let shown = |entry: &Entry| path.map_or_else(String::new, |path| entry.shown_below(path));
        let family = path.map_or(Family::HOST, FullPath::family);
        let unknown = is.and_then(|is| walked.get(is.number.checked_sub(1)?));
        let unknown = unknown.map_or(&[][..], |walked| &walked.unknown);
        // Nobody knows whether it is gone.
        let is_known = |entry: &Result<Entry, RestoreError>| {
            let path = entry.as_ref().map(|entry| &entry.path);
            path.map_or(true, |path| {
                !unknown.iter().any(|u| path.lies_in(u, family))
            })
        };
        let was = was.map(OpenMount::entries).transpose()?;
        let is = is.map(OpenMount::entries).transpose()?;
        compare(
            was.into_iter().flatten().filter(is_known),
            is.into_iter().flatten().filter(is_known),
            shown,
            &mut found,
        )
    };
    let same = |mounts: &'_ [OpenMount], path: &FullPath| {
        mounts.iter().position(|mount| mount.path.same(path))
    };
    for is in &now.mounts {
        let was = same(&before.mounts, &is.path).and_then(|at| before.mounts.get(at));
        compared(was, Some(is))?;
    }
    for was in &before.mounts {
        if same(&now.mounts, &was.path).is_none() {
            compared(Some(was), None)?;
        }
    }
    let origin = settings.origin;
    let since = Moment::from(before.stamp.moment(origin.zone()));
    let from = (before.stamp, since);
    Ok(Diff::new(&origin.location, from, now.stamp, found))
}

fn opened(states: &States<'_>, at: Option<&PointInTime>) -> Result<OpenState, RestoreError> {
    let at = states.origin().at(at);
    let (stamp, known) = states.choose(at.as_ref())?;
    if known.local.is_none() {
        states.announce(&[(stamp, known)]);
    }
    states
        .open(stamp, known)?
        .ok_or(RestoreError::NoList(stamp))
}

/// Looks for one path, as `--only` takes it.
pub fn exactly<'q>(text: &str, number: usize, mount: &FullPath) -> Option<IsLookedFor<'q>> {
    let wanted = Wanted::within(text, number, Some(mount))?;
    Some(Box::new(move |entry| {
        entry
            .path
            .as_str()
            .is_some_and(|path| wanted.is_exactly(path))
    }))
}

/// Says in which state a path was last that the wanted state lacks. Every other error stays.
pub fn last_state(settings: &RestoreSettings<'_>, error: RestoreError) -> RestoreError {
    let RestoreError::Unknown { path, state, .. } = &error else {
        return error;
    };
    let looked = |number: usize, mount: &FullPath| exactly(path, number, mount);
    // What cannot be read was a warning; the error is the same without it.
    let found = find(settings, false, &looked).map(|findings| findings.found);
    let versions = found.into_iter().flatten().flat_map(|found| found.versions);
    match versions.map(|version| version.last).max() {
        Some(last) => RestoreError::Deleted {
            path: path.clone(),
            state: *state,
            last,
        },
        None => error,
    }
}
