//! How much space a run needs in the work directory, for both ways to transfer archives.

use schemars::JsonSchema;
use serde::Serialize;

use super::requests::{MEBIBYTE, part_size};
use crate::model::job::Destination;
use crate::model::policy::Transfer;
use crate::model::text::size;
use crate::plan::backup::Plan;

/// What one mount has, as counted.
#[derive(Clone, Copy, Debug)]
pub struct MountLoad {
    /// Number of the mount, from 1.
    pub mount: usize,
    /// Files, directories and links that are listed.
    pub entries: u64,
    pub archived_files: u64,
    pub archived_bytes: u64,
}

/// The most that a run needs at a time. An archive may be smaller than its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WorkSpace {
    /// What the profile says.
    pub transfer: Transfer,
    /// Bytes in the work directory, for each of them.
    pub spool: u64,
    pub stream: u64,
    /// Bytes of memory for what is under way with `stream`.
    pub stream_memory: u64,
}

/// A line in each of the lists and in the manifest.
const LISTED: u64 = 300;
/// What an entry of an archive takes besides its content.
const ENTRY: u64 = 300;
/// The end of an archive that is sent while it is made stays until it is checked, in up to three
/// files.
const ENDS: u64 = 3;

impl MountLoad {
    /// What a run needs for this mount.
    pub fn needs(&self, transfer: Transfer) -> u64 {
        let lists = LISTED * self.entries;
        let list = ENTRY * self.archived_files;
        lists
            + match transfer {
                Transfer::Spool => self.archived_bytes + list,
                Transfer::Stream => ENDS * (list + 4 * MEBIBYTE),
            }
    }
}

impl WorkSpace {
    /// `None` if nothing is archived, or a mount was not counted.
    pub fn of(plan: &Plan, loads: &[MountLoad]) -> Option<WorkSpace> {
        let mut archives = plan.stages.iter().filter_map(|order| {
            let load = loads.iter().find(|load| load.mount == order.number);
            Some((order.archive.as_ref()?, load))
        });
        let (first, _) = archives.clone().next()?;
        let is_store = |destination: &Destination| matches!(destination, Destination::Store(_));
        let destinations = plan.destinations.iter();
        let stores = destinations.filter(|(d, _)| is_store(d)).count() as u64;
        let mut space = WorkSpace {
            transfer: first.transfer,
            spool: 0,
            stream: 0,
            // Two parts of each store, and the one that is being filled.
            stream_memory: (2 * stores + 1) * part_size(first.volume_size),
        };
        archives.try_for_each(|(_, load)| {
            let load = load?;
            space.spool += load.needs(Transfer::Spool);
            space.stream += load.needs(Transfer::Stream);
            Some(())
        })?;
        Some(space)
    }

    /// A line for people.
    pub fn to_text(&self) -> String {
        let [spool, stream] = [self.spool, self.stream].map(size);
        match self.transfer {
            Transfer::Spool => format!(
                "up to {spool} for archives until they are uploaded; {stream} with `archive.transfer: stream`"
            ),
            Transfer::Stream => format!(
                "up to {stream}, and {} of memory, because archives are sent while they are made; {spool} with \
                 `archive.transfer: spool`",
                size(self.stream_memory)
            ),
        }
    }
}
