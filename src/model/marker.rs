//! The marker: the object that makes an archive exist for restore, and what it says (SPEC#markers).

use serde::{Deserialize, Serialize};

use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::mount::Mount;
use crate::model::name::{BackupId, Format};
use crate::model::object::ObjectRef;
use crate::model::path::FullPath;
use crate::model::stamp::{Stamp, Zone};

/// The largest marker read: 100,000 volumes would still fit.
pub const MAX_BYTES: u64 = 64 << 20;

/// What a marker holds: all that a restore on a bare computer needs to know of one archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Marker {
    /// Version of this object's format: [`VERSION`]. Keys that may be ignored are added without
    /// another version.
    pub version: u32,
    /// The program that wrote it, such as `aam-backup 0.1.0`.
    pub program: String,
    pub location: String,
    pub backup: BackupId,
    pub zone: Zone,
    /// The mount this archive is of.
    pub mount: FullPath,
    /// All mounts of the backup, in order: a backup is complete only with a marker for every one.
    pub mounts: Vec<Mount>,
    pub format: Format,
    /// Volumes in order. Empty when nothing was to be archived.
    pub volumes: Vec<ObjectRef>,
    pub manifest: ObjectRef,
    /// Files in this archive.
    pub files: u64,
    /// Bytes of those files before compression.
    pub bytes: u64,
    /// Digest of the selection part of the profile.
    pub selection: String,
    /// The backup this incremental lists changes since; `None` for a full.
    pub since: Option<Stamp>,
    /// Versions of the tools used, as they print them.
    pub tools: Vec<String>,
    /// Who wrote it. Older programs did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<MarkerWriter>,
    /// Which key opens the archive. Older programs did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyFingerprint>,
}

/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// The computer and the profile that wrote a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MarkerWriter {
    /// As [`crate::adapters::machine::id`] calls it.
    pub machine: String,
    pub profile: String,
}

/// Why a marker's content cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MarkerError {
    #[error("the marker '{key}' cannot be read: {why}")]
    Broken { key: String, why: String },
    #[error(
        "the marker '{key}' has version {version}; this program knows version 1: use a newer aam-backup"
    )]
    Newer { key: String, version: u32 },
}

impl Marker {
    /// The bytes that are uploaded.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serializing plain strings and numbers into memory cannot fail.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Reads a marker. `None` for the empty markers of v1.0, which must be accepted.
    ///
    /// # Errors
    /// When it holds something that is not a marker of [`VERSION`].
    pub fn parse(key: &str, bytes: &[u8]) -> Result<Option<Marker>, MarkerError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let broken = |e: serde_json::Error| MarkerError::Broken {
            key: key.to_owned(),
            why: e.to_string(),
        };
        let version = serde_json::from_slice::<Version>(bytes)
            .map_err(broken)?
            .version;
        if version != VERSION {
            return Err(MarkerError::Newer {
                key: key.to_owned(),
                version,
            });
        }
        serde_json::from_slice(bytes).map(Some).map_err(broken)
    }
}
