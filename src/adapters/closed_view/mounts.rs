//! Calls of the kernel that show directories at a second place.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, statx};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use rustix::thread::UnshareFlags;

/// Attributes of mounts, as the kernel has them.
pub(super) const READ_ONLY: u64 = 0x1;
pub(super) const NO_DEVICES: u64 = 0x4;
pub(super) const NO_LINKS: u64 = 0x0020_0000;

/// From now on this thread has mounts, a root and a working directory of its own.
#[allow(unsafe_code)]
pub(super) fn own_namespace() -> io::Result<()> {
    // SAFETY: only the namespace of mounts and, with it, the working directory of this thread
    // become its own; file descriptors stay shared.
    Ok(unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?)
}

/// A second view of a path and everything mounted in it, with other attributes. If the kernel must
/// not follow links and nothing is written, it does not follow a link in place of the path either.
pub(super) fn shown_once_more(path: &Path, attributes: u64) -> io::Result<OwnedFd> {
    let mut flags = OFlags::PATH | OFlags::CLOEXEC;
    if attributes & READ_ONLY != 0 && attributes & NO_LINKS != 0 {
        flags |= OFlags::DIRECTORY;
        flags |= OFlags::NOFOLLOW;
    }
    let found = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    let tree = open_tree(found.as_fd(), "", flags)?;
    if attributes != 0 {
        set_attributes(&tree, attributes)?;
    }
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
    // SAFETY: the handle is open, the path is a constant that ends with NUL, and the kernel only
    // reads the structure, with the given size.
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

/// Mounts what was made by [`shown_once_more`].
pub(super) fn place(tree: &OwnedFd, at: &Path) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    Ok(move_mount(tree, "", CWD, at, flags)?)
}

/// The number of the mount that a name shows.
pub(super) fn mount_of(above: &OwnedFd, name: &OsStr) -> io::Result<u64> {
    let found = statx(above, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID)?;
    Ok(found.stx_mnt_id)
}
