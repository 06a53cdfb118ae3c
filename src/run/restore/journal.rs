//! What a restore remembers between starts, in `.aam-restore/state.json` of its destination
//! (SPEC#restore: what was requested, downloaded or extracted is not done twice, also after a
//! reboot).
//!
//! The files beside it are part of this record: a volume that exists under its name was checked.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::stamp::Stamp;
use crate::plan::restore::layout::{Layout, WORK_DIRECTORY};
use crate::plan::restore::plan::{RestoreOptions, RestorePlan};
use crate::plan::restore::written_before::WrittenBefore;

use super::error::RestoreError;
use super::held::FormerOwner;

const FILE: &str = "state.json";

/// The state of one restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Journal {
    version: u32,
    pub location: String,
    pub set: Stamp,
    pub state: Stamp,
    layout: Layout,
    exact: bool,
    only: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    written_before: Option<WrittenBefore>,
    /// Of every volume that the plan names. `None`: mounts were left out, which the next start may
    /// find.
    #[serde(default)]
    digest: Option<String>,
    /// The target held nothing when the restore began.
    pub fresh: bool,
    pub created: bool,
    /// The user agreed to the costs.
    pub agreed: bool,
    /// Everything archived was requested once: what is archived again costs again.
    pub requested: bool,
    /// Keys of the volumes that are needed, once that is known.
    pub needed: Option<Vec<String>>,
    /// Archives whose files are all extracted.
    pub extracted: Vec<Extracted>,
    /// The owner of the target before root took it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerOwner>,
    /// Parts of other archives whose files are all extracted: they were deleted to make room.
    #[serde(default)]
    pub used: Vec<UsedPart>,
    /// When a start came to its end without everything. What is changed later is the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<DateTime<Utc>>,
    /// Files may have been written into the target.
    #[serde(default)]
    pub written: bool,
}

/// A part that is not needed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UsedPart {
    pub mount: usize,
    pub stamp: Stamp,
    /// Which part of the archive, from 0.
    #[serde(rename = "portion")]
    pub part: usize,
}

/// One archive that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Extracted {
    /// The mount's number.
    pub mount: usize,
    pub stamp: Stamp,
    /// How many of its entries were wanted.
    pub found: u64,
}

impl Journal {
    /// Of a restore that begins.
    pub fn begin(plan: &RestorePlan, fresh: bool, created: bool) -> Journal {
        Journal {
            version: 1,
            location: plan.location.clone(),
            set: plan.set,
            state: plan.state,
            layout: plan.layout,
            exact: plan.exact,
            only: plan.only.clone(),
            written_before: plan.written_before,
            digest: plan.losses.is_empty().then(|| digest(plan)),
            fresh,
            created,
            agreed: false,
            requested: false,
            needed: None,
            extracted: Vec::new(),
            former: None,
            used: Vec::new(),
            ended: None,
            written: false,
        }
    }

    /// The state that is in a destination, if there is one.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn load(work: &Path) -> Result<Option<Journal>, RestoreError> {
        let path = work.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(RestoreError::disk("read", &path)(error)),
        };
        match serde_json::from_slice::<Journal>(&bytes) {
            Ok(journal) if journal.version == 1 => Ok(Some(journal)),
            _ => Err(RestoreError::BadState(path)),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn save(&self, work: &Path) -> Result<(), RestoreError> {
        let (path, new) = (work.join(FILE), work.join("state.new"));
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        let written = text.and_then(|text| {
            let mut file = File::create(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        });
        written.map_err(RestoreError::disk("write", &path))
    }

    /// The parts of an archive that were used and deleted.
    pub fn used(&self, mount: usize, stamp: Stamp) -> BTreeSet<usize> {
        let of_archive = self
            .used
            .iter()
            .filter(|used| used.mount == mount && used.stamp == stamp);
        of_archive.map(|used| used.part).collect()
    }

    /// Forgets that archives of a mount were extracted: what came of them is not as listed, so the
    /// next start extracts them again.
    pub fn forget(&mut self, mount: usize) {
        self.extracted.retain(|archive| archive.mount != mount);
        self.used.retain(|part| part.mount != mount);
        // They may have to be downloaded again.
        self.agreed = false;
    }

    /// The volumes are those of this plan; if mounts were left out of it, the next may have more.
    pub fn follow(&mut self, plan: &RestorePlan) {
        self.digest = plan.losses.is_empty().then(|| digest(plan));
    }

    /// Whether the plan is still the one that was started.
    ///
    /// # Errors
    /// When it is another restore, or the set is not what it was.
    pub fn check(&self, plan: &RestorePlan, target: &Path) -> Result<(), RestoreError> {
        let asked = (
            &plan.location,
            plan.state,
            plan.layout,
            plan.exact,
            &plan.only,
            plan.written_before,
        );
        if asked
            != (
                &self.location,
                self.state,
                self.layout,
                self.exact,
                &self.only,
                self.written_before,
            )
        {
            return Err(RestoreError::OtherRestore {
                target: target.to_owned(),
                was: self.to_string(),
            });
        }
        if self.digest.as_ref().is_some_and(|was| *was != digest(plan)) {
            return Err(RestoreError::SetChanged {
                target: target.to_owned(),
                state: self.state,
            });
        }
        Ok(())
    }
}

impl std::fmt::Display for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "location '{}', state {}, layout {}",
            self.location,
            self.state,
            self.layout.word()
        )?;
        if !self.exact && self.only.is_empty() {
            f.write_str(", without deleting anything (--with-deleted or --into-existing)")?;
        }
        if let Some(before) = self.written_before {
            write!(f, ", --written-before '{before}'")?;
        }
        self.only
            .iter()
            .try_for_each(|path| write!(f, ", --only {path}"))
    }
}

/// Over keys, sizes and checksums of all volumes.
fn digest(plan: &RestorePlan) -> String {
    let mut digest = Sha256::new();
    for (mount, archive) in plan.archives() {
        digest.update(format!("{}\n{}\n", mount.name, archive.stamp));
        for volume in &archive.volumes {
            let sha256 = volume.sha256.as_deref().unwrap_or("-");
            digest.update(format!("{}\n{}\n{sha256}\n", volume.key, volume.size));
        }
    }
    hex::encode(digest.finalize())
}

/// The restore that was started in a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunRestore {
    pub location: String,
    /// The state it restores.
    pub state: Stamp,
    written_before: Option<WrittenBefore>,
    /// It in words.
    pub words: String,
}

/// Whether a restore into `to` was started and not finished.
///
/// # Errors
/// When its state cannot be read.
pub fn find_begun(to: &Path) -> Result<Option<BegunRestore>, RestoreError> {
    let journal = Journal::load(&to.join(WORK_DIRECTORY))?;
    Ok(journal.map(|j| BegunRestore {
        location: j.location.clone(),
        state: j.state,
        written_before: j.written_before,
        words: j.to_string(),
    }))
}

impl BegunRestore {
    /// A resumed restore keeps its state even if a newer backup exists now, because the requests
    /// are already paid.
    pub fn pin(&self, options: &mut RestoreOptions) {
        if options.at.is_none() && options.location == self.location {
            // A stamp is a point in time.
            options.at = self.state.to_string().parse().ok();
        }
        options.written_before = options.written_before.or(self.written_before);
    }
}
