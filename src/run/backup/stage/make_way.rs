//! Names in the mirror that are corrected before files are copied (SPEC#mirror): copies whose name
//! changed only in case, and directories where files should be. Nothing is deleted here.

use std::fs;
use std::io;
use std::path::Path;

use super::fitting::Fitting;
use crate::model::event::{Events, Section};
use crate::model::path::{shown, verbatim};
use crate::plan::backup::{MirrorOrder, StageOrder};
use crate::run::native::native;

/// Gives copies the case of their originals. `false`: one could not be renamed, and this was
/// reported. Then nothing may be deleted, because both names are the same file.
pub(super) fn rename(mirror: &MirrorOrder, fitting: &Fitting, events: &Events<'_>) -> bool {
    let target = verbatim(&mirror.target.to_native());
    let mut all = true;
    for (old, new) in &fitting.renames {
        let (Some(old), Some(new)) = (native(&target, old), native(&target, new)) else {
            continue;
        };
        match in_two_steps(&old, &new) {
            Ok(()) => events.note(
                Section::Verification,
                format!("'{}' in the mirror is now '{}'", shown(&old), shown(&new)),
            ),
            Err(error) => {
                all = false;
                events.fail(
                    Section::Verification,
                    format!(
                        "'{}' in the mirror cannot be renamed to '{}', and nothing is deleted: {error}",
                        shown(&old),
                        shown(&new)
                    ),
                    Some("rename it yourself".to_owned()),
                );
            }
        }
    }
    all
}

/// Some file systems take a rename in case only for no rename.
fn in_two_steps(old: &Path, new: &Path) -> io::Result<()> {
    let directory = old.parent().unwrap_or(old);
    let between = tempfile::Builder::new()
        .prefix(".aam-backup-renamed-")
        .tempdir_in(directory)?;
    let aside = between.path().join("it");
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(&aside, new) {
        if fs::rename(&aside, old).is_err() {
            // Its directory goes when `between` does: keep the copy.
            let _ = between.keep();
        }
        return Err(error);
    }
    between.close()
}

/// Moves directories aside where files should be: with `extra-files: keep` they are not deleted,
/// and rsync does not replace a directory that is not empty.
pub(super) fn set_aside(
    mirror: &MirrorOrder,
    order: &StageOrder,
    fitting: &Fitting,
    events: &Events<'_>,
) {
    let target = verbatim(&mirror.target.to_native());
    for path in &fitting.in_the_way {
        let Some(copy) = native(&target, path) else {
            continue;
        };
        let is_in_the_way = fs::symlink_metadata(&copy).is_ok_and(|found| found.is_dir());
        if !is_in_the_way || fs::remove_dir(&copy).is_ok() {
            continue;
        }
        let mut name = copy.clone().into_os_string();
        name.push(format!(".replaced-{}", order.stamp));
        let aside = Path::new(&name);
        match writable_above(&copy, || fs::rename(&copy, aside)) {
            Ok(()) => events.warn(
                Section::Verification,
                format!(
                    "'{}' in the mirror was a directory and becomes a file: the directory is now '{}'",
                    shown(&copy),
                    shown(aside)
                ),
                Some("delete it if it is not needed".to_owned()),
            ),
            Err(error) => events.fail(
                Section::Verification,
                format!(
                    "'{}' in the mirror is a directory where a file should be, and cannot be moved aside: {error}",
                    shown(&copy)
                ),
                Some("move it elsewhere, or delete it".to_owned()),
            ),
        }
    }
}

/// Does something to an entry. If its directory is closed to us although it is ours (Go's module
/// cache is read-only), the directory is opened first; rsync closes it again.
pub(super) fn writable_above<T>(path: &Path, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match act() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_for_owner(path.parent().ok_or(io::ErrorKind::NotFound)?).map_err(|_| error)?;
            act()
        }
        done => done,
    }
}

#[cfg(unix)]
fn open_for_owner(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mode = found.permissions().mode() | 0o700;
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn open_for_owner(_: &Path) -> io::Result<()> {
    Err(io::ErrorKind::PermissionDenied.into())
}
