//! The stage: one mount, from inside its snapshot (SPEC#run, step 4).
//!
//! [`prepare`] walks the mount and writes list files, manifest and script; `plan --render` stops
//! there. [`run`] continues: it deletes extra files, runs the script, verifies the mirror, checks
//! the archive. It knows a [`StageOrder`] and nothing of profiles, stores or scopes, and chooses
//! nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::adapters::process::ToolError;
use crate::adapters::seven_zip::SevenZip;
use crate::model::cancel::Cancel;
use crate::model::event::{Event, Events, Section, Work};
use crate::model::manifest::{DeltaBase, ManifestError, SourceLook};
use crate::model::marker::StateCounts;
use crate::model::path::Family;
use crate::model::secret::Secret;
use crate::model::text;
use crate::model::upload_record::WorkFile;
use crate::plan::backup::StageOrder;
use crate::render::{RenderError, StageFiles};

mod archive;
mod attempts;
mod before;
mod closed;
mod content;
mod copies;
mod counts;
mod fit;
mod fitting;
mod half_copies;
mod hard_linked;
mod held;
mod make_way;
mod manifest_object;
mod mirror;
mod outlet;
mod outputs;
mod prepare;
mod script;
mod shares;
mod stale;
mod tail;
mod unasked;
mod verify;
mod watch;

use manifest_object::Packer;

pub use counts::{Encrypted, WalkCounts};
pub use mirror::{Extra, is_usable as mirror_is_usable, list_extra};
pub use outlet::{NoOutlet, Outlet};
pub use prepare::{StagePaths, prepare};
pub use shares::Shares;

/// Why a stage could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("{doing} '{path}': {why}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        why: std::io::Error,
    },
    #[error("writing the lists of what to back up: {0}")]
    Lists(std::io::Error),
    #[error("the manifest of the last backup, '{path}': {why}")]
    Before { path: String, why: ManifestError },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("no store takes the archive any more")]
    NotTaken,
    #[error("interrupted")]
    Interrupted,
}

impl StageError {
    /// What the user can do, where something is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            StageError::Io { why, .. } | StageError::Lists(why) if why.kind() == std::io::ErrorKind::StorageFull => {
                Some("free some space there, or set archive.work-directory to a directory on a larger disk".to_owned())
            }
            StageError::Tool(ToolError::Missing { hint, .. }) => Some(hint.clone()),
            StageError::Before { .. } => {
                Some("delete that file: the next incremental backup then compares times only".to_owned())
            }
            _ => None,
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> StageError {
        move |why| StageError::Io {
            doing,
            path: path.into(),
            why,
        }
    }
}

/// What a stage did: the result file the outer run trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StageResult {
    pub prepared: WalkCounts,
    /// Whether the mirror is what it should be; `None` if the job has no mirror.
    pub mirror: Option<bool>,
    /// The archive, if one was ordered and is complete.
    pub archive: Option<Archived>,
}

/// An archive ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Archived {
    /// In order; none when nothing was to be archived.
    pub volumes: Vec<WorkFile>,
    pub manifest: WorkFile,
    /// What the manifest rests on, if it is a delta.
    pub delta: Option<DeltaBase>,
    /// Files in the archive.
    pub files: u64,
    /// Their bytes before compression.
    pub bytes: u64,
    /// What the state has.
    pub counts: StateCounts,
    /// The sources of the mount, and when they were looked at.
    pub sources: Vec<SourceLook>,
}

