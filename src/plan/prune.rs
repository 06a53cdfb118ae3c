//! Which sets of a store are kept and which are deleted (SPEC#retention). Pure.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::catalog::{Backup, Catalog, Incomplete, Set};
use crate::model::marker::Marker;
use crate::model::path::FullPath;
use crate::model::policy::Keep;
use crate::model::stamp::Stamp;
use crate::model::text::{aligned, count, size};

/// The decision about one set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PruneRow {
    /// Stamp of the full backup.
    pub set: Stamp,
    pub goes: bool,
    pub why: String,
    /// Backups of the set, the full one included.
    pub backups: usize,
    pub objects: usize,
    pub bytes: u64,
    /// What is deleted, in this order.
    #[serde(skip)]
    pub keys: Vec<String>,
}

/// The decisions about a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PrunePlan {
    pub store: String,
    pub location: String,
    /// Oldest first.
    pub sets: Vec<PruneRow>,
    /// Objects with unknown names. They are kept.
    pub ignored: u64,
}

/// What is needed besides the rules.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    /// Full backups of sets that an unfinished upload belongs to.
    pub pinned: BTreeSet<Stamp>,
    /// Sets with a source of the profile that no newer set has.
    pub last_states: BTreeMap<Stamp, FullPath>,
}

/// Decides.
pub fn plan(
    store: &str,
    location: &str,
    catalog: &Catalog,
    keep: &Keep,
    needed: &Needed,
    now: Stamp,
) -> PrunePlan {
    let stays = Stays::new(catalog, keep, needed, now);
    PrunePlan {
        store: store.to_owned(),
        location: location.to_owned(),
        sets: catalog.sets.iter().map(|set| stays.row(set)).collect(),
        ignored: catalog.ignored + catalog.deprecated,
    }
}

/// Finds the set with the last state of each source: a source that is away now may be in old sets
/// only.
#[derive(Clone, Debug)]
pub struct LastStates {
    missing: Vec<FullPath>,
    found: BTreeMap<Stamp, FullPath>,
}

impl LastStates {
    /// For the sources of a profile.
    pub fn of(sources: Vec<FullPath>) -> LastStates {
        LastStates {
            missing: sources,
            found: BTreeMap::new(),
        }
    }

    /// Takes a marker of a set, newest backup first. Those of older programs do not say what was
    /// looked at: it may be everything.
    pub fn take(&mut self, set: Stamp, marker: Option<&Marker>) {
        let has = |source: &FullPath| {
            let looks = marker.map_or(&[][..], |marker| &marker.sources);
            looks.is_empty()
                || looks.iter().any(|look| {
                    let is_in_set = look.last_looked_at.is_some_and(|last| last >= set);
                    (look.looked_at || is_in_set) && look.path.same(source)
                })
        };
        for source in self.missing.extract_if(.., |source| has(source)) {
            self.found.entry(set).or_insert(source);
        }
    }

    /// Whether every source was found.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// By set, one of the sources whose last state it has.
    pub fn into_found(self) -> BTreeMap<Stamp, FullPath> {
        self.found
    }
}

/// The complete backups with the sets they belong to, newest first, without those dated by a wrong
/// clock.
pub fn newest_first(catalog: &Catalog, now: Stamp) -> Vec<(Stamp, &Backup)> {
    let sets = catalog.sets.iter();
    let chains = sets.flat_map(|set| set.chain().into_iter().map(|one| (set.stamp, one)));
    let mut all: Vec<(Stamp, &Backup)> = chains
        .filter(|(_, backup)| !backup.id.stamp().is_future(now))
        .collect();
    all.sort_by_key(|(_, backup)| std::cmp::Reverse(backup.id.stamp()));
    all
}

/// What is known of all sets before one is judged.
struct Stays<'a> {
    keep: &'a Keep,
    needed: &'a Needed,
    now: Stamp,
    /// Full backups of complete sets, newest first, without those dated by a wrong clock.
    complete: Vec<Stamp>,
    /// The set of the newest state.
    newest_state: Option<Stamp>,
}

