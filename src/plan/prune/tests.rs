//! What is kept and what goes, as tables and for random sets.

use super::*;
use crate::model::manifest::SourceLook;
use crate::model::object::Object;

fn stamp(text: &str) -> Stamp {
    text.parse().unwrap()
}

/// A catalog of sets; what of them is there is said by letters: `v` volume, `m` manifest, `y`
/// marker, `i` a complete incremental a day later.
fn catalog(sets: &[(&str, &str)]) -> Catalog {
    let mut keys = vec!["readme.txt".to_owned()];
    for (date, parts) in sets {
        let full = format!("pc_{date}_010000.000000");
        for part in parts.chars() {
            let next: u32 = date.parse::<u32>().unwrap() + 1;
            keys.extend(match part {
                'v' => vec![format!("{full}_0_0.0_no_a.zip.001")],
                'm' => vec![format!("{full}_0_0.0_manifest_a.zip")],
                'y' => vec![format!("{full}_0_0.0_yes_a")],
                _ => ["no_a.zip.001", "yes_a"]
                    .map(|end| format!("{full}_{next}_010000.000000_{end}"))
                    .to_vec(),
            });
        }
    }
    Catalog::new("pc", keys.into_iter().map(|key| Object { key, size: 10 }))
}

fn keep(monthly: u32, yearly: u32, at_least: u32) -> Keep {
    Keep {
        monthly,
        yearly,
        at_least,
        automatic: false,
    }
}

fn going(catalog: &Catalog, keep: &Keep, pinned: &[&str]) -> Vec<String> {
    let needed = Needed {
        pinned: pinned.iter().map(|s| stamp(s)).collect(),
        ..Needed::default()
    };
    let now = stamp("20261231_000000.0");
    let plan = plan("store", "pc", catalog, keep, &needed, now);
    plan.going().map(|row| row.set.date()).collect()
}

#[test]
fn rules() {
    let all = [
        ("20240105", "vmy"),
        ("20240205", "vmyi"),
        ("20250105", "vmyi"),
        ("20260901", "vmy"),
        ("20260910", "vmyi"),
        ("20261005", "vmyi"),
        ("20261101", "vmyi"),
    ];
    let found = catalog(&all);
    for (rules, gone) in [
        (keep(0, 0, 1), &all[..6]),
        (keep(0, 0, 2), &all[..5]),
        (keep(3, 0, 1), &all[..4]),
        (keep(2, 3, 1), &[all[0], all[3], all[4]][..]),
        (keep(12, 9, 1), &[all[3]][..]),
        (keep(0, 0, 99), &all[..0]),
    ] {
        let expected: Vec<&str> = gone.iter().map(|(date, _)| *date).collect();
        assert_eq!(going(&found, &rules, &[]), expected, "{rules:?}");
    }
    assert_eq!(
        going(&found, &keep(0, 0, 5), &["20240105_010000.0"]),
        ["20240205"],
        "an unfinished upload"
    );
}

#[test]
fn what_is_not_whole() {
    let rules = keep(0, 0, 1);
    // Without a complete set nothing goes.
    assert!(
        going(
            &catalog(&[("20240105", "v"), ("20250105", "vm")]),
            &rules,
            &[]
        )
        .is_empty()
    );
    let found = catalog(&[
        ("20240105", "vm"),
        ("20240205", "y"),
        ("20240305", "i"),
        ("20250105", "vmy"),
        ("20260105", "vm"),
        ("20280105", "vmy"),
    ]);
    // Left by a crash, and an orphan; not what is newer or from the future.
    assert_eq!(
        going(&found, &rules, &[]),
        ["20240105", "20240205", "20240305"]
    );
    // A set with its markers that lacks a volume is for its owner to judge.
    let mut damaged = catalog(&[("20240105", "y"), ("20250105", "vmy")]);
    let hole = "pc_20240105_010000.000000_0_0.0_no_a.zip.002".to_owned();
    damaged.add("pc", [Object { key: hole, size: 1 }]);
    assert!(going(&damaged, &rules, &[]).is_empty());
}

#[test]
fn an_old_set_with_the_newest_state_stays() {
    let mut found = catalog(&[
        ("20240105", "vmy"),
        ("20250105", "vmy"),
        ("20260105", "vmy"),
    ]);
    let late = ["no_a.zip.001", "yes_a"];
    let late = late.map(|end| format!("pc_20240105_010000.000000_20260301_010000.000000_{end}"));
    found.add("pc", late.map(|key| Object { key, size: 1 }));
    assert_eq!(going(&found, &keep(0, 0, 1), &[]), ["20250105"]);
}

/// After every prefix of a deletion, no part of the set looks whole, the other sets are as they
/// were, and the next plan deletes the rest.
#[test]
fn a_crash_leaves_nothing_that_looks_whole() {
    let found = catalog(&[("20240105", "vmyi"), ("20260105", "vmyi")]);
    let now = stamp("20261231_000000.0");
    let rules = keep(0, 0, 1);
    let plan_of = |catalog: &Catalog| plan("store", "pc", catalog, &rules, &Needed::default(), now);
    let first = plan_of(&found);
    let keys = first.sets[0].keys.clone();
    assert_eq!(keys.len(), 5);
    let all: Vec<Object> = found
        .sets
        .iter()
        .flat_map(Set::backups)
        .flat_map(objects)
        .cloned()
        .collect();
    for deleted in 1..=keys.len() {
        let left = all
            .iter()
            .filter(|o| !keys[..deleted].contains(&o.key))
            .cloned();
        let left = Catalog::new("pc", left);
        assert!(
            left.set(first.sets[0].set)
                .is_none_or(|set| set.chain().is_empty())
        );
        assert_eq!(left.set(first.sets[1].set), found.set(first.sets[1].set));
        let rest: usize = plan_of(&left).going().map(|row| row.objects).sum();
        assert_eq!(rest, keys.len() - deleted);
    }
}

