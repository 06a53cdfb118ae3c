//! A child and everything it started: kept together, and stopped together.

use std::process::{Child, Command};
#[cfg(unix)]
use std::time::Duration;

/// How often, and after which pauses, a stopped child is looked at: five seconds for a program to
/// end in order before it is killed.
#[cfg(unix)]
const LOOKS: u32 = 50;
#[cfg(unix)]
const LOOK: Duration = Duration::from_millis(100);

/// A child gets a process group of its own, so that stopping it stops what it started, and so that
/// a Ctrl-C on the terminal reaches this program alone, which then stops things in order.
#[cfg(unix)]
pub(super) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(windows)]
pub(super) fn own_group(command: &mut Command) {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP);
}

/// A child and everything it started.
#[cfg(unix)]
pub(super) struct Tree(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Tree {
    pub(super) fn of(child: &Child) -> Tree {
        Tree(
            i32::try_from(child.id())
                .ok()
                .and_then(rustix::process::Pid::from_raw),
        )
    }

    /// The child alone, in the group of this program.
    pub(super) fn alone() -> Tree {
        Tree(None)
    }

    pub(super) fn stop(&self, child: &mut Child) {
        use rustix::process::{Signal, kill_process_group};
        for signal in [Signal::TERM, Signal::KILL] {
            if let Some(group) = self.0 {
                // It may have ended by itself in the meantime.
                let _ = kill_process_group(group, signal);
            } else {
                let _ = child.kill();
            }
            for _ in 0..LOOKS {
                if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// None where Windows does not keep count: then the child alone is stopped.
#[cfg(windows)]
pub(super) struct Tree(Option<crate::adapters::windows::tree::ProcessTree>);

#[cfg(windows)]
impl Tree {
    pub(super) fn of(child: &Child) -> Tree {
        Tree(crate::adapters::windows::tree::ProcessTree::of(child).ok())
    }

    /// The child alone.
    pub(super) fn alone() -> Tree {
        Tree(None)
    }

    pub(super) fn stop(&self, child: &mut Child) {
        self.0
            .iter()
            .for_each(crate::adapters::windows::tree::ProcessTree::end);
        // What is gone already needs no ending.
        let _ = child.kill();
        let _ = child.wait();
    }
}
