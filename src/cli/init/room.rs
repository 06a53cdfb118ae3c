//! Whether archives of a job fit into its work directory.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::adapters::walk::{Item, Walk};
use crate::model::cancel::Cancel;
use crate::model::job::Job;
use crate::model::manifest::EntryKind;
use crate::model::path::Family;

/// Whether the sources have more bytes than the disk of the work directory has free.
pub(super) fn is_too_small(job: &Job) -> bool {
    if job.family != Family::HOST {
        return false;
    }
    let (Ok(free), Ok(mounts)) = (
        fs4::available_space(job.work_directory.to_native()),
        job.mounts(),
    ) else {
        return false;
    };
    let (selection, mut bytes) = (Arc::new(job.selection.clone()), 0);
    mounts.iter().any(|mount| {
        let walk = Walk {
            selection: &selection,
            mount: &mount.path,
            shown_at: &mount.path.to_native(),
            reads_attributes: false,
            cancel: &Cancel::new(),
        };
        let flow = walk.run(&mut |path, item| {
            if let Item::File { found } = item {
                bytes += found.entry(path, EntryKind::File, None).meta.size;
            }
            match bytes > free {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        flow.is_break()
    })
}
