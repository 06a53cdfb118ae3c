//! The scope decision as a table (SPEC#scope).

use super::*;
use crate::model::name::MountName;
use crate::model::object::Object;
use crate::model::path::FullPath;
use crate::model::stamp::Zone;

struct World {
    stores: Vec<StoreFacts>,
    mode: Mode,
    policy: ForceFull,
    force_once: bool,
    new_key: bool,
    remembered: Vec<Remembered>,
    profile_modified: Option<&'static str>,
    missing: Vec<String>,
    unfinished: Option<Stamp>,
}

const OCTOBER: &str = "pc_20261020_100000.000000";
const NOVEMBER: &str = "pc_20261102_100000.000000";

impl World {
    fn new(stores: &[&[&str]]) -> World {
        let facts = |(i, keys): (usize, &&[&str])| StoreFacts {
            label: format!("store {i}"),
            catalog: Ok(Catalog::new(
                "pc",
                keys.iter().map(|k| Object {
                    key: (*k).to_owned(),
                    size: 1,
                }),
            )),
        };
        World {
            stores: stores.iter().enumerate().map(facts).collect(),
            mode: Mode::Regular,
            policy: ForceFull::WhenProfileChanges,
            force_once: false,
            new_key: false,
            remembered: Vec::new(),
            profile_modified: None,
            missing: Vec::new(),
            unfinished: None,
        }
    }

    fn remembers(mut self, stamp: &str, digest: &str) -> World {
        let manifests = mounts()
            .into_iter()
            .map(|m| (m, "file".to_owned()))
            .collect();
        self.remembered.push(Remembered {
            stamp: stamp.parse().unwrap(),
            digest: Some(digest.to_owned()),
            profile: None,
            manifests,
        });
        self
    }

    fn decide(&self) -> Decision {
        decide(&ScopeFacts {
            stamp: "20261124_100000.000000".parse().unwrap(),
            zone: Zone::Utc,
            mode: self.mode,
            policy: self.policy,
            force_once: self.force_once,
            new_key: self.new_key,
            mounts: &mounts(),
            lookback_months: 6,
            stores: &self.stores,
            digest: "today",
            remembered: &self.remembered,
            profile_modified: self.profile_modified.map(|t| t.parse().unwrap()),
            missing: &self.missing,
            unfinished: self.unfinished,
        })
    }

    /// `full`, `incremental SINCE how`, or `refused`.
    fn word(&self) -> String {
        match self.decide().scope() {
            None => "refused".to_owned(),
            Some(Scope::Full) => "full".to_owned(),
            Some(Scope::Incremental {
                full,
                since,
                baseline,
                ..
            }) => {
                format!("{}+{} {baseline:?}", &full.date()[4..], &since.date()[4..])
            }
        }
    }
}

fn mounts() -> Vec<MountName> {
    ["/a", "/b"]
        .iter()
        .map(|p| MountName::of(&FullPath::parse(p).unwrap()))
        .collect()
}

/// Keys of a finished backup of both mounts.
fn complete(head: &str, incremental: &str) -> Vec<String> {
    ["no_-a-.zip.001", "yes_-a-", "no_-b-.zip.001", "yes_-b-"]
        .iter()
        .map(|t| format!("{head}_{incremental}_{t}"))
        .collect()
}

fn keys(parts: &[Vec<String>]) -> Vec<String> {
    parts.concat()
}

fn world(parts: &[Vec<String>]) -> World {
    let all = keys(parts);
    World::new(&[&all.iter().map(String::as_str).collect::<Vec<_>>()])
}

const FULL: &str = "0_0.0";
const INC: &str = "20261110_100000.000000";

