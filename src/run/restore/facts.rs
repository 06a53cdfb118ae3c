//! What a restore comes to, as names and values: for standard output and the report.

use std::path::Path;

use crate::model::text;
use crate::plan::restore::plan::RestorePlan;
use crate::run::restore::extraction::tally::Tally;

/// Names and values, as far as they are known.
pub type RestoreFacts = Vec<(String, String)>;

fn fact(facts: &mut RestoreFacts, name: &str, value: String) {
    facts.push((name.to_owned(), value));
}

/// What is restored, and where to.
pub fn planned(facts: &mut RestoreFacts, plan: &RestorePlan, to: &Path) {
    fact(
        facts,
        "State",
        format!(
            "{} (full backup {}), from {}",
            plan.state, plan.set, plan.store
        ),
    );
    for mount in &plan.mounts {
        let at = mount
            .target
            .iter()
            .fold(to.to_path_buf(), |path, name| path.join(name));
        fact(
            facts,
            "Mount",
            format!("{}  <-  {}", at.display(), mount.shown()),
        );
    }
}

/// What was compared with the manifests; nothing where there are none.
pub fn verified(facts: &mut RestoreFacts, tally: Tally) {
    if tally.files + tally.directories + tally.different > 0 {
        let files = text::count(tally.files, "file");
        fact(
            facts,
            "Verified",
            format!(
                "{files}, {}, {}",
                text::size(tally.bytes),
                text::count(tally.directories, "directory")
            ),
        );
    }
    for (count, words) in [
        (tally.different, "Not as the backup lists them"),
        (
            tally.removed,
            "Removed, as the newest backup does not list them",
        ),
    ] {
        if count > 0 {
            let what = if count == 1 {
                "file or directory"
            } else {
                "files or directories"
            };
            fact(facts, words, format!("{count} {what}"));
        }
    }
}
