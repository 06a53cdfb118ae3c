//! Processes in the middle of what they do.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Child;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat, open};
use rustix::process::{Pid, Signal, kill_process};

use super::wait::{wait_for, wait_until};

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A place in a script where it waits for the test.
pub struct Gate {
    reached: PathBuf,
    opened: PathBuf,
}

impl Gate {
    /// Two pipes in `directory`.
    pub fn new(directory: &Path) -> Gate {
        let gate = Gate {
            reached: directory.join("reached"),
            opened: directory.join("opened"),
        };
        for pipe in [&gate.reached, &gate.opened] {
            mkfifoat(CWD, pipe, Mode::from_raw_mode(0o666)).unwrap();
        }
        gate
    }

    /// The piece of shell that waits.
    pub fn hook(&self) -> String {
        format!(
            "{{ echo here >'{}'; read line <'{}'; }}",
            self.reached.display(),
            self.opened.display()
        )
    }

    /// Waits until the script is at the gate.
    pub fn wait(&self, child: &mut Child) {
        let pipe = open(
            &self.reached,
            OFlags::RDONLY | OFlags::NONBLOCK,
            Mode::empty(),
        )
        .unwrap();
        let mut pipe = fs::File::from(pipe);
        let mut said = String::new();
        wait_until("the program comes to the gate", || {
            assert!(
                child.try_wait().unwrap().is_none(),
                "the program ended before it came to the gate"
            );
            let _ = pipe.read_to_string(&mut said);
            said.ends_with('\n')
        });
    }

    /// Lets the script go on.
    pub fn open(&self) {
        // Without NONBLOCK, it would wait for a script that may have ended.
        let flags = OFlags::WRONLY | OFlags::NONBLOCK;
        let pipe = wait_for("the script reads", || {
            open(&self.opened, flags, Mode::empty()).ok()
        });
        fs::File::from(pipe).write_all(b"go\n").unwrap();
    }
}

/// Kills a program as a crash of the computer would, with everything it started.
pub fn kill_all(child: &mut Child) {
    let mut victims = vec![i32::try_from(child.id()).unwrap()];
    let mut at = 0;
    while at < victims.len() {
        // Stopped first, so that it starts nothing more.
        signal(victims[at], Signal::STOP);
        victims.extend(children(victims[at]));
        at += 1;
    }
    victims.iter().for_each(|pid| signal(*pid, Signal::KILL));
    child.wait().unwrap();
}

/// Everything a process started, and what that started.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut found = children(pid);
    let mut at = 0;
    while at < found.len() {
        found.extend(children(found[at]));
        at += 1;
    }
    found
}

/// Waits until processes that are nobody's children have ended.
pub fn wait_for_end(pids: &[i32]) {
    let running = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    wait_until(&format!("{pids:?} end"), || !pids.iter().any(running));
}

pub fn signal(pid: i32, signal: Signal) {
    // It may have ended by itself.
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// The programs under Wine that have one text in their environment, and another in their command
/// line.
pub fn under_wine(environment: &str, arguments: &str) -> Vec<i32> {
    let has = |pid: &i32| {
        // It may be gone.
        let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let holds = |text: &[u8], part: &str| {
            text.windows(part.len())
                .any(|found| found == part.as_bytes())
        };
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        holds(&read("environ"), environment)
            && holds(&read("cmdline"), arguments)
            && program
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("wine"))
    };
    pids().filter(has).collect()
}

/// The processes that a process started, by `/proc`.
fn children(parent: i32) -> Vec<i32> {
    let parent_of = |pid: i32| -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything.
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    pids()
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}
