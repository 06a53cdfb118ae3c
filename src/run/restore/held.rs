//! A target directory that other accounts may write to, held while root restores into it.
//!
//! Its owner could replace a directory by a link, and root would write to the target of the link.
//! Therefore root takes the directory over during the restore, and nobody else can enter it. The
//! owner of a directory above could replace the target itself, so it is used by its handle, even if
//! it is renamed.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The owner of a directory before root took it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FormerOwner {
    user: u32,
    group: u32,
    /// Permission bits.
    mode: u32,
}

/// A directory that is held until dropped.
#[derive(Debug)]
pub struct HeldDirectory {
    /// The path by which it is used.
    pub path: PathBuf,
    pub former: Option<FormerOwner>,
    #[cfg(unix)]
    file: std::fs::File,
}

/// Why a directory cannot be held.
#[derive(Debug)]
pub enum NotHeld {
    Io(io::Error),
    /// It is reached through a link that another account made.
    #[cfg(unix)]
    LinkOfAnother,
}

#[cfg(not(unix))]
impl HeldDirectory {
    /// Holds a directory that exists.
    ///
    /// # Errors
    /// When it is not there.
    pub fn hold(path: &Path) -> Result<HeldDirectory, NotHeld> {
        std::fs::metadata(path).map_err(NotHeld::Io)?;
        Ok(HeldDirectory {
            path: path.to_owned(),
            former: None,
        })
    }
}

#[cfg(unix)]
impl HeldDirectory {
    /// Holds a directory that exists. For an account that is not root, nothing is needed: anyone
    /// who may write to its directories may do so anyway.
    ///
    /// # Errors
    /// When it cannot be opened, or its name is a link that another account made.
    pub fn hold(path: &Path) -> Result<HeldDirectory, NotHeld> {
        use std::os::unix::fs::MetadataExt;
        let me = rustix::process::geteuid().as_raw();
        let name = std::fs::symlink_metadata(path).map_err(NotHeld::Io)?;
        let file = std::fs::File::open(path).map_err(NotHeld::Io)?;
        let mut held = HeldDirectory {
            path: path.to_owned(),
            former: None,
            file,
        };
        if me != 0 {
            return Ok(held);
        }
        if name.is_symlink() && name.uid() != me {
            return Err(NotHeld::LinkOfAnother);
        }
        let found = held.file.metadata().map_err(NotHeld::Io)?;
        if found.uid() != me || others_may_write(&found) {
            let former = FormerOwner {
                user: found.uid(),
                group: found.gid(),
                mode: found.mode() & 0o7777,
            };
            // A file system without owners refuses: there, either nobody else or everybody can
            // enter.
            if held.set_owner(me, former.group, 0o700).is_ok() {
                held.former = Some(former);
            }
        }
        let handle = by_handle(&held.file);
        if !is_reached_safely(path) && handle.is_dir() {
            held.path = handle;
        }
        Ok(held)
    }

    fn set_owner(&self, user: u32, group: u32, mode: u32) -> io::Result<()> {
        use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        fchown(&self.file, Some(user), Some(group))?;
        fchmod(&self.file, Mode::from_raw_mode(mode as rustix::fs::RawMode))?;
        Ok(())
    }
}

#[cfg(unix)]
impl Drop for HeldDirectory {
    /// Gives it back.
    fn drop(&mut self) {
        if let Some(former) = self.former {
            // Root owns it then, and can give it away.
            let _ = self.set_owner(former.user, former.group, former.mode);
        }
    }
}

/// The name under which the kernel offers an open directory to this process and its children.
#[cfg(unix)]
fn by_handle(file: &std::fs::File) -> PathBuf {
    use std::os::fd::AsRawFd;
    let (process, number) = (std::process::id(), file.as_raw_fd());
    PathBuf::from(format!("/proc/{process}/fd/{number}"))
}

#[cfg(unix)]
fn others_may_write(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o022 != 0
}

/// Whether root alone decides what every name above a directory leads to.
#[cfg(unix)]
fn is_reached_safely(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_safe = |above: &Path| {
        let sticky = |found: &std::fs::Metadata| found.mode() & 0o1000 != 0;
        std::fs::metadata(above)
            .is_ok_and(|found| found.uid() == 0 && (!others_may_write(&found) || sticky(&found)))
    };
    let resolved = path.canonicalize();
    resolved.is_ok_and(|path| path.ancestors().skip(1).all(is_safe))
}

/// Whether a working directory from an earlier start was made by this account: another could have
/// put anything into it.
#[cfg(unix)]
pub fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    me != 0 || std::fs::symlink_metadata(path).map_or(true, |found| found.uid() == me)
}

#[cfg(not(unix))]
pub fn is_own(_: &Path) -> bool {
    true
}
