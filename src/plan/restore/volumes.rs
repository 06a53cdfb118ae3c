//! Whether the volumes of an archive are what its marker says, by the listing alone (SPEC#formats,
//! SPEC#restore). Pure.

use crate::model::catalog::ListedArchive;
use crate::model::marker::Marker;
use crate::model::name::{BackupId, Format, MountName, ObjectName, Part};

use super::parts::{PlannedArchive, PlannedVolume};

/// An archive as planned, and the keys beside it that its marker does not name.
pub struct Planned {
    pub archive: PlannedArchive,
    pub extra: Vec<String>,
}

/// Compares marker and listing. Everything that makes the archive unusable goes into `damage`, as
/// one sentence each.
pub fn plan(
    location: &str,
    backup: BackupId,
    mount: &MountName,
    archive: &ListedArchive,
    marker: Option<&Marker>,
    damage: &mut Vec<String>,
) -> Planned {
    match marker {
        Some(marker) => by_marker(location, backup, mount, archive, marker, damage),
        None => by_names(location, backup, mount, archive, damage),
    }
}

fn by_marker(
    location: &str,
    backup: BackupId,
    mount: &MountName,
    archive: &ListedArchive,
    marker: &Marker,
    damage: &mut Vec<String>,
) -> Planned {
    let mut volumes = Vec::new();
    for (number, stored) in (1u32..).zip(&marker.volumes) {
        let expected = key(location, backup, mount, marker.format, number);
        let listed = archive.volumes.get(&number).filter(|o| o.key == stored.key);
        let mut lost = None;
        match listed {
            // v1.0 could write the time without its fraction, so the parsed names are compared, not
            // their text.
            _ if ObjectName::parse(&stored.key) != ObjectName::parse(&expected) => {
                damage.push(format!(
                    "the marker of '{mount}' names '{}' where '{expected}' belongs",
                    stored.key
                ));
            }
            None => lost = Some(format!("the volume '{}' is missing", stored.key)),
            Some(object) if object.size != stored.size => {
                lost = Some(format!(
                    "the volume '{}' has {} bytes, its marker says {}",
                    stored.key, object.size, stored.size
                ));
            }
            Some(_) => {}
        }
        volumes.push(PlannedVolume {
            key: stored.key.clone(),
            size: stored.size,
            sha256: Some(stored.sha256.to_ascii_lowercase()),
            slices: stored.slices.clone(),
            lost,
        });
    }
    let named = |key: &str| marker.volumes.iter().any(|v| v.key == key);
    let extra: Vec<String> = archive
        .volumes
        .values()
        .map(|o| o.key.clone())
        .filter(|key| !named(key))
        .collect();
    let archive = PlannedArchive {
        stamp: backup.stamp(),
        format: marker.format,
        volumes,
        content: Some((marker.files, marker.bytes)),
        wanted_bytes: None,
        has_extra: !extra.is_empty(),
    };
    Planned { archive, extra }
}

/// v1.0: the volumes are those in the listing, numbered without a gap.
fn by_names(
    location: &str,
    backup: BackupId,
    mount: &MountName,
    archive: &ListedArchive,
    damage: &mut Vec<String>,
) -> Planned {
    let first = archive
        .volumes
        .values()
        .next()
        .and_then(|o| ObjectName::parse(&o.key));
    let format = match first.map(|n| n.part) {
        Some(Part::Volume(extension, _)) => Format::from(extension),
        _ => Format::Zip,
    };
    let last = archive.volumes.keys().next_back().copied().unwrap_or(0);
    for number in (1..=last)
        .filter(|n| !archive.volumes.contains_key(n))
        .take(10)
    {
        damage.push(format!(
            "the volume '{}' is missing",
            key(location, backup, mount, format, number)
        ));
    }
    let volumes = archive.volumes.values();
    let volumes = volumes
        .map(|o| PlannedVolume {
            key: o.key.clone(),
            size: o.size,
            sha256: None,
            slices: None,
            lost: None,
        })
        .collect();
    let archive = PlannedArchive {
        stamp: backup.stamp(),
        format,
        volumes,
        content: None,
        wanted_bytes: None,
        has_extra: false,
    };
    Planned {
        archive,
        extra: Vec::new(),
    }
}

fn key(location: &str, backup: BackupId, mount: &MountName, format: Format, number: u32) -> String {
    let part = Part::Volume(format.into(), number);
    ObjectName {
        location: location.to_owned(),
        backup,
        mount: mount.clone(),
        part,
    }
    .to_string()
}
