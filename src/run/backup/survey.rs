//! The survey: gathers the facts a plan rests on, and changes nothing (SPEC#scope: stores are asked
//! before any archive is made, which is also the connection test).

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::adapters::fs::entries;
use crate::adapters::process::{ToolError, locate};
use crate::adapters::seven_zip::SevenZip;
use crate::adapters::state::{State, uploads};
use crate::adapters::store::StoreErrorKind;
use crate::adapters::store::open::{Stores, open_stores, sentence};
use crate::adapters::store::{Store, StoreError};
use crate::adapters::walk::source_problem;
use crate::adapters::{destination_id, machine};
use crate::model::cancel::Cancel;
use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::job::{Destination, Job, JobSource, MountPoint};
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::marker::{self, Marker};
use crate::model::mount::Mount;
use crate::model::name::ObjectName;
use crate::model::path::{Family, FullPath};
use crate::model::stamp::Stamp;
use crate::model::store::StoreName;
use crate::plan::backup::{Facts, MissingSource, Mode, Refusal, Remembered, StoreFacts};

pub(super) mod apart;
mod emptied;
pub mod given;

pub use apart::find as find_apart;

/// What was asked for on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request {
    pub mode: Mode,
    /// `--force-full`.
    pub force_full: bool,
    /// `--new-key`.
    pub new_key: bool,
    /// `--adopt`.
    pub adopt: bool,
    /// `--new-destination`.
    pub new_destination: bool,
    /// `--unattended`: the conditions of the schedule apply.
    pub unattended: bool,
}

/// Everything found, and the stores to continue with.
pub struct Survey {
    pub facts: Facts,
    pub stores: Stores,
    /// The program that copies to the mirror is needed and missing.
    pub missing_copier: Option<ToolError>,
}

/// Looks at sources, tools, state and stores.
pub fn survey(job: &Job, request: Request, now: DateTime<Utc>, cancel: &Cancel) -> Survey {
    let mut stores = Stores::new();
    let mut found = Vec::new();
    let mut unfinished = State::of(&job.location).unfinished();
    for (name, label, opened) in open_stores(job, cancel) {
        let catalog = opened.and_then(attached).and_then(|store| {
            let catalog = catalog(job, &*store)?;
            stores.insert(name, store);
            Ok(catalog)
        });
        if let Ok(catalog) = &catalog {
            unfinished
                .iter_mut()
                .for_each(|unfinished| unfinished.compare(&label, catalog));
        }
        found.push((
            name,
            StoreFacts {
                label,
                catalog: catalog.map_err(|e| sentence(&e)),
            },
        ));
    }
    let (mut facts, missing_copier) = facts(job, request, now, found);
    facts.foreign = facts.stores.iter().find_map(|(name, known)| {
        let catalog = known.catalog.as_ref().ok()?;
        foreign(job, stores.get(name)?.as_ref(), catalog, &facts)
    });
    unfinished.iter_mut().for_each(uploads::examine);
    facts.unfinished = unfinished;
    Survey {
        facts,
        stores,
        missing_copier,
    }
}

/// Everything that a store has of the job's location, so that backups that a wrong clock dated in
/// another year are seen too.
///
/// # Errors
/// When it cannot be listed.
pub fn catalog(job: &Job, store: &dyn Store) -> Result<Catalog, StoreError> {
    let objects = store.list(&ObjectName::location_prefix(&job.location))?;
    let mut catalog = Catalog::new(&job.location, objects);
    catalog.compare(&State::of(&job.location).sent(store.label()));
    Ok(catalog)
}

/// Destinations whose disks are not attached, only when this computer can look at all.
fn away(job: &Job) -> Vec<Destination> {
    if job.family != Family::HOST {
        return Vec::new();
    }
    let mirror = job.mirror.iter().map(|m| (Destination::Mirror, &m.path));
    let stores = job
        .stores()
        .filter_map(|s| Some((Destination::Store(s.name()), s.path()?)));
    mirror
        .chain(stores)
        .filter(|(_, path)| destination_id::is_away(&path.to_native()))
        .map(|(name, _)| name)
        .collect()
}

/// A directory store must be on the disk that it was on.
fn attached(store: Box<dyn Store>) -> Result<Box<dyn Store>, StoreError> {
    match store.directory().and_then(destination_id::problem) {
        None => Ok(store),
        Some(why) => Err(StoreError {
            store: store.label().to_owned(),
            what: "opening".to_owned(),
            why: format!("it {why}"),
            kind: StoreErrorKind::NotFound,
            hint: destination_id::HINT.to_owned(),
        }),
    }
}

