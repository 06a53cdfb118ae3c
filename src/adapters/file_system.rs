//! Finds out what a file system can do, by trying it in a private directory that is removed at
//! once. It decides nothing.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use filetime::FileTime;

use crate::model::file_system::{FileSystem, Modes};

/// The name of every directory for a trial begins so.
const PROBE: &str = ".aam-backup-probe-";

/// What Windows and its file systems do not take in names.
const SUSPECT: &str = ":*?\"<>|\\\n\u{1}";

/// The same at the end of a name.
const SUSPECT_AT_END: &str = ". ";

/// Tries a directory that is there.
///
/// # Errors
/// When nothing can be written there.
pub fn probe(directory: &Path) -> io::Result<FileSystem> {
    let place = tempfile::Builder::new()
        .prefix(PROBE)
        .tempdir_in(directory)?;
    let file = place.path().join("probe.x");
    File::create_new(&file)?;
    let found = FileSystem {
        folds_case: place.path().join("PROBE.X").symlink_metadata().is_ok(),
        time_step: time_step(&file),
        renames_keep_times: renames_keep_times(place.path()),
        holes: keeps_holes(place.path()),
        owners: takes_owners(&file),
        links: takes_links(place.path()),
        hard_links: fs::hard_link(&file, place.path().join("second")).is_ok(),
        attributes: takes_attribute(&file, "user.aam-backup", b"x"),
        access_lists: takes_access_list(&file),
        modes: modes(place.path()),
        refused: SUSPECT
            .chars()
            .filter(|c| !takes_name(place.path(), &format!("a{c}b")))
            .collect(),
        refused_at_end: SUSPECT_AT_END
            .chars()
            .filter(|c| !takes_name(place.path(), &format!("end{c}")))
            .collect(),
        small_files_only: is_fat(directory),
    };
    place.close()?;
    Ok(found)
}

/// The steps in which modification times are kept. Two seconds where none can be set.
fn time_step(file: &Path) -> u64 {
    // Odd in every digit: FAT keeps every other second.
    const SECONDS: i64 = 1_600_000_001;
    const NANOS: u32 = 987_654_321;
    const COARSE: u64 = 2_000_000_000;
    let kept = filetime::set_file_mtime(file, FileTime::from_unix_time(SECONDS, NANOS))
        .and_then(|()| fs::metadata(file))
        .map(|found| FileTime::from_last_modification_time(&found));
    let Ok(kept) = kept else {
        return COARSE;
    };
    if kept.unix_seconds() != SECONDS {
        return COARSE;
    }
    let steps = [1_u32, 100, 1_000, 1_000_000, 10_000_000];
    let step = steps
        .into_iter()
        .find(|step| kept.nanoseconds() == NANOS - NANOS % step);
    step.map_or(1_000_000_000, u64::from)
}

/// Whether a file that has been written and given its time keeps it under another name. Tried past
/// what the kernel remembers of it.
#[cfg(target_os = "linux")]
fn renames_keep_times(directory: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    const SECONDS: i64 = 1_600_000_000;
    let (old, new) = (directory.join("old"), directory.join("new"));
    let renamed = fs::write(&old, "x")
        .and_then(|()| filetime::set_file_mtime(&old, FileTime::from_unix_time(SECONDS, 0)))
        .and_then(|()| fs::rename(&old, &new));
    let fresh = AtFlags::STATX_FORCE_SYNC | AtFlags::SYMLINK_NOFOLLOW;
    match (renamed, statx(CWD, &new, fresh, StatxFlags::MTIME)) {
        (Ok(()), Ok(found)) => found.stx_mtime.tv_sec == SECONDS,
        // Nothing is known.
        _ => true,
    }
}

#[cfg(not(target_os = "linux"))]
fn renames_keep_times(_: &Path) -> bool {
    true
}

/// Whether a file can be longer than the room it takes.
#[cfg(unix)]
fn keeps_holes(directory: &Path) -> bool {
    use std::os::unix::fs::{FileExt, MetadataExt};
    const HOLE: u64 = 1 << 20;
    File::create_new(directory.join("hole"))
        .and_then(|file| {
            file.write_all_at(b"x", HOLE)?;
            file.sync_all()?;
            file.metadata()
        })
        .is_ok_and(|found| found.len() == HOLE + 1 && found.blocks() * 512 < HOLE)
}

#[cfg(not(unix))]
fn keeps_holes(_: &Path) -> bool {
    true
}

/// Whether a file can be given such a name, and has it then.
fn takes_name(directory: &Path, name: &str) -> bool {
    let path = directory.join(name);
    let made = File::create_new(&path).is_ok();
    let listed = fs::read_dir(directory)
        .is_ok_and(|mut all| all.any(|one| one.is_ok_and(|one| one.file_name() == name)));
    let _ = fs::remove_file(path);
    made && listed
}

