//! `restore drill`: which files a drill restores (SPEC#restore). The restore itself is
//! [`super::run()`] with these as its parts, which compares them with the manifest.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use crate::model::manifest::EntryKind;

use super::error::RestoreError;
use super::run::{Restore, Tools};
use super::target::{Close, Target};
use crate::plan::restore::plan::RestorePlan;

/// Chooses `count` files at random from the manifests of a plan, each as `--only` takes it.
/// `scratch` is a directory that does not exist yet.
///
/// # Errors
/// When there is no manifest, it lists no file that an archive holds, or it cannot be read.
pub fn sample(
    plan: &RestorePlan,
    count: usize,
    scratch: &Path,
    tools: &Tools<'_>,
) -> Result<Vec<String>, RestoreError> {
    let target = Target::open(scratch, false, plan)?;
    let restore = Restore::new(target, tools);
    let chosen = restore.sample(plan, count);
    restore.target.close(Close::Done)?;
    match chosen? {
        chosen if chosen.is_empty() => Err(RestoreError::NothingToSample),
        chosen => Ok(chosen),
    }
}

impl Restore<'_> {
    /// Reservoir sampling: one pass, memory for the sample only.
    fn sample(&self, plan: &RestorePlan, count: usize) -> Result<Vec<String>, RestoreError> {
        let random = RandomState::new();
        let mut chosen = Vec::new();
        let mut met: u64 = 0;
        for mount in &plan.mounts {
            let Some(manifest) = &mount.manifest else {
                continue;
            };
            let index = self.index(mount, manifest)?;
            for entry in index.read()? {
                let entry = entry.map_err(|why| index.broken(why))?;
                let Some(path) = entry
                    .path
                    .as_str()
                    .filter(|_| entry.kind == EntryKind::File)
                else {
                    continue;
                };
                if entry.stored.is_none() {
                    continue;
                }
                met += 1;
                let file = format!("{}/{path}", mount.number);
                let place = usize::try_from(random.hash_one(met) % met).unwrap_or(usize::MAX);
                if chosen.len() < count {
                    chosen.push(file);
                } else if let Some(slot) = chosen.get_mut(place) {
                    *slot = file;
                }
            }
        }
        Ok(chosen)
    }
}
