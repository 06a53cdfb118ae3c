//! A computer with something to back up, a mirror, a store and a profile; runs the real program on
//! it.

mod ran;

pub use ran::Ran;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::bucket::{self, Bucket};
use super::harm::Mounted;
use super::lab::{self, Lab};
use super::look::{Seen, look};
use super::profile::Profile;

/// The archive key of every test machine.
pub const KEY: &str = "only-the-key-looks-like-this";

pub struct Machine {
    /// Dropped before the directory they are in.
    pub(super) disks: Vec<Mounted>,
    /// None on Unix.
    pub(super) lab: Option<Lab>,
    scratch: tempfile::TempDir,
    other: tempfile::TempDir,
    pub profile: Profile,
    /// Runs the program as this user.
    pub user: Option<u32>,
    /// What the program is told as the archive key.
    pub key: &'static str,
    /// Programs that keep files from being read.
    pub(super) held: Vec<Child>,
    /// A second store, in S3.
    pub bucket: Option<Bucket>,
}

impl Machine {
    /// `home` has `docs/a.txt`, `docs/b.txt`, `pics/p.jpg` and the empty directory `docs/empty`,
    /// all of them old.
    pub fn new() -> Machine {
        // Everything below /tmp is one mount, everything below /var/tmp another.
        Machine::with("/tmp".as_ref(), "/var/tmp".as_ref(), None)
    }

    /// A machine with Windows if the lab is to be used, else as [`Machine::new`].
    pub fn of_either_system() -> Machine {
        if !lab::is_asked_for() {
            return Machine::new();
        }
        let lab = Lab::enter();
        // Directories of a drive's root are mounts of their own.
        let drive = lab.drive();
        Machine::with(&drive, &drive, Some(lab))
    }

    fn with(base: &Path, other_base: &Path, lab: Option<Lab>) -> Machine {
        let place = |prefix, base| {
            tempfile::Builder::new()
                .prefix(prefix)
                .tempdir_in(base)
                .unwrap()
        };
        let (scratch, other) = (place("aam-it-", base), place("aam-other-", other_base));
        for name in ["mirror", "store", "state", "work"] {
            fs::create_dir(scratch.path().join(name)).unwrap();
        }
        let profile = Profile::new(scratch.path(), lab.as_ref().map(Lab::drive));
        let machine = Machine {
            disks: Vec::new(),
            lab,
            scratch,
            other,
            profile,
            user: None,
            key: KEY,
            held: Vec::new(),
            bucket: None,
        };
        machine.write("docs/a.txt", "one");
        machine.write("docs/b.txt", "two");
        machine.write("pics/p.jpg", "three");
        fs::create_dir(machine.home().join("docs/empty")).unwrap();
        // rsync takes times of one second for equal.
        for path in [
            "docs/a.txt",
            "docs/b.txt",
            "docs/empty",
            "docs",
            "pics/p.jpg",
            "pics",
        ] {
            machine.make_old(path);
        }
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The directory that holds all of it.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// A directory that is a mount of its own.
    pub fn other(&self) -> PathBuf {
        self.other.path().join("data")
    }

    /// Makes the other mount, with the file `far.txt`, a source too.
    pub fn add_other(&mut self) {
        fs::create_dir(self.other()).unwrap();
        fs::write(self.other().join("far.txt"), "far").unwrap();
        let source = self.other();
        self.profile.source(&source);
    }

    /// No archives. Such a job works in `/var/tmp`, where it clears up after its location: that
    /// must be this machine's own.
    pub fn mirror_only(&mut self) {
        self.profile.store = None;
        self.profile.location = self
            .path("")
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        self.profile.work = self
            .lab
            .as_ref()
            .map_or_else(|| "/var/tmp".into(), Lab::temporary);
    }

    /// `C:\\` of a machine with Windows.
    pub fn drive(&self) -> PathBuf {
        self.lab.as_ref().expect("a machine with Windows").drive()
    }

    /// The link that is the letter for snapshots of a machine with Windows, while it leads anywhere.
    pub fn lab_letter(&self) -> PathBuf {
        self.lab.as_ref().expect("a machine with Windows").letter()
    }

    /// Where the programs for a machine with Windows are.
    pub fn lab_programs(&self) -> PathBuf {
        self.lab
            .as_ref()
            .expect("a machine with Windows")
            .programs()
    }

    /// Another program for Windows, with what runs need in its environment.
    pub fn lab_command(&self, program: &str) -> Command {
        let lab = self.lab.as_ref().expect("a machine with Windows");
        let mut command = lab.command(program);
        command.env("AAM_TEST_KEY", self.key).env(
            "AAM_BACKUP_STATE_DIR",
            self.profile.said(&self.path("state")),
        );
        command
    }

    pub fn is_windows(&self) -> bool {
        self.lab.is_some()
    }

    /// A sentence with paths in it, as the program's system writes them.
    pub fn said(&self, phrase: &str) -> String {
        if self.is_windows() {
            phrase.replace('/', "\\")
        } else {
            phrase.to_owned()
        }
    }

    /// Where the copy of an absolute path lies below a directory.
    pub fn below(&self, base: &Path, absolute: &Path) -> PathBuf {
        match &self.lab {
            Some(lab) => base
                .join("c")
                .join(absolute.strip_prefix(lab.drive()).unwrap()),
            None => below(base, absolute),
        }
    }

    pub fn write(&self, path: &str, content: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Gives a file or directory a modification time of years ago.
    pub fn make_old(&self, path: &str) {
        let time = filetime::FileTime::from_unix_time(1_500_000_000, 0);
        filetime::set_file_mtime(self.home().join(path), time).unwrap();
    }

    /// A program of the machine's own, to be named in the profile.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// A 7-Zip that first runs `hook`, a piece of shell. It can ask `$what`: `archive`, `manifest`
    /// or `other`.
    pub fn hook_seven_zip(&mut self, hook: &str) {
        let text = format!(
            "case \"$*\" in a\\ *-scsUTF-8*) what=archive ;; a\\ *) what=manifest ;; *) what=other ;; esac\n{hook}\nexec 7zz \"$@\""
        );
        let path = self.script("7zz-hooked", &text);
        self.profile.seven_zip = Some(path);
    }

    /// An rsync that first runs `hook`.
    pub fn hook_rsync(&mut self, hook: &str) {
        let path = self.script("rsync-hooked", &format!("{hook}\nexec rsync \"$@\""));
        self.profile.rsync = Some(path);
    }

    /// The program, ready to start: nothing of the environment but what it needs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let profile = self.path("profile.yaml");
        let text = self.profile.text();
        // A run must not see a profile that changed only because a test wrote it again.
        if fs::read_to_string(&profile).ok().as_ref() != Some(&text) {
            fs::write(&profile, text).unwrap();
        }
        let mut command = match &self.lab {
            Some(lab) => lab.aam(),
            None => {
                let mut command = Command::new(program());
                command
                    .env_clear()
                    .current_dir("/")
                    .env("HOME", self.path("home"));
                command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
                command
            }
        };
        command.args(arguments).env("AAM_TEST_KEY", self.key);
        command.env(
            "AAM_BACKUP_STATE_DIR",
            self.profile.said(&self.path("state")),
        );
        if self.bucket.is_some() {
            command.envs(bucket::KEYS);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.aam("run", arguments);
        assert_eq!(
            self.left_over(),
            self.kept(),
            "work files are removed after every run\n{ran}"
        );
        ran
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        let profile = self.profile.said(&self.path("profile.yaml"));
        self.command(&[&["run", &profile], arguments].concat())
            .spawn()
            .unwrap()
    }

    /// Any command that takes the profile, to its end.
    pub fn aam(&self, verb: &str, arguments: &[&str]) -> Ran {
        let profile = self.profile.said(&self.path("profile.yaml"));
        self.ended(&[&[verb, &profile], arguments].concat())
    }

    /// Any command, to its end.
    pub fn ended(&self, arguments: &[&str]) -> Ran {
        let ran = Ran::of(lab::output(&mut self.command(arguments)));
        if let (Some(lab), Some(lab::OUT_OF_TIME)) = (&self.lab, ran.code) {
            lab.crash();
            panic!("{arguments:?} did not end in time\n{ran}");
        }
        ran
    }

    /// Where restored files go, with nothing in it yet.
    pub fn nothing_restored(&self) -> PathBuf {
        let to = self.path("back");
        if to.exists() {
            fs::remove_dir_all(&to).unwrap();
        }
        to
    }

    /// What is in the work directory.
    pub fn left_over(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.profile.work)
            .into_iter()
            .flatten()
            .flatten();
        let ours = format!("{}_", self.profile.location);
        let mut found: Vec<PathBuf> = entries
            .map(|e| e.path())
            .filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(&ours))
            .collect();
        found.sort();
        found
    }

