//! What an ordinary account on the same computer can do to a backup of root's. These tests need
//! root, and are nothing for anybody else.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use crate::support::machine::Machine;
use crate::support::processes::is_root;

/// An account that owns nothing.
const ATTACKER: u32 = 12345;

/// A piece of shell, carried out by the attacker; whether it works is not asked.
fn as_attacker(shell: &str) -> String {
    format!(
        "setpriv --reuid {ATTACKER} --regid {ATTACKER} --clear-groups sh -c '{shell}' 2>/dev/null || :"
    )
}

/// Makes a directory of the attacker's own.
fn of_attacker(path: &Path) {
    fs::create_dir(path).unwrap();
    chown(path, Some(ATTACKER), Some(ATTACKER)).unwrap();
}

/// A machine into whose directories others can look.
fn open_machine() -> Machine {
    let machine = Machine::new();
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o711)).unwrap();
    machine
}

/// Restores into `to` while the attacker carries out `shell` before every extraction.
fn restored_under_attack(machine: &mut Machine, to: &Path, shell: &str) {
    let attack = as_attacker(shell);
    machine.hook_seven_zip(&format!("case \"$1\" in x) {attack} ;; esac"));
    let ran = machine.aam("restore", &["--to", to.to_str().unwrap()]);
    ran.exit(0).says("the restore is complete");
}

