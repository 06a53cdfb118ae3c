//! Runs a restore plan: fetch, check, extract, verify (SPEC#restore). Tells events, prints nothing,
//! chooses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::adapters::seven_zip::SevenZip;
use crate::adapters::store::Store;
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section};
use crate::model::secret::Secret;
use crate::model::stamp::Stamp;

use super::error::RestoreError;
use super::fetch::named;
use super::finish::Tally;
use super::index::Index;
use super::parallel::{TRANSFERS, each};
use super::target::{Close, Target};
use super::thaw::{Load, Piece, Thawing};
use crate::plan::restore::estimate::VolumeState;
use crate::plan::restore::plan::RestorePlan;
use crate::run::restore::pipeline::Line;

/// What a restore works with.
pub struct Tools<'a> {
    pub store: &'a dyn Store,
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    /// Where the key came from, for messages: `$AAM_BACKUP_KEY`.
    pub key_from: &'a str,
    pub thaw: Thawing<'a>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// How far to go (one step, or four).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    #[default]
    All,
    /// Order archived objects.
    Request,
    /// Download what is readable.
    Download,
    /// Extract what was downloaded.
    Extract,
}

impl Step {
    /// Whether it opens archives. Manifests say which volumes a part needs, and are encrypted too.
    pub fn needs_key(self, only: &[String]) -> bool {
        matches!(self, Step::All | Step::Extract) || !only.is_empty()
    }
}

/// A restore at work.
pub struct Restore<'a> {
    pub store: &'a dyn Store,
    pub seven_zip: &'a SevenZip,
    pub key: &'a Secret,
    pub key_from: &'a str,
    pub thaw: Thawing<'a>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
    pub target: Target,
    /// Held by whoever downloads.
    pub line: Mutex<()>,
}

/// Restores what the plan says into `to`, as far as `step` goes. Differences from the manifest are
/// told as events; the events' outcome says whether the restore is what was asked for.
///
/// # Errors
/// When it could not go on; what is in `to` then is not a complete restore, and the next start goes
/// on with it.
pub fn run(
    plan: RestorePlan,
    to: &Path,
    into_existing: bool,
    step: Step,
    tools: &Tools<'_>,
) -> Result<Tally, RestoreError> {
    let target = Target::open(to, into_existing, &plan)?;
    let restore = Restore::new(target, tools);
    let result = restore.steps(plan, step);
    let close = match &result {
        Err(_) => Close::Failed,
        Ok(_) if matches!(step, Step::Request | Step::Download) => Close::Later,
        Ok(_) => Close::Done,
    };
    let closed = restore.target.close(close);
    let tally = result?;
    closed?;
    Ok(tally)
}

/// With `--only`: what of an archive is wanted, by mount number and stamp.
pub type Lists = BTreeMap<(usize, Stamp), PathBuf>;

impl<'a> Restore<'a> {
    pub fn new(target: Target, tools: &Tools<'a>) -> Restore<'a> {
        Restore {
            store: tools.store,
            seven_zip: tools.seven_zip,
            key: tools.key,
            key_from: tools.key_from,
            thaw: tools.thaw,
            cancel: tools.cancel,
            events: tools.events,
            target,
            line: Mutex::new(()),
        }
    }
}

impl Restore<'_> {
    fn steps(&self, plan: RestorePlan, step: Step) -> Result<Tally, RestoreError> {
        if self.target.resumed {
            self.events.note(
                Section::Restore,
                "going on with a restore that was begun earlier",
            );
        }
        for finding in &plan.findings {
            match finding.warning {
                true => self
                    .events
                    .warn(Section::Restore, finding.text.clone(), None),
                false => self.events.note(Section::Restore, finding.text.clone()),
            }
        }
        let mut indexes = BTreeMap::new();
        if step.needs_key(&plan.only) {
            for mount in &plan.mounts {
                if let Some(manifest) = &mount.manifest {
                    indexes.insert(mount.number, self.index(mount, manifest)?);
                }
            }
        }
        let (plan, lists) = self.narrow(plan, &indexes)?;
        let mut pieces = self.pieces(&plan)?;
        let keys = pieces.iter().map(|p| p.volume.key.clone()).collect();
        self.target.change(|journal| journal.needed = Some(keys))?;
        let estimate = self.estimate(&plan, &pieces);
        match step {
            Step::Request => {
                self.agree(&plan, &estimate)?;
                self.request(&mut pieces).map(|()| Tally::default())
            }
            Step::Download => self.download_ready(&pieces).map(|()| Tally::default()),
            Step::Extract => match pieces
                .iter()
                .filter(|p| p.state != VolumeState::Here)
                .count()
            {
                0 => self.extract_all(&plan, &indexes, &lists, &|archive, _| {
                    Ok(archive.portions().len())
                }),
                missing => Err(RestoreError::NotDownloaded {
                    missing,
                    all: pieces.len(),
                }),
            },
            Step::All => {
                self.agree(&plan, &estimate)?;
                self.request(&mut pieces)?;
                let line = Line::new(self, &pieces);
                line.run(|| {
                    self.extract_all(&plan, &indexes, &lists, &|archive, have| {
                        line.wait_for(archive, have)
                    })
                })
            }
        }
    }

    /// Downloads what is readable; the rest is a warning.
    fn download_ready(&self, pieces: &[Piece<'_>]) -> Result<(), RestoreError> {
        let count = |state: VolumeState| pieces.iter().filter(|p| p.state == state).count();
        let (frozen, thawing) = (count(VolumeState::Frozen), count(VolumeState::Thawing));
        if frozen > 0 {
            return Err(RestoreError::NotRequested {
                frozen,
                all: pieces.len(),
            });
        }
        let ready: Vec<(&Piece<'_>, &Load<'_>)> = pieces
            .iter()
            .filter(|piece| piece.state == VolumeState::Ready)
            .flat_map(|piece| {
                piece
                    .loads
                    .iter()
                    .filter(|load| !load.here)
                    .map(move |load| (piece, load))
            })
            .collect();
        each(&ready, TRANSFERS, |(_, load)| {
            self.object(&load.portion, &load.place, self.cancel, self.line())
        })
        .map_err(|(i, error)| named(error, &ready[i].0.archive.volumes, ready[i].0.volume))?;
        if thawing > 0 {
            let text = format!("{thawing} of {} objects are not readable yet", pieces.len());
            self.events.warn(
                Section::Restore,
                text,
                Some("start this again later; restore status tells when".into()),
            );
        }
        Ok(())
    }

    /// With `--only` and manifests: which archives are needed, and what of them.
    fn narrow(
        &self,
        plan: RestorePlan,
        indexes: &BTreeMap<usize, Index>,
    ) -> Result<(RestorePlan, Lists), RestoreError> {
        let mut needed: BTreeMap<usize, BTreeSet<Stamp>> = BTreeMap::new();
        let mut lists = BTreeMap::new();
        for mount in plan.mounts.iter().filter(|m| !m.wanted.is_empty()) {
            let Some(index) = indexes.get(&mount.number) else {
                continue;
            };
            let of_mount = self.select(mount, index)?;
            needed.insert(mount.number, of_mount.keys().copied().collect());
            lists.extend(
                of_mount
                    .into_iter()
                    .map(|(stamp, list)| ((mount.number, stamp), list)),
            );
        }
        Ok((plan.narrowed(&needed), lists))
    }
}
