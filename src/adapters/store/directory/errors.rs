//! What the file system's refusals mean to the user.

use std::io::{self, ErrorKind};

use super::super::{Act, StoreError, StoreErrorKind};

pub(super) fn full(act: &Act, needed: u64, free: u64) -> StoreError {
    act.error(
        StoreErrorKind::Full,
        format_args!("no space left: {needed} bytes needed, {free} bytes free"),
        "remove old backups or attach a larger disk",
    )
}

pub(super) fn missing_or(act: &Act, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => act.error(
            StoreErrorKind::NotFound,
            "the directory does not exist",
            "attach the disk or connect the share; make the directory yourself if this is its first backup",
        ),
        _ => refused(act, error),
    }
}

pub(super) fn refused(act: &Act, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::NotFound => act.error(StoreErrorKind::NotFound, "there is no such object", ""),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => act.error(
            StoreErrorKind::Denied,
            error,
            "give the account that runs the backup the right to write there",
        ),
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::TimedOut
        | ErrorKind::StaleNetworkFileHandle => act.error(
            StoreErrorKind::Unreachable,
            error,
            "check the network and that the share is connected",
        ),
        _ => act.error(StoreErrorKind::Other, error, ""),
    }
}