#[test]
fn the_month_decides_for_a_regular_backup() {
    assert_eq!(World::new(&[&[]]).word(), "full");
    assert_eq!(
        world(&[complete(OCTOBER, FULL)]).word(),
        "full",
        "a full backup of last month"
    );
    let both = world(&[complete(NOVEMBER, FULL), complete(NOVEMBER, INC)]);
    assert_eq!(
        both.word(),
        "full",
        "nobody knows what the archives of this month hold"
    );
    assert_eq!(
        both.remembers("20261110_100000.000000", "today").word(),
        "1102+1110 Manifest"
    );
}

#[test]
fn an_unfinished_backup_is_never_a_base() {
    let mut unfinished = complete(NOVEMBER, FULL);
    unfinished.pop();
    assert_eq!(world(&[unfinished.clone()]).word(), "full");
    let other = World {
        mode: Mode::IncrementalOnly,
        ..world(&[unfinished.clone(), complete(OCTOBER, FULL)])
    };
    assert_eq!(other.word(), "1020+1020 Times", "the older complete one");
    let mut incremental = complete(NOVEMBER, INC);
    incremental.pop();
    let newest = World {
        mode: Mode::IncrementalOnly,
        ..world(&[complete(NOVEMBER, FULL), incremental])
    };
    assert_eq!(newest.word(), "1102+1102 Times");
    let one_mount: Vec<String> = complete(NOVEMBER, FULL)
        .into_iter()
        .filter(|k| k.contains("-a-"))
        .collect();
    assert_eq!(
        world(&[one_mount]).word(),
        "full",
        "it does not cover today's mounts"
    );
}

#[test]
fn incremental_only_never_makes_a_full() {
    let only = |w: World| World {
        mode: Mode::IncrementalOnly,
        ..w
    };
    assert_eq!(only(World::new(&[&[]])).word(), "refused");
    assert_eq!(
        only(world(&[complete(OCTOBER, FULL)])).word(),
        "1020+1020 Times"
    );
    assert_eq!(
        only(world(&[complete("pc_20260420_100000.000000", FULL)])).word(),
        "refused",
        "before the lookback"
    );
    let changed =
        only(world(&[complete(NOVEMBER, FULL)]).remembers("20261102_100000.000000", "yesterday"));
    assert_eq!(
        changed.word(),
        "refused",
        "a demanded full backup is an error"
    );
    let Choice::Refused(refusal) = changed.decide().choice else {
        panic!("refused")
    };
    assert!(refusal.why.contains("changed"));
}

#[test]
fn what_forces_a_full() {
    let base = || world(&[complete(NOVEMBER, FULL)]);
    assert_eq!(
        base()
            .remembers("20261102_100000.000000", "yesterday")
            .word(),
        "full"
    );
    assert_eq!(
        base().remembers("20261102_100000.000000", "today").word(),
        "1102+1102 Manifest"
    );
    let never = World {
        policy: ForceFull::Never,
        ..base().remembers("20261102_100000.000000", "yesterday")
    };
    assert_eq!(never.word(), "1102+1102 Manifest");
    assert_eq!(
        World {
            policy: ForceFull::Always,
            ..base()
        }
        .word(),
        "full"
    );
    assert_eq!(
        World {
            force_once: true,
            policy: ForceFull::Never,
            ..base()
        }
        .word(),
        "full"
    );
    // Without local state the profile file's time is all there is.
    let modified = |profile_modified| World {
        mode: Mode::IncrementalOnly,
        profile_modified: Some(profile_modified),
        ..base()
    };
    assert_eq!(modified("2026-11-03T00:00:00Z").word(), "refused");
    assert_eq!(modified("2026-11-01T00:00:00Z").word(), "1102+1102 Times");
    // Whatever the policy, a full backup is made where nobody knows what the last one holds.
    assert_eq!(base().word(), "full");
    let new_key = World {
        new_key: true,
        policy: ForceFull::Never,
        ..base().remembers("20261102_100000.000000", "today")
    };
    assert_eq!(new_key.word(), "full");
    let postponed = World {
        missing: vec!["/a/x".to_owned()],
        ..new_key
    };
    assert_eq!(
        postponed.word(),
        "refused",
        "never an incremental backup with another key"
    );
}

