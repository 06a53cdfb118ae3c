//! What a restore prints as its result.

use std::path::Path;

use crate::cli::output;
use crate::restore::{RestorePlan, Tally};
use crate::text;

/// What is printed as the result.
pub(super) struct Summary(String);

impl Summary {
    pub(super) fn of(plan: &RestorePlan, to: &Path) -> Summary {
        let mut text = format!("{} as of {}, from {}:\n", plan.location, plan.state, plan.store);
        for mount in &plan.mounts {
            let at = mount.target.iter().fold(to.to_path_buf(), |path, name| path.join(name));
            text.push_str(&format!("  {}  <-  {}\n", at.display(), mount.shown()));
        }
        Summary(text)
    }

    pub(super) fn print(&self, tally: Tally) {
        let mut text = self.0.clone();
        // Without manifests nothing was counted.
        if tally.files + tally.directories + tally.different > 0 {
            let (files, bytes) = (tally.files, text::size(tally.bytes));
            text.push_str(&format!("{files} files, {bytes}, {} directories verified\n", tally.directories));
        }
        if tally.different > 0 {
            text.push_str(&format!("{} files or directories are not as the backup lists them\n", tally.different));
        }
        if tally.removed > 0 {
            text.push_str(&format!(
                "{} files or directories removed that the newest backup does not list\n",
                tally.removed
            ));
        }
        output::result(text);
    }
}
