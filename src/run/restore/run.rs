//! Runs a restore plan: fetch, check, extract, verify (SPEC#restore). Emits events, prints nothing,
//! chooses nothing. Three owners do the work: [`Thawing`] makes archived objects readable,
//! [`Downloads`] downloads objects, [`Extraction`] extracts files from them.

use std::path::Path;

use chrono::Utc;

use crate::model::event::Section;
use crate::plan::restore::estimate::VolumeState;
use crate::plan::restore::needed::{LocatedVolume, needed_volumes};
use crate::plan::restore::parts::PlannedArchive;
use crate::plan::restore::plan::RestorePlan;

use super::downloads::Downloads;
use super::downloads::queue::DownloadQueue;
use super::error::RestoreError;
use super::extraction::tally::Tally;
use super::extraction::{Extraction, WaitForParts};
use super::manifests::{Manifests, WantedFiles};
use super::target::{Close, Target};
use super::thaw::{self, Thawing};
use super::tools::{RestoreStep, RestoreTools};

/// Restores what the plan says into `to`, as far as `step` goes. Differences from the manifest are
/// events. The outcome of the events says whether the restore is what the user asked for.
///
/// # Errors
/// When it could not continue. Then `to` does not contain a complete restore, and the next start
/// resumes it.
pub fn run(
    plan: RestorePlan,
    to: &Path,
    into_existing: bool,
    step: RestoreStep,
    tools: &RestoreTools<'_>,
) -> Result<Tally, RestoreError> {
    let target = Target::open(to, into_existing, &plan)?;
    let result = work(plan, step, tools, &target);
    let mut noted = Ok(());
    let close = match &result {
        Err(_) => Close::Failed,
        Ok(_) if matches!(step, RestoreStep::Request | RestoreStep::Download) => Close::Later,
        // When the cause is gone, the next start continues.
        Ok((tally, is_whole)) if !is_whole || tally.lost > 0 || tally.different > 0 => {
            noted = target.change(|journal| journal.ended = Some(Utc::now()));
            Close::Later
        }
        Ok(_) => Close::Done,
    };
    // Decrypted lists are deleted in any case.
    let closed = target.close(close);
    let (tally, _) = result?;
    noted.and(closed)?;
    Ok(tally)
}

/// Also whether no mount was left out.
fn work(
    plan: RestorePlan,
    step: RestoreStep,
    tools: &RestoreTools<'_>,
    target: &Target,
) -> Result<(Tally, bool), RestoreError> {
    let (planned, no_losses) = (plan.mounts.len(), plan.losses.is_empty());
    report_beginning(&plan, tools, target);
    let downloads = Downloads::new(tools, target);
    let thawing = Thawing::new(tools, target);
    let (plan, wanted) = match step.needs_key(&plan.only) {
        true => Manifests::new(tools, &downloads, target).narrow(plan)?,
        false => (plan, WantedFiles::default()),
    };
    let is_whole = no_losses && plan.mounts.len() == planned;
    let needed = needed_volumes(&plan, |mount, archive| downloads.parts_here(mount, archive));
    let mut volumes = thaw::locate(tools.store, needed)?;
    let keys = volumes.iter().map(|v| v.needed.volume.key.clone());
    let keys = keys.collect();
    target.change(|journal| journal.needed = Some(keys))?;
    let extract = |wait: WaitForParts<'_>| {
        Extraction::new(&plan, &wanted, tools, target, &downloads, wait).run()
    };
    let tally = match step {
        RestoreStep::Request => {
            thawing.agree(&plan, &volumes)?;
            thawing.request(&mut volumes)?;
            Ok(Tally::default())
        }
        RestoreStep::Download => downloads.fetch_ready(&volumes).map(|()| Tally::default()),
        RestoreStep::Extract => {
            all_downloaded(&volumes)?;
            extract(&|archive: &PlannedArchive, _| Ok(archive.parts().len()))
        }
        RestoreStep::All => {
            thawing.agree(&plan, &volumes)?;
            thawing.request(&mut volumes)?;
            let queue = DownloadQueue::new(&downloads, &thawing, &volumes);
            queue.run(|| extract(&|archive, have| queue.wait_for(archive, have)))
        }
    };
    Ok((tally?, is_whole))
}

fn report_beginning(plan: &RestorePlan, tools: &RestoreTools<'_>, target: &Target) {
    let events = tools.events;
    if target.resumed {
        events.note(
            Section::Restore,
            "resuming a restore that was started earlier",
        );
    }
    for loss in &plan.losses {
        events.fail(Section::Restore, loss.clone(), None);
    }
    for finding in &plan.findings {
        let text = finding.text.clone();
        match finding.warning {
            true => events.warn(Section::Restore, text, None),
            false => events.note(Section::Restore, text),
        }
    }
}

fn all_downloaded(volumes: &[LocatedVolume<'_>]) -> Result<(), RestoreError> {
    let is_missing = |volume: &&LocatedVolume<'_>| volume.state != VolumeState::Here;
    match volumes.iter().filter(is_missing).count() {
        0 => Ok(()),
        missing => Err(RestoreError::NotDownloaded {
            missing,
            all: volumes.len(),
        }),
    }
}
