//! Which state of a location is restored: a set and the backups of it that are extracted
//! (SPEC#restore). Pure.

use std::collections::BTreeMap;

use crate::model::catalog::{Backup, Catalog, Set};
use crate::model::name::BackupId;
use crate::model::stamp::Stamp;

use super::point_in_time::PointInTime;

/// A set and the backups of it that are extracted, oldest first: the full backup, then complete
/// incremental ones.
pub struct Chosen<'a> {
    pub set: &'a Set,
    pub chain: Vec<&'a Backup>,
}

/// The newest state that can be restored, as far as names tell; for choosing between stores.
pub fn newest_state(catalog: &Catalog, at: Option<&PointInTime>) -> Option<Stamp> {
    choose(catalog, at, &BTreeMap::new())
        .and_then(|chosen| chosen.chain.last().map(|b| b.id.stamp()))
}

/// Of stores and what they hold, the one with the newest state. The first of equal ones.
pub fn with_newest_state<S>(
    found: impl IntoIterator<Item = (S, Catalog)>,
    at: Option<&PointInTime>,
) -> Option<(S, Catalog)> {
    let state = |catalog: &Catalog| newest_state(catalog, at);
    found
        .into_iter()
        .reduce(|best, next| match state(&next.1) > state(&best.1) {
            true => next,
            false => best,
        })
}

/// Removes backups that a wrong clock dated in the future, so that they are not mistaken for the
/// newest state, and returns their stamps. Removes nothing if nothing else could be restored.
pub fn without_future(catalog: Catalog, now: Stamp) -> (Catalog, Vec<Stamp>) {
    let is_future = |backup: &Backup| backup.id.stamp().is_future(now);
    let future: Vec<Stamp> = catalog
        .sets
        .iter()
        .flat_map(Set::backups)
        .filter(|backup| is_future(backup))
        .map(|backup| backup.id.stamp())
        .collect();
    let mut past = catalog.clone();
    past.sets.retain(|set| !set.stamp.is_future(now));
    for set in &mut past.sets {
        set.incrementals.retain(|backup| !is_future(backup));
    }
    match newest_state(&past, None) {
        Some(_) => (past, future),
        None => (catalog, future),
    }
}

/// Whether every mount in the names has its marker. A gap in the volumes is different: such a
/// backup was complete and is damaged, and a restore must say so instead of silently offering an
/// older one.
fn finished(backup: &Backup) -> bool {
    !backup.archives.is_empty() && backup.archives.values().all(|a| a.marker.is_some())
}

/// Chooses the newest state over all sets, or with `at` the newest one at or before it. A set that
/// was started later may have ended earlier. `rejected` are backups whose markers name mounts that
/// were never finished.
pub fn choose<'a>(
    catalog: &'a Catalog,
    at: Option<&PointInTime>,
    rejected: &BTreeMap<BackupId, String>,
) -> Option<Chosen<'a>> {
    let usable = |backup: &Backup| {
        finished(backup)
            && !rejected.contains_key(&backup.id)
            && at.is_none_or(|at| at.covers(backup.id.full) && at.covers(backup.id.stamp()))
    };
    let states = catalog.sets.iter().filter_map(|set| {
        let full = set.full.as_ref().filter(|full| usable(full))?;
        let chain = std::iter::once(full)
            .chain(set.incrementals.iter().filter(|b| usable(b)))
            .collect();
        Some(Chosen { set, chain })
    });
    states.max_by_key(|chosen| chosen.chain.last().map(|b| b.id.stamp()))
}

