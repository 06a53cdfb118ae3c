//! Harm done to a test machine: files that cannot be read, disks that are full.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::machine::Machine;
use super::processes::is_root;

impl Machine {
    /// An ordinary user's machine: root can read everything.
    pub fn become_ordinary(&mut self) {
        if is_root() && !self.is_windows() {
            const NOBODY: u32 = 65534;
            self.user = Some(NOBODY);
            let changed = Command::new("chown")
                .args(["-R", "65534:65534"])
                .arg(self.path("."))
                .status()
                .unwrap();
            assert!(changed.success());
        }
    }

    pub fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.home().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// From now on the file cannot be read: on Unix by its mode, on Windows because another program
    /// has it open.
    pub fn make_unreadable(&mut self, path: &str) {
        let Some(lab) = &self.lab else {
            self.become_ordinary();
            return self.mode(path, 0);
        };
        let mut command = lab.command(&lab.stand_in("hold"));
        command
            .arg(self.profile.said(&self.home().join(path)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut holder = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim_end(), "held");
        self.held.push(holder);
    }

    /// All files can be read again; this one on Unix.
    pub fn make_readable(&mut self, path: &str) {
        if !self.is_windows() {
            return self.mode(path, 0o600);
        }
        for mut holder in self.held.drain(..) {
            // It ends with its input.
            drop(holder.stdin.take());
            assert!(holder.wait().unwrap().success());
        }
    }

    /// From now on archives are made on a disk of this many KiB. False where none can be mounted.
    pub fn make_small_disk(&mut self, size: u32) -> bool {
        let disk = self.path("small disk");
        let Some(mounted) = Mounted::of_size(&disk, size) else {
            return false;
        };
        self.disks.push(mounted);
        self.profile.work = disk;
        true
    }
}

/// A mounted disk, until it is dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// A disk of this many KiB at a new directory. `None` where none can be mounted.
    pub fn of_size(disk: &Path, size: u32) -> Option<Mounted> {
        fs::create_dir(disk).unwrap();
        let options = format!("size={size}k,mode=1777");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "aam-test"])
            .arg(disk)
            .status();
        if !is_root() || !mounted.is_ok_and(|status| status.success()) {
            println!("no disk can be mounted here: nothing was tried with a full one");
            return None;
        }
        Some(Mounted(disk.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // What is still used there goes with its last user.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
