//! The marker: the object that makes an archive exist for restore, and what it says (SPEC#markers).

use serde::{Deserialize, Serialize};

use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::manifest::{DeltaBase, SourceLook};
use crate::model::mount::Mount;
use crate::model::name::{BackupId, Format};
use crate::model::object::ObjectRef;
use crate::model::path::FullPath;
use crate::model::stamp::{Stamp, Zone};

mod versions;

use versions::{Version1, Version2};

/// The largest marker read: 100,000 volumes would still fit.
pub const MAX_BYTES: u64 = 64 << 20;

/// The content of a marker: all that a restore on a new computer needs to know about one archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Value", into = "Version2")]
pub struct Marker {
    /// The program that wrote it, such as `aam-backup 0.1.0`.
    pub program: String,
    pub location: String,
    pub backup: BackupId,
    pub zone: Zone,
    /// The mount of this archive.
    pub mount: FullPath,
    /// All mounts of the backup, in order: a backup is complete only with a marker for every one.
    pub mounts: Vec<Mount>,
    pub format: Format,
    /// Volumes in order. Empty when nothing was to be archived.
    pub volumes: Vec<ObjectRef>,
    pub manifest: ObjectRef,
    /// What the manifest rests on, if it is a delta.
    pub delta: Option<DeltaBase>,
    /// Files in this archive.
    pub files: u64,
    /// Bytes of those files before compression.
    pub bytes: u64,
    /// Counts of the state. Version 1 does not say.
    pub counts: Option<StateCounts>,
    /// Digest of the selection part of the profile.
    pub selection: String,
    /// The base of an incremental backup; `None` for a full backup.
    pub since: Option<Stamp>,
    /// The sources of the mount. Version 1 does not say when they were looked at.
    pub sources: Vec<SourceLook>,
    /// Versions of the tools used, as they print them.
    pub tools: Vec<String>,
    /// Who wrote it. Older programs did not say.
    pub writer: Option<MarkerWriter>,
    /// Which key opens the archive. Older programs did not say.
    pub key: Option<KeyFingerprint>,
}

/// The version that is written.
pub const VERSION: u32 = 2;

/// The computer and the profile that wrote a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MarkerWriter {
    /// As [`crate::adapters::machine::id`] calls it.
    pub machine: String,
    pub profile: String,
}

/// Counts of a state, archived now or earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StateCounts {
    pub files: u64,
    pub directories: u64,
    pub links: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Selected, but in no archive.
    pub skipped: u64,
    /// Carried over without being looked at.
    pub unseen: u64,
}

/// Why a marker's content cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MarkerError {
    #[error("the marker '{key}' cannot be read: {why}")]
    Broken { key: String, why: String },
    #[error(
        "the marker '{key}' has version {version}; this program knows versions 1 and 2: use a newer aam-backup"
    )]
    Newer { key: String, version: u32 },
}

/// Why a value is not a marker.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    #[error("{0}")]
    Broken(#[from] serde_json::Error),
    #[error("it has version {0}")]
    Newer(u32),
}

impl TryFrom<serde_json::Value> for Marker {
    type Error = ValueError;

    fn try_from(value: serde_json::Value) -> Result<Marker, ValueError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        match Version::deserialize(&value)?.version {
            1 => Ok(serde_json::from_value::<Version1>(value)?.into()),
            VERSION => Ok(serde_json::from_value::<Version2>(value)?.into()),
            newer => Err(ValueError::Newer(newer)),
        }
    }
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
    /// When it holds something that is not a marker of a version that is known.
    pub fn parse(key: &str, bytes: &[u8]) -> Result<Option<Marker>, MarkerError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let key = key.to_owned();
        let value = serde_json::from_slice::<serde_json::Value>(bytes);
        match value.map_err(ValueError::from).and_then(Marker::try_from) {
            Ok(marker) => Ok(Some(marker)),
            Err(ValueError::Newer(version)) => Err(MarkerError::Newer { key, version }),
            Err(ValueError::Broken(why)) => Err(MarkerError::Broken {
                key,
                why: why.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read() {
        let bytes = include_bytes!("marker/version1.sample.json");
        let marker = Marker::parse("m", bytes).unwrap().unwrap();
        assert_eq!((marker.files, marker.bytes), (2, 71));
        assert_eq!(marker.program, "aam-backup 0.1.0");
        assert_eq!(marker.since, "20201221_134337.851361".parse().ok());
        assert_eq!(marker.manifest.size, 318);
        assert!(marker.delta.is_none() && marker.counts.is_none() && marker.key.is_none());
        assert_eq!(marker.volumes.len(), 1);
        // What was not sent yet when the program was replaced is written as version 2.
        let again = Marker::parse("m", &marker.to_bytes()).unwrap().unwrap();
        assert_eq!(again, marker);
    }

    #[test]
    fn version_2_comes_back() {
        let bytes = include_bytes!("marker/version1.sample.json");
        let mut marker = Marker::parse("m", bytes).unwrap().unwrap();
        let stamp = marker.since.unwrap();
        marker.delta = Some(DeltaBase {
            base: stamp,
            whole: stamp,
            chain: 1,
        });
        marker.counts = Some(StateCounts {
            files: 9,
            ..StateCounts::default()
        });
        marker.writer = Some(MarkerWriter {
            machine: "ab".into(),
            profile: "p".into(),
        });
        marker.sources = vec![SourceLook {
            path: marker.mount.clone(),
            looked_at: false,
            last_looked_at: Some(stamp),
            why: Some("it is missing".into()),
        }];
        let written = marker.to_bytes();
        let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(value["version"], 2);
        assert_eq!(value["manifest"]["kind"], "delta");
        assert_eq!(value["manifest"]["chain"], 1);
        assert_eq!(value["base"], stamp.to_string());
        assert_eq!(value["counts"]["archived-files"], 2);
        assert_eq!(value["writer"]["program"], "aam-backup 0.1.0");
        assert_eq!(Marker::parse("m", &written).unwrap().unwrap(), marker);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(Marker::parse("m", b" \n").unwrap().is_none());
        let newer = Marker::parse("m", br#"{"version": 3, "new": []}"#).unwrap_err();
        assert_eq!(
            newer.to_string(),
            "the marker 'm' has version 3; this program knows versions 1 and 2: use a newer aam-backup"
        );
        for broken in [
            &b"{"[..],
            b"[]",
            br#"{"version": 2}"#,
            br#"{"version": "2"}"#,
        ] {
            let error = Marker::parse("m", broken).unwrap_err();
            assert!(matches!(error, MarkerError::Broken { .. }), "{error}");
        }
        // A delta must say what it rests on.
        let bytes = include_bytes!("marker/version1.sample.json");
        let whole = Marker::parse("m", bytes).unwrap().unwrap().to_bytes();
        let text = String::from_utf8(whole).unwrap();
        let delta = text.replace(r#""kind": "whole""#, r#""kind": "delta""#);
        assert_ne!(text, delta);
        assert!(Marker::parse("m", delta.as_bytes()).is_err());
    }
}
