//! Uploads that are given up, stores that are away, kills, and lost answers.

use super::*;
use crate::support::processes::is_root;

/// What cannot go on is told and given up; the backup that is made then holds everything.
#[test]
fn given_up() {
    type Harm = fn(&Machine);
    let cases: [(&str, Harm, &str); 3] = [
        (
            "' (os error 2)",
            |m| fs::remove_dir_all(m.kept().remove(0)).unwrap(),
            "No such file",
        ),
        (
            "changed",
            |m| fs::write(m.kept().remove(0).join("1").join(volume(m)), "x").unwrap(),
            "it has 1 bytes, not ",
        ),
        (
            "touched",
            |m| {
                let path = m.kept().remove(0).join("1").join(volume(m));
                let mut bytes = fs::read(&path).unwrap();
                bytes[0] ^= 1;
                fs::write(&path, bytes).unwrap();
                let later = filetime::FileTime::from_unix_time(i64::from(u32::MAX), 0);
                filetime::set_file_mtime(&path, later).unwrap();
            },
            "it was changed",
        ),
    ];
    fn volume(machine: &Machine) -> String {
        volumes(machine)
            .into_iter()
            .find(|name| name.ends_with(".zip.004"))
            .unwrap()
            .split('/')
            .next_back()
            .unwrap()
            .into()
    }
    for (case, harm, why) in cases {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
        machine.run(&[]).exit(1);
        harm(&machine);
        proxy.heal();
        let ran = machine.run(&[]);
        ran.exit(3)
            .says(" is given up: ")
            .says(why)
            .says(" full backup!");
        assert_eq!(
            (complete(&machine).len(), machine.kept().len()),
            (1, 0),
            "{case}\n{ran}"
        );
        machine.run(&[]).exit(0).says(" incremental backup!");
        assert_restores(&machine);
    }
}

/// Without the second of three, what it held would be in no backup of the bucket: the third is
/// given up with it.
#[test]
fn a_backup_on_one_that_is_given_up() {
    let (machine, proxy) = made(false);
    machine.run(&[]).exit(0);
    machine.write("docs/second.txt", "of the second backup");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" incremental backup!");
    machine.write("docs/a.txt", "of the third");
    machine.run(&[]).exit(1).says(" incremental backup!");
    let [second, _] = machine.kept().try_into().unwrap();
    fs::remove_dir_all(second).unwrap();
    proxy.heal();
    let ran = machine.run(&[]);
    ran.exit(3)
        .says(".zip.001': No such file")
        .says("it holds what changed since")
        .says(" incremental backup!");
    assert_eq!(
        (complete(&machine).len(), machine.kept().len()),
        (2, 0),
        "{ran}"
    );
    assert_restores(&machine);
}

/// An incremental whose full is gone from the bucket is of no use there.
#[test]
fn its_full_is_gone() {
    let (machine, proxy) = made(false);
    machine.run(&[]).exit(0);
    machine.write("docs/a.txt", "changed");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.run(&[]).exit(1);
    proxy.heal();
    machine.empty_bucket();
    machine
        .run(&[])
        .exit(3)
        .says("is given up: its full backup ")
        .says(" full backup!");
    assert_eq!((complete(&machine).len(), machine.kept().len()), (1, 0));
    assert_restores(&machine);
}

/// A full that is due waits for a long upload; one that is asked for does not.
#[test]
fn a_full_that_is_due_meanwhile() {
    let (mut machine, proxy) = made(true);
    machine.profile.force_full = Some("always");
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" full backup!");
    proxy.heal();
    let second = machine.run(&[]);
    second
        .exit(0)
        .says("postponed: the upload of ")
        .says("is finished first")
        .says(" incremental backup!");
    machine.run(&[]).exit(0).says(" full backup!");
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1).says(" full backup!");
    proxy.heal();
    machine
        .run(&["--force-full"])
        .exit(0)
        .says("resuming the interrupted upload")
        .says(" full backup!");
    assert_eq!((complete(&machine).len(), machine.kept().len()), (5, 0));
    assert_eq!(machine.in_bucket(), machine.stored());
}

