//! `restored.txt`: what each numbered directory of a restore was.

use std::fs;

use crate::plan::restore::layout::TABLE;
use crate::plan::restore::plan::RestorePlan;
use crate::run::restore::error::RestoreError;
use crate::run::restore::target::{Target, is_link};

/// Writes it into the directory of the restore.
pub(super) fn write(plan: &RestorePlan, target: &Target) -> Result<(), RestoreError> {
    let mut text = format!(
        "Restored by aam-backup: location {}, state {} (full backup {}), from {}\n\n",
        plan.location, plan.state, plan.set, plan.store
    );
    for mount in &plan.mounts {
        text.push_str(&format!("{}\t{}\n", mount.number, mount.shown()));
    }
    let path = target.path.join(TABLE);
    if is_link(&path) {
        return Err(RestoreError::ThroughLink(path));
    }
    fs::write(&path, text).map_err(RestoreError::disk("write", &path))
}
