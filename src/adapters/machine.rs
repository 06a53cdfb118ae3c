//! Which computer this is, so that two computers that write to one location can be distinguished
//! (SPEC#state).

use std::fs;

use sha2::{Digest, Sha256};

use crate::adapters::fs::{create_private_directory, write_whole};
use crate::adapters::state::base_directory;

/// In local state: what this computer was called first. It stays when the name of the computer
/// changes.
const FILE: &str = "machine";

/// A name for this computer that says nothing about it: 16 hexadecimal digits. Without local state,
/// it is made again from what the operating system knows, with the same result.
pub fn id() -> String {
    let path = base_directory().join(FILE);
    let known = fs::read_to_string(&path).unwrap_or_default();
    let known = known.trim();
    if known.len() == 16 && known.chars().all(|c| c.is_ascii_hexdigit()) {
        return known.to_owned();
    }
    let digest = Sha256::digest(format!("aam-backup machine {}", of_the_system()));
    let id = hex::encode(&digest[..8]);
    // Without it the same is found next time.
    let _ = create_private_directory(&base_directory())
        .and_then(|()| write_whole(&path, id.as_bytes()));
    id
}

/// A name for the local state that is used here: another directory has another name, and a directory
/// that was lost and made again has the old one. Whoever uses the same state uses the same lock.
pub fn state_id() -> String {
    let base = base_directory();
    let base = fs::canonicalize(&base).unwrap_or(base);
    let digest = Sha256::digest(format!("aam-backup state {} {}", id(), base.display()));
    hex::encode(&digest[..8])
}

/// What the operating system calls this installation of itself.
fn of_the_system() -> String {
    let read = |path: &str| {
        fs::read_to_string(path)
            .ok()
            .filter(|text| !text.trim().is_empty())
    };
    let found = read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"));
    let name = || {
        std::env::var("COMPUTERNAME")
            .ok()
            .or_else(|| read("/etc/hostname"))
    };
    found.or_else(name).unwrap_or_default().trim().to_owned()
}