/// Who made the newest complete backup of a store, unless it was this profile of this computer. A
/// store that the backup user may not read says nothing.
fn foreign(job: &Job, store: &dyn Store, catalog: &Catalog, facts: &Facts) -> Option<String> {
    let newest = newest(job, catalog, facts.now)?;
    let other_profile = |profile: &str| format!("the profile '{profile}' of this computer");
    let is_own = |profile: &str| profile == job.name;
    let stamp = newest.id.stamp();
    let known = facts.remembered.iter().find(|r| r.stamp == stamp);
    if let Some(profile) = known.and_then(|known| known.profile.as_deref()) {
        return (!is_own(profile)).then(|| other_profile(profile));
    }
    let writer = marker_of(newest, store)?.writer?;
    if writer.machine != machine::id() {
        let profile = writer.profile;
        return Some(format!(
            "another computer (profile '{profile}', backup {stamp})"
        ));
    }
    Some(writer.profile.as_str())
        .filter(|profile| !is_own(profile))
        .map(other_profile)
}

/// The newest complete backup. One that a wrong clock has dated in the future counts only where there
/// is no other: its writer and its key are known all the same.
fn newest<'c>(job: &Job, catalog: &'c Catalog, now: DateTime<Utc>) -> Option<&'c Backup> {
    let now = Stamp::new(now, job.zone);
    let backups = catalog.sets.iter().flat_map(Set::backups);
    let complete = backups.filter(|backup| backup.incomplete().is_none());
    complete.max_by_key(|backup| {
        let stamp = backup.id.stamp();
        (!stamp.is_future(now), stamp)
    })
}

fn marker_of(backup: &Backup, store: &dyn Store) -> Option<Marker> {
    let archived = backup.archives.values();
    let object = archived.filter_map(|a| a.marker.as_ref()).next()?;
    let bytes = store.read_listed(object, marker::MAX_BYTES).ok()?;
    Marker::parse(&object.key, &bytes).ok()?
}

impl Survey {
    /// The fingerprint of the key of the newest backup, as a store has it.
    pub fn stored_key(&self, job: &Job) -> Option<KeyFingerprint> {
        let stores = self.facts.stores.iter().filter_map(|(name, known)| {
            let newest = newest(job, known.catalog.as_ref().ok()?, self.facts.now)?;
            Some((newest, self.stores.get(name)?.as_ref()))
        });
        let (newest, store) = stores.max_by_key(|(newest, _)| newest.id.stamp())?;
        marker_of(newest, store)?.key
    }
}

/// What else a plan must know besides the stores; and the program that copies to the mirror, if it
/// is missing.
pub fn facts(
    job: &Job,
    request: Request,
    now: DateTime<Utc>,
    stores: Vec<(StoreName, StoreFacts)>,
) -> (Facts, Option<ToolError>) {
    let (seven_zip, archiver) = archiver(job);
    let (copier, missing_copier) = copier(job);
    let refusal = |e: &ToolError| Refusal {
        why: e.to_string(),
        hint: e.hint().unwrap_or_default().to_owned(),
    };
    let archiving = archiver.as_ref().map(refusal);
    let remembered = State::of(&job.location).remembered();
    let mut missing = missing_sources(job, &remembered);
    let (apart, inside) = apart::find(job);
    missing.extend(inside);
    let facts = Facts {
        now,
        nonce: String::new(),
        mode: request.mode,
        force_full: request.force_full,
        new_key: request.new_key,
        key_changed: false,
        mirror_attached: job
            .mirror
            .as_ref()
            .is_none_or(|mirror| destination_id::problem(&mirror.path.to_native()).is_none()),
        away: away(job),
        adopt: request.adopt,
        foreign: None,
        stores,
        remembered,
        unfinished: Vec::new(),
        profile_modified: std::fs::metadata(&job.profile)
            .and_then(|m| m.modified())
            .ok()
            .map(DateTime::from),
        missing,
        links_above: links_above(job),
        apart,
        archiving,
        seven_zip,
        copier,
    };
    (facts, missing_copier)
}

