//! The parts of an archive. A **volume** is one object in the store. A **slice** is a range of a
//! large volume with a checksum of its own, which can be trusted and used while the rest of its
//! volume is being downloaded (SPEC#restore). A **part** is what is downloaded at a time, into a
//! file of its own: a volume or a slice. 7-Zip reads the parts of an archive as one file, however
//! it was split.

use std::ops::Range;

use serde::Serialize;

use crate::model::name::Format;
use crate::model::slices::Slices;
use crate::model::stamp::Stamp;

/// One archive to fetch and extract.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedArchive {
    pub stamp: Stamp,
    pub format: Format,
    /// In order; empty if the backup had nothing to archive.
    pub volumes: Vec<PlannedVolume>,
    /// Files and their bytes before compression, where the marker says.
    pub content: Option<(u64, u64)>,
    /// Bytes of its files that are extracted, when a manifest says which these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_bytes: Option<u64>,
    /// Whether the store has further volumes with this archive's name: 7-Zip would read them as its
    /// volumes.
    pub has_extra: bool,
}

/// One volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedVolume {
    pub key: String,
    pub size: u64,
    /// Unknown for v1.0.
    pub sha256: Option<String>,
    /// Checksums of its slices, where the marker has them.
    #[serde(skip)]
    pub slices: Option<Slices>,
    /// Why it cannot be used, where the listing says so.
    #[serde(skip)]
    pub lost: Option<String>,
}

/// An archive of more volumes is not sliced: its volumes are small already, and 7-Zip keeps all its
/// files open.
const MOST_SLICED: usize = 32;

/// A volume, or a slice of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePart<'p> {
    pub volume: &'p PlannedVolume,
    /// Which bytes of the volume.
    pub bytes: Range<u64>,
    /// SHA-256 of these bytes. Unknown for v1.0.
    pub sha256: Option<&'p str>,
}

impl<'p> ArchivePart<'p> {
    /// The whole of an object.
    pub fn whole(volume: &'p PlannedVolume) -> ArchivePart<'p> {
        ArchivePart {
            volume,
            bytes: 0..volume.size,
            sha256: volume.sha256.as_deref(),
        }
    }

    pub fn size(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    pub fn is_whole(&self) -> bool {
        self.size() == self.volume.size
    }

    /// The name of the object in messages.
    pub fn shown(&self) -> String {
        match self.is_whole() {
            true => self.volume.key.clone(),
            false => format!(
                "{} (bytes {} to {})",
                self.volume.key, self.bytes.start, self.bytes.end
            ),
        }
    }
}

impl PlannedVolume {
    /// Whether a SHA-256 is that of this volume or of a slice of it.
    pub fn has(&self, sha256: &str) -> bool {
        self.sha256.as_deref() == Some(sha256)
            || self.slices().iter().any(|part| part.sha256 == Some(sha256))
    }

    /// Its slices, where its marker has them.
    pub fn slices(&self) -> Vec<ArchivePart<'_>> {
        let slices = self
            .slices
            .iter()
            .filter_map(|slices| slices.of(self.size))
            .flatten();
        slices
            .map(|(bytes, sha256)| ArchivePart {
                volume: self,
                bytes,
                sha256: Some(sha256),
            })
            .collect()
    }
}

impl PlannedArchive {
    /// Bytes that its files will have: from the marker, or an estimate if the marker does not say.
    pub fn bytes(&self) -> u64 {
        let packed: u64 = self.volumes.iter().map(|volume| volume.size).sum();
        self.content
            .map_or(packed.saturating_mul(2), |(_, bytes)| bytes)
    }

    /// Its content in order. Volumes are split into slices if these are useful.
    pub fn parts(&self) -> Vec<ArchivePart<'_>> {
        let whole = || self.volumes.iter().map(ArchivePart::whole);
        match self.is_sliced() {
            false => whole().collect(),
            true => whole()
                .flat_map(|whole| {
                    Some(whole.volume.slices())
                        .filter(|c| !c.is_empty())
                        .unwrap_or(vec![whole])
                })
                .collect(),
        }
    }

    /// Whether parts are slices. A 7z archive is used only when all of it is here.
    pub fn is_sliced(&self) -> bool {
        self.format == Format::Zip
            && self.volumes.len() <= MOST_SLICED
            && self.volumes.iter().any(|v| !v.slices().is_empty())
    }

