//! Cuts an archive into volumes and parts while it is made, and hands each part to all stores.

use std::sync::mpsc::SyncSender;

use bytes::Bytes;

use crate::model::object::ObjectRef;
use crate::model::slices::Hasher;
use crate::plan::backup::ArchiveOrder;
use crate::plan::cost::requests::part_size;
use crate::run::backup::stage::Outlet;

/// What a store is handed, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Portion {
    /// The archive begins, perhaps again.
    Archive,
    /// A volume begins; its key.
    Volume(String),
    /// The next part of it.
    Part(Bytes),
    /// It has ended.
    VolumeEnd,
}

/// The volume that is being cut.
struct OpenVolume {
    key: String,
    size: u64,
    digest: Hasher,
}

/// Cuts the archive of one mount.
pub(super) struct Cutter {
    stem: String,
    volume_size: u64,
    part_size: usize,
    /// The stores that still take it. A part waits until each of them has taken it.
    stores: Vec<SyncSender<Portion>>,
    part: Vec<u8>,
    open: Option<OpenVolume>,
    volumes: Vec<ObjectRef>,
}

impl Cutter {
    pub fn new(archive: &ArchiveOrder, stores: Vec<SyncSender<Portion>>) -> Cutter {
        Cutter {
            stem: archive.stem.clone(),
            volume_size: archive.volume_size.max(1),
            part_size: usize::try_from(part_size(archive.volume_size)).unwrap_or(usize::MAX),
            stores,
            part: Vec::new(),
            open: None,
            volumes: Vec::new(),
        }
    }

    /// The end of the archive. The volumes, in order.
    pub fn finish(mut self) -> Vec<ObjectRef> {
        self.end_volume();
        self.volumes
    }

    /// Adds bytes to the open volume, as far as it takes them; returns how many.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        if self.open.is_none() {
            let key = format!("{}.{:03}", self.stem, self.volumes.len() + 1);
            self.hand_out(&Portion::Volume(key.clone()));
            self.open = Some(OpenVolume {
                key,
                size: 0,
                digest: Hasher::new(self.volume_size),
            });
        }
        let Some(open) = &mut self.open else {
            return bytes.len();
        };
        let room = usize::try_from(self.volume_size - open.size).unwrap_or(usize::MAX);
        let count = bytes.len().min(room).min(self.part_size - self.part.len());
        open.digest.update(&bytes[..count]);
        open.size += count as u64;
        let is_full = open.size == self.volume_size;
        self.part.extend_from_slice(&bytes[..count]);
        if is_full {
            self.end_volume();
        } else if self.part.len() == self.part_size {
            self.end_part();
        }
        count
    }

    fn end_part(&mut self) {
        if !self.part.is_empty() {
            let part = std::mem::take(&mut self.part);
            self.hand_out(&Portion::Part(part.into()));
        }
    }

    fn end_volume(&mut self) {
        let Some(OpenVolume { key, size, digest }) = self.open.take() else {
            return;
        };
        self.end_part();
        self.hand_out(&Portion::VolumeEnd);
        let (sha256, slices) = digest.finish();
        self.volumes.push(ObjectRef {
            key,
            size,
            sha256,
            // One slice would be all of it.
            slices: slices.filter(|slices| slices.count() > 1),
        });
    }

    /// A store that takes no more has failed, and says why by itself.
    fn hand_out(&mut self, portion: &Portion) {
        self.stores
            .retain(|store| store.send(portion.clone()).is_ok());
    }
}

impl Outlet for Cutter {
    fn begin(&mut self) {
        (self.part, self.open, self.volumes) = (Vec::new(), None, Vec::new());
        self.hand_out(&Portion::Archive);
    }

    fn take(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() && !self.stores.is_empty() {
            let count = self.fill(bytes);
            bytes = &bytes[count..];
        }
        !self.stores.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::model::name::{BackupId, Format};
    use crate::model::policy::Transfer;
    use crate::plan::backup::Changes;

    fn order(volume_size: u64) -> ArchiveOrder {
        ArchiveOrder {
            backup: BackupId {
                full: "20261101_100000.000000".parse().unwrap(),
                incremental: None,
            },
            stem: "a.zip".to_owned(),
            manifest: String::new(),
            marker: String::new(),
            format: Format::Zip,
            volume_size,
            level: 5,
            transfer: Transfer::Stream,
            changes: Changes::Everything,
            follows_links: false,
        }
    }

    /// What a store gets, volume by volume, and the volumes as they are named in a marker.
    fn cut(volume_size: u64, bytes: &[u8], step: usize) -> (Vec<Vec<usize>>, Vec<ObjectRef>) {
        let (to, from) = sync_channel(10_000);
        let mut cutter = Cutter::new(&order(volume_size), vec![to]);
        cutter.begin();
        assert!(cutter.take(b"an attempt that is thrown away"));
        cutter.begin();
        assert!(bytes.chunks(step).all(|bytes| cutter.take(bytes)));
        let volumes = cutter.finish();
        let portions: Vec<Portion> = from.iter().collect();
        let begin = portions.iter().rposition(|p| *p == Portion::Archive);
        let (mut parts, mut all) = (Vec::new(), Vec::new());
        for portion in &portions[begin.unwrap() + 1..] {
            match portion {
                Portion::Volume(key) => {
                    parts.push(Vec::new());
                    assert_eq!(*key, format!("a.zip.{:03}", parts.len()));
                }
                Portion::Part(part) => {
                    all.extend_from_slice(part);
                    parts.last_mut().unwrap().push(part.len());
                }
                _ => {}
            }
        }
        assert_eq!(all, bytes);
        (parts, volumes)
    }

    #[test]
    fn volumes_and_parts_have_the_sizes_that_stores_take() {
        let mebibyte = 1_usize << 20;
        let bytes: Vec<u8> = (0..40 * mebibyte).map(|i| (i / 1000 + i) as u8).collect();
        for (volume, size, parts) in [
            (70_000, 140_000, vec![vec![70_000], vec![70_000]]),
            (70_000, 70_001, vec![vec![70_000], vec![1]]),
            (
                40 * mebibyte,
                40 * mebibyte,
                vec![vec![16 * mebibyte, 16 * mebibyte, 8 * mebibyte]],
            ),
            (
                20 * mebibyte,
                32 * mebibyte,
                vec![vec![16 * mebibyte, 4 * mebibyte], vec![12 * mebibyte]],
            ),
            (100 * mebibyte, 22, vec![vec![22]]),
        ] {
            for step in [65_537, 5 * mebibyte] {
                let (found, volumes) = cut(volume as u64, &bytes[..size], step);
                assert_eq!(found, parts, "{volume} {size} {step}");
                for (volume, bytes) in volumes.iter().zip(bytes[..size].chunks(volume)) {
                    assert_eq!(volume.sha256, hex::encode(Sha256::digest(bytes)));
                    assert_eq!(volume.size, bytes.len() as u64);
                    let slices = volume.slices.as_ref();
                    assert!(
                        slices.is_none_or(|s| s.of(volume.size).is_some_and(|s| s.count() > 1))
                    );
                }
            }
        }
    }

    #[test]
    fn an_archive_that_no_store_takes_is_not_made() {
        let (to, from) = sync_channel(10);
        let mut cutter = Cutter::new(&order(10), vec![to]);
        drop(from);
        cutter.begin();
        assert!(!cutter.take(b"x"));
    }
}