#[test]
fn a_full_waits_for_a_missing_source() {
    let missing = || vec!["/a/x".to_owned()];
    let due = World {
        missing: missing(),
        ..world(&[complete(OCTOBER, FULL)])
    };
    assert_eq!(due.word(), "1020+1020 Times");
    let decision = due.decide();
    let is_due = |decision: &Decision| {
        matches!(
            decision.scope(),
            Some(Scope::Incremental {
                full_is_due: true,
                ..
            })
        )
    };
    assert!(is_due(&decision) && decision.reasons.iter().any(|r| r.contains("postponed")));
    assert_eq!(
        World {
            missing: missing(),
            ..World::new(&[&[]])
        }
        .word(),
        "full",
        "no full backup exists to postpone it for"
    );
    let not_due = World {
        missing: missing(),
        ..world(&[complete(NOVEMBER, FULL)])
    };
    assert!(!is_due(&not_due.decide()));
}

#[test]
fn all_reachable_stores_must_hold_the_base() {
    let all = keys(&[complete(NOVEMBER, FULL), complete(NOVEMBER, INC)]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let known = |stores: &[&[&str]]| {
        World::new(stores)
            .remembers("20261102_100000.000000", "today")
            .remembers("20261110_100000.000000", "today")
    };
    assert_eq!(known(&[&all, &all]).word(), "1102+1110 Manifest");
    assert_eq!(
        known(&[&all, &all[..4]]).word(),
        "1102+1102 Manifest",
        "the second lacks the incremental"
    );
    assert_eq!(known(&[&all[..4], &all]).word(), "1102+1102 Manifest");
    assert_eq!(known(&[&all, &[]]).word(), "full");
    let mut one_down = known(&[&all, &[]]);
    one_down.stores[1].catalog = Err("down".to_owned());
    assert_eq!(
        one_down.word(),
        "1102+1110 Manifest",
        "only reachable stores are asked"
    );
    one_down.stores[0].catalog = Err("down".to_owned());
    assert_eq!(one_down.word(), "refused");
}

#[test]
fn a_backup_of_the_future_is_no_base() {
    // This run is of the 24th at 10 o'clock.
    let word = |full: &str| {
        world(&[complete(&format!("pc_{full}"), FULL)])
            .remembers(full, "today")
            .word()
    };
    assert_eq!(word("20261125_100000.000000"), "1125+1125 Manifest");
    assert_eq!(word("20261128_100000.000000"), "full");
}

/// A backup with a lost object is no base, even if the names in the store look complete.
#[test]
fn what_a_store_has_lost_is_no_base() {
    let sent = [complete(NOVEMBER, FULL), complete(NOVEMBER, INC)].concat();
    let word = |gone: &str| {
        let listed: Vec<&str> = sent.iter().map(String::as_str).collect();
        let listed: Vec<&str> = listed.into_iter().filter(|key| *key != gone).collect();
        let mut world = World::new(&[&listed])
            .remembers("20261102_100000.000000", "today")
            .remembers("20261110_100000.000000", "today");
        let sent = sent.iter().map(|key| Object {
            key: key.clone(),
            size: 1,
        });
        let sent: Vec<Object> = sent.collect();
        if let Ok(catalog) = &mut world.stores[0].catalog {
            catalog.compare(&sent);
        }
        world.word()
    };
    assert_eq!(word(""), "1102+1110 Manifest");
    for gone in &sent {
        assert_eq!(word(gone), "full", "{gone}");
    }
}

#[test]
fn a_manifest_of_every_mount_must_be_remembered() {
    let both = world(&[complete(NOVEMBER, FULL), complete(NOVEMBER, INC)]);
    let mut both = both.remembers("20261110_100000.000000", "today");
    assert_eq!(both.word(), "1102+1110 Manifest");
    both.remembered[0].manifests.pop();
    assert_eq!(both.word(), "full");
}
