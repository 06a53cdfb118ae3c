//! Directories as a stage of root's is shown them: through no link, and read-only where nothing is
//! written (SPEC#security).
//!
//! The tools of a stage take paths. Who may write in a source could put a link where a directory
//! was, and a tool that runs as root would read what lies behind it. So the kernel shows the
//! directories to the stage once more, in a mount namespace that nobody else sees, and follows no
//! link in there. Where the system does not offer that (no root, a container, a kernel before
//! 5.14, anything but Linux), the stage goes on without.

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
}

#[cfg(not(target_os = "linux"))]
impl View {
    /// Runs `body` without a view: the argument says so.
    pub fn run<T: Send>(&self, body: impl FnOnce(Option<&Path>) -> T + Send) -> T {
        body(None)
    }
}

#[cfg(target_os = "linux")]
impl View {
    /// Runs `body` where the view is shown, on a thread of its own. It gets the path of the view, or
    /// nothing where there is none.
    pub fn run<T: Send>(&self, body: impl FnOnce(Option<&Path>) -> T + Send) -> T {
        if !rustix::process::geteuid().is_root() {
            return body(None);
        }
        let done = std::thread::scope(|scope| {
            let inside = || {
                let shown = linux::show(self).is_ok();
                body(shown.then_some(self.at.as_path()))
            };
            scope.spawn(inside).join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, Metadata, Permissions};
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, OwnedFd};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, statx};
    use rustix::io::Errno;
    use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
    use rustix::mount::{UnmountFlags, unmount};
    use rustix::mount::{mount, mount_change, mount_remount, move_mount, open_tree};
    use rustix::thread::UnshareFlags;

    use super::View;

    /// Attributes of mounts, as the kernel has them.
    const READ_ONLY: u64 = 0x1;
    const NO_DEVICES: u64 = 0x4;
    const NO_LINKS: u64 = 0x0020_0000;

    /// Shows the view to this thread, to the threads that it starts, and to their programs.
    pub(super) fn show(view: &View) -> io::Result<()> {
        fs::create_dir(&view.at)?;
        let places = [Some(&view.at), view.written.as_ref()]
            .into_iter()
            .flatten();
        let outside = places
            .map(|at| Outside::of(at))
            .collect::<io::Result<Vec<_>>>()?;
        own_namespace()?;
        match mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        ) {
            // In a directory that was made the root, no mount has its name.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
        let written = match &view.written {
            Some(path) => Some((shown_once_more(path, NO_LINKS)?, path)),
            None => None,
        };
        let source = READ_ONLY | NO_DEVICES | NO_LINKS;
        match view.sources.is_empty() {
            true => place(&shown_once_more(&view.mount, source)?, &view.at)?,
            false => show_sources(view, source)?,
        }
        if let Some((tree, path)) = written {
            place(&tree, path)?;
        }
        // What is shown in here must not show outside.
        if outside.iter().all(Outside::is_as_before) {
            return Ok(());
        }
        for at in [Some(&view.at), view.written.as_ref()]
            .into_iter()
            .flatten()
        {
            let _ = unmount(at, UnmountFlags::DETACH);
        }
        Err(io::Error::other(
            "what is mounted here is mounted everywhere",
        ))
    }

    /// A directory, by the handle of the one above it, as it is outside of the view.
    struct Outside {
        above: OwnedFd,
        name: OsString,
        mount: u64,
    }

    impl Outside {
        fn of(path: &Path) -> io::Result<Outside> {
            let path = path.canonicalize()?;
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let above = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let above = rustix::fs::openat(CWD, above, flags, Mode::empty())?;
            let mount = mount_of(&above, name)?;
            Ok(Outside {
                above,
                name: name.to_owned(),
                mount,
            })
        }

        fn is_as_before(&self) -> bool {
            mount_of(&self.above, &self.name).is_ok_and(|mount| mount == self.mount)
        }
    }

    fn mount_of(above: &OwnedFd, name: &OsStr) -> io::Result<u64> {
        let found = statx(above, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID)?;
        Ok(found.stx_mnt_id)
    }

    /// Shows the sources alone, in directories as those above them.
    fn show_sources(view: &View, attributes: u64) -> io::Result<()> {
        let mut trees = Vec::new();
        for source in &view.sources {
            // One that is not there, or is a link, is found missing by the walk.
            if let Ok(tree) = shown_once_more(&view.mount.join(source), attributes) {
                trees.push((tree, view.at.join(source)));
            }
        }
        let nothing_runs = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        mount("tmpfs", &view.at, "tmpfs", nothing_runs, None)?;
        let mut above: Vec<(PathBuf, Metadata)> = Vec::new();
        for (tree, at) in &trees {
            fs::create_dir_all(at)?;
            place(tree, at)?;
            let below = at.strip_prefix(&view.at).unwrap_or(at);
            for directory in below.ancestors().skip(1) {
                let found = fs::metadata(view.mount.join(directory))?;
                above.push((view.at.join(directory), found));
            }
        }
        // Deepest first: what is made in a directory touches it.
        above.sort_by(|(a, _), (b, _)| b.cmp(a));
        above.dedup_by(|(a, _), (b, _)| a == b);
        for (directory, found) in above {
            chown(&directory, Some(found.uid()), Some(found.gid()))?;
            fs::set_permissions(&directory, Permissions::from_mode(found.mode() & 0o7777))?;
            let time = filetime::FileTime::from_last_modification_time(&found);
            filetime::set_file_mtime(&directory, time)?;
        }
        mount_remount(
            &view.at,
            nothing_runs | MountFlags::RDONLY | MountFlags::BIND,
            "",
        )?;
        Ok(())
    }

    #[allow(unsafe_code)]
    fn own_namespace() -> io::Result<()> {
        // SAFETY: only the namespace of mounts and, with it, the working directory of this thread
        // become its own; file descriptors stay shared.
        Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?)
    }

    /// A directory and all that is mounted in it, once more, with other attributes. A link in its
    /// own place is not followed for sources, which are opened as what they are.
    fn shown_once_more(path: &Path, attributes: u64) -> io::Result<OwnedFd> {
        let mut flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if attributes & READ_ONLY != 0 {
            flags |= OFlags::NOFOLLOW;
        }
        let directory = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::AT_EMPTY_PATH;
        let tree = open_tree(directory.as_fd(), "", flags)?;
        set_attributes(&tree, attributes)?;
        Ok(tree)
    }

    #[repr(C)]
    struct MountAttributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }

    #[allow(unsafe_code)]
    fn set_attributes(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
        let wanted = MountAttributes {
            set: attributes,
            clear: 0,
            propagation: 0,
            user_namespace: 0,
        };
        // SAFETY: the handle is open, the path is a constant that ends with NUL, and the kernel
        // reads the structure only, of the size that it is told.
        let done = unsafe {
            libc::syscall(
                libc::SYS_mount_setattr,
                tree.as_raw_fd(),
                c"".as_ptr(),
                libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
                &raw const wanted,
                size_of::<MountAttributes>(),
            )
        };
        match done {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn place(tree: &OwnedFd, at: &Path) -> io::Result<()> {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
        Ok(move_mount(tree, "", CWD, at, flags)?)
    }
}
