//! Mounts that are left out of a restore, because what lists their files is lost.

use crate::model::event::{Events, Section};
use crate::plan::restore::plan::RestorePlan;

use super::error::RestoreError;

/// Whether an error is about the manifest of one mount, so that the others can be restored.
pub fn is_of_its_mount(error: &RestoreError) -> bool {
    error.is_loss()
        || matches!(
            error,
            RestoreError::Manifest { .. } | RestoreError::Key { .. }
        )
}

/// Goes on without the mounts whose lists are lost, if others are left.
pub fn leave_out(
    mut lost: Vec<(usize, String, RestoreError)>,
    plan: &mut RestorePlan,
    events: &Events<'_>,
) -> Result<(), RestoreError> {
    if lost.len() == plan.mounts.len() && !lost.is_empty() {
        return Err(match lost.swap_remove(0) {
            // The key is wrong, and nothing is lost.
            (.., RestoreError::NoManifest(_, key)) if matches!(*key, RestoreError::Key { .. }) => {
                *key
            }
            (.., error) => error,
        });
    }
    for (number, mount, error) in lost {
        let left_out = plan.mounts.iter().position(|mount| mount.number == number);
        let left_out = left_out.map(|at| plan.mounts.remove(at));
        let text = format!("'{mount}' is NOT restored: {error}");
        events.fail(Section::Restore, text, Some(error.hint()));
        // An older state rests on older manifests.
        let archives = left_out.iter().flat_map(|mount| &mount.archives);
        let older = archives.map(|archive| archive.stamp);
        let older = older.filter(|stamp| *stamp < plan.state).max();
        if let Some(state) = older.or(plan.other_state) {
            let text = format!("the state {state} may be unaffected by the damage");
            let hint = format!("try it with --at {state}, into another directory");
            events.fail(Section::Restore, text, Some(hint));
        }
    }
    Ok(())
}
