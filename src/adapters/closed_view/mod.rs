//! Directories as a stage of root's is shown them: through no link, and read-only where nothing is
//! written (SPEC#security).
//!
//! The tools of a stage take paths. Who may write in a source could put a link where a directory
//! was, and a tool that runs as root would read what lies behind it. So the kernel shows the
//! directories to the stage once more, in a mount namespace that nobody else sees, and follows no
//! link in there. Where the system does not offer that (no root, a container, a kernel before
//! 5.14, anything but Linux), the stage goes on without.

#![cfg_attr(not(target_os = "linux"), allow(dead_code))]

#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod show;

use std::path::{Path, PathBuf};

/// What a stage is shown.
#[derive(Clone, Debug)]
pub struct View {
    /// The directory that holds the sources.
    pub mount: PathBuf,
    /// Those of them that are not the directory itself, from there.
    pub sources: Vec<PathBuf>,
    /// Where it is shown: a directory that nobody else can reach. It is made.
    pub at: PathBuf,
    /// A directory that is written to, shown in its own place.
    pub written: Option<PathBuf>,
    /// The directory of the work files, which holds the view.
    pub work: PathBuf,
    /// The programs that are run.
    pub programs: Vec<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// A directory that holds nothing but the programs of the system, the view, what is written, and
    /// the work files. Links that a tool resolves by itself lead nowhere in there.
    pub root: Option<PathBuf>,
}

#[cfg(not(target_os = "linux"))]
impl View {
    /// Runs `body` without a view: the argument says so.
    pub fn run<T: Send>(&self, mut body: impl FnMut(Option<Shown>) -> T + Send) -> T {
        body(None)
    }
}

#[cfg(target_os = "linux")]
impl View {
    /// Runs `body` where the view is shown, on a thread of its own. It gets nothing where there is
    /// none.
    pub fn run<T: Send>(&self, mut body: impl FnMut(Option<Shown>) -> T + Send) -> T {
        if !rustix::process::geteuid().is_root() {
            return body(None);
        }
        let done = on_own_thread(|| {
            let shown = show::show(self).ok().map(|()| Shown {
                root: root::make(self).ok(),
            });
            Ok(body(shown))
        });
        // Without a thread there is no view either.
        done.unwrap_or_else(|_| body(None))
    }
}

/// Runs `body`, and the programs that it starts, where a directory is the root.
///
/// # Errors
/// When it cannot be made the root: nothing ran then.
pub fn in_root<T: Send>(
    root: Option<&Path>,
    body: impl FnOnce() -> T + Send,
) -> std::io::Result<T> {
    match root {
        None => Ok(body()),
        #[cfg(target_os = "linux")]
        Some(root) => on_own_thread(|| {
            root::enter(root)?;
            Ok(body())
        }),
        #[cfg(not(target_os = "linux"))]
        Some(_) => Ok(body()),
    }
}

#[cfg(target_os = "linux")]
fn on_own_thread<T: Send>(body: impl FnOnce() -> std::io::Result<T> + Send) -> std::io::Result<T> {
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, body);
        thread.map(std::thread::ScopedJoinHandle::join)
    })?;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