/// A run without that store leaves the upload for another.
#[test]
fn a_run_without_that_store() {
    let (machine, proxy) = made(true);
    proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
    machine.run(&[]).exit(1);
    let left = volumes(&machine);
    let ran = machine.run(&["--destination", "directory"]);
    ran.exit(3)
        .says("and this run does not use that store; its files stay in")
        .says(" incremental backup!");
    assert_eq!(volumes(&machine), left);
    proxy.heal();
    machine
        .run(&[])
        .exit(0)
        .says("resuming the interrupted upload");
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    machine.write("docs/a.txt", "changed");
    machine.run(&[]).exit(1);
    fs::remove_dir_all(machine.kept().remove(0)).unwrap();
    machine
        .run(&["--destination", "directory"])
        .exit(3)
        .says(" is given up: ");
    machine.run(&["--destination", "directory"]).exit(0);
    proxy.heal();
    machine.run(&[]).exit(0);
    assert_eq!((complete(&machine).len(), machine.kept().len()), (3, 0));
    assert_restores(&machine);
}

/// Killed again and again, at another moment each time: the next run that may end leaves nothing
/// unfinished, and every backup that has a marker is whole.
#[test]
fn killed_again_and_again() {
    let (machine, _proxy) = made(false);
    let began = Instant::now();
    machine.run(&[]).exit(0);
    let whole = began.elapsed();
    for moment in 0..15 {
        fs::write(
            machine.home().join(format!("docs/{moment}.txt")),
            noise(70_000),
        )
        .unwrap();
        let mut run = machine.start(if moment % 4 == 0 {
            &["--force-full"]
        } else {
            &[]
        });
        std::thread::sleep(whole * (moment * 7 % 15) / 15 + Duration::from_millis(1));
        kill_all(&mut run);
        run.wait().unwrap();
    }
    machine.run(&[]).exit(0);
    assert_eq!((machine.kept().len(), machine.left_over().len()), (0, 0));
    assert_restores(&machine);
    let complete = complete(&machine);
    assert!(complete.len() >= 2, "{complete:?}");
    for stamp in &complete {
        let to = machine.nothing_restored();
        machine
            .restore_bare(&["--at", stamp, "--to", to.to_str().unwrap()])
            .exit(0);
    }
}

/// Where objects are encrypted with keys of KMS, entity tags do not tell what they hold.
#[test]
fn an_answer_that_was_lost_stops_nothing_where_tags_are_no_checksums() {
    for tail in [".zip.001", "_yes_"] {
        let (machine, proxy) = made(false);
        let is_it = move |r: &crate::support::proxy::Request| {
            r.method == "PUT" && path(&r.target).contains(tail)
        };
        proxy.spoil_when(is_it, 1, Fault::LoseAnswer);
        proxy.spoil_when(|_| true, usize::MAX, Fault::OtherTags);
        machine.run(&[]).exit(0);
        machine.write("docs/more", tail);
        machine.run(&[]).exit(0);
        assert_eq!(complete(&machine).len(), 2, "{tail}");
    }
}

/// A crash after an object arrived and before that is noted.
#[test]
fn what_arrived_before_a_crash_is_known_again_unless_it_is_another() {
    let (machine, proxy) = made(false);
    let other_tags = || proxy.spoil_when(|_| true, usize::MAX, Fault::OtherTags);
    proxy.spoil("PUT", ".zip.001", 1, Fault::LoseAnswer);
    proxy.spoil("PUT", ".zip.001", usize::MAX, denied());
    other_tags();
    machine.run(&[]).exit(1);
    proxy.heal();
    other_tags();
    machine.run(&[]).exit(0);
    assert_restores(&machine);
}

