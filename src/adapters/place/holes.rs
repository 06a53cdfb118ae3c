//! Holes: ranges of zeros that take no room.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, fallocate};

/// What is looked at for one hole. Smaller ones are not worth a call.
const STEP: usize = 1 << 16;
const PAGE: usize = 4096;

/// Gives the room of a file's zeros back. Its content and size stay.
pub(super) fn dig(file: &File) -> io::Result<()> {
    let mut buffer = vec![0; STEP];
    let mut hole: Option<(u64, u64)> = None;
    let mut at = 0_u64;
    loop {
        let read = file.read_at(&mut buffer, at)?;
        for (number, page) in buffer[..read].chunks(PAGE).enumerate() {
            let start = at + (number * PAGE) as u64;
            if page.iter().all(|byte| *byte == 0) {
                let end = start + page.len() as u64;
                hole = Some((hole.map_or(start, |(first, _)| first), end));
            } else if let Some((first, end)) = hole.take() {
                punch(file, first, end)?;
            }
        }
        if read == 0 {
            break;
        }
        at += read as u64;
    }
    hole.map_or(Ok(()), |(first, end)| punch(file, first, end))
}

fn punch(file: &File, first: u64, end: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, flags, first, end - first)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn content_stays_and_zeros_take_no_room() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let mut content = vec![0; 3 << 20];
        content[1 << 20] = 1;
        content[(2 << 20) + 5] = 7;
        std::fs::write(&path, &content).unwrap();
        let file = File::options().read(true).write(true).open(&path).unwrap();
        file.sync_all().unwrap();
        dig(&file).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), content);
        assert!(file.metadata().unwrap().blocks() * 512 < 1 << 20);
    }
}
