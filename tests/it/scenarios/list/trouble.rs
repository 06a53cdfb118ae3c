//! Things that go wrong, what is kept and deleted in a mirror, and what comes back.

use std::fs;

use super::super::Step::{
    self, Back, Bare, Beside, Delete, Do, Full, Incremental, Interrupted, Killed, Manifested,
    Mirror, OnlyUnix, Readable, Rename, Restore, Run, SmallDisk, Unreadable, Waits, Write,
};
use super::{ALL, FILES, noise, play, scenarios};
use crate::support::machine::{KEY, Machine};
use crate::support::proxy::Fault;

/// The mirror's copy of a file of `home`.
fn copy(m: &Machine, path: &str) -> std::path::PathBuf {
    m.below(&m.path("mirror"), &m.home()).join(path)
}

scenarios! {
    every_state_comes_back: [
        Do(|m| m.add_other()),
        Write("docs/nasty/two words/it's.txt", "x"),
        Write("docs/nasty/100% & (more) ^!/[x] {y}, z;=+~#.txt", "y"),
        Write("docs/nasty/\u{1f600}/e\u{301} Übung.txt", "z"),
        Write("docs/nasty/-rf/ lead", "-"),
        Run(&[], 0, &[]),
        Restore(&["--exact"], 0, &["the restore is complete"]),
        Back,
        Delete("docs/b.txt"),
        Rename("docs/nasty", "pics/moved"),
        Write("docs/a.txt", "changed"),
        Do(|m| std::fs::create_dir(m.home().join("pics/new and empty")).unwrap()),
        Run(&[], 0, &[" incremental backup!"]),
        Restore(&["--exact"], 0, &["the restore is complete"]),
        Back,
        // Of a source that is missing the last known state comes back.
        Rename("pics", "elsewhere"),
        Write("docs/last.txt", "last"),
        Run(&[], 1, &["/home/pics' is not backed up"]),
        Rename("elsewhere", "pics"),
        Restore(&["--exact"], 0, &[]),
        Back,
    ];
    /// Programs for Windows take them apart from others only by the verbatim form of a path.
    names_that_end_in_a_dot_or_a_space: [
        // What the real Robocopy makes of them is not known.
        Do(|m| m.profile.mirror = String::new()),
        Write("docs/trail ", "1"),
        Write("docs/dots..", "2"),
        Write("docs/both. ./in.txt", "3"),
        Run(&[], 0, &[" full backup!"]),
        Full(1, &[
            "docs/a.txt",
            "docs/b.txt",
            "docs/both. ./in.txt",
            "docs/dots..",
            "docs/empty/",
            "docs/trail ",
            "pics/p.jpg",
        ]),
        Manifested("docs/dots.."),
        Write("docs/dots..", "2, changed"),
        Run(&[], 0, &[" incremental backup!"]),
        Incremental(2, &["docs/dots.."]),
        Do(|m| if m.is_windows() {
            let to = m.profile.said(&m.nothing_restored());
            let ran = m.aam("restore", &["--to", &to, "--exact"]);
            ran.exit(3).says("'docs/dots..' was restored as").says("'docs/both. .' was restored as");
            let restored = [("trail_", "1"), ("dots__", "2, changed"), ("both___/in.txt", "3")];
            for (path, text) in restored.iter().chain(&[("a.txt", "one")]) {
                let found = fs::read_to_string(m.path("back/1/docs").join(path));
                assert_eq!(found.ok().as_deref(), Some(*text), "{path}");
            }
        }),
        OnlyUnix("Windows restores them under other names"),
        Restore(&["--exact"], 0, &["the restore is complete"]),
        Back,
    ];
    a_wrong_key_restores_nothing: [
        Run(&[], 0, &[]),
        Do(|m| m.key = "another key"),
        Restore(&[], 1, &["the key is wrong, or the archive is damaged", "the restore is NOT complete"]),
        Do(|m| m.key = KEY),
        Restore(&[], 0, &[]),
        Back,
    ];
    what_is_in_s3_comes_back: [
        Do(|m| m.profile.location = "Allen's 컴퓨터 2".to_owned()),
        Do(|m| m.add_other()),
        Do(|m| m.add_bucket("STANDARD")),
        Run(&[], 0, &[" full backup!"]),
        Write("docs/a.txt", "changed"),
        Delete("docs/b.txt"),
        Rename("pics", "docs/moved"),
        Write("pics/q.jpg", "another"),
        Run(&[], 0, &[" incremental backup!"]),
        Incremental(2, &["docs/a.txt", "docs/moved/p.jpg", "pics/q.jpg"]),
        Do(|m| assert_eq!(m.in_bucket(), m.stored())),
        Restore(&["--exact", "--from", "s3"], 0, &["from s3:", "the restore is complete"]),
        Back,
    ];
    /// The computer is gone. One command on a bare one requests, waits, downloads and extracts.
    from_deep_archive_in_one_command: [
        Do(|m| m.add_other()),
        Do(|m| m.add_bucket("DEEP_ARCHIVE")),
        Run(&[], 0, &[" full backup!"]),
        Write("docs/a.txt", "changed"),
        Delete("docs/b.txt"),
        Run(&[], 0, &[" incremental backup!"]),
        Do(|m| {
            std::fs::remove_dir_all(m.path("state")).unwrap();
            std::fs::remove_dir_all(m.path("store")).unwrap();
            std::fs::remove_file(m.path("profile.yaml")).unwrap();
        }),
        Bare(&["--exact"], 2, &["still to be requested from the archive", "add --yes"]),
        Do(|m| assert!(!m.path("back").exists())),
        Bare(&["--exact", "--yes", "--poll-every", "1s"], 0, &[
            "within 48 hours",
            "requested 'pc_",
            "are not readable yet",
            "the restore is complete",
        ]),
        Back,
    ];
    /// What is in the work directory is no backup.
    a_full_that_is_cut_off_does_not_count: [
        Do(|m| m.add_other()),
        Killed,
        Do(|m| assert_eq!(m.backups(), [])),
        Run(&[], 0, &[" full backup!", "left by an interrupted run"]),
        Full(1, &["docs/a.txt", "docs/b.txt", "docs/empty/", "other/far.txt", "pics/p.jpg"]),
    ];
    an_incremental_that_is_cut_off_does_not_count: [
        Do(|m| m.add_other()),
        Run(&[], 0, &[]),
        Write("docs/a.txt", "changed"),
        Killed,
        Run(&[], 0, &[" incremental backup!", "left by an interrupted run"]),
        Incremental(2, &["docs/a.txt"]),
    ];
    an_upload_that_is_cut_off_is_finished_by_the_next_run: [
        Do(|m| m.add_other()),
        Do(|m| {
            let denied = Fault::s3(403, "AccessDenied", "Access Denied");
            m.add_bucket_behind_proxy().spoil("PUT", "_manifest_", 1, denied);
        }),
        Run(&[], 1, &[" full backup!", "and the next run resumes the upload"]),
        Do(|m| assert_eq!(m.kept().len(), 1)),
        Write("docs/a.txt", "changed"),
        Run(&[], 0, &["resuming the interrupted upload of the backup ", ": 3 objects left", " incremental backup!"]),
        Do(|m| assert_eq!(m.kept().len(), 0)),
        Incremental(2, &["docs/a.txt"]),
        Do(|m| assert_eq!(m.in_bucket(), m.stored())),
        Bare(&["--exact"], 0, &["the restore is complete"]),
        Back,
    ];
    an_interrupt_stops_everything_in_order: [
        Do(|m| m.add_other()),
        Interrupted(&["FAILURE, "]),
        Do(|m| assert_eq!(m.stored().len(), 0)),
        Run(&[], 0, &[" full backup!"]),
        Full(1, &["docs/a.txt", "docs/b.txt", "docs/empty/", "other/far.txt", "pics/p.jpg"]),
    ];
    one_backup_at_a_time: [
        Do(|m| m.add_other()),
        Do(|m| m.profile.more.push_str("lock: {retry-every: 1s, give-up-after: 0s}\n")),
        Beside(&[], 4, &[
            "another backup is still running (profile 'test', process ",
            "FAILURE, ",
            "lock.give-up-after in the profile",
        ]),
        Full(1, &["docs/a.txt", "docs/b.txt", "docs/empty/", "other/far.txt", "pics/p.jpg"]),
        // A crash frees it.
        Killed,
        Run(&[], 0, &[" incremental backup!"]),
    ];
    the_second_waits_for_the_first: [
        Do(|m| m.add_other()),
        // The lock is taken when it is free, not at the next message.
        Do(|m| m.profile.more.push_str("lock: {retry-every: 30m, give-up-after: 1h}\n")),
        Waits,
        Incremental(2, &[]),
    ];
    a_full_work_directory: [
        Do(|m| std::fs::write(m.home().join("docs/noise"), noise(1_000_000)).unwrap()),
        SmallDisk(256),
        Run(&[], 1, &["no archive of", "is full: free some space", "nothing is uploaded"]),
        Do(|m| assert_eq!(m.stored().len(), 0)),
        // It is made all the same.
        Mirror(&["docs/a.txt", "docs/b.txt", "docs/noise", "pics/p.jpg"]),
        Delete("docs/noise"),
        Run(&[], 0, &[]),
    ];
    an_unreadable_file_is_listed: [
        Unreadable("docs/b.txt"),
        Run(&[], 3, &["WARNING, ", "/docs/b.txt' is not backed up: ", "Skipped: 1 entry"]),
        Full(1, &["docs/a.txt", "docs/empty/", "pics/p.jpg"]),
        // It was there.
        Manifested("docs/b.txt"),
        Readable("docs/b.txt"),
        Run(&[], 0, &[]),
        Incremental(2, &["docs/b.txt"]),
        Mirror(FILES),
    ];
    extra_files_are_kept_by_default: [
        Run(&[], 0, &[]),
        Delete("docs/b.txt"),
        Run(&[], 0, &[]),
        Mirror(FILES),
    ];
    what_is_excluded_or_of_another_kind_is_extra: [
        Do(|m| m.profile.mirror_extra("delete", "100%")),
        Write("docs/was-directory/in/it.txt", "x"),
        Write("docs/was-file", "x"),
        Run(&[], 0, &[]),
        Delete("docs/b.txt"),
        Delete("docs/was-directory"),
        Write("docs/was-directory", "a file now"),
        Delete("docs/was-file"),
        Write("docs/was-file/is.txt", "a directory now"),
        Do(|m| m.profile.exclude_files.push("*.jpg".to_owned())),
        Run(&[], 0, &["deleted from the mirror: ", "Deleted from the mirror: "]),
        Mirror(&["docs/a.txt", "docs/was-directory", "docs/was-file/is.txt"]),
    ];
    too_much_is_not_deleted: [
        Do(|m| m.profile.mirror_extra("delete", "25%")),
        Run(&[], 0, &[]),
        Delete("docs/a.txt"),
        Write("docs/new.txt", "new"),
        Run(&[], 1, &["1 of its 3 files would be deleted, more than max-delete allows", "max-delete (to 1, say)"]),
        // Nothing is deleted, nothing copied, and the archive is made all the same.
        Mirror(FILES),
        Incremental(2, &["docs/new.txt"]),
        Do(|m| m.profile.mirror_extra("delete", "1")),
        Run(&[], 0, &[]),
        Mirror(&["docs/b.txt", "docs/new.txt", "pics/p.jpg"]),
    ];
    a_damaged_copy_is_mended: [
        Run(&[], 0, &[]),
        Do(|m| std::fs::write(copy(m, "docs/a.txt"), "damaged").unwrap()),
        Do(|m| std::fs::write(copy(m, "docs/b.txt"), "owt").unwrap()),
        Run(&[], 0, &[]),
        Do(|m| assert_eq!(std::fs::read(copy(m, "docs/a.txt")).unwrap(), b"one")),
        Do(|m| assert_eq!(std::fs::read(copy(m, "docs/b.txt")).unwrap(), b"two")),
    ];
    a_mirror_that_is_a_file: [
        Do(|m| std::fs::remove_dir(m.path("mirror")).unwrap()),
        Do(|m| std::fs::write(m.path("mirror"), "a file").unwrap()),
        Run(&[], 1, &["/mirror' is not a directory", "FAILURE, "]),
        Do(|m| assert_eq!(std::fs::read(m.path("mirror")).unwrap(), b"a file")),
        Full(1, ALL),
    ];
    /// A disk that is not attached is not taken for an empty one.
    a_mirror_that_is_missing: [
        Do(|m| std::fs::remove_dir(m.path("mirror")).unwrap()),
        Run(&[], 1, &["/mirror' does not exist", "attach its disk"]),
        Do(|m| assert!(!m.path("mirror").exists())),
        Full(1, ALL),
    ];
    a_store_that_is_missing: [
        Do(|m| std::fs::remove_dir(m.path("store")).unwrap()),
        Run(&[], 1, &["nothing is archived to", "no store can be reached"]),
        Do(|m| assert!(!m.path("store").exists())),
        Mirror(FILES),
    ];
}
