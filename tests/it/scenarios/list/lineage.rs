//! What a backup rests on: the key, what the stores still hold, the disk that a destination is, and
//! sources that have lost their files.

use super::super::Step::{
    self, Back, Do, Incremental, Mirror, OnlyUnix, Restore, Run, Unseen, Write,
};
use super::{play, scenarios};
use crate::support::machine::Machine;

/// The objects of the directory store whose names hold this, by name.
fn objects(m: &Machine, part: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(m.path("store")).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.to_string_lossy().contains(part));
    found.sort();
    assert!(!found.is_empty(), "no object has {part} in its name");
    found
}

/// Manifests of the store that keep their size and cannot be read.
fn damage_manifests(machine: &mut Machine) {
    for name in machine.stored() {
        if name.contains("_manifest_") {
            let path = machine.path("store").join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// The manifest of the first backup in local state.
fn manifest_of_first(m: &Machine) -> std::path::PathBuf {
    let state = m.path("state/state").join(&m.profile.location);
    let file = format!("{}/manifest-1.v2", m.backups()[0].stamp);
    let places = [state.join(&file), state.join("past").join(&file)];
    places.into_iter().find(|path| path.exists()).unwrap()
}

/// It keeps its size, and its checksum no longer fits.
fn damage_manifest_of_first(m: &mut Machine) {
    let manifest = manifest_of_first(m);
    let mut bytes = std::fs::read(&manifest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(manifest, bytes).unwrap();
}

scenarios! {
    another_key_is_no_typing_error_that_nobody_notices: [
        Run(&[], 0, &[" full backup!"]),
        Write("docs/new.txt", "new"),
        Do(|m| m.key = "mistyped"),
        Run(&[], 1, &["the archive key is not the key of the last backup", "--new-key"]),
        Run(&["--new-key"], 0, &[" full backup!", "the archive key is new"]),
        Run(&[], 0, &[" incremental backup!"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    another_key_is_noticed_without_local_state_too: [
        Run(&[], 0, &[" full backup!"]),
        Write("docs/new.txt", "new"),
        Do(|m| std::fs::remove_dir_all(m.path("state")).unwrap()),
        Do(|m| m.key = "mistyped"),
        Run(&[], 1, &["the archive key is not the key of the last backup", "--new-key"]),
        Run(&["--new-key"], 0, &[" full backup!", "the archive key is new"]),
        Do(|m| std::fs::remove_dir_all(m.path("state")).unwrap()),
        Run(&[], 0, &["was read back from a store"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_volume_that_is_gone_is_no_base: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| std::fs::remove_file(objects(m, "_no_").pop().unwrap()).unwrap()),
        Run(&[], 0, &[" full backup!", "was sent but is missing"]),
        Run(&[], 0, &[" incremental backup!"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_volume_that_was_cut_is_no_base: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            let volume = objects(m, "_no_").pop().unwrap();
            let bytes = std::fs::read(&volume).unwrap();
            std::fs::write(&volume, &bytes[..bytes.len() - 1]).unwrap();
        }),
        Run(&[], 0, &[" full backup!", "were sent"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    an_incremental_that_is_gone_is_missed: [
        Run(&[], 0, &[" full backup!"]),
        Write("docs/new.txt", "new"),
        Run(&[], 0, &[" incremental backup!"]),
        Write("docs/newer.txt", "newer"),
        Run(&[], 0, &[" incremental backup!"]),
        Do(|m| {
            let lost = objects(m, "_no_")[1].clone();
            let name = lost.file_name().unwrap().to_str().unwrap().to_owned();
            let start = name.split("_no_").next().unwrap().to_owned();
            objects(m, &start).iter().for_each(|path| std::fs::remove_file(path).unwrap());
        }),
        Write("docs/newest.txt", "newest"),
        Run(&[], 0, &[" full backup!", "was sent but is missing"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_source_that_has_lost_all_files_counts_as_missing: [
        Do(|m| m.add_other()),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            let other = m.other();
            std::fs::rename(&other, m.path("elsewhere")).unwrap();
            std::fs::create_dir(&other).unwrap();
        }),
        Run(&[], 1, &["it is empty, and the backup", "allow-empty"]),
        Unseen(1),
        Do(|m| {
            let other = m.other();
            std::fs::remove_dir(&other).unwrap();
            std::fs::rename(m.path("elsewhere"), &other).unwrap();
        }),
        Run(&[], 0, &[]),
    ];
    a_run_does_without_an_optional_destination: [
        Do(|m| m.profile.optional = true),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| std::fs::rename(m.path("mirror"), m.path("mirror-away")).unwrap()),
        Write("docs/new.txt", "new"),
        Run(&[], 3, &["WARNING, ", "mirror' is not used: it is not attached"]),
        Incremental(2, &["docs/new.txt"]),
        // Not even the last destination is there.
        Do(|m| std::fs::rename(m.path("store"), m.path("store-away")).unwrap()),
        Run(&[], 1, &["FAILURE, ", "mirror' does not exist"]),
        Do(|m| std::fs::rename(m.path("mirror-away"), m.path("mirror")).unwrap()),
        Write("docs/more.txt", "more"),
        Run(&[], 3, &["WARNING, ", " mirror backup!", "store' is not used: it is not attached"]),
        Mirror(&["docs/a.txt", "docs/b.txt", "docs/more.txt", "docs/new.txt", "pics/p.jpg"]),
        // An empty directory where the disk was.
        Do(|m| std::fs::create_dir(m.path("store")).unwrap()),
        Run(&[], 3, &["WARNING, ", " mirror backup!", "store' is not used: it is not attached"]),
        Do(|m| {
            std::fs::remove_dir(m.path("store")).unwrap();
            std::fs::rename(m.path("store-away"), m.path("store")).unwrap();
        }),
        Run(&[], 0, &[" incremental backup!"]),
        Incremental(3, &["docs/more.txt"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_destination_without_its_disk_is_not_written_to: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            for name in ["mirror", "store"] {
                std::fs::rename(m.path(name), m.path(&format!("{name}-attached"))).unwrap();
                std::fs::create_dir(m.path(name)).unwrap();
            }
        }),
        Write("docs/new.txt", "new"),
        Run(&[], 1, &["its disk is not attached", "--new-destination"]),
        Do(|m| {
            for name in ["mirror", "store"] {
                // Nothing was written: an empty directory can be removed.
                std::fs::remove_dir(m.path(name)).unwrap();
                std::fs::rename(m.path(&format!("{name}-attached")), m.path(name)).unwrap();
            }
        }),
        Run(&[], 0, &[" incremental backup!"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_location_as_v1_took_it: [
        Do(|m| m.profile.location = "Allen's 컴퓨터 2".to_owned()),
        Run(&[], 0, &[" full backup!"]),
        Write("docs/new.txt", "new"),
        Run(&[], 0, &[" incremental backup!"]),
        Do(|m| drop(objects(m, "Allen's 컴퓨터 2_"))),
        Restore(&[], 0, &[]),
        Back,
    ];
    another_computer_at_the_same_location_is_refused: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            std::fs::remove_dir_all(m.path("state/state")).unwrap();
            std::fs::write(m.path("state/machine"), "0123456789abcdef").unwrap();
        }),
        Run(&[], 1, &["was made by another computer", "--adopt"]),
        Run(&["--adopt"], 0, &[" full backup!"]),
        Run(&[], 0, &[" incremental backup!"]),
    ];
    another_profile_at_the_same_location_is_refused: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            for entry in std::fs::read_dir(m.path("state/state").join(&m.profile.location)).unwrap() {
                let record = entry.unwrap().path().join("backup.json");
                let Ok(text) = std::fs::read_to_string(&record) else { continue };
                std::fs::write(record, text.replace("\"profile\": \"", "\"profile\": \"other-")).unwrap();
            }
        }),
        Run(&[], 1, &["was made by the profile 'other-", "of this computer"]),
    ];
    another_computer_is_refused_whatever_the_clock_says: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            let names = m.stored();
            let stamp = names.first().unwrap().split('_').skip(1).take(2).collect::<Vec<_>>().join("_");
            for name in &names {
                let to = m.path("store").join(name.replace(&stamp, "20990101_000000.000000"));
                std::fs::rename(m.path("store").join(name), to).unwrap();
            }
            std::fs::remove_dir_all(m.path("state/state")).unwrap();
            std::fs::write(m.path("state/machine"), "0123456789abcdef").unwrap();
        }),
        Run(&[], 1, &["was made by another computer", "--adopt"]),
    ];
    backups_of_the_future_are_named_and_not_restored: [
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            // A copy of the only backup, dated by a wrong clock. Markers name their own stamp.
            let names = m.stored();
            let stamp = names.first().unwrap().split('_').skip(1).take(2).collect::<Vec<_>>().join("_");
            for name in &names {
                let from = m.path("store").join(name);
                let to = m.path("store").join(name.replace(&stamp, "20990101_000000.000000"));
                std::fs::copy(from, to).unwrap();
            }
        }),
        Write("docs/new.txt", "new"),
        Run(&[], 3, &["1 backup is dated in the future", " incremental backup!"]),
        Restore(&[], 3, &["dated in the future"]),
        Back,
    ];
    what_no_manifest_places_is_archived_by_the_next_run: [
        // Older than the two seconds by which times may differ.
        Do(|_| std::thread::sleep(std::time::Duration::from_secs(3))),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| std::fs::remove_dir_all(m.path("state")).unwrap()),
        Do(damage_manifests),
        Write("docs/new.txt", "new"),
        Run(&["--mode", "incremental-only"], 3, &["cannot be read back", "compared by their times only"]),
        Incremental(2, &["docs/new.txt"]),
        Restore(&[], 0, &[]),
        Back,
        Run(&["--mode", "incremental-only"], 0, &["found by its manifest"]),
        Incremental(3, &["docs/a.txt", "docs/b.txt", "pics/p.jpg"]),
        Run(&["--mode", "incremental-only"], 0, &[]),
        Incremental(4, &[]),
    ];
    a_source_that_nobody_knew_is_named_by_a_restore: [
        Do(|m| m.add_other()),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            std::fs::remove_dir_all(m.path("state")).unwrap();
            std::fs::rename(m.other(), m.path("elsewhere")).unwrap();
            damage_manifests(m);
        }),
        Run(&[], 1, &["compared by their times only", "is not backed up"]),
        Restore(&[], 3, &["could not look at", "its files are not in this state", "--at 20"]),
        Do(|m| std::fs::rename(m.path("elsewhere"), m.other()).unwrap()),
        Run(&[], 0, &[" incremental backup!"]),
        Restore(&[], 0, &[]),
        Back,
    ];
    a_large_manifest_that_is_damaged_at_its_end_is_that_of_the_store: [
        OnlyUnix("thousands of files take long under Wine"),
        // Its beginning can be read: a block has 128 KiB.
        Do(|m| {
            let name = |n| format!("docs/many/{n:04}{}", "x".repeat(100));
            (0..2000).for_each(|n| m.write(&name(n), ""));
        }),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| {
            std::fs::copy(manifest_of_first(m), m.path("whole")).unwrap();
            damage_manifest_of_first(m);
        }),
        Run(&[], 0, &["was read back from a store", " incremental backup!"]),
        Do(|m| {
            let [found, whole] = [manifest_of_first(m), m.path("whole")].map(std::fs::read);
            assert!(found.unwrap() == whole.unwrap());
        }),
    ];
    a_damaged_manifest_counts_as_lost: [
        Run(&[], 0, &[" full backup!"]),
        Do(damage_manifest_of_first),
        Run(&[], 0, &["was read back from a store", " incremental backup!"]),
        Incremental(2, &[]),
    ];
}
