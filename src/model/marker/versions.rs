//! How markers are written: version 1, which is only read, and version 2 (SPEC#formats).

use serde::{Deserialize, Serialize};

use super::{Marker, MarkerWriter, StateCounts, VERSION};
use crate::model::key_fingerprint::KeyFingerprint;
use crate::model::manifest::{DeltaBase, SourceLook};
use crate::model::mount::Mount;
use crate::model::name::{BackupId, Format};
use crate::model::object::ObjectRef;
use crate::model::path::FullPath;
use crate::model::stamp::{Stamp, Zone};

/// A marker of version 1.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Version1 {
    program: String,
    location: String,
    backup: BackupId,
    zone: Zone,
    mount: FullPath,
    mounts: Vec<Mount>,
    format: Format,
    volumes: Vec<ObjectRef>,
    manifest: ObjectRef,
    files: u64,
    bytes: u64,
    selection: String,
    since: Option<Stamp>,
    tools: Vec<String>,
    #[serde(default)]
    writer: Option<MarkerWriter>,
    #[serde(default)]
    key: Option<KeyFingerprint>,
}

impl From<Version1> for Marker {
    fn from(old: Version1) -> Marker {
        Marker {
            program: old.program,
            location: old.location,
            backup: old.backup,
            zone: old.zone,
            mount: old.mount,
            mounts: old.mounts,
            format: old.format,
            volumes: old.volumes,
            manifest: old.manifest,
            delta: None,
            files: old.files,
            bytes: old.bytes,
            counts: None,
            selection: old.selection,
            since: old.since,
            sources: Vec::new(),
            tools: old.tools,
            writer: old.writer,
            key: old.key,
        }
    }
}

/// A marker of version 2.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Version2 {
    version: u32,
    writer: WrittenBy,
    location: String,
    backup: BackupId,
    zone: Zone,
    mount: FullPath,
    mounts: Vec<Mount>,
    format: Format,
    base: Option<Stamp>,
    #[serde(default)]
    sources: Vec<SourceLook>,
    #[serde(default)]
    key: Option<KeyFingerprint>,
    volumes: Vec<ObjectRef>,
    manifest: WrittenManifest,
    counts: WrittenCounts,
    selection: String,
    tools: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenBy {
    program: String,
    #[serde(flatten)]
    who: Option<MarkerWriter>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenManifest {
    #[serde(flatten)]
    object: ObjectRef,
    #[serde(flatten)]
    kind: WrittenKind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum WrittenKind {
    Whole,
    Delta(DeltaBase),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenCounts {
    archived_files: u64,
    archived_bytes: u64,
    #[serde(flatten)]
    state: Option<StateCounts>,
}

impl From<Version2> for Marker {
    fn from(written: Version2) -> Marker {
        Marker {
            program: written.writer.program,
            location: written.location,
            backup: written.backup,
            zone: written.zone,
            mount: written.mount,
            mounts: written.mounts,
            format: written.format,
            volumes: written.volumes,
            manifest: written.manifest.object,
            delta: match written.manifest.kind {
                WrittenKind::Whole => None,
                WrittenKind::Delta(base) => Some(base),
            },
            files: written.counts.archived_files,
            bytes: written.counts.archived_bytes,
            counts: written.counts.state,
            selection: written.selection,
            since: written.base,
            sources: written.sources,
            tools: written.tools,
            writer: written.writer.who,
            key: written.key,
        }
    }
}

impl From<Marker> for Version2 {
    fn from(marker: Marker) -> Version2 {
        Version2 {
            version: VERSION,
            writer: WrittenBy {
                program: marker.program,
                who: marker.writer,
            },
            location: marker.location,
            backup: marker.backup,
            zone: marker.zone,
            mount: marker.mount,
            mounts: marker.mounts,
            format: marker.format,
            base: marker.since,
            sources: marker.sources,
            key: marker.key,
            volumes: marker.volumes,
            manifest: WrittenManifest {
                object: marker.manifest,
                kind: marker.delta.map_or(WrittenKind::Whole, WrittenKind::Delta),
            },
            counts: WrittenCounts {
                archived_files: marker.files,
                archived_bytes: marker.bytes,
                state: marker.counts,
            },
            selection: marker.selection,
            tools: marker.tools,
        }
    }
}
