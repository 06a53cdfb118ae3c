//! What a verification looks at, and which backups a damage costs (SPEC#verify). Pure.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::catalog::{Backup, ListedArchive};
use crate::model::marker::Marker;
use crate::model::object::ObjectRef;
use crate::model::stamp::Stamp;

/// A share of everything, chosen by chance: the same seed chooses the same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    /// More than 0; 100 is everything.
    pub percent: f64,
    pub seed: u64,
}

impl Sample {
    /// The lot that a name draws.
    fn lot(&self, name: &[u8]) -> u64 {
        let mut digest = Sha256::new();
        digest.update(self.seed.to_le_bytes());
        digest.update(name);
        let drawn = digest.finalize().into_iter().take(8);
        drawn.fold(0, |lot, byte| lot << 8 | u64::from(byte))
    }
}

/// Chooses a sample of a stream: about the share that is wanted, but at least one.
#[derive(Debug)]
pub struct Chooser<T> {
    sample: Sample,
    has_chosen: bool,
    /// The least lot that was not chosen.
    next: Option<(u64, T)>,
}

impl<T> Chooser<T> {
    pub fn new(sample: Sample) -> Chooser<T> {
        Chooser {
            sample,
            has_chosen: false,
            next: None,
        }
    }

    /// Gives one back if it is chosen.
    pub fn offer(&mut self, name: &[u8], one: T) -> Option<T> {
        let share = self.sample.percent / 100.0;
        let lot = self.sample.lot(name);
        if share >= 1.0 || (lot as f64) < share * u64::MAX as f64 {
            self.has_chosen = true;
            return Some(one);
        }
        if !self.has_chosen && self.next.as_ref().is_none_or(|(least, _)| lot < *least) {
            self.next = Some((lot, one));
        }
        None
    }

    /// One, if none was chosen.
    pub fn rest(self) -> Option<T> {
        self.next.filter(|_| !self.has_chosen).map(|(_, one)| one)
    }
}

/// What a marker of a set says, or why it cannot be read.
pub struct ReadMarker<'c> {
    pub backup: &'c Backup,
    pub archive: &'c ListedArchive,
    /// `None`: v1.0 wrote it, and it says nothing.
    pub content: Option<Marker>,
}

/// An object that a marker describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedObject {
    pub object: ObjectRef,
    /// What the store says of its size. `None`: it is not there.
    pub listed: Option<u64>,
    /// The backups that need it.
    pub costs: Vec<Stamp>,
    pub is_manifest: bool,
}

/// The objects that the markers of one set describe.
pub fn objects(markers: &[ReadMarker<'_>]) -> Vec<VerifiedObject> {
    let mut since = BTreeMap::new();
    let mut base = BTreeMap::new();
    for read in markers {
        let (stamp, marker) = (read.backup.id.stamp(), read.content.as_ref());
        since.insert(stamp, marker.and_then(|marker| marker.since));
        let delta = marker.and_then(|marker| marker.delta);
        base.insert(stamp, delta.map(|delta| delta.base));
    }
    let mut all = Vec::new();
    for read in markers {
        let Some(marker) = &read.content else {
            continue;
        };
        let stamp = read.backup.id.stamp();
        let listed = |key: &str| {
            let volumes = read.archive.volumes.values();
            let mut all = volumes.chain(&read.archive.manifest);
            all.find(|object| object.key == key)
                .map(|object| object.size)
        };
        let of = |object: &ObjectRef, is_manifest: bool| VerifiedObject {
            listed: listed(&object.key),
            costs: resting_on(stamp, if is_manifest { &base } else { &since }),
            is_manifest,
            object: object.clone(),
        };
        all.extend(marker.volumes.iter().map(|volume| of(volume, false)));
        all.push(of(&marker.manifest, true));
    }
    all
}

/// A backup and those that rest on it, by what each rests on.
pub fn resting_on(stamp: Stamp, links: &BTreeMap<Stamp, Option<Stamp>>) -> Vec<Stamp> {
    let rests = |one: Stamp| {
        let mut at = one;
        while at > stamp {
            match links.get(&at).copied().flatten() {
                // Each rests on an older one.
                Some(older) if older < at => at = older,
                _ => return false,
            }
        }
        at == stamp
    };
    links.keys().copied().filter(|one| rests(*one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(percent: f64, seed: u64, of: u32) -> Vec<u32> {
        let mut chooser = Chooser::new(Sample { percent, seed });
        let mut chosen: Vec<u32> = (0..of)
            .filter_map(|n| chooser.offer(&n.to_le_bytes(), n))
            .collect();
        chosen.extend(chooser.rest());
        chosen
    }

    #[test]
    fn a_sample_is_a_share_by_chance_and_never_nothing() {
        assert_eq!(chosen(100.0, 1, 50).len(), 50);
        assert_eq!(chosen(0.001, 1, 50).len(), 1);
        assert!(chosen(5.0, 1, 0).is_empty());
        let some = chosen(5.0, 1, 10_000);
        assert!((400..600).contains(&some.len()), "{}", some.len());
        assert_eq!(some, chosen(5.0, 1, 10_000));
        assert_ne!(some, chosen(5.0, 2, 10_000));
    }

    #[test]
    fn a_damage_costs_what_rests_on_it() {
        let stamp =
            |day: u32| -> Stamp { format!("202601{day:02}_000000.000001").parse().unwrap() };
        let links = BTreeMap::from([
            (stamp(1), None),
            (stamp(2), Some(stamp(1))),
            (stamp(3), Some(stamp(1))),
            (stamp(4), Some(stamp(3))),
        ]);
        for (damaged, costs) in [
            (1, vec![1, 2, 3, 4]),
            (2, vec![2]),
            (3, vec![3, 4]),
            (4, vec![4]),
        ] {
            let costs: Vec<Stamp> = costs.into_iter().map(stamp).collect();
            assert_eq!(resting_on(stamp(damaged), &links), costs, "{damaged}");
        }
    }
}