#[test]
fn the_last_state_of_a_source_stays() {
    let bytes = include_bytes!("../../model/marker/version1.sample.json");
    let marker = Marker::parse("m", bytes).unwrap().unwrap();
    let (old, new) = (stamp("20240105_010000.0"), stamp("20250105_010000.0"));
    let source = |path: &str| FullPath::parse(path).unwrap();
    let look = |path: &str, looked_at: bool, last: Option<Stamp>| SourceLook {
        path: source(path),
        looked_at,
        last_looked_at: last,
        why: None,
    };
    let with = |looks: Vec<SourceLook>| Marker {
        sources: looks,
        ..marker.clone()
    };
    let last_states = |of_new: Option<Marker>, of_old: Option<Marker>| {
        let mut states = LastStates::of(vec![source("/a"), source("/b")]);
        states.take(new, of_new.as_ref());
        states.take(old, of_old.as_ref());
        states.into_found()
    };
    let both = || {
        with(vec![
            look("/a", true, Some(old)),
            look("/b", true, Some(old)),
        ])
    };
    let away = || with(vec![look("/a", true, Some(new)), look("/b", false, None)]);
    let carried = || {
        with(vec![
            look("/a", true, Some(new)),
            look("/b", false, Some(new)),
        ])
    };
    let foreign = || with(vec![look("/c", true, Some(new))]);

    let needed = |of_new, of_old| last_states(of_new, of_old).remove(&old);
    assert_eq!(needed(Some(both()), Some(both())), None);
    assert_eq!(needed(Some(away()), Some(both())), Some(source("/b")));
    assert_eq!(
        needed(Some(carried()), Some(both())),
        None,
        "it is in the newer set too"
    );
    assert_eq!(needed(Some(foreign()), Some(both())), Some(source("/a")));
    // What an older program wrote may hold everything.
    assert_eq!(needed(None, Some(both())), None);
    assert_eq!(needed(Some(away()), None), Some(source("/b")));
    assert_eq!(
        needed(Some(away()), Some(marker.clone())),
        Some(source("/b"))
    );

    let found = catalog(&[("20240105", "vmy"), ("20250105", "vmy")]);
    let needed = Needed {
        last_states: last_states(Some(away()), Some(both())),
        ..Needed::default()
    };
    let now = stamp("20261231_000000.0");
    let plan = plan("store", "pc", &found, &keep(0, 0, 1), &needed, now);
    assert_eq!(plan.going().count(), 0);
    assert_eq!(plan.sets[0].why, "no newer set has '/b'");
}

proptest::proptest! {
    /// Whatever a store holds: the newest complete set stays, and everything newer; what is
    /// pinned stays; enough complete sets stay; nothing goes where nothing is complete; and
    /// pruning again changes nothing.
    #[test]
    fn any_store(
        sets in proptest::collection::btree_map(0_u32..400, "[vmyi]{1,4}", 0..14),
        monthly in 0_u32..4, yearly in 0_u32..3, at_least in 1_u32..4, pin in 0_u32..400,
    ) {
        let dates: Vec<(String, String)> = sets
            .iter()
            .map(|(day, parts)| {
                let (year, month) = (2020 + day / 72, day / 6 % 12 + 1);
                (format!("{year}{month:02}{:02}", day % 6 * 4 + 1), parts.clone())
            })
            .collect();
        let refs: Vec<(&str, &str)> =
            dates.iter().map(|(date, parts)| (date.as_str(), parts.as_str())).collect();
        let found = catalog(&refs);
        let rules = keep(monthly, yearly, at_least);
        let pinned: BTreeSet<Stamp> =
            found.sets.iter().map(|set| set.stamp).skip(pin as usize % 14).take(1).collect();
        let now = stamp("20261231_000000.0");
        let needed = Needed { pinned: pinned.clone(), ..Needed::default() };
        let of = |catalog: &Catalog| plan("store", "pc", catalog, &rules, &needed, now);
        let first = of(&found);
        let complete: Vec<&Set> =
            found.sets.iter().filter(|set| set.is_restorable()).collect();
        let goes: BTreeSet<Stamp> = first.going().map(|row| row.set).collect();
        if let Some(newest) = complete.last() {
            assert!(goes.range(newest.stamp..).next().is_none());
        } else {
            assert!(goes.is_empty());
        }
        assert!(goes.is_disjoint(&pinned));
        let left = complete.iter().filter(|set| !goes.contains(&set.stamp)).count();
        assert!(left >= complete.len().min(at_least as usize));
        let keys: BTreeSet<&String> = first.going().flat_map(|row| &row.keys).collect();
        let all = found.sets.iter().flat_map(Set::backups).flat_map(objects);
        let rest = all.filter(|object| !keys.contains(&object.key)).cloned();
        let rest = Catalog::new("pc", rest);
        assert!(rest.sets.iter().all(|set| !goes.contains(&set.stamp)));
        assert_eq!(of(&rest).going().count(), 0, "pruning again changes nothing");
    }
}
