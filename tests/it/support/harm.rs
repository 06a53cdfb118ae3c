//! Harm done to a test machine: files that cannot be read, runs that are cut off.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::machine::{Machine, Ran};
use super::processes::{Gate, is_root, kill_all};

/// How long a run may take to come to the place where it is cut off.
const PATIENCE: Duration = Duration::from_secs(120);

impl Machine {
    /// An ordinary user's machine: root can read everything.
    pub fn become_ordinary(&mut self) {
        if is_root() && !self.is_windows() {
            const NOBODY: u32 = 65534;
            self.user = Some(NOBODY);
            let changed = Command::new("chown").args(["-R", "65534:65534"]).arg(self.path(".")).status().unwrap();
            assert!(changed.success());
        }
    }

    pub fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.home().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// From now on the file cannot be read: on Unix by its mode, on Windows because another program has it open.
    pub fn make_unreadable(&mut self, path: &str) {
        let Some(lab) = &self.lab else {
            self.become_ordinary();
            return self.mode(path, 0);
        };
        let mut command = lab.command(&lab.stand_in("hold"));
        command.arg(self.profile.said(&self.home().join(path))).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
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

    /// Starts a run, and kills it with all it started once the first mount is archived and the second is copied.
    pub fn kill_at_second_mount(&mut self) {
        match &self.lab {
            None => {
                let gate = Gate::new(&self.path("."));
                self.hook_rsync(&format!("case \"$*\" in *aam-other-*) {} ;; esac", gate.hook()));
                let mut run = self.start(&[]);
                gate.wait(&mut run);
                kill_all(&mut run);
                self.profile.rsync = None;
            }
            Some(lab) => {
                let (reached, opened) = (self.path("reached"), self.path("opened"));
                let gate = [&reached, &opened].map(|path| self.profile.said(path)).join("|");
                let profile = self.profile.said(&self.path("profile.yaml"));
                let mut run = self.command(&["run", &profile]);
                let mut run = run.env("AAM_STANDIN_GATE", format!("aam-other-|{gate}")).spawn().unwrap();
                let started = Instant::now();
                while !reached.exists() {
                    if run.try_wait().unwrap().is_some() || started.elapsed() > PATIENCE {
                        lab.crash();
                        panic!("it did not come to its second mount\n{}", Ran::of(run.wait_with_output().unwrap()));
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                lab.crash();
                run.wait().unwrap();
            }
        }
        assert!(!self.left_over().is_empty(), "it was in the middle of its work");
    }
}
