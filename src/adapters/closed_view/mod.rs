//! Directories as a stage of root's is shown them: through no link, and read-only where nothing is
//! written (SPEC#security).
//!
//! The tools of a stage take paths. A user who may write in a source could replace a directory by a
//! link, and a tool that runs as root would read the target of the link. Therefore the kernel shows
//! the directories to the stage again, in a private mount namespace in which links are not
//! followed. If the system does not support that (no root, a container, a kernel before 5.14,
//! anything but Linux), the stage continues without it.

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
    /// Where it is shown: a new directory that nobody else can reach.
    pub at: PathBuf,
    /// A directory that is written to, shown in its own place.
    pub written: Option<PathBuf>,
    /// The directory of the work files, which contains the view.
    pub work: PathBuf,
    /// The programs that are run.
    pub programs: Vec<PathBuf>,
}

/// The result.
#[derive(Clone, Debug)]
pub struct Shown {
    /// A directory with only the programs of the system, the view, what is written, and the work
    /// files. Links that a tool resolves itself lead nowhere in it.
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
        // Without a thread, the view cannot be made.
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

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs;
    use std::process::Command;
    use std::sync::mpsc;

    use rustix::mount::MountPropagationFlags;

    use super::*;

    /// Runs a command that must succeed.
    fn system(command: &str) {
        let done = Command::new("sh").args(["-ec", command]).status();
        assert!(done.is_ok_and(|done| done.success()), "{command}");
    }

    fn view_of(base: &Path, sources: &[&str]) -> View {
        View {
            mount: base.join("mount"),
            sources: sources.iter().map(PathBuf::from).collect(),
            at: base.join("work/source"),
            written: None,
            work: base.join("work"),
            programs: Vec::new(),
        }
    }

    /// Runs `body` where mounts are seen by nobody else; not where none may be made.
    fn apart(body: impl FnOnce(&Path) + Send) {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        for name in ["mount", "work"] {
            fs::create_dir(base.join(name)).unwrap();
        }
        let done = on_own_thread(|| {
            mounts::own_namespace()?;
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            rustix::mount::mount_change("/", private)?;
            body(&base);
            Ok(())
        });
        drop(done);
    }

    #[test]
    fn what_is_unmounted_outside_is_unmounted_in_the_view() {
        apart(|base| {
            let mount = base.join("mount").display().to_string();
            system(&format!(
                "mount -t tmpfs tmpfs {mount}; mount --make-shared {mount}; mkdir {mount}/disk
                 mount -t tmpfs tmpfs {mount}/disk; touch {mount}/disk/file"
            ));
            let (ask, asked) = mpsc::channel::<()>();
            let (answer, answered) = mpsc::channel();
            std::thread::scope(|scope| {
                // It begins outside of the view.
                scope.spawn(move || {
                    asked.recv().unwrap();
                    system(&format!("umount {mount}/disk"));
                    answer.send(()).unwrap();
                });
                view_of(base, &[]).run(move |shown| {
                    let file = base.join("work/source/disk/file");
                    assert!(shown.is_some() && file.exists());
                    ask.send(()).unwrap();
                    answered.recv().unwrap();
                    assert!(!file.exists());
                });
            });
        });
    }

    #[test]
    fn a_source_that_cannot_be_shown_does_not_seem_missing() {
        apart(|base| {
            fs::create_dir(base.join("mount/a")).unwrap();
            let unusable = "x".repeat(300);
            let seen = |sources: &[&str]| view_of(base, sources).run(|shown| shown.is_some());
            assert!(!seen(&["a", &unusable]));
            fs::remove_dir(base.join("work/source")).unwrap();
            assert!(seen(&["a", "missing"]));
        });
    }
}
