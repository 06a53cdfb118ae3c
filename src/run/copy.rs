//! Whole sets from one store to another (SPEC#copy): every object is compared with the SHA-256 in
//! its marker, the markers of a backup come last, and the same call again resumes.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::adapters::fs::sha256;
use crate::adapters::store::{Purpose, Store};
use crate::model::cancel::Cancel;
use crate::model::event::{Events, Section, Work};
use crate::model::marker;
use crate::model::name::ObjectName;
use crate::model::object::{Object, ThawState};
use crate::model::stamp::Stamp;
use crate::model::text::{count, size};
use crate::plan::copy::{CopiedBackup, CopiedObject, chosen};
use crate::plan::restore::estimate::{Estimate, EstimatedVolume, VolumeState};
use crate::run::gauge::Gauge;
use crate::run::parallel::{QUESTIONS, each};
use crate::run::restore::error::RestoreError;
use crate::run::restore::gather;
use crate::run::restore::tools::ThawPolicy;

/// What is copied, and how.
pub struct CopyRequest<'a> {
    pub source: &'a dyn Store,
    pub target: &'a dyn Store,
    pub location: &'a str,
    /// Beginnings of the stamps of sets. None: every complete set.
    pub sets: &'a [String],
    /// A directory for one object at a time.
    pub scratch: &'a Path,
    pub thaw: ThawPolicy<'a>,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CopyReport {
    pub source: String,
    pub target: String,
    /// Backups that were copied, or whose copy was finished.
    pub copied: Vec<Stamp>,
    /// Backups that were there already.
    pub present: Vec<Stamp>,
    pub objects: u64,
    pub bytes: u64,
}

impl CopyReport {
    /// For people.
    pub fn to_text(&self) -> String {
        format!(
            "copied {} ({}, {}) from {} to {}; {} there already\n",
            count(self.copied.len() as u64, "backup"),
            count(self.objects, "object"),
            size(self.bytes),
            self.source,
            self.target,
            count(self.present.len() as u64, "backup"),
        )
    }
}

