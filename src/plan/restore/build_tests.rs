//! Plans of restores from what names and markers say (SPEC#restore).

use super::*;
use crate::model::manifest::DeltaBase;
use crate::model::mount::Mount;
use crate::model::path::FullPath;

const FULL: &str = "20261101_100000.000000";
const FIRST: &str = "20261102_100000.000000";
const SECOND: &str = "20261103_100000.000000";

fn stamp(text: &str) -> Stamp {
    text.parse().unwrap()
}

fn id(backup: &str) -> BackupId {
    BackupId {
        full: stamp(FULL),
        incremental: Some(stamp(backup)).filter(|_| backup != FULL),
    }
}

fn mount(path: &str) -> Mount {
    let path = FullPath::parse(path).unwrap();
    Mount {
        name: MountName::of(&path),
        sources: vec![path.clone()],
        path,
    }
}

/// The key of an object of an archive. `part`: `no`, `yes` or `manifest`.
fn key(backup: &str, path: &str, part: &str) -> String {
    let name = mount(path).name;
    let incremental = if backup == FULL { "0_0.0" } else { backup };
    let end = match part {
        "no" => ".zip.001",
        "manifest" => ".zip",
        _ => "",
    };
    format!("pc_{FULL}_{incremental}_{part}_{name}{end}")
}

/// A store with one set.
struct Stored {
    objects: Vec<Object>,
    markers: BTreeMap<String, Vec<u8>>,
    options: RestoreOptions,
}

impl Stored {
    /// Backups of these mounts, each resting on the one before it.
    fn new(backups: &[(&str, &[&str])]) -> Stored {
        let mut stored = Stored {
            objects: Vec::new(),
            markers: BTreeMap::new(),
            options: RestoreOptions {
                location: "pc".to_owned(),
                store: "store".to_owned(),
                exact: true,
                ..RestoreOptions::default()
            },
        };
        let mut since = None;
        for (backup, paths) in backups {
            for path in *paths {
                let sample = include_bytes!("../../model/marker/version1.sample.json");
                let mut marker = Marker::parse("sample", sample).unwrap().unwrap();
                marker.backup = id(backup);
                marker.mount = mount(path).path;
                marker.mounts = paths.iter().map(|path| mount(path)).collect();
                marker.volumes[0].key = key(backup, path, "no");
                marker.manifest.key = key(backup, path, "manifest");
                marker.since = since;
                let sizes = [("no", 300), ("manifest", 318), ("yes", 1)];
                let objects = sizes.map(|(part, size)| Object {
                    key: key(backup, path, part),
                    size,
                });
                stored.objects.extend(objects);
                let marker = marker.to_bytes();
                stored.markers.insert(key(backup, path, "yes"), marker);
            }
            since = Some(stamp(backup));
        }
        stored
    }

    fn change(mut self, backup: &str, path: &str, change: impl FnOnce(&mut Marker)) -> Stored {
        let bytes = self.markers.get_mut(&key(backup, path, "yes")).unwrap();
        let mut marker = Marker::parse("m", bytes).unwrap().unwrap();
        change(&mut marker);
        *bytes = marker.to_bytes();
        self
    }

    fn with_marker(mut self, backup: &str, path: &str, content: &[u8]) -> Stored {
        self.markers
            .insert(key(backup, path, "yes"), content.to_vec());
        self
    }

    fn without(mut self, backup: &str, path: &str, part: &str) -> Stored {
        let gone = key(backup, path, part);
        self.objects.retain(|object| object.key != gone);
        self
    }

    fn asked(mut self, change: impl FnOnce(&mut RestoreOptions)) -> Stored {
        change(&mut self.options);
        self
    }

    fn plan(&self) -> Result<RestorePlan, String> {
        let catalog = Catalog::new("pc", self.objects.clone());
        match decide(&self.options, &catalog, &self.markers) {
            Ok(Planning::Ready(plan)) => Ok(*plan),
            Ok(Planning::NeedsMarkers(markers)) => panic!("{markers:?}"),
            Err(error) => Err(error.to_string()),
        }
    }
}

const ONE: &[(&str, &[&str])] = &[(FULL, &["/a"]), (FIRST, &["/a"]), (SECOND, &["/a"])];
const TWO: &[(&str, &[&str])] = &[(FULL, &["/a", "/b"]), (FIRST, &["/a", "/b"])];

/// A change of the marker of the first incremental backup of `/a`.
type MarkerChange = fn(&mut Marker);

