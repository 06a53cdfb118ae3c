//! Full or incremental, and why (SPEC#scope). Pure.

use schemars::JsonSchema;
use serde::Serialize;

pub use super::scope_facts::{Mode, Remembered, ScopeFacts, StoreFacts};
use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::name::BackupId;
use crate::model::policy::ForceFull;
use crate::model::stamp::Stamp;
use crate::model::text::count;

/// How an incremental backup finds what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// By comparing with the manifest of the last backup, which is in local state.
    Manifest,
    /// By times only: a directory moved in with its old times is not seen until the next full
    /// backup.
    Times,
}

/// What kind of backup the run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Scope {
    Full,
    Incremental {
        /// The full backup it belongs to.
        full: Stamp,
        /// The backup it lists changes since.
        since: Stamp,
        baseline: Baseline,
        /// A full backup is due but waits for a missing source or an older upload: later runs must
        /// still know that it is due.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        full_is_due: bool,
    },
}

impl Scope {
    /// `full` or `incremental`.
    pub fn word(&self) -> &'static str {
        match self {
            Scope::Full => "full",
            Scope::Incremental { .. } => "incremental",
        }
    }

    /// The names of the backup made at `stamp`.
    pub fn backup(&self, stamp: Stamp) -> BackupId {
        match self {
            Scope::Full => BackupId {
                full: stamp,
                incremental: None,
            },
            Scope::Incremental { full, .. } => BackupId {
                full: *full,
                incremental: Some(stamp),
            },
        }
    }
}

/// The decision and the reasons for it, in words for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Decision {
    #[serde(flatten)]
    pub choice: Choice,
    pub reasons: Vec<String>,
}

/// What is archived, if anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// An archive of this kind is made.
    Scope(Scope),
    /// Nothing is archived.
    Refused(Refusal),
}

impl Decision {
    /// Nothing is archived.
    pub fn refused(refusal: Refusal) -> Decision {
        Decision {
            choice: Choice::Refused(refusal),
            reasons: Vec::new(),
        }
    }

    /// What kind of backup is made, if any archive is.
    pub fn scope(&self) -> Option<&Scope> {
        match &self.choice {
            Choice::Scope(scope) => Some(scope),
            Choice::Refused(_) => None,
        }
    }

    fn make(scope: Scope, reasons: Vec<String>) -> Decision {
        Decision {
            choice: Choice::Scope(scope),
            reasons,
        }
    }
}

/// Why nothing is archived, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    pub why: String,
    pub hint: String,
}

/// Decides the scope for all reachable stores together: one archive is made and goes to each of
/// them, so a full backup counts only when every one of them holds it.
pub fn decide(facts: &ScopeFacts<'_>) -> Decision {
    let reachable: Vec<(&str, &Catalog)> = facts
        .stores
        .iter()
        .filter_map(|s| Some((s.label.as_str(), s.catalog.as_ref().ok()?)))
        .collect();
    if reachable.is_empty() {
        return refuse(
            vec![],
            "no store can be reached",
            "see the error reported for each store",
        );
    }
    let mut reasons = Vec::new();
    let found = latest_common(facts, &reachable, &mut reasons);
    let this_month = found
        .as_ref()
        .is_some_and(|f| f.full.month() == facts.stamp.month());
    let demanded = demand(facts, found.as_ref());
    let due = match (&demanded, this_month) {
        (Some(why), _) => Some(why.clone()),
        (None, true) => None,
        (None, false) => Some(format!(
            "no complete full backup of {} yet",
            month_words(facts.stamp)
        )),
    };

    match (found, facts.mode) {
        (None, Mode::IncrementalOnly) => refuse(
            reasons,
            "no complete full backup was found for an incremental backup to rest on",
            "make a full backup first: aam-backup run PROFILE --mode regular",
        ),
        (None, Mode::Regular) => {
            reasons.extend(due);
            Decision::make(Scope::Full, reasons)
        }
        (Some(_), Mode::IncrementalOnly) if demanded.is_some() => refuse(
            reasons,
            &format!(
                "a full backup is required ({})",
                demanded.unwrap_or_default()
            ),
            "make a full backup first: aam-backup run PROFILE --mode regular",
        ),
        // A long upload is not given up because of the next one, and two full backups are not kept
        // on this computer, unless the user requests it today.
        (Some(_), Mode::Regular)
            if due.is_some()
                && facts.missing.is_empty()
                && (facts.force_once || facts.new_key || facts.unfinished.is_none()) =>
        {
            reasons.extend(due);
            Decision::make(Scope::Full, reasons)
        }
        (Some(_), Mode::Regular) if facts.new_key => refuse(
            reasons,
            "a full backup with the new key is due, but a source is missing",
            "attach the missing disk, or remove the source from the profile",
        ),
        (Some(found), mode) => {
            let known = facts
                .remembered
                .iter()
                .any(|r| r.stamp == found.since && r.covers(facts.mounts));
            let baseline = if known {
                Baseline::Manifest
            } else {
                Baseline::Times
            };
            // It is not known what the archives of that backup contain: a file that is not archived
            // today may be in none of them.
            if baseline == Baseline::Times
                && mode == Mode::Regular
                && due.is_none()
                && facts.missing.is_empty()
                && facts.unfinished.is_none()
            {
                reasons.push(format!(
                    "the manifest of the backup {} is not on this computer, so it is not known what has \
                     changed since",
                    found.since
                ));
                return Decision::make(Scope::Full, reasons);
            }
            let due = due.filter(|_| facts.mode == Mode::Regular);
            let full_is_due = due.is_some();
            if let Some(due) = due {
                let why = match facts.unfinished.filter(|_| facts.missing.is_empty()) {
                    Some(backup) => format!("the upload of {backup} is finished first"),
                    None => format!(
                        "the source '{}' is missing, and a full backup without it would not contain its files",
                        facts.missing.join("', '")
                    ),
                };
                reasons.push(format!("a full backup is due ({due}) but postponed: {why}"));
            }
            reasons.push(match baseline {
                Baseline::Manifest => format!("changes since {} are found by its manifest", found.since),
                Baseline::Times => format!(
                    "changes since {} are found by times only, because its manifest is not on this computer: files moved in with old times wait for the next full backup",
                    found.since
                ),
            });
            let scope = Scope::Incremental {
                full: found.full,
                since: found.since,
                baseline,
                full_is_due,
            };
            Decision::make(scope, reasons)
        }
    }
}

