//! Which volumes a restore needs, and in which order their parts are downloaded (SPEC#restore).
//! Pure.

use std::collections::BTreeSet;

use super::estimate::{EstimatedVolume, VolumeState};
use super::parts::{ArchivePart, PlannedArchive, PlannedVolume};
use super::plan::{PlannedMount, RestorePlan};

/// A volume of a plan, with its parts.
pub struct NeededVolume<'p> {
    pub mount: &'p PlannedMount,
    pub archive: &'p PlannedArchive,
    pub volume: &'p PlannedVolume,
    /// In order.
    pub parts: Vec<NeededPart<'p>>,
}

/// One part of an archive.
pub struct NeededPart<'p> {
    pub part: ArchivePart<'p>,
    /// Number of the part in the archive, from 0.
    pub index: usize,
    /// Needs no download.
    pub is_here: bool,
}

/// A needed volume, and where it is.
pub struct LocatedVolume<'p> {
    pub needed: NeededVolume<'p>,
    pub state: VolumeState,
}

impl NeededVolume<'_> {
    /// Whether no part of it needs a download.
    pub fn is_here(&self) -> bool {
        self.parts.iter().all(|part| part.is_here)
    }
}

impl LocatedVolume<'_> {
    /// The volume as far as costs go.
    pub fn estimated(&self) -> EstimatedVolume {
        EstimatedVolume {
            size: self.needed.volume.size,
            state: self.state,
        }
    }
}

/// Every volume of the plan in order of use. `parts_here` says which parts of an archive need no
/// download.
pub fn needed_volumes(
    plan: &RestorePlan,
    parts_here: impl Fn(&PlannedMount, &PlannedArchive) -> BTreeSet<usize>,
) -> Vec<NeededVolume<'_>> {
    let mut needed: Vec<NeededVolume<'_>> = Vec::new();
    for (mount, archive) in plan.archives() {
        let here = parts_here(mount, archive);
        for (index, part) in archive.parts().into_iter().enumerate() {
            let volume = part.volume;
            let part = NeededPart {
                is_here: here.contains(&index),
                part,
                index,
            };
            match needed.last_mut() {
                Some(last) if std::ptr::eq(last.volume, volume) => last.parts.push(part),
                _ => needed.push(NeededVolume {
                    mount,
                    archive,
                    volume,
                    parts: vec![part],
                }),
            }
        }
    }
    needed
}

/// Every part in the order in which it is downloaded, with its volume: archive by archive, each in
/// its arrival order.
pub fn download_order<'a, 'p>(
    volumes: &'a [LocatedVolume<'p>],
) -> Vec<(&'a LocatedVolume<'p>, &'a NeededPart<'p>)> {
    let of_archives = volumes.chunk_by(|a, b| std::ptr::eq(a.needed.archive, b.needed.archive));
    of_archives
        .flat_map(|volumes| {
            let parts: Vec<_> = volumes
                .iter()
                .flat_map(|volume| volume.needed.parts.iter().map(move |part| (volume, part)))
                .collect();
            let order = volumes[0].needed.archive.arrival_order();
            order.into_iter().map(move |index| parts[index])
        })
        .collect()
}
