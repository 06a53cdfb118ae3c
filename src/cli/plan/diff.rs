//! `plan --diff`: what differs from the newest backup.

use std::path::Path;

use super::MountPreview;
use crate::cli::place::stores_of;
use crate::cli::restore::key::{KeyArgs, key};
use crate::cli::{Exit, output};
use crate::model::cancel::Cancel;
use crate::model::event::Events;
use crate::model::job::Job;
use crate::model::path::Family;
use crate::plan::backup::Plan;
use crate::plan::cost::price::Prices;
use crate::plan::search::diff::Diff;
use crate::render::StageFiles;
use crate::run::restore::tools::ThawPolicy;
use crate::run::restore::work::RestoreSettings;
use crate::run::search::{WalkedMount, diff_now};

/// Why there is nothing to compare with.
pub(super) fn problem(job: &Job) -> Option<&'static str> {
    if job.family != Family::HOST {
        return Some("--diff: the files of this profile are those of another system");
    }
    let has_store = job.has_store();
    (!has_store).then_some("--diff compares with the newest backup, and the profile has no store")
}

/// Compares what the walks of a plan listed below `render` with the newest backup.
pub(super) fn with_newest(
    job: &Job,
    plan: &Plan,
    mounts: &[MountPreview],
    render: &Path,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<Option<Diff>, Exit> {
    let walked: Vec<WalkedMount> = plan
        .stages
        .iter()
        .zip(mounts)
        .map(|(order, mount)| WalkedMount {
            list: StageFiles::of(order)
                .manifest
                .inside(&render.join(order.number.to_string())),
            unknown: mount.counts.unknown.clone(),
        })
        .collect();
    let origin = stores_of(job.clone(), None, cancel);
    let prices = Prices::default();
    let settings = RestoreSettings {
        origin: &origin,
        thaw: ThawPolicy::look_only(&prices),
        key: &|| key(&KeyArgs::default(), &origin, cancel),
        cancel,
        events,
    };
    match diff_now(&settings, plan.stamp, &walked) {
        Ok(None) => {
            output::note("there is no backup yet: all of it is new\n");
            Ok(None)
        }
        Ok(diff) => Ok(diff),
        Err(error) => {
            error.report(events);
            Err(Exit::of(error.outcome()))
        }
    }
}
