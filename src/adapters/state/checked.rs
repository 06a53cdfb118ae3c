//! Small records of local state, each with a SHA-256 of its content in a second line. A record that
//! is damaged counts as absent, and a run says so.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::adapters::fs::write_whole;

/// Reads a record. `None` if it is absent or damaged.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    serde_json::from_slice(content(&bytes)?).ok()
}

/// Writes a record, whole or not at all.
///
/// # Errors
/// When the disk does not take it.
pub fn write(path: &Path, record: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(record)?;
    let digest = hex::encode(Sha256::digest(&text));
    text.extend_from_slice(format!("\n{digest}\n").as_bytes());
    write_whole(path, &text)
}

/// The JSON of a record; `None` if it is not what was written. Older programs wrote no digest.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let lines = bytes.trim_ascii_end();
    let Some(at) = lines.iter().rposition(|byte| *byte == b'\n') else {
        return Some(bytes);
    };
    let (text, digest) = (&lines[..at], lines[at..].trim_ascii());
    if !digest.iter().all(u8::is_ascii_hexdigit) {
        return Some(bytes);
    }
    (hex::encode(Sha256::digest(text)).as_bytes() == digest).then_some(text)
}

/// Whether there is a record that is not what was written.
pub fn is_damaged(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        let json = content(&bytes).map(serde_json::from_slice::<serde_json::Value>);
        !matches!(json, Some(Ok(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("record");
        let record = vec![("a".to_owned(), 12_u64), ("b".to_owned(), 3)];
        write(&path, &record).unwrap();
        let read = || super::read::<Vec<(String, u64)>>(&path);
        assert_eq!(read(), Some(record.clone()));
        let whole = fs::read(&path).unwrap();
        // The last byte is the end of the line.
        for at in 0..whole.len() - 1 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            assert_ne!(
                read(),
                Some(vec![("a".to_owned(), 13), ("b".to_owned(), 3)])
            );
            fs::write(&path, &whole[..at]).unwrap();
            let found = read();
            assert!(
                found.is_none() || found == Some(record.clone()),
                "cut at {at}"
            );
        }
        // As older programs wrote it.
        fs::write(&path, serde_json::to_string_pretty(&record).unwrap()).unwrap();
        assert_eq!(read(), Some(record));
    }
}