#[test]
fn what_a_marker_says_of_another_archive_is_not_used() {
    let different = "describes a different archive than its name";
    let no_object = "which is not an object of its archive";
    let unchained = "which is not there";
    let cases: [(&str, MarkerChange, &str); 11] = [
        ("another backup", |m| m.backup = id(FULL), different),
        ("another mount", |m| m.mount = mount("/b").path, different),
        (
            "a manifest of another location",
            |m| m.manifest.key = m.manifest.key.replace("pc_", "laptop_"),
            no_object,
        ),
        (
            "a manifest of another backup",
            |m| m.manifest.key = key(FULL, "/a", "manifest"),
            no_object,
        ),
        (
            "a manifest of another mount",
            |m| m.manifest.key = key(FIRST, "/b", "manifest"),
            no_object,
        ),
        (
            "a volume as manifest",
            |m| m.manifest.key = key(FIRST, "/a", "no"),
            no_object,
        ),
        (
            "a volume of another backup",
            |m| m.volumes[0].key = key(FULL, "/a", "no"),
            "belongs",
        ),
        (
            "a volume of another mount",
            |m| m.volumes[0].key = key(FIRST, "/b", "no"),
            "belongs",
        ),
        (
            "a base that is not there",
            |m| m.since = Some(stamp(FULL).next()),
            unchained,
        ),
        (
            "itself as base",
            |m| m.since = Some(stamp(FIRST)),
            unchained,
        ),
        (
            "a later base",
            |m| m.since = Some(stamp("20261105_100000.000000")),
            unchained,
        ),
    ];
    for (what, change, expected) in cases {
        let one = Stored::new(&ONE[..2]).change(FIRST, "/a", change);
        let error = one.plan().unwrap_err();
        assert!(error.contains(expected), "{what}: {error}");
        // Another mount is restored without it.
        let two = Stored::new(TWO).change(FIRST, "/a", change).plan().unwrap();
        let mounts: Vec<String> = two.mounts.iter().map(PlannedMount::shown).collect();
        assert_eq!(mounts, ["/b"], "{what}");
        let losses = two.losses.join("; ");
        let begin = "the mount 1 ('-a-') is NOT restored: ";
        assert!(
            losses.starts_with(begin) && losses.contains(expected),
            "{what}: {losses}"
        );
    }
    let later = Stored::new(ONE).change(FIRST, "/a", |m| m.since = Some(stamp(SECOND)));
    assert!(later.plan().unwrap_err().contains(unchained));
}

