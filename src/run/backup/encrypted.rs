//! Files that Windows keeps encrypted for one user (EFS): a run as another account cannot read them.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::adapters::walk::{Item, Walk};
use crate::model::cancel::Cancel;
use crate::model::job::Job;

/// A selected file that is encrypted, if there is one. The sources are listed until it is found.
pub fn example(job: &Job, cancel: &Cancel) -> Option<String> {
    let selection = Arc::new(job.selection.clone());
    let mut found = None;
    for mount in job.mounts().unwrap_or_default() {
        let walk = Walk {
            selection: &selection,
            mount: &mount.path,
            shown_at: &mount.path.to_native(),
            reads_attributes: false,
            cancel,
        };
        let flow = walk.run(&mut |path, item| match item {
            Item::File { found: file } if file.is_encrypted => {
                found = Some(mount.path.display_below(&path.to_string()));
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        });
        if flow.is_break() {
            break;
        }
    }
    found
}
