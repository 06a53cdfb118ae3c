//! The logical checks: a document of the right shape -> a [`Job`], or everything that is wrong with
//! it (SPEC#profile, SPEC#selection).
//!
//! Touches no disk and no clock: a Windows profile is checked the same on Linux.

mod destinations;
mod fields;
mod key;
mod overlap;
mod paths;
mod reporting;
mod schedule;
mod snapshot;
mod transfers;

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

pub use key::{SHORT_KEY_HINT, check_key, is_short, short_key};

use super::document::{self, Document, SourceEntry, Span};
use crate::model::bandwidth::Transfers;
use crate::model::exclusion::{Exclusion, ExclusionError};
use crate::model::job::{Job, JobSource, Lock, NameError, Reporting, Restore, Tools};
use crate::model::path::Family;
use crate::model::select::{Selection, SelectionSpec};
use crate::profile::mistake::Mistake;
use crate::profile::placeholders::Broken;
use paths::{family_of, path_finding};

/// Time between two tries for the lock: short against a backup, long against a line in the log.
const RETRY_EVERY: Duration = Duration::from_secs(10 * 60);
/// Time after which a run no longer waits for the lock: a nightly run then still ends before the
/// morning, and says why.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2 * 60 * 60);
/// Time between two looks at thawing objects: thawing takes hours, and each look costs a request
/// for every object.
const POLL_EVERY: Duration = Duration::from_secs(30 * 60);
/// Days for which thawed objects stay readable: each is paid for, and one night is not enough for a
/// large restore on a slow line.
const KEEP_DAYS: u32 = 2;

/// What a document was found to be.
pub struct Checked {
    /// Only when nothing was found.
    pub job: Option<Job>,
    /// Good as far as no finding is about it.
    pub reporting: Reporting,
    pub findings: Vec<Mistake>,
}

/// Checks a document.
pub fn check(profile: &Path, document: &Document, broken: &Broken) -> Checked {
    let mut checker = Checker {
        family: Family::HOST,
        family_from: String::new(),
        broken,
        transfers: Default::default(),
        findings: Vec::new(),
    };
    checker.set_family(document);
    let reporting = checker.reporting(&document.reporting);
    let job = checker.job(profile, document, reporting.clone());
    if let Some(Err(error)) = job.as_ref().map(Job::mounts) {
        let hint = match error {
            NameError::Same(_) => {
                "rename one of the directories, or back it up with a profile that has another location"
            }
            NameError::Long { .. } => {
                "back up a directory with a shorter path, or use a shorter location"
            }
        };
        checker
            .findings
            .push(Mistake::value("/sources", error.to_string()).hint(hint));
    }
    let job = job.filter(|_| checker.findings.is_empty());
    Checked {
        job,
        reporting,
        findings: checker.findings,
    }
}

/// What the checks share.
struct Checker<'a> {
    family: Family,
    /// The pointer of the path that set the family.
    family_from: String,
    broken: &'a Broken,
    /// Of uploads and of downloads.
    transfers: (Transfers, Transfers),
    findings: Vec<Mistake>,
}

