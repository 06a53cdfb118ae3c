//! What a store holds, from names of objects alone.

use super::*;

fn catalog(keys: &[&str]) -> Catalog {
    Catalog::new(
        "pc",
        keys.iter().map(|k| Object {
            key: (*k).to_owned(),
            size: 1,
        }),
    )
}

const FULL: &str = "pc_20201221_134337.851361_0_0.0";
const INC: &str = "pc_20201221_134337.851361_20201222_112502.225333";

fn keys(tails: &[(&str, &str)]) -> Vec<String> {
    tails
        .iter()
        .map(|(head, tail)| format!("{head}_{tail}"))
        .collect()
}

#[test]
fn a_marker_for_every_mount_makes_a_backup_complete() {
    let mut all = keys(&[
        (FULL, "no_a.zip.001"),
        (FULL, "no_b.zip.001"),
        (FULL, "yes_a"),
    ]);
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(
        catalog(&refs).latest_restorable(),
        None,
        "the marker of b is missing"
    );
    all.push(format!("{FULL}_yes_b"));
    all.push(format!("{INC}_yes_a"));
    all.push(format!("{INC}_manifest_b.zip"));
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    let found = catalog(&refs);
    assert_eq!(
        found.latest_restorable().unwrap().chain().len(),
        1,
        "the incremental is unfinished"
    );
    all.push(format!("{INC}_yes_b"));
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(catalog(&refs).latest_restorable().unwrap().chain().len(), 2);
}

#[test]
fn holes_strangers_and_orphans() {
    let all = keys(&[(FULL, "no_a.zip.002"), (FULL, "yes_a")]);
    let mut refs: Vec<&str> = all.iter().map(String::as_str).collect();
    refs.extend(["readme.txt", "other_20201221_134337.851361_0_0.0_yes_a"]);
    let found = catalog(&refs);
    assert_eq!(found.ignored, 2);
    let full = found.sets[0].full.as_ref().unwrap();
    assert!(matches!(
        full.incomplete(),
        Some(Incomplete::MissingVolume(_, 1))
    ));
    let orphan = keys(&[(INC, "yes_a")]);
    let refs: Vec<&str> = orphan.iter().map(String::as_str).collect();
    assert_eq!(
        catalog(&refs).latest_restorable(),
        None,
        "an incremental without its full"
    );
}
/// Objects of these sizes.
fn sized(objects: &[(&str, u64)]) -> Vec<Object> {
    let object = |(tail, size): &(&str, u64)| Object {
        key: format!("{FULL}_{tail}"),
        size: *size,
    };
    objects.iter().map(object).collect()
}

const TWO: [(&str, u64); 4] = [
    ("no_a.zip.001", 70),
    ("no_a.zip.002", 7),
    ("yes_a", 1),
    ("manifest_a.zip", 3),
];

#[test]
fn volumes_are_counted() {
    let mut listed = sized(&TWO);
    listed.extend(sized(&[("no_b.zip.001", 200), ("yes_b", 1)]));
    let found = Catalog::new("pc", listed);
    let full = found.sets[0].full.as_ref().unwrap();
    assert_eq!((full.bytes(), full.volumes()), (277, 3));
    assert_eq!(found.sets[0].backups().count(), 1);
}

#[test]
fn what_was_sent_must_be_there_as_it_was_sent() {
    let judged = |listed: &[(&str, u64)], sent: &[(&str, u64)]| {
        let mut found = Catalog::new("pc", sized(listed));
        found.compare(&sized(sent));
        let set = found.sets.pop();
        let full = set.and_then(|set| set.full);
        full.and_then(|full| {
            let lost = full.lost();
            assert!(lost.is_none() || full.incomplete() == lost);
            lost.map(|lost| lost.to_string())
        })
    };
    assert_eq!(judged(&TWO, &TWO), None);
    assert_eq!(judged(&TWO, &[]), None);
    assert_eq!(judged(&[], &TWO), None, "it has expired");
    for at in 0..TWO.len() {
        let mut listed = TWO.to_vec();
        let (tail, size) = listed.remove(at);
        let gone = judged(&listed, &TWO).unwrap();
        assert_eq!(
            gone,
            format!("the object '{FULL}_{tail}' was sent but is missing")
        );
        listed.insert(at, (tail, size + 1));
        let cut = judged(&listed, &TWO).unwrap();
        let sizes = format!("has {} bytes, {size} were sent", size + 1);
        assert_eq!(cut, format!("the object '{FULL}_{tail}' {sizes}"));
    }
}

#[test]
fn an_unfinished_full_is_no_base() {
    let all = keys(&[(FULL, "no_a.zip.001"), (INC, "yes_a")]);
    let refs: Vec<&str> = all.iter().map(String::as_str).collect();
    let found = catalog(&refs);
    assert!(found.sets[0].chain().is_empty());
    assert!(!found.sets[0].is_restorable());
}

#[test]
fn an_empty_volume_and_a_missing_mount_are_no_backup() {
    let found = Catalog::new("pc", sized(&[("no_a.zip.001", 0), ("yes_a", 1)]));
    let full = found.sets[0].full.as_ref().unwrap();
    let why = full.incomplete().unwrap().to_string();
    assert_eq!(why, format!("the object '{FULL}_no_a.zip.001' is empty"));
    let found = Catalog::new("pc", sized(&TWO));
    let full = found.sets[0].full.as_ref().unwrap();
    let names: Vec<MountName> = full.archives.keys().cloned().collect();
    assert_eq!(full.lacks(&names), None);
    let other = Catalog::new("pc", sized(&[("yes_b", 1)]));
    let other: Vec<MountName> = other.sets[0]
        .full
        .as_ref()
        .unwrap()
        .archives
        .keys()
        .cloned()
        .collect();
    assert!(matches!(
        full.lacks(&other),
        Some(Incomplete::MissingMount(_))
    ));
}

#[test]
fn other_names_are_counted_or_give_their_location() {
    let old = [
        "pc:2020-12-21_13:43:37.851361",
        "pc:2020-12-21_13:43:37.851361:x",
    ];
    let found = catalog(&old);
    assert_eq!(found.deprecated + found.ignored, 2);
    let mut listed = sized(&TWO);
    listed.push(Object {
        key: FULL.replace("pc_", "laptop_") + "_yes_a",
        size: 1,
    });
    listed.push(Object {
        key: "readme.txt".to_owned(),
        size: 1,
    });
    let names: Vec<String> = Catalog::locations(&listed).into_iter().collect();
    assert_eq!(names, ["laptop", "pc"]);
    let stamp = Catalog::new("pc", sized(&TWO)).sets[0].stamp;
    assert!(Catalog::new("pc", sized(&TWO)).set(stamp).is_some());
    assert!(Catalog::new("pc", sized(&TWO)).set(stamp.next()).is_none());
}
