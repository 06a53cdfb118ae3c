//! Names of backups after the clock was set back.

use super::*;
use crate::model::catalog::Catalog;
use crate::model::object::Object;

#[test]
fn a_backup_is_never_named_before_an_existing_one() {
    const OLD: &str = "20261101_100000.000000_0_0.0";
    const NEW: &str = "20261101_100000.000000_20261110_100000.000000";
    const FUTURE: &str = "20280101_100000.000000_0_0.0";
    let named = |now: &str, stores: &[&[&str]]| {
        let facts = |backups: &&[&str]| {
            let objects = backups.iter().map(|backup| Object {
                key: format!("pc_{backup}_yes_a"),
                size: 1,
            });
            let facts = StoreFacts {
                label: "store".to_owned(),
                catalog: Ok(Catalog::new("pc", objects)),
            };
            (StoreName::Directory, facts)
        };
        let mut stores: Vec<_> = stores.iter().map(facts).collect();
        let away = StoreFacts {
            label: "away".to_owned(),
            catalog: Err("it cannot be reached".to_owned()),
        };
        stores.push((StoreName::S3, away));
        let mut findings = Vec::new();
        let stamp = stamp(now.parse().unwrap(), &stores, &mut findings);
        let texts = findings.iter().map(|finding| finding.text.clone());
        (stamp.to_string(), texts.collect::<Vec<_>>().join("; "))
    };
    let now = "20261111_000000.000000";
    let nothing = |stamp: &str| (stamp.to_owned(), String::new());
    assert_eq!(named(now, &[]), nothing(now));
    assert_eq!(named(now, &[&[OLD, NEW]]), nothing(now));
    // The clock was set back, and the newest backup is in the second store only.
    for now in ["20261110_100000.000000", "20261110_095959.999999"] {
        let (stamp, text) = named(now, &[&[OLD], &[OLD, NEW]]);
        assert_eq!(stamp, "20261110_100000.000001");
        assert!(text.starts_with(&format!("the clock says {now}")), "{text}");
    }
    let next = "20261110_100000.000001";
    assert_eq!(named(next, &[&[OLD, NEW]]), nothing(next));
    // What a wrong clock made is said, and names nothing.
    let (stamp, text) = named(now, &[&[OLD, FUTURE]]);
    assert_eq!(stamp, now);
    assert!(text.starts_with("1 backup is dated in the future, up to 20280101"));
}