impl Checker<'_> {
    fn job(&mut self, profile: &Path, document: &Document, reporting: Reporting) -> Option<Job> {
        let Document {
            // The schema takes 1 only.
            version: _,
            // They are part of the other keys now.
            extends: _,
            variables: _,
            name,
            location,
            sources,
            exclude,
            one_file_system,
            links,
            snapshot,
            destinations,
            archive: archive_section,
            upload,
            download,
            force_full,
            catalog,
            restore,
            lock,
            // Checked on its own.
            reporting: _,
            tools,
            schedule,
            time_zone,
            pause_at_end,
        } = document;
        let document::Exclude { directories, files } = exclude;
        let document::CatalogPolicy { lookback_months } = catalog;
        self.name(name);
        self.location(location);
        let sources = self.sources(sources);
        let directories = self.exclusions("/exclude/directories", directories);
        let files = self.exclusions("/exclude/files", files);
        let mirror = self.mirror(destinations.mirror.as_ref());
        let upload = self.transfers("/upload", upload);
        let download = self.transfers("/download", download);
        self.transfers = (upload, download);
        let stores = self.stores(destinations);
        self.some_destination(document);
        let secrets = Self::secrets(document, &stores, &reporting);
        let known_stores = stores.iter().map(|store| store.label()).collect();
        let archive = self.archive(document, stores.clone());
        let work_directory = self.work_directory(document);
        let snapshot_given = snapshot.as_ref();
        let snapshot = self.snapshot(snapshot.as_ref());
        let restore = self.restore(restore);
        let lock = self.lock(lock);
        let tools = self.tools(tools);
        let schedule = self.schedule(schedule);
        let own = overlap::OwnPaths {
            mirror: mirror.as_ref(),
            stores: &stores,
            // Without a store nothing is ever put there.
            work: work_directory.as_ref().filter(|_| archive.is_some()),
            work_given: archive_section
                .as_ref()
                .is_some_and(|a| a.work_directory.is_some()),
            log: reporting.log.directory.as_ref(),
            snapshot: snapshot.as_ref(),
            mount_given: snapshot_given.is_some_and(|s| s.mount.is_some()),
        };
        self.overlaps(&sources, &directories, &own);
        let selection = Selection::new(SelectionSpec {
            family: self.family,
            sources: sources
                .iter()
                .map(|(_, source)| source.path.clone())
                .collect(),
            directories,
            files,
            links: *links,
        });
        Some(Job {
            name: name.clone(),
            location: location.clone(),
            profile: profile.to_owned(),
            family: self.family,
            sources: sources.into_iter().map(|(_, source)| source).collect(),
            selection,
            one_file_system: *one_file_system,
            snapshot,
            mirror,
            archive,
            work_directory: work_directory?,
            secrets,
            known_stores,
            force_full: *force_full,
            // The schema asks for at least 1.
            lookback_months: NonZeroU32::new(*lookback_months)?,
            restore,
            lock,
            reporting,
            tools,
            schedule,
            zone: *time_zone,
            pause_at_end: *pause_at_end,
        })
    }

    fn restore(&mut self, section: &document::RestorePolicy) -> Restore {
        let document::RestorePolicy {
            keep_days,
            tier,
            poll_every,
        } = section;
        Restore {
            keep_days: keep_days.unwrap_or(KEEP_DAYS),
            tier: *tier,
            poll_every: self.span("/restore/poll-every", poll_every.as_ref(), POLL_EVERY),
        }
    }

    fn lock(&mut self, section: &document::LockPolicy) -> Lock {
        let document::LockPolicy {
            retry_every,
            give_up_after,
        } = section;
        Lock {
            retry_every: self.span("/lock/retry-every", retry_every.as_ref(), RETRY_EVERY),
            give_up_after: self.span("/lock/give-up-after", give_up_after.as_ref(), GIVE_UP_AFTER),
        }
    }

    fn report(&mut self, finding: Mistake) {
        if !self.broken.covers(&finding.pointer) {
            self.findings.push(finding);
        }
    }

    fn sources(&mut self, sources: &[SourceEntry]) -> Vec<(String, JobSource)> {
        let mut checked: Vec<(String, JobSource)> = Vec::new();
        for (i, source) in sources.iter().enumerate() {
            let (pointer, text) = source_path(i, source);
            if self.family == Family::Unix && text.contains(['*', '?']) {
                let message = format!("'{text}' contains a wildcard; a source is one directory");
                self.report(
                    Mistake::value(&pointer, message)
                        .hint("list its parent, and `exclude` the rest"),
                );
                continue;
            }
            let Some(path) = self.path(&pointer, text) else {
                continue;
            };
            if let Some((first, _)) = checked.iter().find(|(_, other)| other.path.same(&path)) {
                let message = format!("'{path}' is listed twice");
                let hint = format!("it is already listed as {first}: remove one");
                self.report(Mistake::value(&pointer, message).hint(hint));
                continue;
            }
            let (optional, allow_empty) = match source {
                SourceEntry::Path(_) => (false, false),
                SourceEntry::Detailed(document::DetailedSource {
                    path: _,
                    optional,
                    allow_empty,
                }) => (*optional, *allow_empty),
            };
            let source = JobSource {
                path,
                optional,
                allow_empty,
            };
            checked.push((pointer, source));
        }
        checked
    }

    fn exclusions(&mut self, pointer: &str, texts: &[String]) -> Vec<Exclusion> {
        let mut exclusions = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let pointer = format!("{pointer}/{i}");
            // On Unix `C:\x` could be a file's name. In a profile it is a path of the wrong kind.
            if self.family == Family::Unix
                && family_of(text) == Some(Family::Windows)
                && self.path(&pointer, text).is_none()
            {
                continue;
            }
            match Exclusion::parse(text, self.family) {
                Ok(exclusion) => exclusions.push(exclusion),
                Err(ExclusionError::Path(error)) => {
                    self.report(path_finding(&pointer, text, &error))
                }
                Err(error) => {
                    let hint = match &error {
                        ExclusionError::Family(..) => {
                            format!("{} makes this a {} profile", self.family_from, self.family)
                        }
                        ExclusionError::Empty => "remove it".to_owned(),
                        _ => "write a bare name, which may have `*` and `?`, or a full path without them".to_owned(),
                    };
                    self.report(Mistake::value(&pointer, error.to_string()).hint(hint));
                }
            }
        }
        exclusions
    }

    fn tools(&mut self, tools: &document::ToolsSection) -> Tools {
        let document::ToolsSection {
            seven_zip,
            robocopy,
            rsync,
        } = tools;
        for (pointer, tool, family) in [
            ("/tools/robocopy", robocopy, Family::Windows),
            ("/tools/rsync", rsync, Family::Unix),
        ] {
            if tool.is_some() && family != self.family {
                let message = format!("is used with {family} profiles only");
                let hint = format!(
                    "remove it: {} makes this a {} profile",
                    self.family_from, self.family
                );
                self.report(Mistake::key(pointer, message).hint(hint));
            }
        }
        Tools {
            seven_zip: self.program("/tools/7z", seven_zip.as_deref()),
            robocopy: self.program("/tools/robocopy", robocopy.as_deref()),
            rsync: self.program("/tools/rsync", rsync.as_deref()),
        }
    }

    pub(super) fn span(
        &mut self,
        pointer: &str,
        span: Option<&Span>,
        default: Duration,
    ) -> Duration {
        let Some(Span(text)) = span else {
            return default;
        };
        match humantime::parse_duration(text.trim()) {
            // Whoever writes `10M` means minutes.
            Ok(_) if text.contains('M') => {
                let message = format!("'{}' is a span of months", text.escape_debug());
                self.report(Mistake::value(pointer, message).hint("write `m` for minutes: `10m`"));
                default
            }
            // A wait of zero would be a busy loop.
            Ok(span) if span.is_zero() && pointer != "/lock/give-up-after" => {
                self.report(
                    Mistake::value(pointer, "must be longer than zero").hint("write at least `1s`"),
                );
                default
            }
            Ok(span) => span,
            Err(_) => {
                let message = format!("'{}' is not a time span", text.escape_debug());
                self.report(
                    Mistake::value(pointer, message).hint("write `90s`, `10m`, `2h` or `1h 30m`"),
                );
                default
            }
        }
    }
}

/// The pointer and text of a source.
fn source_path(i: usize, source: &SourceEntry) -> (String, &str) {
    match source {
        SourceEntry::Path(text) => (format!("/sources/{i}"), text),
        SourceEntry::Detailed(detailed) => (format!("/sources/{i}/path"), &detailed.path),
    }
}