#[test]
fn root_restores_nothing_through_links_of_the_owner_of_the_target() {
    if !is_root() {
        return;
    }
    let mut machine = open_machine();
    machine.run(&[]).exit(0);
    let (theirs, victim) = (machine.path("theirs"), machine.path("victim"));
    of_attacker(&theirs);
    fs::create_dir(&victim).unwrap();
    // A directory in the target becomes a link, at any moment of the restore.
    let to = theirs.join("inside");
    of_attacker(&to);
    let (t, v) = (to.display(), victim.display());
    let swap = format!("mv {t}/1 {t}/x; ln -s {v} {t}/1; mv {t}/.aam-restore {t}/y; touch {t}/in");
    restored_under_attack(&mut machine, &to, &swap);
    assert_eq!(fs::read(to.join("1/docs/a.txt")).unwrap(), b"one");
    assert!(!to.join("in").exists(), "the attacker got in");
    // It is theirs again.
    let found = fs::metadata(&to).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&found);
    assert_eq!(
        (owner, found.permissions().mode() & 0o777),
        (ATTACKER, 0o755)
    );
    // The target itself becomes a link.
    let to = theirs.join("itself");
    of_attacker(&to);
    let t = to.display();
    let swap = format!("mv {t} {t}-moved && ln -s {v} {t}");
    restored_under_attack(&mut machine, &to, &swap);
    let moved = theirs.join("itself-moved");
    assert!(to.is_symlink(), "the attack did not take place");
    assert_eq!(fs::read(moved.join("1/docs/a.txt")).unwrap(), b"one");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn root_uses_no_working_directory_or_link_of_another_account() {
    if !is_root() {
        return;
    }
    let machine = open_machine();
    machine.run(&[]).exit(0);
    let (theirs, victim) = (machine.path("theirs"), machine.path("victim"));
    of_attacker(&theirs);
    fs::create_dir(&victim).unwrap();
    let link = theirs.join("link");
    symlink(&victim, &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(ATTACKER), Some(ATTACKER)).unwrap();
    let ran = machine.aam("restore", &["--to", link.to_str().unwrap()]);
    ran.exit(1).says("is a symbolic link");
    let to = theirs.join("to");
    of_attacker(&to);
    of_attacker(&to.join(".aam-restore"));
    symlink(&victim, to.join(".aam-restore/temporary")).unwrap();
    symlink(victim.join("lock"), to.join(".aam-restore/lock")).unwrap();
    let ran = machine.aam("restore", &["--to", to.to_str().unwrap()]);
    ran.exit(1).says("belongs to another account");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

/// Others can neither know the name of a work directory before, nor look at what runs.
#[test]
fn work_directories_and_records_are_for_root_alone() {
    if !is_root() {
        return;
    }
    let mut machine = open_machine();
    let work = machine.path("shared-work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, fs::Permissions::from_mode(0o1777)).unwrap();
    machine.profile.work.clone_from(&work);
    let seen = machine.path("seen");
    of_attacker(&seen);
    let (w, s) = (work.display(), seen.display());
    let look = as_attacker(&format!(
        "ls {w} >{s}/names; cat {w}/*/*/* >{s}/content; touch {w}/made"
    ));
    let state = machine.path("state");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
    let location = machine.profile.location.clone();
    machine.hook_seven_zip(&format!(
        "case \"$1\" in a) ;; *) exec 7zz \"$@\" ;; esac; {look}; stat -c %a {w}/{location}_* {state}/runs {state}/logs {state}/aam-backup.lock >>{s}/modes",
        state = state.display()
    ));
    machine.run(&[]).exit(0);
    assert!(work.join("made").exists(), "the attack did not take place");
    let names = fs::read_to_string(seen.join("names")).unwrap();
    let name = names.lines().find(|name| name.starts_with(&location));
    let name = name.unwrap();
    assert_eq!(name.rsplit('_').next().unwrap().len(), 8, "{name}");
    assert_eq!(fs::read_to_string(seen.join("content")).unwrap(), "");
    let modes = fs::read_to_string(seen.join("modes")).unwrap();
    assert!(
        modes.starts_with("700\n700\n700\n600\n"),
        "modes of work, runs, logs and lock: {modes}"
    );
}

/// Root's run leaves the work files of another account's backup alone, and nobody can stop it by a
/// pipe in the way.
#[test]
fn work_directories_of_others_stay() {
    let machine = Machine::new();
    let work = machine.profile.work.clone();
    let name = |stamp: &str| work.join(format!("{}_{stamp}", machine.profile.location));
    let (others, pipe, empty) = (
        name("20200101_000000"),
        name("20200102_000000_0123abcd"),
        name("20200103_000000_0123abcd"),
    );
    for directory in [&others, &pipe, &empty] {
        fs::create_dir(directory).unwrap();
    }
    fs::write(others.join("owner"), "0123456789abcdef").unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(pipe.join("owner"))
        .status();
    assert!(made.unwrap().success());
    let ran = machine.aam("run", &[]);
    ran.exit(0)
        .says("belongs to a backup with other local state, and stays");
    assert!(others.exists() && pipe.exists());
    assert!(!empty.exists(), "nothing is in it, so nothing is lost");
}

#[test]
fn the_lock_is_taken_through_no_link() {
    let machine = Machine::new();
    let victim = machine.path("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, machine.path("state/aam-backup.lock")).unwrap();
    let ran = machine.aam("run", &[]);
    ran.exit(1).says("aam-backup.lock' cannot be used");
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

/// Whether the kernel shows root directories in which it follows no link.
fn has_closed_views() -> bool {
    let try_it = "d=$(mktemp -d) && mount --bind $d $d && mount -o remount,bind,nosymfollow $d";
    let tried = std::process::Command::new("unshare")
        .args(["--mount", "sh", "-c", try_it])
        .output();
    is_root() && tried.is_ok_and(|tried| tried.status.success())
}

/// A machine whose tools `tool` run while `from` is a link to `to`; before and after, it is not.
fn swapped_while(machine: &mut Machine, tool: &str, from: &Path, to: &Path) {
    let (real, name) = match tool {
        "7zz" => ("7zz", "7zz-swapped"),
        _ => ("rsync", "rsync-swapped"),
    };
    let (from, to, done) = (from.display(), to.display(), machine.path("swapped"));
    let text = format!(
        "case \"$*\" in a\\ *-scsUTF-8*|--*) ;; *) exec {real} \"$@\" ;; esac\n\
         mv {from} {from}-aside; ln -s {to} {from}; touch {done}\n\
         {real} \"$@\"; code=$?\n\
         rm {from}; mv {from}-aside {from}; exit $code",
        done = done.display()
    );
    let script = machine.script(name, &text);
    match tool {
        "7zz" => machine.profile.seven_zip = Some(script),
        _ => machine.profile.rsync = Some(script),
    }
}

fn holds_secret(root: &Path) -> bool {
    let found = crate::support::look::look(root);
    found.values().any(|found| found.content == b"SECRET")
}

/// A directory becomes a link while a tool of root's runs, and is put back in time.
#[test]
fn tools_of_root_follow_no_link_that_is_there_for_a_moment() {
    if !has_closed_views() {
        return;
    }
    for (tool, of_mirror) in [("7zz", false), ("rsync", true)] {
        let mut machine = Machine::new();
        machine.write("docs/sub/p.jpg", "public");
        machine.write("docs/sub/q.jpg", "public");
        machine.make_old("docs/sub/p.jpg");
        let secret = machine.path("secret");
        fs::create_dir(&secret).unwrap();
        fs::write(secret.join("p.jpg"), "SECRET").unwrap();
        machine.run(&[]).exit(0);
        machine.write("docs/sub/p.jpg", "newer!");
        let from = match of_mirror {
            true => machine.below(&machine.path("mirror"), &machine.home().join("docs/sub")),
            false => machine.home().join("docs/sub"),
        };
        assert!(from.join("q.jpg").exists(), "{from:?}");
        swapped_while(&mut machine, tool, &from, &secret);
        let ran = machine.run(&["--force-full"]);
        assert!(machine.path("swapped").exists(), "it did not happen\n{ran}");
        assert_ne!(
            ran.code,
            Some(0),
            "{tool}: what was not backed up is told\n{ran}"
        );
        assert_eq!(fs::read(secret.join("p.jpg")).unwrap(), b"SECRET", "{tool}");
        assert_eq!(fs::read_dir(&secret).unwrap().count(), 1, "{tool}");
        assert!(!holds_secret(&machine.path("mirror")), "{tool}\n{ran}");
        let to = machine.nothing_restored();
        let back = machine.aam("restore", &["--to", to.to_str().unwrap()]);
        assert!(!holds_secret(&to), "{tool}\n{ran}\n{back}");
    }
}
