//! A process that ends the tools of a run that was killed (SPEC#run). Unix has nothing of the kind
//! for a whole process: the signal that Linux sends to children goes by threads.
//!
//! The run names the process group of each tool on a pipe. When the pipe ends, so has the run, and
//! what is still named is stopped. A process that is started early, in a group of its own, outlives
//! whatever ended the run.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The command of this program that [`watch`]es.
pub const COMMAND: &str = "tool-guard";

/// How often, and after which pauses, stopped groups are looked at before they are killed.
const LOOKS: u32 = 50;
const LOOK: Duration = Duration::from_millis(100);

/// Where groups are named; `None` where nobody watches.
static PIPE: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// Starts the process that watches over the tools of this one. Without it, tools of a run that is
/// killed go on to their ends.
pub fn start() {
    let started = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    });
    let pipe = started.ok().and_then(|mut guard| guard.stdin.take());
    *PIPE.lock().unwrap_or_else(PoisonError::into_inner) = pipe;
}

/// A tool runs as this group.
pub(super) fn name(group: Pid) {
    tell('+', group);
}

/// It has ended, and what it left behind may stay.
pub(super) fn forget(group: Pid) {
    tell('-', group);
}

fn tell(sign: char, group: Pid) {
    let mut pipe = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(guard) = pipe.as_mut() {
        let line = format!("{sign}{}\n", group.as_raw_nonzero());
        if guard.write_all(line.as_bytes()).is_err() {
            *pipe = None;
        }
    }
}

/// Waits for the end of `input`, and stops the groups that were named on it until then.
pub fn watch(input: impl Read) {
    let mut groups = BTreeSet::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let group = line.get(1..).and_then(|number| number.parse::<i32>().ok());
        // Group 0 would be this one.
        let Some(group) = group.filter(|group| *group > 1) else {
            continue;
        };
        match line.starts_with('+') {
            true => groups.insert(group),
            false => groups.remove(&group),
        };
    }
    let groups: Vec<Pid> = groups.into_iter().filter_map(Pid::from_raw).collect();
    for signal in [Signal::TERM, Signal::KILL] {
        for group in &groups {
            // It may have ended by itself.
            let _ = kill_process_group(*group, signal);
        }
        for _ in 0..LOOKS {
            if groups
                .iter()
                .all(|one| test_kill_process_group(*one).is_err())
            {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }
}
