//! The header of a manifest: which backup of which mount it lists, and what it rests on
//! (SPEC#formats).

use serde::{Deserialize, Serialize};

use crate::model::name::{BackupId, Format};
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

/// The version that is written.
pub const VERSION: u32 = 2;

/// The first record of a manifest. Keys may be added where ignoring them is harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// Version of the manifest format.
    pub version: u32,
    pub location: String,
    pub mount: FullPath,
    /// The backup it describes; a mirror-only run has no backup.
    pub backup: Option<BackupId>,
    pub format: Option<Format>,
    /// What a delta rests on; absent when the manifest is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaBase>,
}

/// What a delta rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DeltaBase {
    /// The backup whose manifest it changes.
    pub base: Stamp,
    /// The backup whose whole manifest is the first of the chain.
    pub whole: Stamp,
    /// How many manifests are read before this one.
    pub chain: u32,
}

/// A source of a mount, and whether a backup looked at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SourceLook {
    pub path: FullPath,
    pub looked_at: bool,
    /// The newest backup that looked at it, this one included.
    #[serde(default)]
    pub last_looked_at: Option<Stamp>,
    /// Why it was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Header {
    /// That of a whole manifest.
    pub fn whole(
        location: &str,
        mount: &FullPath,
        backup: Option<BackupId>,
        format: Option<Format>,
    ) -> Header {
        Header {
            version: VERSION,
            location: location.to_owned(),
            mount: mount.clone(),
            backup,
            format,
            delta: None,
        }
    }

    /// Stamp of the backup.
    pub fn stamp(&self) -> Option<Stamp> {
        self.backup.map(|backup| backup.stamp())
    }
}

/// What the next delta must know about the manifest that it rests on. Kept in local state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ManifestChain {
    /// What that manifest rests on itself.
    pub delta: Option<DeltaBase>,
    /// Bytes of the whole manifest of the chain.
    pub whole_bytes: u64,
    /// Bytes of the deltas since.
    pub delta_bytes: u64,
}

/// The longest chain below a delta: a restore reads all of it.
const MAX_CHAIN: u32 = 32;

/// Deltas of fewer bytes do not call for a whole manifest, however small that one is.
const SMALL: u64 = 4096;

impl ManifestChain {
    /// That of a whole manifest.
    pub fn whole(bytes: u64) -> ManifestChain {
        ManifestChain {
            delta: None,
            whole_bytes: bytes,
            delta_bytes: 0,
        }
    }

    /// The base of a delta on this manifest, which is that of the backup `base`. `None` if the
    /// chain would get too long.
    pub fn next(&self, base: Stamp) -> Option<DeltaBase> {
        let next = match self.delta {
            None => DeltaBase {
                base,
                whole: base,
                chain: 1,
            },
            Some(delta) => DeltaBase {
                base,
                whole: delta.whole,
                chain: delta.chain.saturating_add(1),
            },
        };
        (next.chain <= MAX_CHAIN).then_some(next)
    }

    /// The chain with one more delta, of this many bytes. `None` if the deltas then have more than
    /// a third of the whole manifest: another whole one costs less.
    pub fn with(&self, delta: DeltaBase, bytes: u64) -> Option<ManifestChain> {
        let delta_bytes = self.delta_bytes.saturating_add(bytes);
        (delta_bytes <= SMALL.max(self.whole_bytes / 3)).then_some(ManifestChain {
            delta: Some(delta),
            delta_bytes,
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_bounded_in_length_and_bytes() {
        let stamp: Stamp = "20201221_134337.851361".parse().unwrap();
        let mut chain = ManifestChain::whole(30_000);
        for length in 1..=32 {
            let delta = chain.next(stamp).unwrap();
            assert_eq!((delta.chain, delta.whole), (length, stamp));
            chain = chain.with(delta, 300).unwrap();
        }
        assert_eq!(chain.next(stamp), None, "33 are too many");
        let whole = ManifestChain::whole(30_000);
        let delta = whole.next(stamp).unwrap();
        assert!(whole.with(delta, 10_000).is_some());
        assert!(whole.with(delta, 10_001).is_none());
        let small = ManifestChain::whole(100);
        assert!(small.with(delta, 4096).is_some() && small.with(delta, 4097).is_none());
    }
}
