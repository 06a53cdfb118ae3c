//! The list. It is played here, and on Windows when the lab is asked for (`AAM_TEST_WINDOWS`, see
//! tests/windows).

mod lineage;
mod trouble;

use super::Step::{
    self, Back, Delete, Do, Full, Incremental, Mirror, Old, OnlyUnix, Rename, Restore, Run, Unseen,
    Write,
};
use super::play;
use crate::support::machine::Machine;

const ALL: &[&str] = &["docs/a.txt", "docs/b.txt", "docs/empty/", "pics/p.jpg"];
const FILES: &[&str] = &["docs/a.txt", "docs/b.txt", "pics/p.jpg"];

/// Scenarios of one file, by name, each a test.
macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident: [$($step:expr),* $(,)?];)*) => {
        pub(super) const SCENARIOS: &[(&str, &[Step])] = &[$((stringify!($name), &[$($step),*])),*];
        $($(#[$doc])* #[test] fn $name() {
            let (_, steps) = SCENARIOS.iter().find(|(name, _)| *name == stringify!($name)).unwrap();
            play(steps);
        })*
    };
}
use scenarios;

/// Nothing is left out silently.
#[test]
fn what_is_for_unix_only() {
    let all = [SCENARIOS, lineage::SCENARIOS, trouble::SCENARIOS].concat();
    let mut left_out = 0;
    for (name, steps) in &all {
        for why in steps.iter().filter_map(|step| {
            if let Step::OnlyUnix(why) = step {
                Some(why)
            } else {
                None
            }
        }) {
            println!("{name}: {why}");
            left_out += 1;
        }
    }
    println!(
        "{} scenarios, {left_out} of them for Unix only, at least in part",
        all.len()
    );
    assert!(left_out * 10 < all.len());
}

