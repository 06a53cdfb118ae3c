//! `restore drill`: which files a drill restores (SPEC#restore). The restore itself is
//! [`super::run()`] with these as its parts, which compares them with the manifest.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use crate::model::manifest::EntryKind;
use crate::plan::restore::plan::RestorePlan;

use super::downloads::Downloads;
use super::error::RestoreError;
use super::manifests::Manifests;
use super::target::{Close, Target};
use super::tools::RestoreTools;

/// Chooses `count` files at random from the manifests of a plan, each as `--only` takes it.
/// `scratch` is a directory that does not exist yet.
///
/// # Errors
/// When the manifest does not exist, cannot be read, or lists no file that is in an archive.
pub fn sample(
    plan: &RestorePlan,
    count: usize,
    scratch: &Path,
    tools: &RestoreTools<'_>,
) -> Result<Vec<String>, RestoreError> {
    let target = Target::open(scratch, false, plan)?;
    let chosen = choose(plan, count, tools, &target);
    target.close(Close::Done)?;
    match chosen? {
        chosen if chosen.is_empty() => Err(RestoreError::NothingToSample),
        chosen => Ok(chosen),
    }
}

/// Reservoir sampling: one pass, memory for the sample only.
fn choose(
    plan: &RestorePlan,
    count: usize,
    tools: &RestoreTools<'_>,
    target: &Target,
) -> Result<Vec<String>, RestoreError> {
    let downloads = Downloads::new(tools, target);
    let manifests = Manifests::new(tools, &downloads, target);
    let random = RandomState::new();
    let mut chosen = Vec::new();
    let mut met: u64 = 0;
    for mount in &plan.mounts {
        let Some(manifest) = &mount.manifest else {
            continue;
        };
        let manifest = manifests.open(mount, manifest)?;
        for entry in manifest.read()? {
            let entry = entry.map_err(|why| manifest.broken(why))?;
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
