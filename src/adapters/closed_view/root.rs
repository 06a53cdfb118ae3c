//! A root directory for the tools of a stage.
//!
//! rsync resolves links by itself, so that it does not matter what the kernel follows. In here an
//! absolute link leads to programs of the system at most.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount, mount_remount};

use super::View;
use super::mounts::{NO_DEVICES, READ_ONLY, own_namespace, place, shown_once_more};

/// What programs of the system need.
const SYSTEM: [&str; 10] = [
    "usr",
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "opt",
    "etc/ld.so.cache",
    "etc/localtime",
];

/// 7-Zip takes the salt of a key from here.
const DEVICES: [&str; 4] = ["dev/null", "dev/zero", "dev/random", "dev/urandom"];

/// Makes the root of a view that is shown to this thread.
///
/// # Errors
/// Also when a program is not one of the system, or is a script: what it needs is not known.
pub(super) fn make(view: &View) -> io::Result<PathBuf> {
    for program in &view.programs {
        if !is_of_system(program)? {
            return Err(io::ErrorKind::Unsupported.into());
        }
    }
    let mut shown = Vec::new();
    for path in [Some(&view.work), view.written.as_ref()]
        .into_iter()
        .flatten()
    {
        shown.push((path, shown_once_more(path, NO_DEVICES)?));
    }
    // One may contain the other.
    shown.sort_by_key(|(path, _)| *path);
    let root = view.work.join("root");
    fs::create_dir(&root)?;
    mount("tmpfs", &root, "tmpfs", MountFlags::NOSUID, None)?;
    for name in SYSTEM {
        show_of_system(&root, name, READ_ONLY | NO_DEVICES)?;
    }
    for name in DEVICES {
        show_of_system(&root, name, 0)?;
    }
    for (path, tree) in shown {
        let at = root.join(path.strip_prefix("/").unwrap_or(path));
        fs::create_dir_all(&at)?;
        place(&tree, &at)?;
    }
    mount_remount(
        &root,
        MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID,
        "",
    )?;
    Ok(root)
}

/// Makes a directory the root of this thread and of the programs that it starts.
pub(super) fn enter(root: &Path) -> io::Result<()> {
    own_namespace()?;
    rustix::process::chdir(root)?;
    rustix::process::chroot(".")?;
    Ok(())
}

/// Shows a file or directory of the system in the new root; a link as the link that it is.
fn show_of_system(root: &Path, name: &str, attributes: u64) -> io::Result<()> {
    let (path, at) = (Path::new("/").join(name), root.join(name));
    let Ok(found) = fs::symlink_metadata(&path) else {
        return Ok(());
    };
    if let Some(above) = at.parent() {
        fs::create_dir_all(above)?;
    }
    if found.is_symlink() && path.is_dir() {
        return symlink(fs::read_link(&path)?, &at);
    }
    match found.is_dir() {
        true => fs::create_dir(&at)?,
        false => drop(File::create(&at)?),
    }
    place(&shown_once_more(&path.canonicalize()?, attributes)?, &at)
}

/// Whether a program is one that needs nothing but the system: no script that calls others.
fn is_of_system(program: &Path) -> io::Result<bool> {
    let program = program.canonicalize()?;
    let mut begin = [0; 4];
    File::open(&program)?.read_exact(&mut begin)?;
    let is_in = |directory: &str| program.starts_with(directory);
    Ok(begin == *b"\x7fELF" && ["/usr", "/bin", "/sbin", "/opt"].into_iter().any(is_in))
}
