//! A process that ends the tools of a run that was killed (SPEC#run). Unix has nothing of the kind
//! for a whole process: the signal that Linux sends to children goes by threads.
//!
//! Each tool names itself on a socket before its program starts, so it never runs unnamed. When the
//! socket ends, so has the run, and what is still named is stopped. A
//! process that is started early, in a group of its own, outlives whatever ended the run.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{SendFlags, send};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::naming::named_by_itself;

/// The command of this program that [`watch`]es.
pub const COMMAND: &str = "tool-guard";

/// How often, and after which pauses, stopped groups are looked at before they are killed.
const LOOKS: u32 = 50;
const LOOK: Duration = Duration::from_millis(100);

/// Where groups are named; `None` where nobody watches.
static SOCKET: Mutex<Option<UnixStream>> = Mutex::new(None);

/// Starts the process that watches over the tools of this one. Without it, tools of a run that is
/// killed go on to their ends.
pub fn start() {
    let started = UnixStream::pair().and_then(|(ours, its)| {
        Command::new(std::env::current_exe()?)
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(OwnedFd::from(its))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(ours)
    });
    *SOCKET.lock().unwrap_or_else(PoisonError::into_inner) = started.ok();
}

/// Starts a tool that is the first process of its group.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    spawn_named(
        &mut SOCKET.lock().unwrap_or_else(PoisonError::into_inner),
        command,
    )
}

/// One tool at a time: what a tool says of itself is confirmed or taken back before the next one.
fn spawn_named(guard: &mut Option<UnixStream>, command: &mut Command) -> io::Result<Child> {
    if let Some(socket) = guard {
        named_by_itself(command, socket);
    }
    let child = command.spawn();
    match &child {
        Ok(child) => tell(guard, &format!("+{}\n", child.id())),
        Err(_) => tell(guard, "!\n"),
    }
    child
}

/// It has ended, and what it left behind may stay.
pub(super) fn forget(group: Pid) {
    let mut guard = SOCKET.lock().unwrap_or_else(PoisonError::into_inner);
    tell(&mut guard, &format!("-{}\n", group.as_raw_nonzero()));
}

fn tell(guard: &mut Option<UnixStream>, line: &str) {
    if let Some(socket) = guard
        && send(socket, line.as_bytes(), SendFlags::NOSIGNAL).is_err()
    {
        *guard = None;
    }
}

/// Waits for the end of `input`, and stops the groups that were named on it until then.
pub fn watch(input: impl Read) {
    let (mut groups, mut begun) = (BTreeSet::new(), None);
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let group = line.get(1..).and_then(|number| number.parse::<i32>().ok());
        // Group 0 would be this one.
        let group = group.filter(|group| *group > 1);
        match (line.chars().next(), group) {
            // What was said of itself by a tool that did not start.
            (Some('!'), _) => begun = None,
            (Some('?'), group) => begun = group,
            (Some('+'), Some(group)) => {
                begun = None;
                groups.insert(group);
            }
            (Some('-'), Some(group)) => {
                groups.remove(&group);
            }
            _ => {}
        }
    }
    groups.extend(begun);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeping() -> Child {
        let mut sleep = Command::new("sleep");
        sleep.arg("1000").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_named_last_counts() {
        for (said, ends) in [
            ("?{}\n", true),
            ("?{}\n+{}\n", true),
            ("?{}\n!\n", false),
            ("?{}\n+{}\n-{}\n", false),
            ("?{}\n?1\n", false),
        ] {
            let mut child = sleeping();
            // A child of this process is there until it is waited for.
            let said = said.replace("{}", &child.id().to_string());
            let waiting = std::thread::spawn(move || watch(said.as_bytes()));
            let ended = match ends {
                true => child.wait().map(|_| true).unwrap(),
                false => {
                    waiting.join().unwrap();
                    child.try_wait().unwrap().is_some()
                }
            };
            assert_eq!(ended, ends, "{child:?}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_tool_names_itself_first() {
        let (ours, its) = UnixStream::pair().unwrap();
        let mut guard = Some(ours);
        let mut child = spawn_named(&mut guard, &mut Command::new("true")).unwrap();
        assert!(child.wait().unwrap().success());
        spawn_named(&mut guard, &mut Command::new("/nowhere/program")).unwrap_err();
        drop(guard);
        let said: Vec<String> = BufReader::new(its).lines().map(Result::unwrap).collect();
        let id = child.id();
        assert_eq!(said[..2], [format!("?{id}"), format!("+{id}")]);
        assert!(said[2].starts_with('?') && said[3] == "!", "{said:?}");
    }

    #[test]
    fn a_tool_starts_without_a_guard() {
        let (ours, its) = UnixStream::pair().unwrap();
        drop(its);
        for mut guard in [Some(ours), None] {
            let mut child = spawn_named(&mut guard, &mut Command::new("true")).unwrap();
            assert!(child.wait().unwrap().success());
            assert!(guard.is_none());
        }
    }
}
