//! A child and everything it started: kept together, and stopped together.

use std::io;
use std::process::{Child, Command};
#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use super::guard;

/// How often, and after which pauses, a stopped child is looked at: five seconds for a program to
/// end in order before it is killed.
#[cfg(unix)]
const LOOKS: u32 = 50;
#[cfg(unix)]
const LOOK: Duration = Duration::from_millis(100);

/// A child gets a process group of its own, so that stopping it also stops what it started, and so
/// that a Ctrl-C on the terminal reaches only this program, which then stops everything in order.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(windows)]
fn own_group(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
}

/// A child and everything it started.
#[cfg(unix)]
pub(super) struct Tree(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Tree {
    /// Starts a program, which ends when this one is killed if `ends_with_us`.
    pub(super) fn start(mut command: Command, ends_with_us: bool) -> io::Result<(Child, Tree)> {
        own_group(&mut command);
        let child = match ends_with_us {
            true => guard::spawn(&mut command)?,
            false => command.spawn()?,
        };
        let id = i32::try_from(child.id()).ok();
        let tree = Tree(id.and_then(rustix::process::Pid::from_raw));
        Ok((child, tree))
    }

    /// The child has ended.
    pub(super) fn let_go(&self) {}

    /// The child alone, in the group of this program.
    pub(super) fn alone() -> Tree {
        Tree(None)
    }

    pub(super) fn stop(&self, child: &mut Child) {
        use rustix::process::{Signal, kill_process_group, test_kill_process_group};
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = self.0 {
                // It may have ended by itself in the meantime.
                let _ = kill_process_group(group, signal);
            } else {
                let _ = child.kill();
            }
            for _ in 0..LOOKS {
                let has_ended = matches!(child.try_wait(), Ok(Some(_)) | Err(_));
                // What a script started may outlive it, as a program that waits for a pipe does.
                // What is killed need not be waited for.
                let is_alone = signal == Signal::KILL
                    || self
                        .0
                        .is_none_or(|group| test_kill_process_group(group).is_err());
                if has_ended && is_alone {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// It was stopped, or has ended.
#[cfg(unix)]
impl Drop for Tree {
    fn drop(&mut self) {
        self.0.into_iter().for_each(guard::forget);
    }
}

/// None where Windows does not keep count: then the child alone is stopped.
#[cfg(windows)]
pub(super) struct Tree(Option<crate::adapters::windows::tree::ProcessTree>);

#[cfg(windows)]
impl Tree {
    /// Starts a program, which ends when this one is killed if `ends_with_us`.
    pub(super) fn start(mut command: Command, ends_with_us: bool) -> io::Result<(Child, Tree)> {
        use crate::adapters::windows::tree::ProcessTree;
        own_group(&mut command);
        let child = command.spawn()?;
        let tree = match ends_with_us {
            true => ProcessTree::ending_with_us(&child),
            false => ProcessTree::of(&child),
        };
        Ok((child, Tree(tree.ok())))
    }

    /// The child has ended; what it left behind may stay.
    pub(super) fn let_go(&self) {
        self.0
            .iter()
            .for_each(crate::adapters::windows::tree::ProcessTree::let_go);
    }

    /// The child alone.
    pub(super) fn alone() -> Tree {
        Tree(None)
    }

    pub(super) fn stop(&self, child: &mut Child) {
        self.0
            .iter()
            .for_each(crate::adapters::windows::tree::ProcessTree::end);
        // A process that has ended need not be stopped.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Returns when the process with this number has ended, which need not be a child.
#[cfg(windows)]
pub fn wait_for_end(process: u32) {
    crate::adapters::windows::tree::wait_for_end(process);
}

/// Returns when the process with this number has ended, which need not be a child.
#[cfg(unix)]
pub fn wait_for_end(process: u32) {
    use rustix::process::{Pid, test_kill_process};
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
        return;
    };
    while !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)) {
        std::thread::sleep(LOOK);
    }
}
