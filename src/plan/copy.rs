//! Which objects a copy of sets contains, and in which order (SPEC#copy). Pure.

use std::collections::BTreeMap;

use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::marker::Marker;
use crate::model::name::MountName;
use crate::model::object::Object;
use crate::model::stamp::Stamp;

use super::restore::error::PlanError;

/// An object that the target lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedObject {
    pub key: String,
    pub size: u64,
    /// As the marker says. v1.0 did not say.
    pub sha256: Option<String>,
    /// A manifest.
    pub is_index: bool,
}

/// A backup, and the objects of it that the target lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedBackup {
    pub stamp: Stamp,
    pub objects: Vec<CopiedObject>,
    /// Keys and content, written when all objects are in the target.
    pub markers: Vec<(String, Vec<u8>)>,
}

/// The backups that are copied, in order. `sets` are beginnings of the stamps of sets; if it is
/// empty, every complete set is copied.
///
/// # Errors
/// When one does not name a complete set.
pub fn chosen<'c>(
    catalog: &'c Catalog,
    sets: &[String],
    store: &str,
) -> Result<Vec<&'c Backup>, PlanError> {
    let is_named = |set: &Set, name: &String| set.stamp.to_string().starts_with(name.as_str());
    let complete = || catalog.sets.iter().filter(|set| set.is_restorable());
    if let Some(name) = sets
        .iter()
        .find(|name| !complete().any(|set| is_named(set, name)))
    {
        return Err(PlanError::NoSet {
            store: store.to_owned(),
            name: name.clone(),
        });
    }
    let wanted = |set: &&Set| sets.is_empty() || sets.iter().any(|name| is_named(set, name));
    Ok(complete().filter(wanted).flat_map(Set::chain).collect())
}

impl CopiedBackup {
    /// The objects of a backup that the target lacks. `markers` are its markers and their content,
    /// `there` the objects of the target, with sizes.
    ///
    /// # Errors
    /// When a marker cannot be used.
    pub fn new(
        backup: &Backup,
        markers: &[(Object, Vec<u8>)],
        there: &BTreeMap<String, u64>,
    ) -> Result<CopiedBackup, PlanError> {
        let mut objects = Vec::new();
        let mut missing = Vec::new();
        for (object, bytes) in markers {
            let marker = Marker::parse(&object.key, bytes)?;
            let archives = backup.archives.iter();
            let mut of_it = archives.filter(|(_, a)| a.marker.as_ref() == Some(object));
            if let Some((mount, archive)) = of_it.next() {
                match &marker {
                    Some(marker) => objects.extend(named(backup, mount, marker, &object.key)?),
                    None => objects.extend(archive.volumes.values().map(|volume| CopiedObject {
                        key: volume.key.clone(),
                        size: volume.size,
                        sha256: None,
                        is_index: false,
                    })),
                }
            }
            if there.get(&object.key) != Some(&object.size) {
                missing.push((object.key.clone(), bytes.clone()));
            }
        }
        objects.retain(|object| there.get(&object.key) != Some(&object.size));
        Ok(CopiedBackup {
            stamp: backup.id.stamp(),
            objects,
            markers: missing,
        })
    }

    /// Whether the target lacks nothing.
    pub fn is_present(&self) -> bool {
        self.objects.is_empty() && self.markers.is_empty()
    }
}

/// The objects that a marker names.
fn named(
    backup: &Backup,
    mount: &MountName,
    marker: &Marker,
    key: &str,
) -> Result<Vec<CopiedObject>, PlanError> {
    if marker.backup != backup.id || MountName::of(&marker.mount) != *mount {
        return Err(PlanError::ForeignMarker(key.to_owned()));
    }
    let volumes = marker.volumes.iter().map(|volume| (volume, false));
    let all = volumes.chain([(&marker.manifest, true)]);
    Ok(all
        .map(|(object, is_index)| CopiedObject {
            key: object.key.clone(),
            size: object.size,
            sha256: Some(object.sha256.to_ascii_lowercase()),
            is_index,
        })
        .collect())
}
