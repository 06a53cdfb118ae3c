//! The records of unfinished uploads in local state, and the files that wait in their work
//! directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::adapters::fs::write_whole;
use crate::model::object::ObjectRef;
use crate::model::upload_record::{PREFIX, Unfinished};

/// Notes an object that a store has now, on the disk too.
///
/// # Errors
/// When it cannot be written: after a crash, the object is sent again.
pub fn note(unfinished: &mut Unfinished, store: &str, stored: ObjectRef) -> io::Result<()> {
    unfinished.sent(store, stored);
    save(unfinished)
}

/// Notes that a store has all of it.
///
/// # Errors
/// As [`note`].
pub fn done(unfinished: &mut Unfinished, store: &str) -> io::Result<()> {
    unfinished.complete(store);
    save(unfinished)
}

/// Writes the record, whole or not at all.
///
/// # Errors
/// When the disk does not take it.
pub fn save(unfinished: &Unfinished) -> io::Result<()> {
    let text = serde_json::to_vec(unfinished)?;
    write_whole(&unfinished.record, &text)
}

/// Removes the record. The files stay.
///
/// # Errors
/// When the record cannot be removed.
pub fn forget(unfinished: &Unfinished) -> io::Result<()> {
    match fs::remove_file(&unfinished.record) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// In a work directory: the local state that it belongs to.
pub const OWNER: &str = "owner";

/// Removes everything from the work directory except what must still be sent, because lists and
/// plain manifests contain unencrypted file names.
///
/// # Errors
/// When something cannot be removed.
pub fn prune(unfinished: &Unfinished) -> io::Result<()> {
    prune_directory(unfinished, &unfinished.work)
}

fn prune_directory(unfinished: &Unfinished, directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            prune_directory(unfinished, &path)?;
            // Fails when it is not empty, as it should.
            let _ = fs::remove_dir(&path);
        } else if !unfinished.kept().any(|file| file.path == path)
            && path != unfinished.work.join(OWNER)
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Finds out whether the upload can be resumed: whether the files to send are unchanged since the
/// record was last written.
pub fn examine(unfinished: &mut Unfinished) {
    // This comes before the files are examined. What these stores lack was never stored on this
    // computer, and another store may lack only a marker.
    let is_lost = unfinished.is_lost();
    unfinished.give_up_streamed();
    let changed = |at: SystemTime| {
        unfinished
            .written
            .is_some_and(|written| at > written + CLOCK)
    };
    let problem = unfinished.kept().find_map(|file| {
        let why = match fs::symlink_metadata(&file.path) {
            Err(error) => error.to_string(),
            Ok(found) if !found.is_file() => "it is not a file".to_owned(),
            Ok(found) if found.len() != file.size => {
                format!("it has {} bytes, not {}", found.len(), file.size)
            }
            Ok(found) if found.modified().is_ok_and(changed) => "it was changed".to_owned(),
            Ok(_) => return None,
        };
        Some(format!("'{}': {why}", file.path.display()))
    });
    unfinished.problem = match is_lost && unfinished.pending.is_empty() {
        true => Some("its archive was sent while it was made, and not to its end".to_owned()),
        false => unfinished.damage.clone().or(problem),
    };
}

/// FAT keeps times in steps of two seconds.
const CLOCK: Duration = Duration::from_secs(2);

/// The unfinished uploads whose records are in this directory of local state, oldest first.
pub fn find(state: &Path) -> Vec<Unfinished> {
    let is_record = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(".json"))
    };
    let entries = fs::read_dir(state).into_iter().flatten().flatten();
    let mut found: Vec<Unfinished> = entries
        .map(|entry| entry.path())
        .filter(is_record)
        .filter_map(load)
        .collect();
    found.sort_by_key(|unfinished| unfinished.backup.stamp());
    found
}

/// `None` if it cannot be read: then the backup counts as interrupted before its archives were
/// complete.
fn load(path: PathBuf) -> Option<Unfinished> {
    let written = fs::metadata(&path).and_then(|found| found.modified()).ok();
    let record: Unfinished = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    (record.version == 1).then_some(Unfinished {
        record: path,
        written,
        ..record
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What becomes of a backup of one volume, if two stores have these of its objects: the stores
    /// that still get it, and why not.
    fn examined(
        directory: &Path,
        streamed: bool,
        has: [&[&str]; 2],
    ) -> (Vec<String>, Option<String>) {
        let file = |name: &str| json!({"key": name, "path": directory.join(name), "size": 1});
        let stored = |name: &&str| json!({"key": name, "size": 1, "sha256": ""});
        let pending = |store: &str, has: &[&str]| {
            let sent: Vec<_> = has.iter().map(stored).collect();
            json!({"store": store, "sent": sent})
        };
        let backup = json!({"full": "20261101_100000.000000", "incremental": null});
        let about = json!({
            "version": 1, "program": "test", "location": "pc", "backup": backup, "zone": "utc",
            "mount": "/a", "mounts": [], "format": "zip", "volumes": [],
            "manifest": {"key": "", "size": 0, "sha256": ""}, "files": 0, "bytes": 0,
            "selection": "", "since": null, "tools": []
        });
        let record = json!({
            "version": 1, "backup": backup, "work": directory,
            "archives": [{
                "volumes": [file("volume")], "manifest": file("manifest"), "marker": "marker",
                "streamed": streamed, "about": about,
            }],
            "pending": [pending("a", has[0]), pending("b", has[1])],
        });
        let mut unfinished: Unfinished = serde_json::from_value(record).unwrap();
        examine(&mut unfinished);
        let pending = unfinished.pending.into_iter();
        (pending.map(|p| p.store).collect(), unfinished.problem)
    }

    #[test]
    fn only_streamed_volumes_that_a_store_lacks_are_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join("manifest"), "x").unwrap();
        let (all, volume): (&[&str], &[&str]) = (&["volume", "manifest"], &["volume"]);
        let both = vec!["a".to_owned(), "b".to_owned()];
        // The volume was never stored on this computer.
        for (has, stores) in [
            ([all, all], &both[..]),
            ([all, volume], &both),
            ([all, &[]], &both[..1]),
            ([&[], volume], &both[1..]),
            ([&["manifest"], all], &both[1..]),
        ] {
            let found = examined(directory, true, has);
            assert_eq!(found, (stores.to_vec(), None), "{has:?}");
        }
        let (stores, problem) = examined(directory, true, [&[], &["manifest"]]);
        assert!(stores.is_empty());
        assert!(problem.unwrap().contains("sent while it was made"));
        // Made in the work directory, it can be sent, unless it is lost.
        let (stores, problem) = examined(directory, false, [all, &[]]);
        assert_eq!(stores, both);
        let name = directory.join("volume").display().to_string();
        assert!(problem.unwrap().contains(&name));
        fs::write(directory.join("volume"), "x").unwrap();
        let found = examined(directory, false, [&[], &[]]);
        assert_eq!(found, (both, None));
    }
}