/// A waiting volume of the same size and time that is not what it was is not sent: the next run
/// gives its backup up and makes another.
#[test]
fn what_rots_while_it_waits_is_not_sent() {
    for tail in [".zip.003", "_manifest_-"] {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
        proxy.spoil("PUT", "_manifest_-", usize::MAX, denied());
        machine.run(&[]).exit(1);
        proxy.heal();
        rot(&machine, tail);
        let ran = machine.run(&[]);
        ran.exit(1).says("is not what it was when it was made");
        let ran = machine.run(&[]);
        ran.exit(3)
            .says(" is given up: ")
            .says("is not what it was when it was made")
            .says(" full backup!");
        assert_eq!(complete(&machine).len(), 1, "{tail}\n{ran}");
        assert!(machine.kept().is_empty(), "{tail}\n{ran}");
        assert_restores(&machine);
    }
}

/// The name and the size of a waiting file are there, and its content is not: damage, as above. The
/// bucket gets all of the new backup.
#[test]
fn what_cannot_be_read_while_it_waits_is_not_sent() {
    if !is_root() {
        // strace cannot look at the handles of a program that lets no other one look into it.
        eprintln!("only root can make it fail");
        return;
    }
    for tail in [".zip.004", "_manifest_-"] {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", ".zip.003", usize::MAX, denied());
        proxy.spoil("PUT", "_manifest_-", usize::MAX, denied());
        machine.run(&[]).exit(1);
        proxy.heal();
        let file = waiting(&machine, tail);
        let fails = ["inject=read:error=EIO", "-P", file.to_str().unwrap()];
        let trace = ["-f", "-o", "/dev/null", "-e", "trace=read", "-e"];
        let profile = machine.path("profile.yaml");
        let arguments = ["run", profile.to_str().unwrap()];
        let ran = machine.traced(&[&trace[..], &fails].concat(), &arguments);
        let why = format!("'{}' cannot be read any more: ", file.display());
        ran.exit(1).says(&why).says("Input/output error");
        ran.says("check the disk of archive.work-directory; the next run makes a new backup");
        let ran = machine.run(&[]);
        ran.exit(3).says(" is given up: ").says(&why);
        ran.says(" full backup!");
        assert_eq!(complete(&machine).len(), 1, "{tail}\n{ran}");
        assert!(machine.kept().is_empty(), "{tail}\n{ran}");
        assert_restores(&machine);
    }
}

/// Where entity tags are checksums, they are believed, whatever was begun.
#[test]
fn an_object_of_the_same_size_with_other_content_is_not_taken_for_the_own() {
    for tail in [".zip.001", "_yes_"] {
        let (machine, proxy) = made(false);
        proxy.spoil("PUT", tail, usize::MAX, denied());
        machine.run(&[]).exit(1);
        let refused = proxy.seen().into_iter().rev();
        let mut refused = refused.filter(|r| r.method == "PUT" && path(&r.target).contains(tail));
        let refused = refused.next_back().unwrap();
        let size = refused.header("content-length").unwrap().parse().unwrap();
        let theirs = crate::support::moto::slow().request(
            "PUT",
            path(&refused.target),
            &[],
            &vec![b'x'; size],
        );
        assert_eq!(theirs.status, 200, "{}", refused.target);
        proxy.heal();
        machine.run(&[]).exit(1).says("with other content");
    }
}

/// The path of a waiting file.
fn waiting(machine: &Machine, tail: &str) -> PathBuf {
    let mut left = machine.kept();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            left.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.to_str().unwrap().contains(tail) {
            return path;
        }
    }
    panic!("nothing waits");
}

/// Changes a byte of a waiting volume, or changes it back; its size and time stay.
pub(super) fn rot(machine: &Machine, tail: &str) {
    let path = waiting(machine, tail);
    let time = filetime::FileTime::from_last_modification_time(&fs::metadata(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    filetime::set_file_mtime(&path, time).unwrap();
}