impl<'a> Stays<'a> {
    fn new(catalog: &Catalog, keep: &'a Keep, needed: &'a Needed, now: Stamp) -> Stays<'a> {
        let dated = |set: &&Set| set.is_restorable() && !set.stamp.is_future(now);
        let restorable: Vec<&Set> = catalog.sets.iter().filter(dated).collect();
        let last = |set: &&&Set| set.backups().map(|b| b.id.stamp()).max();
        Stays {
            keep,
            needed,
            now,
            complete: restorable.iter().rev().map(|set| set.stamp).collect(),
            newest_state: restorable.iter().max_by_key(last).map(|set| set.stamp),
        }
    }

    fn row(&self, set: &Set) -> PruneRow {
        let (goes, why) = match self.stays(set) {
            Some(why) => (false, why),
            None => (true, self.goes(set)),
        };
        let keys = deletion_order(set);
        let objects = set.backups().flat_map(objects);
        PruneRow {
            set: set.stamp,
            goes,
            why,
            backups: set.backups().count(),
            objects: keys.len(),
            bytes: objects.map(|object| object.size).sum(),
            keys,
        }
    }

    /// Why a set is kept.
    fn stays(&self, set: &Set) -> Option<String> {
        let stamp = set.stamp;
        let is_future = |backup: &Backup| backup.id.stamp().is_future(self.now);
        if stamp.is_future(self.now) || set.backups().any(is_future) {
            return Some("it is dated in the future: a clock was wrong".to_owned());
        }
        if self.needed.pinned.contains(&stamp) {
            return Some("an upload of it is not finished".to_owned());
        }
        if self.newest_state == Some(stamp) {
            return Some("it has the newest state".to_owned());
        }
        let Some(newest) = self.complete.first() else {
            return Some("there is no complete set".to_owned());
        };
        if stamp >= *newest {
            return Some(match stamp == *newest {
                true => "it is the newest complete set".to_owned(),
                false => "it is newer than the newest complete set".to_owned(),
            });
        }
        if let Some(full) = &set.full
            && is_damaged(full)
        {
            return Some("it is damaged, and may be all that is left: decide yourself".to_owned());
        }
        if let Some(source) = self.needed.last_states.get(&stamp) {
            return Some(format!("no newer set has '{source}'"));
        }
        let place = self.complete.iter().position(|s| *s == stamp)?;
        if place < self.keep.at_least as usize {
            return Some(format!("at-least: {}", self.keep.at_least));
        }
        if self.is_newest_of(stamp, self.keep.monthly, Stamp::month) {
            return Some(format!(
                "monthly: {} ({})",
                self.keep.monthly,
                stamp.month()
            ));
        }
        if self.is_newest_of(stamp, self.keep.yearly, |s| s.month().year()) {
            return Some(format!(
                "yearly: {} ({})",
                self.keep.yearly,
                stamp.month().year()
            ));
        }
        None
    }

    /// Whether a set is the newest of its month or year, and this span is one of the last that have
    /// a set.
    fn is_newest_of<T: PartialEq>(
        &self,
        stamp: Stamp,
        spans: u32,
        span: impl Fn(&Stamp) -> T,
    ) -> bool {
        let mut newest: Vec<(T, Stamp)> = Vec::new();
        for complete in &self.complete {
            let of = span(complete);
            if newest.last().is_none_or(|(last, _)| *last != of) {
                newest.push((of, *complete));
            }
        }
        newest.iter().take(spans as usize).any(|(_, s)| *s == stamp)
    }

    fn goes(&self, set: &Set) -> String {
        match set.is_restorable() {
            true => "no rule of keep covers it".to_owned(),
            false => "it is not complete, and a newer set is".to_owned(),
        }
    }
}

/// Whether a backup has all its markers and lacks something else: it was complete once.
fn is_damaged(backup: &Backup) -> bool {
    let is_marked = backup.archives.values().all(|a| a.marker.is_some());
    is_marked
        && matches!(
            backup.incomplete(),
            Some(Incomplete::Lost(..) | Incomplete::MissingVolume(..))
        )
}

fn objects(backup: &Backup) -> impl Iterator<Item = &crate::model::object::Object> {
    backup.archives.values().flat_map(|archive| {
        let index = archive.marker.iter().chain(&archive.manifest);
        index.chain(archive.volumes.values())
    })
}

/// The objects of a set in the order in which they are deleted: first the markers of the full
/// backup, without which no part of the set counts, then the other markers, then all else.
fn deletion_order(set: &Set) -> Vec<String> {
    let markers = set.backups().flat_map(|backup| backup.archives.values());
    let markers = markers
        .filter_map(|archive| archive.marker.as_ref())
        .map(|object| object.key.clone());
    let archives = set.backups().flat_map(|backup| backup.archives.values());
    let rest = archives.flat_map(|archive| archive.manifest.iter().chain(archive.volumes.values()));
    markers
        .chain(rest.map(|object| object.key.clone()))
        .collect()
}

impl PrunePlan {
    /// The sets to delete.
    pub fn going(&self) -> impl Iterator<Item = &PruneRow> {
        self.sets.iter().filter(|row| row.goes)
    }

    /// Bytes that are freed.
    pub fn bytes(&self) -> u64 {
        self.going().map(|row| row.bytes).sum()
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut table = vec![["SET", "", "BACKUPS", "SIZE", "WHY"].map(str::to_owned)];
        for row in &self.sets {
            table.push([
                row.set.to_string(),
                if row.goes { "goes" } else { "stays" }.to_owned(),
                row.backups.to_string(),
                size(row.bytes),
                row.why.clone(),
            ]);
        }
        let mut text = format!(
            "{}, location {}\n{}",
            self.store,
            self.location,
            aligned(&table)
        );
        let sets = count(self.going().count() as u64, "set");
        text.push_str(&format!("{sets} to delete, {}\n", size(self.bytes())));
        if self.ignored > 0 {
            let others = count(self.ignored, "other object");
            let stay = if self.ignored == 1 { "stays" } else { "stay" };
            text.push_str(&format!("{others} {stay}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests;