impl CopyRequest<'_> {
    /// Copies.
    ///
    /// # Errors
    /// When it cannot continue. Then the target is not complete without its markers, and the next
    /// call resumes.
    pub fn run(&self) -> Result<CopyReport, RestoreError> {
        let catalog = gather::catalog(self.source, self.location)?;
        let there = self
            .target
            .list(&ObjectName::location_prefix(self.location))?;
        let there: BTreeMap<String, u64> = there.into_iter().map(|o| (o.key, o.size)).collect();
        let mut report = CopyReport {
            source: self.source.label().to_owned(),
            target: self.target.label().to_owned(),
            ..CopyReport::default()
        };
        let mut backups = Vec::new();
        for backup in chosen(&catalog, self.sets, self.source.label()).map_err(Box::new)? {
            let mut markers = Vec::new();
            for archive in backup.archives.values() {
                if let Some(object) = &archive.marker {
                    markers.push((object.clone(), self.marker(object)?));
                }
            }
            let copied = CopiedBackup::new(backup, &markers, &there).map_err(Box::new)?;
            match copied.is_present() {
                true => report.present.push(copied.stamp),
                false => backups.push(copied),
            }
        }
        self.thaw(&backups)?;
        let objects = backups.iter().flat_map(|backup| &backup.objects);
        let all = objects.map(|object| object.size).sum();
        let gauge = Gauge::new(Work::Copying, all, self.events);
        for backup in &backups {
            self.copy(backup, &gauge, &mut report)?;
        }
        Ok(report)
    }

    fn marker(&self, object: &Object) -> Result<Vec<u8>, RestoreError> {
        let read = self.source.read_listed(object, marker::MAX_BYTES);
        let bytes = read.map_err(RestoreError::from);
        bytes.map_err(RestoreError::index(&object.key))
    }

    /// Makes all needed objects readable, after consent to the costs.
    fn thaw(&self, backups: &[CopiedBackup]) -> Result<(), RestoreError> {
        let objects: Vec<&CopiedObject> = backups.iter().flat_map(|b| &b.objects).collect();
        let locate = |object: &&CopiedObject| -> Result<VolumeState, RestoreError> {
            if self.source.local_path(&object.key).is_some() {
                return Ok(VolumeState::Here);
            }
            Ok(match self.source.thaw_state(&object.key)? {
                ThawState::Frozen => VolumeState::Frozen,
                ThawState::Thawing => VolumeState::Thawing,
                ThawState::Ready => VolumeState::Ready,
            })
        };
        let states = each(&objects, QUESTIONS, locate).map_err(|(_, error)| error)?;
        let volumes: Vec<EstimatedVolume> = objects
            .iter()
            .zip(&states)
            .map(|(object, state)| EstimatedVolume {
                size: object.size,
                state: *state,
            })
            .collect();
        let largest = objects.iter().map(|object| object.size).max().unwrap_or(0);
        let estimate = Estimate::new(&volumes, self.thaw.terms((0, 0), largest, None));
        if volumes
            .iter()
            .any(|volume| volume.state != VolumeState::Here)
        {
            self.events.note(Section::Objects, estimate.to_text());
        }
        if estimate.needs_consent() && !(self.thaw.agree)(&estimate) {
            return Err(RestoreError::NotAgreed {
                dollars: estimate.dollars.total,
                hours: estimate.hours,
            });
        }
        for (object, state) in objects.iter().zip(&states) {
            if *state == VolumeState::Frozen {
                let ThawPolicy {
                    keep_days, tier, ..
                } = self.thaw;
                self.source.thaw(&object.key, keep_days, tier)?;
            }
        }
        Ok(())
    }

    /// Waits until an object can be read.
    fn wait(&self, key: &str) -> Result<(), RestoreError> {
        let mut said = false;
        while self.source.thaw_state(key)? != ThawState::Ready {
            if !said {
                let text = format!("waiting until '{key}' can be read");
                self.events.note(Section::Objects, text);
                said = true;
            }
            let stop = || self.cancel.is_set();
            self.thaw.clock.wait(self.thaw.poll_every, &stop);
            if stop() {
                return Err(RestoreError::Interrupted);
            }
        }
        Ok(())
    }

    fn copy(
        &self,
        backup: &CopiedBackup,
        gauge: &Gauge<'_>,
        report: &mut CopyReport,
    ) -> Result<(), RestoreError> {
        for object in &backup.objects {
            if self.cancel.is_set() {
                return Err(RestoreError::Interrupted);
            }
            self.object(object, gauge)?;
            report.objects += 1;
            report.bytes += object.size;
        }
        for (key, bytes) in &backup.markers {
            self.target.put_bytes(key, bytes, Purpose::Index)?;
            report.objects += 1;
            report.bytes += bytes.len() as u64;
        }
        report.copied.push(backup.stamp);
        let text = format!(
            "{}: the backup {} is complete",
            self.target.label(),
            backup.stamp
        );
        self.events.note(Section::Objects, text);
        Ok(())
    }

    fn object(&self, object: &CopiedObject, gauge: &Gauge<'_>) -> Result<(), RestoreError> {
        let text = format!("copying '{}' ({})", object.key, size(object.size));
        self.events.note(Section::Objects, text);
        let fetched = self.scratch.join("object");
        let path = match self.source.local_path(&object.key) {
            Some(path) => path,
            None => {
                self.wait(&object.key)?;
                // Of another object, after an error.
                let _ = std::fs::remove_file(&fetched);
                self.source
                    .get(&object.key, &fetched, self.cancel, &|_| {})?;
                fetched.clone()
            }
        };
        let found = sha256(&path).map_err(RestoreError::disk("read", &path))?;
        if let Some(expected) = object
            .sha256
            .as_ref()
            .filter(|expected| **expected != found)
        {
            return Err(RestoreError::Damaged {
                store: self.source.label().to_owned(),
                key: object.key.clone(),
                found,
                expected: expected.clone(),
                is: None,
            });
        }
        let purpose = match object.is_index {
            true => Purpose::Index,
            false => Purpose::Archive,
        };
        let written = self
            .target
            .put(&object.key, &path, purpose, &|bytes| gauge.add(bytes))?;
        let _ = std::fs::remove_file(&fetched);
        match written.sha256 == found {
            true => Ok(()),
            // It was changed between the two looks at it.
            false => Err(RestoreError::Damaged {
                store: self.target.label().to_owned(),
                key: object.key.clone(),
                found: written.sha256,
                expected: found,
                is: None,
            }),
        }
    }
}
