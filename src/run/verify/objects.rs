//! The archives of a store compared with the SHA-256 in their markers (SPEC#verify). Nothing is
//! thawed.

use std::fs;
use std::path::Path;

use super::{Damage, NotChecked, VerifiedPlace};
use crate::adapters::fs::sha256_until;
use crate::adapters::store::{Store, StoreError, StoreErrorKind};
use crate::model::cancel::Cancel;
use crate::model::catalog::Set;
use crate::model::event::{Events, Section, Work};
use crate::model::marker::{self, Marker};
use crate::model::object::{Object, ThawState};
use crate::model::policy::Tier;
use crate::model::stamp::Stamp;
use crate::model::text::size;
use crate::plan::cost::price::Prices;
use crate::plan::restore::estimate::{Estimate, EstimateTerms, EstimatedVolume, VolumeState};
use crate::plan::verify::{Chooser, ReadMarker, Sample, VerifiedObject, objects};
use crate::run::gauge::Gauge;
use crate::run::parallel::{QUESTIONS, each};
use crate::run::restore::error::RestoreError;
use crate::run::restore::gather;

const INSTEAD: &str = "restore what these backups hold from another store while it is whole there; \
                       'aam-backup run PROFILE --force-full' begins a set that needs nothing of it";

/// Verifies a store.
pub struct StoreVerification<'a> {
    pub store: &'a dyn Store,
    pub location: &'a str,
    pub sample: Sample,
    pub prices: &'a Prices,
    /// Asks whoever pays for downloads.
    pub agree: &'a (dyn Fn(&Estimate) -> bool + Sync),
    /// A directory for one object at a time.
    pub scratch: &'a Path,
    pub cancel: &'a Cancel,
    pub events: &'a Events<'a>,
}