/// Why no snapshot can be made, and what to do: found before anything starts (SPEC#snapshot).
pub fn snapshot_problem(job: &Job) -> Option<(String, String)> {
    let snapshot = job
        .snapshot
        .as_ref()
        .filter(|_| job.family == Family::HOST)?;
    let hint = "install it, or set snapshot.program in the profile to its path";
    let program = snapshot.program.as_deref();
    if let Some(Err(missing)) = program.map(|program| locate(Some(program), &[], hint)) {
        return Some((
            format!("no snapshot can be made: {missing}"),
            hint.to_owned(),
        ));
    }
    if !may_snapshot() {
        return Some((
            "no snapshot can be made: this is not run as administrator".to_owned(),
            "run it as administrator; in Task Scheduler, with highest privileges".to_owned(),
        ));
    }
    // An empty directory or letter may have been made for it. One that is not empty is in use.
    let mount = snapshot.mount.root();
    if is_in_use(&snapshot.mount) {
        return Some((
            format!("no snapshot can be made: '{mount}' is in use"),
            "choose a free one in snapshot.mount; a run that was killed leaves it mapped until it is unmapped or the computer restarts".to_owned(),
        ));
    }
    let long =
        |path: &FullPath| path.to_string().encode_utf16().count() > LONGEST_SHADOWSPAWN_SOURCE;
    let is_limited = job.family == Family::Windows && snapshot.program.is_some();
    let too_long = |mount: &&Mount| is_limited && long(&mount.path);
    job.mounts().ok()?.iter().find(too_long).map(|mount| {
        let text = format!(
            "no snapshot can be made of '{}': its path is longer than ShadowSpawn can take",
            mount.path
        );
        (text, "list a directory further up".to_owned())
    })
}

/// With a longer one ShadowSpawn loops for ever. Windows allows 259 characters where no prefix
/// lifts that limit.
const LONGEST_SHADOWSPAWN_SOURCE: usize = 259;

/// Whether something is shown there already. If a letter leads to a shadow copy that no longer
/// exists, because a run was killed, it is freed.
#[cfg(windows)]
fn is_in_use(mount: &MountPoint) -> bool {
    use crate::adapters::windows::letter;
    match mount {
        MountPoint::Drive(_) => {
            letter::take_down_dangling(&mount.to_string());
            !letter::is_free(&mount.to_string())
        }
        MountPoint::Directory(_) => holds_something(mount),
    }
}

#[cfg(not(windows))]
fn is_in_use(mount: &MountPoint) -> bool {
    holds_something(mount)
}

fn holds_something(mount: &MountPoint) -> bool {
    entries(mount.root().as_ref()).is_ok_and(|entries| !entries.is_empty())
}

#[cfg(windows)]
fn may_snapshot() -> bool {
    crate::adapters::windows::is_administrator()
}

/// Elsewhere the snapshot program itself knows.
#[cfg(not(windows))]
fn may_snapshot() -> bool {
    true
}

/// Sources that are not there, only when this computer can look at all.
fn missing_sources(job: &Job, remembered: &[Remembered]) -> Vec<MissingSource> {
    if job.family != Family::HOST {
        return Vec::new();
    }
    let problem = |source: &JobSource| {
        let why = source_problem(&source.path.to_native())
            .map(|why| emptied::unreadable(job, source, remembered, why))
            .or_else(|| emptied::problem(job, source, remembered))?;
        Some(MissingSource {
            path: source.path.clone(),
            why,
        })
    };
    job.sources.iter().filter_map(problem).collect()
}

/// The symbolic links above the sources, only when this computer can look at all.
fn links_above(job: &Job) -> Vec<FullPath> {
    if job.family != Family::HOST {
        return Vec::new();
    }
    let above = |source: &JobSource| {
        let path = source.path.to_native();
        let above = path.ancestors().skip(1).filter(|path| path.is_symlink());
        let found = above.filter_map(|path| FullPath::parse(path.to_str()?).ok());
        found.collect::<Vec<_>>()
    };
    job.sources.iter().flat_map(above).collect()
}

/// The path of 7-Zip; its bare name where it is not needed or cannot be looked for.
fn archiver(job: &Job) -> (String, Option<ToolError>) {
    let configured = job.tools.seven_zip.as_deref();
    let needed = job.has_store();
    found(job, needed, configured.unwrap_or("7z"), || {
        SevenZip::locate(configured).map(|t| t.program().to_path_buf())
    })
}

/// The path of the program that copies to the mirror.
fn copier(job: &Job) -> (String, Option<ToolError>) {
    let (configured, name, hint) = match job.family {
        Family::Unix => {
            let hint =
                "install it (Debian: apt-get install rsync), or set tools.rsync in the profile";
            (job.tools.rsync.as_deref(), "rsync", hint)
        }
        Family::Windows => (
            job.tools.robocopy.as_deref(),
            "robocopy",
            "it is part of Windows; or set tools.robocopy",
        ),
    };
    found(
        job,
        job.mirror.is_some(),
        configured.unwrap_or(name),
        || locate(configured, &[name], hint),
    )
}

fn found(
    job: &Job,
    needed: bool,
    name: &str,
    find: impl FnOnce() -> Result<PathBuf, ToolError>,
) -> (String, Option<ToolError>) {
    if !needed || job.family != Family::HOST {
        return (name.to_owned(), None);
    }
    match find() {
        Ok(path) => (path.display().to_string(), None),
        Err(error) => (name.to_owned(), Some(error)),
    }
}
