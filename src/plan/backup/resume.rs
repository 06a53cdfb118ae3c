//! Interrupted uploads: which of them this run finishes before it sends anything newer
//! (SPEC#upload). Pure.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Facts, PlanNote, StoreFacts};
use crate::model::catalog::{Catalog, Set};
use crate::model::event::{Section, Severity};
use crate::model::stamp::Stamp;
use crate::model::store::StoreName;
use crate::model::text::size;
use crate::model::upload_record::{StoreProgress, Unfinished};

/// An upload to be finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FinishUpload {
    /// Stamp of the backup.
    pub backup: Stamp,
    pub store: StoreName,
    /// Volumes and manifests that the store lacks.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The decisions about uploads.
pub(super) struct Uploads {
    /// In the order of the backups.
    pub finish: Vec<FinishUpload>,
    /// Backups whose files stay.
    pub keep: Vec<Stamp>,
    /// The stores as they are when that is done.
    pub stores: Vec<(StoreName, StoreFacts)>,
}

/// Decides what happens to each unfinished upload. An upload is given up if its files have changed,
/// or if it lists changes since a backup that the store does not have, because earlier changes
/// would be missing there.
pub(super) fn uploads(location: &str, facts: &Facts, findings: &mut Vec<PlanNote>) -> Uploads {
    let mut uploads = Uploads {
        finish: Vec::new(),
        keep: Vec::new(),
        stores: facts.stores.clone(),
    };
    for unfinished in &facts.unfinished {
        let backup = unfinished.backup.stamp();
        for pending in &unfinished.pending {
            let store = uploads
                .stores
                .iter_mut()
                .find(|(_, store)| store.label == pending.store);
            let mut store = store.map(|(name, store)| (*name, store.catalog.as_mut()));
            let why = unfinished.problem.clone().or_else(|| match &store {
                Some((_, Ok(catalog))) => baseless(unfinished, catalog),
                _ => None,
            });
            let goes_on = match (why, &mut store) {
                (Some(why), _) => {
                    findings.push(given_up(backup, pending, &why));
                    false
                }
                (None, None) => {
                    findings.push(unused(unfinished, pending));
                    true
                }
                // That it cannot be reached is reported elsewhere.
                (None, Some((_, Err(_)))) => true,
                (None, Some((name, Ok(catalog)))) => {
                    catalog.add(location, unfinished.objects());
                    let (objects, bytes) = unfinished.left(pending);
                    uploads.finish.push(FinishUpload {
                        backup,
                        store: *name,
                        objects,
                        bytes,
                    });
                    true
                }
            };
            if goes_on && uploads.keep.last() != Some(&backup) {
                uploads.keep.push(backup);
            }
        }
    }
    uploads
}

fn baseless(unfinished: &Unfinished, catalog: &Catalog) -> Option<String> {
    let full = unfinished.backup.full;
    unfinished.backup.incremental?;
    let chain = catalog.set(full).map(Set::chain).unwrap_or_default();
    if chain.is_empty() {
        return Some(format!("its full backup {full} is not in the store"));
    }
    let since = unfinished
        .archives
        .iter()
        .find_map(|archive| archive.about.since)?;
    let missing = !chain.iter().any(|backup| backup.id.stamp() == since);
    missing.then(|| format!("it holds what changed since {since}, which is not in the store"))
}

fn unused(unfinished: &Unfinished, pending: &StoreProgress) -> PlanNote {
    let work = unfinished.work.display();
    PlanNote {
        section: Section::LatestBackups,
        severity: Severity::Warning,
        text: format!(
            "the upload of the backup {} to {} was interrupted, and this run does not use that store; its files \
             stay in '{work}' ({})",
            unfinished.backup.stamp(),
            pending.store,
            size(unfinished.bytes()),
        ),
        hint: Some(
            "a run with that store finishes the upload; to give it up, delete the directory"
                .to_owned(),
        ),
    }
}

fn given_up(backup: Stamp, pending: &StoreProgress, why: &str) -> PlanNote {
    PlanNote {
        section: Section::LatestBackups,
        severity: Severity::Warning,
        text: format!(
            "the interrupted upload of the backup {backup} to {} is given up: {why}",
            pending.store
        ),
        hint: Some("the next backup to that store archives these files again".to_owned()),
    }
}