fn refuse(reasons: Vec<String>, why: &str, hint: &str) -> Decision {
    let refusal = Refusal {
        why: why.to_owned(),
        hint: hint.to_owned(),
    };
    Decision {
        reasons,
        ..Decision::refused(refusal)
    }
}

struct CommonBase {
    full: Stamp,
    since: Stamp,
}

/// The newest full backup that is complete and covers today's mounts in every reachable store, and
/// the newest backup on it that every one of them holds complete.
fn latest_common(
    facts: &ScopeFacts<'_>,
    reachable: &[(&str, &Catalog)],
    reasons: &mut Vec<String>,
) -> Option<CommonBase> {
    let months: Vec<_> = facts
        .stamp
        .month()
        .newest_first(facts.lookback_months)
        .collect();
    let (first, rest) = reachable.split_first()?;
    let usable = |set: &Set| match &set.full {
        None => Some(format!(
            "the full backup {} is missing; only its incremental backups are left",
            set.stamp
        )),
        Some(full) => full
            .lacks(facts.mounts)
            .map(|why| format!("the full backup {} is not used: {why}", set.stamp))
            .or_else(|| {
                // Later backups rest on it, so they are incomplete without it.
                let (backup, why) = set.incrementals.iter().find_map(|b| Some((b, b.lost()?)))?;
                let stamp = backup.id.stamp();
                Some(format!("the incremental backup {stamp} is damaged: {why}"))
            }),
    };
    // A backup that a wrong clock dated into the future is not a base.
    let in_lookback =
        |set: &&Set| months.contains(&set.stamp.month()) && !set.stamp.is_future(facts.stamp);
    for set in first.1.sets.iter().rev().filter(in_lookback) {
        if let Some(why) = usable(set) {
            reasons.push(format!("{}: {why}", first.0));
            continue;
        }
        let mut elsewhere = Vec::new();
        for (label, catalog) in rest {
            match catalog.set(set.stamp) {
                None => reasons.push(format!(
                    "{label}: does not have the full backup {}",
                    set.stamp
                )),
                Some(other) => match usable(other) {
                    Some(why) => reasons.push(format!("{label}: {why}")),
                    None => elsewhere.push(other),
                },
            }
        }
        if elsewhere.len() != rest.len() {
            continue;
        }
        let everywhere = |b: &&Backup| {
            b.incomplete().is_none()
                && !b.id.stamp().is_future(facts.stamp)
                && elsewhere
                    .iter()
                    .all(|s| s.chain().iter().any(|o| o.id == b.id))
        };
        let since = set
            .incrementals
            .iter()
            .rev()
            .find(everywhere)
            .map_or(set.stamp, |b| b.id.stamp());
        reasons.push(format!("the latest complete full backup is {}", set.stamp));
        return Some(CommonBase {
            full: set.stamp,
            since,
        });
    }
    let place = if rest.is_empty() {
        first.0.to_owned()
    } else {
        "every store".to_owned()
    };
    reasons.push(format!(
        "{place} has no complete full backup of today's mounts in the last {}",
        count(facts.lookback_months.into(), "month")
    ));
    None
}

/// Why the profile or the user requires a full backup although one exists.
fn demand(facts: &ScopeFacts<'_>, found: Option<&CommonBase>) -> Option<String> {
    if facts.new_key {
        return Some("the archive key is new".to_owned());
    }
    if facts.force_once {
        return Some("--force-full asks for it".to_owned());
    }
    match facts.policy {
        ForceFull::Never => None,
        ForceFull::Always => Some("force-full is 'always'".to_owned()),
        ForceFull::WhenProfileChanges => {
            let since = found?.since;
            let before = facts.remembered.iter().find(|r| r.stamp == since);
            match before.and_then(|before| before.digest.as_ref()) {
                Some(before) => (before != facts.digest)
                    .then(|| "sources, exclusions or location changed since the last backup".to_owned()),
                None => facts.profile_modified.is_some_and(|at| at > since.moment(facts.zone)).then(|| {
                    format!(
                        "the profile file was modified after the last backup {since}, and this computer has no record of the selection of that backup"
                    )
                }),
            }
        }
    }
}

fn month_words(stamp: Stamp) -> String {
    let text = stamp.month().to_string();
    format!("{}-{}", &text[..4], &text[4..])
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