/// Carries out an order: [`prepare`], then everything in the files. An archive that is sent while it
/// is made goes to `outlet`; it is whole only if the result has it.
///
/// # Errors
/// When it had to stop. What went wrong with the mirror or the archive alone is reported as events
/// and shows in the result.
pub fn run(
    order: &StageOrder,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<StageResult, StageError> {
    #[cfg(windows)]
    let _as_before = crate::adapters::windows::code_page::CodePages::now();
    closed::with_view(order, &mut |order| {
        carry_out(order, key, outlet, cancel, events)
    })
}

fn carry_out(
    order: &StageOrder,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<StageResult, StageError> {
    let files = StageFiles::of(order);
    let work = order.work.to_native();
    let place = StagePaths {
        read: Path::new(&order.shown_at),
        write: Some(&work),
    };
    let mut order = order.clone();
    if let Some(mirror) = &mut order.mirror {
        mirror::begin(mirror, events);
    }
    let mut prepared = prepare(&order, place, cancel, events)?;
    note_not_copied(&order, &prepared, events);
    let mut result = StageResult {
        prepared: prepared.clone(),
        mirror: None,
        archive: None,
    };
    let mirror_ready = order.mirror.as_ref().map_or(Ok(false), |mirror| {
        mirror::make_ready(mirror, &order, &work, &prepared, cancel, events)
    })?;
    // The script runs what is left of the order.
    result.mirror = without_copier(&mut order, &prepared, mirror_ready);
    let wanted_archive = order.archive.clone();
    if prepared.nothing_archived() {
        order.archive = None;
    }
    let mut content = None;
    if order.mirror.is_some() || order.archive.is_some() {
        let status = run_tools(&mut order, &prepared, key, outlet, cancel, events)?;
        let copied = order.mirror.is_some() && script::copier_finished(&status, &order, events);
        let codes = status.clone();
        let made = attempts::make(&order, &prepared, codes, key, outlet, cancel, events)?;
        if order.mirror.is_some() {
            result.mirror = Some(verified(
                &order, &prepared, copied, &status, cancel, events,
            )?);
        }
        match made {
            attempts::Made::Failed => return Ok(result),
            attempts::Made::Nothing => order.archive = None,
            attempts::Made::Archive(made) => content = Some(made),
        }
    }
    if let (Some(archive), Some(key)) = (&wanted_archive, key) {
        let seven_zip = SevenZip::locate(Some(&order.seven_zip))?;
        let packer = Packer::new(&seven_zip, key, cancel, events);
        result.archive = archive::finish(archive, &order, &files, content, &mut prepared, &packer)?;
    }
    events.emit(mounted(&order, &prepared));
    result.prepared = prepared;
    Ok(result)
}

/// What the tools are about to read.
fn bytes(prepared: &WalkCounts) -> script::ToolBytes {
    script::ToolBytes {
        mirror: prepared.bytes,
        archive: prepared.archived_bytes,
    }
}

/// Runs the script.
fn run_tools(
    order: &mut StageOrder,
    prepared: &WalkCounts,
    key: Option<&Secret>,
    outlet: &mut dyn Outlet,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<script::ToolCodes, StageError> {
    order.mirror.iter_mut().for_each(half_copies::make);
    let absent = unasked::absent(order, &prepared.copies);
    if order.mount.path.family() == Family::Windows {
        stale::refresh(order, cancel)?;
    }
    let codes = script::run(
        order,
        &prepared.copies,
        bytes(prepared),
        key,
        outlet,
        cancel,
        events,
    );
    unasked::report(order, &absent, events);
    let mirror = order.mirror.iter();
    mirror.for_each(|mirror| half_copies::clean_up(mirror, events));
    mirror::show_copied_root(order, events);
    codes
}

/// Removes the mirror from the order if the copier must not or need not run, and returns its
/// result.
fn without_copier(order: &mut StageOrder, prepared: &WalkCounts, is_ready: bool) -> Option<bool> {
    if !is_ready {
        return order.mirror.take().map(|_| false);
    }
    // With nothing to copy the mount itself may not be there: an optional source on a disk that is
    // not attached.
    let nothing = prepared.nothing_selected();
    order.mirror.take_if(|_| nothing).map(|_| true)
}

/// Verifies the mirror, and notes in it what was copied.
fn verified(
    order: &StageOrder,
    prepared: &WalkCounts,
    copied: bool,
    status: &script::ToolCodes,
    cancel: &Cancel,
    events: &Events<'_>,
) -> Result<bool, StageError> {
    events.emit(Event::Progress {
        work: Work::Verifying,
        percent: None,
        of: None,
    });
    let (files, fitting) = (StageFiles::of(order), &prepared.fitting);
    let clean = copied && script::copier_was_clean(status);
    let verified = verify::verify(order, &files, fitting, clean, cancel, events)?;
    if copied {
        mirror::remember(order, prepared, verified.not_copied);
    }
    Ok(verified.is_same && copied)
}

fn mounted(order: &StageOrder, counts: &WalkCounts) -> Event {
    Event::Mounted {
        mount: order.mount.path.clone(),
        files: counts.files,
        directories: counts.directories,
        bytes: counts.bytes,
        archived_files: counts.archived_files,
        archived_bytes: counts.archived_bytes,
    }
}

fn note_not_copied(order: &StageOrder, counts: &WalkCounts, events: &Events<'_>) {
    if let Some(names) = counts.hard_linked.sentence() {
        let text = format!("{}: {names}", order.mount.path);
        events.note(Section::Ignored, text);
    }
    if counts.links > 0 || counts.special > 0 {
        let links = match counts.links {
            0 => String::new(),
            links => format!("{} and ", text::count(links, "symbolic link")),
        };
        let special = text::count(counts.special, "special file");
        let text = format!("{}: not backed up: {links}{special}", order.mount.path);
        events.note(Section::Ignored, text);
    }
    let family = order.mount.path.family();
    // Every directory of a user of Windows has some, so this is no warning.
    if counts.kept_links > 0 && order.mirror.is_some() && family == Family::Windows {
        let text = format!(
            "{}: {} not copied to the mirror: Robocopy leaves them out",
            order.mount.path,
            text::count(counts.kept_links, "symbolic link")
        );
        events.note(Section::Ignored, text);
    }
}