    /// In which order its parts are downloaded. For a zip, the last volume comes first, from its
    /// end on. It contains the table of contents, so files can be extracted while others are being
    /// downloaded.
    pub fn arrival_order(&self) -> Vec<usize> {
        let parts = self.parts();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        let (Format::Zip, [first, .., last]) = (self.format, self.volumes.as_slice()) else {
            if self.format == Format::Zip {
                order.reverse();
            }
            return order;
        };
        // If the last volume is short, the table probably begins in the one before.
        let ends = if last.size < first.size / 8 { 2 } else { 1 };
        let ahead = self.volumes.len() - ends.min(self.volumes.len());
        let begin = parts
            .iter()
            .position(|p| std::ptr::eq(p.volume, &self.volumes[ahead]))
            .unwrap_or(0);
        order.rotate_left(begin);
        order[..parts.len() - begin].reverse();
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(format: Format, sizes: &[u64], slices: &[usize]) -> PlannedArchive {
        let volume = |(size, count): (&u64, &usize)| PlannedVolume {
            key: format!("{size}"),
            size: *size,
            sha256: Some(format!("{size}")),
            slices: (*count > 0).then(|| {
                let sha256: Vec<String> = (0..*count).map(|i| format!("{size}.{i}")).collect();
                serde_json::from_value(
                    serde_json::json!({"size": size.div_ceil(*count as u64), "sha256": sha256}),
                )
                .unwrap()
            }),
            lost: None,
        };
        let volumes = sizes.iter().zip(slices).map(volume).collect();
        PlannedArchive {
            stamp: "20201222_112502.225330".parse().unwrap(),
            format,
            volumes,
            content: None,
            wanted_bytes: None,
            has_extra: false,
        }
    }

    fn shown(archive: &PlannedArchive) -> Vec<String> {
        archive
            .parts()
            .iter()
            .map(|p| p.sha256.unwrap().to_owned())
            .collect()
    }

    #[test]
    fn parts_are_the_archive() {
        let sliced = archive(Format::Zip, &[100, 100, 30, 7], &[4, 4, 2, 0]);
        assert!(sliced.is_sliced());
        let expected = [
            "100.0", "100.1", "100.2", "100.3", "100.0", "100.1", "100.2", "100.3", "30.0", "30.1",
            "7",
        ];
        assert_eq!(shown(&sliced), expected);
        for volume in &sliced.volumes {
            let mut end = 0;
            for part in sliced
                .parts()
                .iter()
                .filter(|p| std::ptr::eq(p.volume, volume))
            {
                assert_eq!(part.bytes.start, end);
                end = part.bytes.end;
            }
            assert_eq!(end, volume.size);
        }
        assert!(
            sliced.volumes[0].has("100")
                && sliced.volumes[0].has("100.3")
                && !sliced.volumes[0].has("30.0")
        );
    }

    #[test]
    fn not_every_archive_is_sliced() {
        for whole in [
            archive(Format::SevenZip, &[100, 100], &[4, 4]),
            archive(Format::Zip, &[100, 100], &[0, 0]),
            archive(Format::Zip, &[100; 33], &[4; 33]),
        ] {
            assert!(!whole.is_sliced());
            assert_eq!(
                whole.parts(),
                whole
                    .volumes
                    .iter()
                    .map(ArchivePart::whole)
                    .collect::<Vec<_>>()
            );
        }
        assert_eq!(
            archive(Format::Zip, &[100; 32], &[4; 32]).parts().len(),
            128
        );
        let mut lying = archive(Format::Zip, &[100], &[4]);
        lying.volumes[0].size = 101;
        assert!(!lying.is_sliced(), "slices of another size are none");
    }

    #[test]
    fn a_zip_arrives_from_its_end() {
        let order = |format, sizes: &[u64], slices: &[usize]| {
            archive(format, sizes, slices).arrival_order()
        };
        assert_eq!(order(Format::Zip, &[100, 100, 80], &[0, 0, 0]), [2, 0, 1]);
        assert_eq!(order(Format::Zip, &[100, 100, 8], &[0, 0, 0]), [2, 1, 0]);
        assert_eq!(order(Format::Zip, &[100, 8], &[0, 0]), [1, 0]);
        assert_eq!(order(Format::Zip, &[100], &[0]), [0]);
        assert_eq!(order(Format::Zip, &[], &[]), [0; 0]);
        assert_eq!(order(Format::Zip, &[100], &[4]), [3, 2, 1, 0]);
        assert_eq!(
            order(Format::Zip, &[100, 100, 80], &[2, 2, 3]),
            [6, 5, 4, 0, 1, 2, 3]
        );
        assert_eq!(
            order(Format::Zip, &[100, 100, 8], &[2, 2, 0]),
            [4, 3, 2, 0, 1]
        );
        assert_eq!(
            order(Format::SevenZip, &[100, 100, 80], &[2, 2, 3]),
            [0, 1, 2]
        );
    }
}