scenarios! {
    the_first_backup_is_full: [
        Run(&[], 0, &["SUCCESS, ", " full backup!", "no complete full backup of 20"]),
        Full(1, ALL),
        Mirror(FILES),
    ];
    a_plan_changes_nothing: [
        Do(|m| { m.aam("plan", &[]).exit(0).says("A full backup"); }),
        Do(|m| assert!(m.stored().is_empty() && m.mirrored().is_empty() && m.left_over().is_empty())),
        Run(&[], 0, &[" full backup!"]),
    ];
    an_incremental_has_exactly_what_changed: [
        Write("docs/keep/old/deep.txt", "moved later"),
        Old("docs/keep/old/deep.txt"),
        Old("docs/keep/old"),
        Run(&[], 0, &[]),
        Write("docs/a.txt", "changed"),
        Write("docs/new.txt", "added"),
        Write("pics/restored.jpg", "from another disk"),
        Old("pics/restored.jpg"),
        Delete("docs/b.txt"),
        // Everything in it keeps all of its times.
        Rename("docs/keep/old", "pics/moved"),
        Run(&[], 0, &[" incremental backup!", "found by its manifest"]),
        Incremental(2, &["docs/a.txt", "docs/new.txt", "pics/moved/deep.txt", "pics/restored.jpg"]),
    ];
    a_file_with_the_same_size_and_an_old_time_is_seen: [
        Run(&[], 0, &[]),
        Write("docs/a.txt", "eno"),
        Old("docs/a.txt"),
        Run(&[], 0, &[]),
        Incremental(2, &["docs/a.txt"]),
    ];
    an_incremental_with_nothing_writes_its_marker: [
        Run(&[], 0, &[]),
        Run(&[], 0, &["Archived: no new or changed files"]),
        Incremental(2, &[]),
        Run(&[], 0, &[]),
        Incremental(3, &[]),
    ];
    a_new_empty_directory_is_archived: [
        Run(&[], 0, &[]),
        Do(|m| std::fs::create_dir(m.home().join("pics/2020")).unwrap()),
        Run(&[], 0, &[]),
        Incremental(2, &["pics/2020/"]),
    ];
    without_local_state_the_manifest_is_read_back: [
        Write("docs/album/x.txt", "moved later"),
        Old("docs/album/x.txt"),
        Run(&[], 0, &[]),
        Write("docs/second.txt", "in the second backup"),
        Run(&[], 0, &[" incremental backup!"]),
        Do(|m| std::fs::remove_dir_all(m.path("state")).unwrap()),
        Write("docs/new.txt", "added"),
        // With its old times, which say nothing.
        Rename("docs/album", "pics/album"),
        Run(&[], 0, &["was read back from a store", " incremental backup!", "found by its manifest"]),
        Incremental(3, &["docs/new.txt", "pics/album/x.txt"]),
        Restore(&[], 0, &[]),
        Back,
        Run(&[], 0, &["found by its manifest"]),
        Incremental(4, &[]),
    ];
    without_local_state_and_with_a_changed_profile_a_full_backup_is_made: [
        Run(&[], 0, &[]),
        Do(|m| std::fs::remove_dir_all(m.path("state")).unwrap()),
        Do(|m| m.profile.exclude_files.push("*.jpg".to_owned())),
        Run(&[], 0, &["was read back from a store", " full backup!"]),
    ];
    a_source_that_is_taken_out_is_named_in_the_mirror: [
        Do(|m| m.add_other()),
        Run(&[], 0, &[" full backup!"]),
        Do(|m| drop(m.profile.sources.pop())),
        Run(&[], 0, &["in the mirror belongs to no source of this profile"]),
    ];
    a_store_in_the_mirror_is_no_source_that_was_taken_out: [
        Do(|m| {
            let store = m.path("mirror/store");
            std::fs::create_dir_all(&store).unwrap();
            m.profile.store = Some(store);
            let ran = m.run(&[]).to_string();
            assert!(ran.contains("SUCCESS") && !ran.contains("belongs to no source"), "{ran}");
        }),
    ];
    a_changed_selection_makes_a_full: [
        Run(&[], 0, &[]),
        Do(|m| m.profile.exclude_files.push("*.jpg".to_owned())),
        Run(&[], 0, &[" full backup!", "sources, exclusions or location changed"]),
        Full(2, &["docs/a.txt", "docs/b.txt", "docs/empty/"]),
        // extra-files: keep
        Mirror(FILES),
    ];
    a_changed_comment_makes_no_full: [
        Run(&[], 0, &[]),
        Do(|m| m.profile.more.push_str("# a comment\nrestore: {keep-days: 3}\n")),
        Run(&[], 0, &[" incremental backup!"]),
        Incremental(2, &[]),
    ];
    force_full_never_ignores_a_changed_selection: [
        Do(|m| m.profile.force_full = Some("never")),
        Run(&[], 0, &[]),
        Do(|m| m.profile.exclude_files.push("nothing-like-it".to_owned())),
        Run(&[], 0, &[" incremental backup!"]),
    ];
    force_full_always: [
        Do(|m| m.profile.force_full = Some("always")),
        Run(&[], 0, &[]),
        Run(&[], 0, &[" full backup!", "force-full is 'always'"]),
        Full(2, ALL),
    ];
    force_full_once: [
        Run(&[], 0, &[]),
        Run(&["--force-full"], 0, &[" full backup!", "--force-full asks for it"]),
        Full(2, ALL),
        Run(&[], 0, &[" incremental backup!"]),
    ];
    incremental_only_needs_a_full: [
        Run(&["--mode", "incremental-only"], 1, &[
            "FAILURE, ",
            "no complete full backup was found for an incremental backup to rest on",
            "make a full backup first",
        ]),
        Do(|m| assert_eq!(m.stored().len(), 0)),
        Mirror(FILES),
        Run(&[], 0, &[]),
        Write("docs/a.txt", "changed"),
        Run(&["--mode", "incremental-only"], 0, &[" incremental backup!"]),
        Incremental(2, &["docs/a.txt"]),
    ];
    incremental_only_refuses_when_a_full_is_demanded: [
        Run(&[], 0, &[]),
        Do(|m| m.profile.exclude_files.push("*.jpg".to_owned())),
        Run(&["--mode", "incremental-only"], 1, &["a full backup is required (sources, exclusions or location changed"]),
        Full(1, ALL),
    ];
    a_missing_source_fails_and_forgets_nothing: [
        Do(|m| m.profile.mirror_extra("delete", "100%")),
        Run(&[], 0, &[]),
        Rename("pics", "elsewhere"),
        Write("docs/a.txt", "changed"),
        Delete("docs/b.txt"),
        Run(&[], 1, &["source '", "/home/pics' is not backed up: it does not exist", "attach it", "is there, without '"]),
        Incremental(2, &["docs/a.txt"]),
        Mirror(&["docs/a.txt", "pics/p.jpg"]),
        // The directory and the file in it.
        Unseen(2),
        Run(&["--force-full"], 1, &["a full backup is due (--force-full asks for it) but postponed: the source '"]),
        Incremental(3, &[]),
        Unseen(2),
        Rename("elsewhere", "pics"),
        Run(&[], 0, &[" incremental backup!"]),
        Unseen(0),
    ];
    a_full_that_was_put_off_is_made_up_for: [
        Run(&[], 0, &[]),
        Rename("pics", "elsewhere"),
        Do(|m| m.profile.exclude_files.push("b.txt".to_owned())),
        Run(&[], 1, &["postponed"]),
        Rename("elsewhere", "pics"),
        Run(&[], 0, &[" full backup!", "sources, exclusions or location changed"]),
    ];
    a_missing_optional_source_is_a_warning: [
        Run(&[], 0, &[]),
        Do(|m| m.profile.sources[1].1 = true),
        Rename("pics", "elsewhere"),
        Run(&[], 3, &["WARNING, ", "remove it from sources"]),
        Incremental(2, &[]),
        Unseen(2),
        Run(&["--force-full"], 3, &["postponed: the source '"]),
    ];
    an_optional_source_alone_on_its_mount: [
        Do(|m| m.add_other()),
        Do(|m| m.profile.sources[2].1 = true),
        Do(|m| std::fs::remove_dir_all(m.other()).unwrap()),
        Run(&[], 3, &["WARNING, ", " full backup!"]),
        Full(1, ALL),
        // It never held a file: a full backup does not wait for it.
        Run(&["--force-full"], 3, &["WARNING, ", " full backup!", "is not backed up"]),
        Full(2, ALL),
        Restore(&[], 0, &["could not look at", "nothing of it is in this set"]),
    ];
    two_mounts: [
        Do(|m| m.add_other()),
        Run(&[], 0, &[]),
        Full(1, &["docs/a.txt", "docs/b.txt", "docs/empty/", "other/far.txt", "pics/p.jpg"]),
        Do(|m| std::fs::write(m.other().join("near.txt"), "new").unwrap()),
        Run(&[], 0, &[]),
        Incremental(2, &["other/near.txt"]),
    ];
    a_7z_archive: [
        Do(|m| m.profile.format = "7z"),
        Run(&[], 0, &[]),
        Full(1, ALL),
        Write("docs/a.txt", "changed"),
        Run(&[], 0, &[]),
        Incremental(2, &["docs/a.txt"]),
    ];
    many_small_volumes: [
        Do(|m| m.profile.volume_size = 65536),
        Do(|m| std::fs::write(m.home().join("docs/noise"), noise(1_000_000)).unwrap()),
        Run(&[], 0, &[]),
        Full(1, &["docs/a.txt", "docs/b.txt", "docs/empty/", "docs/noise", "pics/p.jpg"]),
        Do(|m| assert!(m.stored().iter().any(|name| name.ends_with(".zip.015")), "{:?}", m.stored())),
    ];
    a_mirror_only: [
        Do(Machine::mirror_only),
        Run(&[], 0, &["SUCCESS, ", " mirror backup!"]),
        Mirror(FILES),
    ];
    a_mirror_only_keeps_what_it_cannot_see: [
        Do(Machine::mirror_only),
        Do(|m| m.profile.mirror_extra("delete", "100%")),
        Run(&[], 0, &[]),
        Rename("pics", "elsewhere"),
        Delete("docs/b.txt"),
        Run(&[], 1, &["/home/pics' is not backed up"]),
        Mirror(&["docs/a.txt", "pics/p.jpg"]),
    ];
    an_archive_only: [
        Do(|m| m.profile.mirror = String::new()),
        Run(&[], 0, &[]),
        Full(1, ALL),
        Mirror(&[]),
    ];
    a_link_above_the_sources_is_followed: [
        OnlyUnix("a symbolic link of Unix is no link to a program for Windows"),
        Rename("docs", "real"),
        Do(|m| std::os::unix::fs::symlink("real", m.home().join("docs")).unwrap()),
        Write("real/in/a.txt", "below"),
        Do(|m| m.profile.sources[0].0 = m.home().join("docs/in")),
        Run(&[], 0, &[]),
        Full(1, &["docs/in/a.txt", "pics/p.jpg"]),
        Mirror(&["docs/in/a.txt", "pics/p.jpg"]),
    ];
}

/// Bytes that do not compress, the same every time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}
