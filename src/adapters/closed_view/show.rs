//! Mounting what a stage is shown, in a namespace of its thread.

use std::ffi::OsString;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::mount::{UnmountFlags, unmount};
use rustix::mount::{mount, mount_change, mount_remount};

use super::View;
use super::mounts::{
    NO_DEVICES, NO_LINKS, READ_ONLY, mount_of, own_namespace, place, shown_once_more,
};

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
    // What is unmounted outside must go in here too: a disk is not to be kept busy, and its last
    // bytes unwritten, by a view that its user does not see. Automounts show in here in the same way.
    match mount_change(
        "/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
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

/// Shows the sources alone, in directories as those above them.
fn show_sources(view: &View, attributes: u64) -> io::Result<()> {
    let mut trees = Vec::new();
    for source in &view.sources {
        match shown_once_more(&view.mount.join(source), attributes) {
            Ok(tree) => trees.push((tree, view.at.join(source))),
            // One that is not there, or is a link, is found missing by the walk.
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {}
            // It is there, and must not seem missing.
            Err(error) => return Err(error),
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
