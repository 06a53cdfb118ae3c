//! What the file system says of an entry, as a [`Meta`].

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::manifest::{Meta, Moment};

fn moment(time: SystemTime) -> Moment {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => Moment(after.as_nanos() as i128),
        Err(before) => Moment(-(before.duration().as_nanos() as i128)),
    }
}

/// Reads size and times. A time the file system does not keep is absent.
///
/// # Errors
/// When not even the modification time can be had.
pub fn meta_of(metadata: &Metadata) -> std::io::Result<Meta> {
    Ok(Meta {
        size: if metadata.is_dir() { 0 } else { metadata.len() },
        modified: moment(metadata.modified()?),
        created: metadata.created().ok().map(moment),
        changed: changed(metadata),
        mode: mode(metadata),
    })
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<Moment> {
    use std::os::unix::fs::MetadataExt;
    Some(Moment(
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
    ))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.mode() & 0o7777)
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> Option<Moment> {
    None
}

#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> Option<u32> {
    None
}
