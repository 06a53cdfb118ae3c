//! What a run began to send and did not remove is noted, and the next one removes it. What it
//! cannot read, or has no store for, it says.

use super::*;

fn notes(machine: &Machine) -> PathBuf {
    machine.path("state/state/pc/open-objects.jsonl")
}

/// A machine whose killed run left the beginnings of four volumes in both stores.
fn killed() -> (Machine, Arc<Proxy>) {
    let (mut machine, proxy) = made();
    let gate = hold(&mut machine);
    kill_with_volumes_begun(&mut machine, &gate);
    assert_eq!(begun(&machine), (4, 4));
    (machine, proxy)
}

/// The beginnings in the directory and in the bucket.
fn begun(machine: &Machine) -> (usize, usize) {
    (partial(machine).len(), machine.begun_in_bucket())
}

/// The link leads to itself: opening it fails, also for root, and removing it does not.
#[test]
fn notes_that_cannot_be_read_are_kept_and_said() {
    let (machine, _proxy) = killed();
    let (notes, aside) = (notes(&machine), machine.path("notes"));
    fs::rename(&notes, &aside).unwrap();
    std::os::unix::fs::symlink(&notes, &notes).unwrap();
    let ran = machine.run(&[]);
    ran.exit(3).says(" full backup!");
    let path = notes.display();
    ran.says(&format!("reading '{path}' in local state: "));
    ran.says("let the account that runs the backup read and write this file");
    let writing = format!("writing '{path}' in local state: ");
    // Not for each volume.
    assert_eq!(ran.stderr.matches(&writing).count(), 1, "{ran}");
    assert!(notes.is_symlink());
    assert_eq!(begun(&machine), (4, 4));
    assert_restores(&machine);
    fs::rename(&aside, &notes).unwrap();
    let ran = machine.run(&[]);
    ran.exit(0).says("removed 4 of 4 objects");
    assert_eq!((begun(&machine), notes.exists()), ((0, 0), false));
}

#[test]
fn a_line_that_is_no_note_costs_no_other() {
    let (machine, _proxy) = killed();
    let mut text = fs::read_to_string(notes(&machine)).unwrap();
    text.push_str("\0\0\0\0");
    fs::write(notes(&machine), text).unwrap();
    let ran = machine.run(&[]);
    ran.exit(3).says("1 line of '");
    ran.says("abort the multipart uploads");
    assert_eq!(begun(&machine), (0, 0));
    machine.run(&[]).exit(0);
}

#[test]
fn notes_of_a_store_that_left_the_profile_wait_for_it() {
    let (mut machine, _proxy) = killed();
    let gone = "is no longer in the profile, and has the beginning of 4 objects";
    // A run that leaves a store out is no reason.
    let ran = machine.run(&["--destination", "directory"]);
    ran.exit(0).never_says(gone);
    let section = std::mem::take(&mut machine.profile.more_destinations);
    let ran = machine.run(&[]);
    ran.exit(3).says(gone).says("after 90 days it is forgotten");
    machine.run(&[]).exit(0).never_says(gone);
    assert_eq!(begun(&machine), (0, 4));
    machine.profile.more_destinations = section;
    machine.run(&[]).exit(0).says("removed 4 of 4 objects");
    assert_eq!((begun(&machine), notes(&machine).exists()), ((0, 0), false));
}

#[test]
fn notes_of_a_store_that_left_the_profile_are_forgotten_in_the_end() {
    let (mut machine, _proxy) = killed();
    machine.profile.more_destinations.clear();
    machine.run(&[]).exit(3);
    for (days, stays) in [(89, true), (91, false)] {
        let since = chrono::Utc::now() - chrono::TimeDelta::days(days);
        let text = fs::read_to_string(notes(&machine)).unwrap();
        let aged = text.lines().map(|line| {
            let mut note: serde_json::Value = serde_json::from_str(line).unwrap();
            note["unlisted-since"] = since.to_rfc3339().into();
            format!("{note}\n")
        });
        fs::write(notes(&machine), aged.collect::<String>()).unwrap();
        let ran = machine.run(&[]);
        ran.exit(0);
        match stays {
            true => ran.never_says("is forgotten"),
            false => ran.says("an interrupted run sent is forgotten"),
        };
        assert_eq!(notes(&machine).exists(), stays, "{days} days\n{ran}");
    }
}

#[test]
fn a_store_that_lets_nothing_be_removed_is_tried_again() {
    let (machine, proxy) = killed();
    proxy.spoil("DELETE", "uploadId=", usize::MAX, denied());
    let ran = machine.run(&[]);
    ran.exit(3)
        .says("removed 0 of 4 objects")
        .says(" full backup!");
    ran.says("the next run tries again");
    // Not for each of them.
    assert_eq!(ran.stderr.matches("removing the parts of").count(), 1);
    proxy.heal();
    machine.run(&[]).exit(0).says("removed 4 of 4 objects");
    assert_eq!((begun(&machine), notes(&machine).exists()), ((0, 0), false));
}

/// A store that takes nothing more, or cannot complete an upload, and does not let it be removed.
#[test]
fn what_a_failing_store_keeps_is_removed_by_the_next_run() {
    for (method, target) in [("PUT", ".zip.003"), ("POST", ".zip.004?uploadId=")] {
        let (machine, proxy) = made();
        proxy.spoil(method, target, usize::MAX, denied());
        proxy.spoil("DELETE", "uploadId=", usize::MAX, denied());
        machine.run(&[]).exit(1);
        let left = machine.begun_in_bucket();
        assert!(left > 0);
        proxy.heal();
        let ran = machine.run(&[]);
        ran.exit(0)
            .says(&format!("removed {left} of {left} object"));
        assert_eq!((begun(&machine), notes(&machine).exists()), ((0, 0), false));
        assert_restores(&machine);
    }
}