impl StoreVerification<'_> {
    /// Verifies. A store that cannot be asked is found failed.
    ///
    /// # Errors
    /// When it is interrupted, or nobody agrees to the costs.
    pub fn run(&self) -> Result<VerifiedPlace, RestoreError> {
        let mut found = VerifiedPlace {
            place: self.store.label().to_owned(),
            ..VerifiedPlace::default()
        };
        let catalog = match gather::catalog(self.store, self.location) {
            Ok(catalog) => catalog,
            Err(error) => {
                found.failed = Some(error.to_string());
                return Ok(found);
            }
        };
        let mut chooser = Chooser::new(self.sample);
        let mut chosen = Vec::new();
        for set in &catalog.sets {
            for object in self.look(set, &mut found)? {
                let key = format!("{} {}", found.place, object.object.key);
                chosen.extend(chooser.offer(key.as_bytes(), object));
            }
        }
        chosen.extend(chooser.rest());
        let readable = self.readable(chosen, &mut found)?;
        let all = readable.iter().map(|one| one.object.size).sum();
        let gauge = Gauge::new(Work::Verifying, all, self.events);
        for object in &readable {
            self.object(object, &mut found)?;
            gauge.add(object.object.size);
        }
        Ok(found)
    }

    /// The objects of a set that are there, after its markers.
    fn look(
        &self,
        set: &Set,
        found: &mut VerifiedPlace,
    ) -> Result<Vec<VerifiedObject>, RestoreError> {
        let mut markers = Vec::new();
        for backup in set.backups() {
            let stamp = backup.id.stamp();
            for (key, why) in backup.archives.values().flat_map(|archive| &archive.lost) {
                let costs = later(set, stamp);
                found.damage(key, why, costs);
            }
            for archive in backup.archives.values() {
                let Some(object) = &archive.marker else {
                    continue;
                };
                self.go_on()?;
                match self.marker(object) {
                    Ok(content) => {
                        if content.is_none() {
                            found.leave(&object.key, "v1.0 wrote it: it has no SHA-256");
                        }
                        markers.push(ReadMarker {
                            backup,
                            archive,
                            content,
                        });
                    }
                    Err(why) if why.is_interrupted() => return Err(why),
                    Err(RestoreError::FrozenIndex { .. }) => found.leave(&object.key, ARCHIVED),
                    Err(why) => found.damage(&object.key, &why.to_string(), later(set, stamp)),
                }
            }
        }
        let (there, gone): (Vec<VerifiedObject>, _) = objects(&markers)
            .into_iter()
            .partition(|object| object.listed == Some(object.object.size));
        for object in gone {
            let why = match object.listed {
                None => "it is not there".to_owned(),
                Some(listed) => format!(
                    "it has {listed} bytes, its marker says {}",
                    object.object.size
                ),
            };
            found.damage(&object.object.key, &why, object.costs);
        }
        Ok(there)
    }

    fn marker(&self, object: &Object) -> Result<Option<Marker>, RestoreError> {
        let read = self.store.read_listed(object, marker::MAX_BYTES);
        let bytes = read.map_err(RestoreError::from);
        let bytes = bytes.map_err(RestoreError::index(&object.key))?;
        Marker::parse(&object.key, &bytes)
            .map_err(|error| RestoreError::Plan(Box::new(error.into())))
    }

    /// Those that can be read now, after consent to what that costs.
    fn readable(
        &self,
        chosen: Vec<VerifiedObject>,
        found: &mut VerifiedPlace,
    ) -> Result<Vec<VerifiedObject>, RestoreError> {
        let state = |one: &VerifiedObject| -> Result<Result<ThawState, StoreError>, RestoreError> {
            self.go_on()?;
            Ok(match self.store.local_path(&one.object.key) {
                Some(_) => Ok(ThawState::Ready),
                None => self.store.thaw_state(&one.object.key),
            })
        };
        let states = each(&chosen, QUESTIONS, state).map_err(|(_, error)| error)?;
        let mut readable = Vec::new();
        for (one, state) in chosen.into_iter().zip(states) {
            match state {
                Ok(ThawState::Ready) => readable.push(one),
                Ok(_) => found.leave(&one.object.key, ARCHIVED),
                Err(error) => found.damage(&one.object.key, &error.to_string(), one.costs),
            }
        }
        let away = readable
            .iter()
            .filter(|one| self.store.local_path(&one.object.key).is_none());
        let volumes: Vec<EstimatedVolume> = away
            .map(|one| EstimatedVolume {
                size: one.object.size,
                state: VolumeState::Ready,
            })
            .collect();
        if volumes.is_empty() {
            return Ok(readable);
        }
        let terms = EstimateTerms {
            prices: self.prices,
            tier: Tier::default(),
            keep_days: 0,
            files: (0, 0),
            room: 0,
            disk_free: None,
        };
        let estimate = Estimate::new(&volumes, terms);
        let text = format!("to be read from {}: {}", found.place, estimate.to_text());
        self.events.note(Section::Objects, text);
        match (self.agree)(&estimate) {
            true => Ok(readable),
            false => Err(RestoreError::NotAgreed {
                dollars: estimate.dollars.total,
                hours: estimate.hours,
            }),
        }
    }

    fn object(&self, one: &VerifiedObject, found: &mut VerifiedPlace) -> Result<(), RestoreError> {
        self.go_on()?;
        let (key, bytes) = (one.object.key.as_str(), one.object.size);
        let sha256 = one.object.sha256.to_ascii_lowercase();
        let text = format!("verifying '{key}' ({})", size(bytes));
        self.events.note(Section::Objects, text);
        let fetched = self.scratch.join("object");
        let path = match self.store.local_path(key) {
            Some(path) => path,
            None => {
                // Of another object, after an error.
                let _ = fs::remove_file(&fetched);
                match self.store.get(key, &fetched, self.cancel, &|_| {}) {
                    Ok(()) => fetched,
                    Err(why) if why.kind == StoreErrorKind::Interrupted => {
                        return Err(RestoreError::Interrupted);
                    }
                    Err(why) => {
                        found.damage(key, &why.to_string(), one.costs.clone());
                        return Ok(());
                    }
                }
            }
        };
        found.checked += 1;
        found.bytes += bytes;
        match sha256_until(&path, self.cancel) {
            Ok(Some(is)) if is == sha256 => {}
            Ok(Some(is)) => {
                let why = format!("its SHA-256 is {is}, its marker says {sha256}");
                found.damage(key, &why, one.costs.clone());
            }
            Ok(None) => return Err(RestoreError::Interrupted),
            Err(why) => {
                let why = format!("it cannot be read: {why}");
                found.damage(key, &why, one.costs.clone());
            }
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), RestoreError> {
        match self.cancel.is_set() {
            true => Err(RestoreError::Interrupted),
            false => Ok(()),
        }
    }
}

const ARCHIVED: &str = "it is archived, and would have to be thawed";

/// A backup and those of its set after it.
fn later(set: &Set, stamp: Stamp) -> Vec<Stamp> {
    let stamps = set.backups().map(|backup| backup.id.stamp());
    stamps.filter(|one| *one >= stamp).collect()
}

impl VerifiedPlace {
    fn damage(&mut self, key: &str, why: &str, costs: Vec<Stamp>) {
        self.damaged.push(Damage {
            what: key.to_owned(),
            why: why.to_owned(),
            costs,
            hint: INSTEAD.to_owned(),
        });
    }

    fn leave(&mut self, key: &str, why: &str) {
        self.not_checked.push(NotChecked {
            what: key.to_owned(),
            why: why.to_owned(),
        });
    }
}