/// Whether owner and group can be set as rsync would: root gives files away, and others only change
/// the group to another of theirs.
#[cfg(unix)]
fn takes_owners(file: &Path) -> bool {
    use std::os::unix::fs::{MetadataExt, chown};
    let Ok(before) = fs::metadata(file) else {
        return false;
    };
    let groups = rustix::process::getgroups().unwrap_or_default();
    let wanted: Vec<(Option<u32>, u32)> = if rustix::process::geteuid().is_root() {
        // In a container not every number exists.
        vec![(Some(1), 1), (Some(65534), 65534)]
    } else {
        let groups = groups.into_iter().map(rustix::process::Gid::as_raw);
        let others = groups.filter(|group| *group != before.gid());
        others.map(|group| (None, group)).collect()
    };
    let is_kept = |(user, group): &(Option<u32>, u32)| {
        chown(file, *user, Some(*group)).is_ok()
            && fs::metadata(file)
                .is_ok_and(|now| now.gid() == *group && user.is_none_or(|user| now.uid() == user))
    };
    wanted.is_empty() || wanted.iter().any(is_kept)
}

#[cfg(not(unix))]
fn takes_owners(_: &Path) -> bool {
    true
}

#[cfg(unix)]
fn takes_links(directory: &Path) -> bool {
    std::os::unix::fs::symlink("nowhere", directory.join("link")).is_ok()
}

/// Robocopy is told to leave links out: as links it copies them with a privilege only.
#[cfg(not(unix))]
fn takes_links(_: &Path) -> bool {
    false
}

/// Version 2; the owner, user 65534, the group, the mask, others.
#[cfg(not(windows))]
const ACCESS_LIST: &[u8] = b"\x02\0\0\0\
    \x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\xfe\xff\0\0\x04\0\x04\0\xff\xff\xff\xff\
    \x10\0\x04\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";

#[cfg(not(windows))]
fn takes_access_list(file: &Path) -> bool {
    takes_attribute(file, "system.posix_acl_access", ACCESS_LIST)
}

/// It says so itself. Setting one would prove nothing: FAT takes it and forgets it.
#[cfg(windows)]
fn takes_access_list(file: &Path) -> bool {
    crate::adapters::windows::volume_traits(file).is_ok_and(|found| found.access_lists)
}

/// Whether a file can be given an extended attribute.
#[cfg(target_os = "linux")]
fn takes_attribute(file: &Path, name: &str, value: &[u8]) -> bool {
    rustix::fs::lsetxattr(file, name, value, rustix::fs::XattrFlags::empty()).is_ok()
}

/// Windows keeps its own; the program that copies on other systems is not asked to.
#[cfg(not(target_os = "linux"))]
fn takes_attribute(_: &Path, _: &str, _: &[u8]) -> bool {
    cfg!(windows)
}

#[cfg(unix)]
fn modes(directory: &Path) -> Modes {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (file, below) = (directory.join("mode"), directory.join("modes"));
    if File::create_new(&file).is_err() || fs::create_dir(&below).is_err() {
        return Modes::Ignored;
    }
    let mode = |path: &Path| fs::metadata(path).map_or(0, |found| found.mode() & 0o7777);
    let fixed = Modes::Fixed {
        file: mode(&file),
        directory: mode(&below),
    };
    let mut all_kept = true;
    for wanted in [0o600, 0o644, 0o755, 0o444, 0o700] {
        for path in [&file, &below] {
            if fs::set_permissions(path, fs::Permissions::from_mode(wanted)).is_err() {
                return fixed;
            }
            all_kept &= mode(path) == wanted;
        }
    }
    if all_kept {
        Modes::Kept
    } else {
        Modes::Ignored
    }
}

#[cfg(not(unix))]
fn modes(_: &Path) -> Modes {
    Modes::Kept
}

#[cfg(target_os = "linux")]
fn is_fat(directory: &Path) -> bool {
    const MSDOS_SUPER_MAGIC: u64 = 0x4d44;
    // The type of the field differs between architectures.
    #[allow(clippy::unnecessary_cast)]
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type as u64 == MSDOS_SUPER_MAGIC)
}

#[cfg(windows)]
fn is_fat(directory: &Path) -> bool {
    crate::adapters::windows::volume_traits(directory)
        .is_ok_and(|found| found.file_system.starts_with("FAT"))
}

#[cfg(not(any(target_os = "linux", windows)))]
fn is_fat(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_the_tests_keeps_everything_and_nothing_is_left_on_it() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(probe(place.path()).unwrap(), FileSystem::default());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
