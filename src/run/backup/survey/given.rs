//! Facts that were given instead of looked up: to see what a plan would be on another computer, at
//! another time, or with other holdings of a store. The same facts give the same plan on every
//! system.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::adapters::fs::{MOST_WRITTEN, read_bounded};
use crate::model::catalog::Catalog;
use crate::model::job::Job;
use crate::model::name::MountName;
use crate::model::object::Object;
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;
use crate::model::store::StoreName;
use crate::plan::backup::{Apart, Facts, Missing, MissingSource, Remembered, StoreFacts};
use crate::run::backup::survey::Request;

/// The file of `plan --facts`: JSON; what is left out is nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GivenFacts {
    /// When the run starts.
    now: DateTime<Utc>,
    /// Object names in each store.
    #[serde(default)]
    stores: BTreeMap<StoreName, Vec<String>>,
    /// Sources that are not there.
    #[serde(default)]
    missing: Vec<FullPath>,
    /// Backups that the computer remembers.
    #[serde(default)]
    remembered: Vec<GivenBackup>,
    #[serde(default)]
    profile_modified: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GivenBackup {
    stamp: Stamp,
    digest: String,
    /// Manifest file by mount name.
    manifests: BTreeMap<MountName, String>,
}

/// The facts cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the facts '{path}' cannot be read: {why}")]
pub struct GivenFactsError {
    pub path: String,
    pub why: String,
}

/// Reads facts from a file. Tools have the names the profile gives them.
///
/// # Errors
/// When the file cannot be read or does not contain facts.
pub fn facts(job: &Job, request: Request, path: &Path) -> Result<Facts, GivenFactsError> {
    let failed = |why: String| GivenFactsError {
        path: path.display().to_string(),
        why,
    };
    let bytes = read_bounded(path, MOST_WRITTEN).map_err(|e| failed(e.to_string()))?;
    let given: GivenFacts = serde_json::from_slice(&bytes).map_err(|e| failed(e.to_string()))?;
    let stores = job.stores().map(|store| {
        let keys = given.stores.get(&store.name()).cloned();
        let keys = keys.unwrap_or_default().into_iter();
        let objects = keys.map(|key| Object { key, size: 1 });
        let facts = StoreFacts {
            label: store.label(),
            catalog: Ok(Catalog::new(&job.location, objects)),
        };
        (store.name(), facts)
    });
    let remembered = given.remembered.iter().map(|backup| Remembered {
        stamp: backup.stamp,
        digest: Some(backup.digest.clone()),
        profile: None,
        manifests: backup.manifests.clone().into_iter().collect(),
    });
    let tools = &job.tools;
    let missing = given.missing.into_iter();
    let missing = missing.map(|path| MissingSource {
        path,
        why: Missing::Unreadable("it does not exist".to_owned()),
    });
    Ok(Facts {
        now: given.now,
        nonce: String::new(),
        mode: request.mode,
        force_full: request.force_full,
        new_key: request.new_key,
        key_changed: false,
        mirror_attached: true,
        away: Vec::new(),
        adopt: request.adopt,
        foreign: None,
        stores: stores.collect(),
        remembered: remembered.collect(),
        unfinished: Vec::new(),
        profile_modified: given.profile_modified,
        missing: missing.collect(),
        links_above: Vec::new(),
        apart: Apart::default(),
        archiving: None,
        seven_zip: tools.seven_zip.clone().unwrap_or_else(|| "7z".to_owned()),
        copier: copier(job),
    })
}

/// The program that copies to the mirror, as the profile names it or by its usual name.
fn copier(job: &Job) -> String {
    let usual = match job.family {
        crate::model::path::Family::Windows => "robocopy",
        crate::model::path::Family::Unix => "rsync",
    };
    let named = job.tools.robocopy.as_deref().or(job.tools.rsync.as_deref());
    named.unwrap_or(usual).to_owned()
}