    /// The work directories of backups that a store still lacks, by their records: nothing in them
    /// but volumes and encrypted manifests.
    pub fn kept(&self) -> Vec<PathBuf> {
        let records = fs::read_dir(self.path("state/state").join(&self.profile.location))
            .into_iter()
            .flatten()
            .flatten();
        let records = records.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("unfinished-"))
        });
        let mut kept: Vec<PathBuf> = records
            .map(|path| {
                let record: serde_json::Value =
                    serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
                let work = record["work"].as_str().unwrap().replace('\\', "/");
                self.profile.work.join(work.rsplit('/').next().unwrap())
            })
            .collect();
        kept.sort();
        for (path, found) in kept.iter().flat_map(|work| look(work)) {
            let name = String::from_utf8_lossy(&path).into_owned();
            let sent = ["_no_", "_manifest_", "owner"]
                .iter()
                .any(|part| name.contains(part));
            assert!(found.kind != "file" || sent, "{name} in {kept:?}");
        }
        kept
    }

    /// The mirror of `home`.
    pub fn mirror(&self) -> Seen {
        look(&self.below(&self.path("mirror"), &self.home()))
    }

    /// Files in the mirror of `home`.
    pub fn mirrored(&self) -> BTreeSet<String> {
        names(&self.mirror(), |seen| seen.kind == "file")
    }
}

/// The program under test: the one built with the tests, or where `AAM_TEST_PROGRAM` says.
fn program() -> PathBuf {
    let built = || env!("CARGO_BIN_EXE_aam-backup").into();
    std::env::var_os("AAM_TEST_PROGRAM").map_or_else(built, PathBuf::from)
}

/// Where an absolute path lies below a directory.
pub fn below(base: &Path, absolute: &Path) -> PathBuf {
    base.join(absolute.strip_prefix("/").unwrap())
}

pub(super) fn names(seen: &Seen, wanted: impl Fn(&super::look::Found) -> bool) -> BTreeSet<String> {
    seen.iter()
        .filter(|(_, f)| wanted(f))
        .map(|(path, _)| String::from_utf8_lossy(path).into_owned())
        .collect()
}