#[test]
fn markers_that_cannot_be_read_cost_their_mount() {
    for (content, expected) in [
        (&b"{"[..], "cannot be read"),
        (br#"{"version": 3}"#, "has version 3"),
    ] {
        let one = Stored::new(&ONE[..1]).with_marker(FULL, "/a", content);
        assert!(one.plan().unwrap_err().contains(expected));
        let two = Stored::new(TWO).with_marker(FIRST, "/b", content);
        let plan = two.plan().unwrap();
        assert_eq!(plan.mounts.len(), 1);
        assert!(plan.losses[0].contains(expected), "{:?}", plan.losses);
        // The full backup is not affected.
        let other = format!("the state {FULL} is unaffected by the damage");
        assert!(plan.losses[1].starts_with(&other), "{:?}", plan.losses);
    }
    let whole = Stored::new(TWO).plan().unwrap();
    assert_eq!(whole.losses, Vec::<String>::new());
    assert_eq!(whole.findings, []);
}

#[test]
fn volumes_are_compared_with_their_marker() {
    let lost = |stored: Stored| {
        let plan = stored.plan().unwrap();
        let archives = plan.mounts[0].archives.iter();
        let volumes = archives.flat_map(|archive| &archive.volumes);
        volumes
            .map(|volume| volume.lost.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(lost(Stored::new(&ONE[..2])), [false, false]);
    assert_eq!(
        lost(Stored::new(&ONE[..2]).without(FIRST, "/a", "no")),
        [false, true]
    );
    let cut = |m: &mut Marker| m.volumes[0].size += 1;
    assert_eq!(
        lost(Stored::new(&ONE[..2]).change(FULL, "/a", cut)),
        [true, false]
    );
    let mut extra = Stored::new(&ONE[..1]);
    extra.objects.push(Object {
        key: key(FULL, "/a", "no").replace(".001", ".002"),
        size: 300,
    });
    let plan = extra.plan().unwrap();
    assert!(plan.mounts[0].archives[0].has_extra && plan.findings[0].warning);
    assert_eq!(plan.mounts[0].archives[0].volumes.len(), 1);
}

#[test]
fn a_mount_of_which_nothing_arrived_makes_a_backup_unfinished() {
    let gone = |path: &str| {
        let parts = ["no", "manifest", "yes"];
        let stored = Stored::new(TWO);
        parts
            .iter()
            .fold(stored, |s, part| s.without(FIRST, path, part))
    };
    for path in ["/a", "/b"] {
        let plan = gone(path).plan().unwrap();
        assert_eq!(plan.state, stamp(FULL));
        let text =
            format!("the backup {FIRST} is not used: the upload of '{path}' was not finished");
        assert_eq!(plan.findings[0].text, text);
    }
}

#[test]
fn nothing_to_restore_has_a_reason() {
    let empty = Stored::new(&[]);
    assert_eq!(empty.plan().unwrap_err(), "store has no backup of 'pc'");
    let at = |text: &str| Some(text.parse().unwrap());
    let early = Stored::new(ONE).asked(|o| o.at = at("20261031"));
    let error = "store has no complete backup of 'pc' at or before ";
    assert!(early.plan().unwrap_err().starts_with(error));
    let unfinished = Stored::new(&ONE[..1]).without(FULL, "/a", "yes");
    let error = format!(
        "store has no complete backup of 'pc'; the newest, {FULL}, is not complete: the upload of \
         '-a-' was not finished"
    );
    assert_eq!(unfinished.plan().unwrap_err(), error);
    let state = Stored::new(ONE).asked(|o| o.at = at(FIRST)).plan().unwrap();
    assert_eq!(state.state, stamp(FIRST));
    assert_eq!(state.mounts[0].archives.len(), 2);
}

#[test]
fn mounts_are_those_of_the_newest_backup_then_older_ones() {
    let backups: &[(&str, &[&str])] = &[(FULL, &["/old", "/b"]), (FIRST, &["/z", "/b"])];
    let plan = Stored::new(backups).plan().unwrap();
    let mounts = plan.mounts.iter().map(|m| (m.number, m.shown()));
    let expected = [(1, "/z"), (2, "/b"), (3, "/old")];
    assert!(mounts.eq(expected.map(|(n, path)| (n, path.to_owned()))));
    let texts: Vec<&str> = plan.findings.iter().map(|f| f.text.as_str()).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].starts_with("'-old-' is not in the newest backup"));
    let stamps = |number: usize| {
        let archives = plan.mounts[number - 1].archives.iter();
        archives.map(|a| a.stamp.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(stamps(1), [FIRST]);
    assert_eq!(stamps(2), [FULL, FIRST]);
    assert_eq!(stamps(3), [FULL]);
}

#[test]
fn a_state_is_read_from_the_manifests_that_it_rests_on() {
    let on = |base: &'static str| {
        move |m: &mut Marker| {
            m.delta = Some(DeltaBase {
                base: stamp(base),
                whole: stamp(FULL),
                chain: 1,
            });
        }
    };
    let chain = || {
        Stored::new(ONE)
            .change(FIRST, "/a", on(FULL))
            .change(SECOND, "/a", on(FIRST))
    };
    let manifests = |plan: &RestorePlan| {
        let manifest = plan.mounts[0].manifest.as_ref()?;
        let all = std::iter::once(manifest).chain(&manifest.rests_on);
        Some(all.map(|m| m.stamp.to_string()).collect::<Vec<_>>())
    };
    let whole = chain().plan().unwrap();
    let all = [SECOND, FIRST, FULL].map(str::to_owned);
    assert_eq!(manifests(&whole), Some(all.to_vec()));
    for (gone, whole) in [
        (
            SECOND,
            format!("its manifest is missing; these states can: {FIRST}, {FULL}"),
        ),
        (
            FIRST,
            format!("that of the backup {FIRST}, which is missing; these states can: {FULL};"),
        ),
        (
            FULL,
            "which is missing; no state of this set can".to_owned(),
        ),
    ] {
        let stored = chain().without(gone, "/a", "manifest");
        let error = stored.plan().unwrap_err();
        assert!(error.contains(&whole), "{error}");
        // What all archives hold can be had without a list.
        let plan = stored.asked(|o| o.exact = false).plan().unwrap();
        assert_eq!(manifests(&plan), None);
        let warnings = plan.findings.iter().filter(|f| f.warning);
        assert_eq!(warnings.count(), 1);
    }
    // A manifest of a chain that is not of its archive.
    let foreign = |m: &mut Marker| m.manifest.key = key(FULL, "/b", "manifest");
    let error = chain().change(FULL, "/a", foreign).plan().unwrap_err();
    assert!(error.contains("which is not an object of its archive"));
    // A delta on itself, or on a later one.
    for base in [FIRST, SECOND] {
        let stored = chain().change(FIRST, "/a", on(base));
        assert!(
            stored
                .plan()
                .unwrap_err()
                .contains("cannot be restored exactly")
        );
    }
}

#[test]
fn markers_of_v1_say_nothing() {
    let plan = Stored::new(&ONE[..1]).with_marker(FULL, "/a", b"").plan();
    let plan = plan.unwrap();
    assert!(plan.mounts[0].path.is_none() && plan.mounts[0].manifest.is_none());
    assert_eq!(plan.mounts[0].archives[0].volumes.len(), 1);
    assert!(plan.findings[0].text.contains("was written by v1.0"));
}
