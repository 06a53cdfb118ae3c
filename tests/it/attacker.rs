//! An ordinary account that renames and links at random wherever it may, while root backs up and
//! restores: nothing that was not selected is read, and nothing is written elsewhere.
//!
//! `AAM_TEST_ATTACK_SECONDS=300 cargo test --test it attacker` attacks for five minutes. Needs root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::look::{Seen, look};
use crate::support::machine::Machine;
use crate::support::processes::is_root;

/// An account that owns nothing but what it is given here.
const ATTACKER: u32 = 12346;

/// What is in every file that was not selected.
const SECRET: &str = "SECRET";

/// Swaps entries of the directories for links to the second argument and for pipes, and back. The
/// first one is the seed.
const ATTACK: &str = r#"
import os, random, sys, time
victim, places = sys.argv[2], sys.argv[3:]
random.seed(int(sys.argv[1]))
def swap(path, put):
    aside = path + "~"
    os.rename(path, aside)
    try:
        put(path)
        time.sleep(random.choice([0, 0, 0.0005, 0.005, 0.05]))
        os.unlink(path)
    finally:
        try: os.rename(aside, path)
        except OSError: os.rename(aside, path + ".moved%d" % random.randrange(9))
while True:
    place = random.choice(places)
    try:
        for _ in range(random.randrange(4)):
            names = [n for n in os.listdir(place) if os.path.isdir(os.path.join(place, n))]
            if not names: break
            place = os.path.join(place, random.choice(names))
        entries = os.listdir(place)
        if not entries: time.sleep(0.001); continue
        path = os.path.join(place, random.choice(entries))
        if path.endswith("~") or os.path.islink(path): continue
        to = victim if os.path.isdir(path) else os.path.join(victim, os.path.basename(path))
        if random.randrange(8): swap(path, lambda p: os.symlink(to, p))
        elif os.path.isfile(path): swap(path, os.mkfifo)
    except OSError: time.sleep(0.0002)
"#;

struct Attack(Child);

impl Attack {
    fn begin(round: u32, victim: &Path, places: &[&Path]) -> Attack {
        let account = ATTACKER.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &account, "--regid", &account, "--clear-groups"]);
        command
            .args(["python3", "-c", ATTACK, &round.to_string()])
            .arg(victim)
            .args(places);
        Attack(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn give_to_attacker(path: &Path) {
    let done = Command::new("chown")
        .args(["-R", &format!("{ATTACKER}:{ATTACKER}")])
        .arg(path)
        .status();
    assert!(done.unwrap().success());
}

fn has_secret(root: &Path) -> bool {
    look(root)
        .values()
        .any(|found| found.content == SECRET.as_bytes())
}

fn seconds() -> u64 {
    let given = std::env::var("AAM_TEST_ATTACK_SECONDS");
    given.map_or(6, |seconds| seconds.parse().unwrap())
}

/// A machine whose sources are the attacker's, and a directory that is nobody's business.
fn machine_of_two() -> (Machine, Seen) {
    let mut machine = Machine::new();
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o711)).unwrap();
    let victim = machine.path("victim");
    fs::create_dir(&victim).unwrap();
    for number in 0..60 {
        let (directory, name) = (number / 10, format!("f{number}"));
        machine.write(&format!("docs/{directory}/{name}"), "public");
        fs::write(victim.join(&name), SECRET).unwrap();
        fs::set_permissions(victim.join(&name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    give_to_attacker(&machine.home().join("docs"));
    let work = machine.path("shared-work");
    fs::create_dir(&work).unwrap();
    fs::set_permissions(&work, fs::Permissions::from_mode(0o1777)).unwrap();
    machine.profile.work = work;
    let before = look(&victim);
    (machine, before)
}

#[test]
fn an_account_that_renames_and_links_at_random_gets_nothing() {
    if !is_root() {
        return;
    }
    let (machine, before) = machine_of_two();
    let (victim, theirs) = (machine.path("victim"), machine.path("theirs"));
    fs::create_dir(&theirs).unwrap();
    chown(&theirs, Some(ATTACKER), Some(ATTACKER)).unwrap();
    machine.aam("run", &[]).exit(0);
    let places =
        ["home/docs", "mirror", "theirs", "shared-work", "state"].map(|name| machine.path(name));
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut round = 0;
    while round < 2 || Instant::now() < end {
        let to = theirs.join(format!("to{round}"));
        fs::create_dir(&to).unwrap();
        chown(&to, Some(ATTACKER), Some(ATTACKER)).unwrap();
        let places = places.each_ref().map(|place| place.as_path());
        let attack = Attack::begin(round, &victim, &places);
        let ran = machine.aam(
            "run",
            if round % 2 == 0 {
                &["--force-full"]
            } else {
                &[]
            },
        );
        let back = machine.aam("restore", &["--to", to.to_str().unwrap()]);
        drop(attack);
        for root in [&machine.path("mirror"), &theirs] {
            assert!(
                !has_secret(root),
                "{} has it\n{ran}\n{back}",
                root.display()
            );
        }
        assert!(
            look(&victim) == before,
            "something was written\n{ran}\n{back}"
        );
        assert!(ran.code.is_some() && back.code.is_some(), "{ran}\n{back}");
        fs::remove_dir_all(&to).unwrap_or_default();
        round += 1;
    }
    // What the archives hold is seen in peace.
    let to = machine.nothing_restored();
    let back = machine.aam("restore", &["--to", to.to_str().unwrap()]);
    assert!(!has_secret(&to), "{back}");
    println!("{round} runs and restores");
}