/// Backups that a person might expect in the restored state and that are not in it, with the
/// reason: unfinished ones of the set, and newer ones of any set.
pub fn left_out(
    catalog: &Catalog,
    chosen: &Chosen<'_>,
    at: Option<&PointInTime>,
    rejected: &BTreeMap<BackupId, String>,
) -> Vec<(BackupId, String)> {
    let state = chosen.chain.last().map(|b| b.id.stamp());
    let all = catalog.sets.iter().flat_map(Set::backups);
    all.filter(|b| !chosen.chain.iter().any(|used| used.id == b.id))
        .filter(|b| at.is_none_or(|at| at.covers(b.id.stamp())))
        .filter(|b| b.id.full == chosen.set.stamp || Some(b.id.stamp()) > state)
        .map(|b| {
            let why = rejected
                .get(&b.id)
                .cloned()
                .or_else(|| b.incomplete().map(|why| why.to_string()));
            (
                b.id,
                why.unwrap_or_else(|| "its full backup is not complete".to_owned()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Object;

    /// Backups of one mount, each with a volume and a marker.
    fn catalog(backups: &[&str]) -> Catalog {
        let keys = backups
            .iter()
            .flat_map(|backup| ["no_a.zip.001", "yes_a"].map(|part| format!("pc_{backup}_{part}")));
        Catalog::new("pc", keys.map(|key| Object { key, size: 1 }))
    }

    fn stamp(text: &str) -> Stamp {
        text.parse().unwrap()
    }

    const OLD: &str = "20261101_100000.000000_0_0.0";
    const OLD_LATE: &str = "20261101_100000.000000_20261120_100000.000000";
    const NEW: &str = "20261110_100000.000000_0_0.0";

    #[test]
    fn the_newest_state_is_not_always_in_the_newest_set() {
        let newest = |backups: &[&str]| newest_state(&catalog(backups), None);
        assert_eq!(newest(&[OLD, NEW]), Some(stamp("20261110_100000.000000")));
        assert_eq!(
            newest(&[OLD, OLD_LATE, NEW]),
            Some(stamp("20261120_100000.000000"))
        );
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn the_future_is_left_out_unless_nothing_else_is_there() {
        let now = stamp("20261115_100000.000000");
        let left = |backups: &[&str]| {
            let (left, future) = without_future(catalog(backups), now);
            (newest_state(&left, None), future)
        };
        let (old, late) = (
            stamp("20261101_100000.000000"),
            stamp("20261120_100000.000000"),
        );
        assert_eq!(left(&[OLD]), (Some(old), vec![]));
        assert_eq!(left(&[OLD, OLD_LATE]), (Some(old), vec![late]));
        let future = "20270101_100000.000000_0_0.0";
        let new_year = stamp("20270101_100000.000000");
        assert_eq!(left(&[OLD, future]), (Some(old), vec![new_year]));
        assert_eq!(left(&[future]), (Some(new_year), vec![new_year]));
    }

    #[test]
    fn the_store_with_the_newest_state_is_chosen() {
        let chosen = |stores: &[&[&str]], at: Option<&str>| {
            let found = stores.iter().map(|backups| catalog(backups)).enumerate();
            let at: Option<PointInTime> = at.map(|text| text.parse().unwrap());
            with_newest_state(found, at.as_ref()).map(|(store, _)| store)
        };
        for (stores, at, expected) in [
            (&[&[OLD][..], &[NEW]][..], None, Some(1)),
            (&[&[NEW], &[OLD]], None, Some(0)),
            (&[&[OLD, OLD_LATE], &[NEW]], None, Some(0)),
            (&[&[OLD, OLD_LATE], &[NEW]], Some("20261115"), Some(1)),
            (&[&[NEW], &[OLD]], Some("20261105"), Some(1)),
            // The first one is nearer.
            (&[&[NEW], &[NEW]], None, Some(0)),
            (&[&[], &[OLD]], None, Some(1)),
            (&[&[OLD], &[]], None, Some(0)),
            (&[&[], &[]], None, Some(0)),
            (&[], None, None),
        ] {
            assert_eq!(chosen(stores, at), expected, "{stores:?} {at:?}");
        }
    }

    type ChosenStamps = (Vec<String>, Vec<(String, String)>);

    /// The stamps of a chain, and what is left out of it.
    fn chosen(
        backups: &[&str],
        unfinished: &[&str],
        at: Option<&str>,
        rejected: &[&str],
    ) -> Option<ChosenStamps> {
        let mut all = catalog(backups);
        let keys = unfinished
            .iter()
            .map(|backup| format!("pc_{backup}_no_a.zip.001"));
        all.add("pc", keys.map(|key| Object { key, size: 1 }));
        let at: Option<PointInTime> = at.map(|text| text.parse().unwrap());
        let ids = all.sets.iter().flat_map(Set::backups).map(|b| b.id);
        let named = |id: &BackupId| rejected.contains(&id.stamp().to_string().as_str());
        let rejected = ids
            .filter(named)
            .map(|id| (id, "rejected".to_owned()))
            .collect();
        let found = choose(&all, at.as_ref(), &rejected)?;
        let chain = found.chain.iter().map(|b| b.id.stamp().to_string());
        let left = left_out(&all, &found, at.as_ref(), &rejected).into_iter();
        let left = left.map(|(id, why)| (id.stamp().to_string(), why));
        Some((chain.collect(), left.collect()))
    }

    const OLD_STAMP: &str = "20261101_100000.000000";
    const LATE_STAMP: &str = "20261120_100000.000000";
    const NEW_STAMP: &str = "20261110_100000.000000";

    #[test]
    fn a_chain_is_what_is_finished_up_to_the_moment() {
        let no = |stamp: &str, why: &str| (stamp.to_owned(), why.to_owned());
        let all = [OLD, OLD_LATE, NEW];
        let (chain, left) = chosen(&all, &[], None, &[]).unwrap();
        assert_eq!(
            (chain, left),
            (vec![OLD_STAMP.to_owned(), LATE_STAMP.to_owned()], vec![])
        );
        // Before the late one, the newer set has the newest state.
        let (chain, left) = chosen(&all, &[], Some("20261115"), &[]).unwrap();
        assert_eq!((chain, left), (vec![NEW_STAMP.to_owned()], vec![]));
        let (chain, left) = chosen(&all, &[], Some("20261105"), &[]).unwrap();
        assert_eq!((chain, left), (vec![OLD_STAMP.to_owned()], vec![]));
        assert!(chosen(&all, &[], Some("20261031"), &[]).is_none());
        // What is rejected, and what has no marker.
        let (chain, left) = chosen(&all, &[], None, &[LATE_STAMP]).unwrap();
        assert_eq!(chain, [NEW_STAMP]);
        assert_eq!(left, [no(LATE_STAMP, "rejected")]);
        let (chain, left) = chosen(&[OLD], &[OLD_LATE], None, &[]).unwrap();
        assert_eq!(chain, [OLD_STAMP]);
        assert_eq!(left, [no(LATE_STAMP, "the upload of 'a' was not finished")]);
        let (chain, left) = chosen(&[OLD], &[NEW], None, &[]).unwrap();
        assert_eq!(chain, [OLD_STAMP]);
        assert_eq!(left, [no(NEW_STAMP, "the upload of 'a' was not finished")]);
        let (chain, left) = chosen(&[NEW, OLD_LATE], &[OLD], None, &[]).unwrap();
        assert_eq!(chain, [NEW_STAMP]);
        assert_eq!(left, [no(LATE_STAMP, "its full backup is not complete")]);
    }
}
