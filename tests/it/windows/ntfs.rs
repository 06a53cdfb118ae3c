//! A computer with Windows whose disk keeps attributes, creation times and links. Wine keeps few of
//! them: the lab does (`tests/windows/ntfs.c`), and `look.exe` says and sets them.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::lab;
use crate::support::machine::{Machine, Ran};

/// A machine with Windows whose disk is NTFS.
pub struct Ntfs {
    pub machine: Machine,
    pub records: PathBuf,
}

/// 2001, in steps of 100 ns since 1601.
pub const YEAR_2001: u64 = 126_227_808_000_000_000;

impl Ntfs {
    /// If the lab is asked for.
    pub fn new() -> Option<Ntfs> {
        if !lab::is_asked_for() {
            return None;
        }
        let machine = Machine::of_either_system();
        let records = machine.path("records");
        fs::create_dir(&records).unwrap();
        Some(Ntfs { machine, records })
    }

    fn on_it(&self, command: &mut Command, refused: &str) -> Ran {
        command
            .env("AAM_LAB_NTFS", lab::outside(&self.records))
            .env("AAM_LAB_REFUSED", refused);
        Ran::of(lab::output(command))
    }

    /// A command that takes the profile; the disk refuses what is said.
    fn aam(&self, verb: &str, more: &[&str], refused: &str) -> Ran {
        let profile = self.said(&self.machine.path("profile.yaml"));
        let mut command = self.machine.command(&[&[verb, &profile], more].concat());
        self.on_it(&mut command, refused)
    }

    pub fn run(&self) -> Ran {
        self.aam("run", &[], "")
    }

    /// Restores to `back`, whatever is there.
    pub fn restore(&self, more: &[&str], refused: &str) -> Ran {
        let to = self.said(&self.machine.path("back"));
        self.aam("restore", &[&["--to", &to], more].concat(), refused)
    }

    pub fn said(&self, path: &Path) -> String {
        self.machine.profile.said(path)
    }

    fn look(&self, verb: &str, path: &Path) -> String {
        let program = lab::outside(&self.machine.lab_programs().join("look.exe"));
        let mut command = self.machine.lab_command(&program);
        command.args([verb, &self.said(path)]);
        let ran = self.on_it(&mut command, "");
        ran.exit(0);
        ran.stdout
    }

    /// Everything below a directory, as Windows says it.
    pub fn seen(&self, path: &Path) -> String {
        self.look("list", path)
    }

    /// Makes links and sets attributes: a line for each.
    pub fn set(&self, lines: &str) {
        let path = self.machine.path("lines");
        fs::write(&path, lines).unwrap();
        self.look("set", &path);
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.machine.home().join(name)
    }

    pub fn back(&self, name: &str) -> PathBuf {
        self.machine.path("back/1").join(name)
    }

    /// Removes what is at a path, and what the disk remembers of it: its number is used again.
    pub fn remove(&self, path: &Path) {
        let found = fs::symlink_metadata(path).unwrap();
        let _ = fs::remove_file(self.records.join(format!("{:x}", found.ino())));
        if !found.is_dir() {
            return fs::remove_file(path).unwrap();
        }
        for entry in fs::read_dir(path).unwrap() {
            self.remove(&entry.unwrap().path());
        }
        fs::remove_dir(path).unwrap();
    }

    /// Nothing is where files are restored to.
    pub fn clear(&self) {
        let back = self.machine.path("back");
        if back.exists() {
            self.remove(&back);
        }
    }

    /// What was restored is what was backed up, in everything that Windows says of it.
    pub fn is_back(&self, ran: &Ran) {
        let (source, restored) = (
            self.seen(&self.machine.home()),
            self.seen(&self.machine.path("back/1")),
        );
        let lacks = |of: &str, other: &str| {
            let lines = of.lines().filter(|line| !other.lines().any(|l| l == *line));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        assert!(
            source == restored,
            "in the source only:\n{}restored only:\n{}{ran}",
            lacks(&source, &restored),
            lacks(&restored, &source)
        );
    }

    /// One link of each kind in `docs`, with attributes, to a directory beside the sources.
    pub fn make_links(&self) {
        let elsewhere = self.machine.path("elsewhere");
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(elsewhere.join("not followed.txt"), "x").unwrap();
        let target = self.said(&elsewhere);
        let mut lines = String::new();
        for (kind, name, target) in [
            ("junction", "Junction", target.as_str()),
            ("directory-link", "to a directory", target.as_str()),
            ("file-link", "to a file.txt", r"..\pics\p.jpg"),
            ("file-link", "nowhere", r"C:\no such directory\x"),
        ] {
            let path = self.said(&self.home("docs").join(name));
            writeln!(lines, "{kind}\t{path}\t{target}").unwrap();
            writeln!(lines, "attributes\t{path}\t2006").unwrap();
            writeln!(lines, "created\t{path}\t{YEAR_2001}").unwrap();
        }
        self.set(&lines);
    }
}

pub const LINKS: [&str; 4] = ["Junction", "to a directory", "to a file.txt", "nowhere"];
