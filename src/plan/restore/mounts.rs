//! Where the mounts of a plan are restored, and which parts of them are wanted (SPEC#restore).
//! Pure.

use crate::model::path::{Family, FullPath};

use super::error::PlanError;
use super::layout::{Layout, original};
use super::only::Wanted;
use super::plan::{PlannedMount, RestoreFinding, RestoreOptions};

/// Where each mount is restored below the target.
pub fn lay_out(mounts: &mut [PlannedMount], layout: Layout) -> Result<(), Box<PlanError>> {
    if layout == Layout::Numbered {
        mounts
            .iter_mut()
            .for_each(|m| m.target = vec![m.number.to_string()]);
        return Ok(());
    }
    let mut paths: Vec<FullPath> = Vec::new();
    for mount in mounts {
        let Some(path) = &mount.path else {
            return Err(Box::new(PlanError::UnknownPath(mount.name.clone())));
        };
        if path.family() != Family::HOST {
            return Err(Box::new(PlanError::OtherFamily(path.clone())));
        }
        if let Some(other) = paths
            .iter()
            .find(|p| p.starts_with(path) || path.starts_with(p))
        {
            return Err(Box::new(PlanError::Nested(other.clone(), path.clone())));
        }
        mount.target = original(path);
        paths.push(path.clone());
    }
    Ok(())
}

/// `--only`: which mounts, and which parts of them.
pub fn select(
    mounts: &mut Vec<PlannedMount>,
    options: &RestoreOptions,
    findings: &mut Vec<RestoreFinding>,
) -> Result<(), Box<PlanError>> {
    for text in &options.only {
        let mut found = false;
        for mount in mounts.iter_mut() {
            if let Some(wanted) = Wanted::within(text, mount.number, mount.path.as_ref()) {
                found = true;
                mount.wanted.push(wanted);
            }
        }
        if !found {
            let mounts = mounts
                .iter()
                .map(|m| format!("{}: {}", m.number, m.shown()))
                .collect();
            return Err(Box::new(PlanError::OutsideMounts {
                path: text.clone(),
                mounts,
            }));
        }
    }
    if !options.only.is_empty() {
        mounts.retain(|m| !m.wanted.is_empty());
    }
    for mount in mounts {
        if mount.wanted.iter().any(|w| w.names.is_empty()) {
            mount.wanted.clear();
        } else if !mount.wanted.is_empty() && mount.manifest.is_none() {
            let text = format!(
                "'{}' has no manifest: all {} of its archives are needed",
                mount.name,
                mount.archives.len()
            );
            findings.push(RestoreFinding {
                warning: false,
                text,
            });
        }
    }
    Ok(())
}
