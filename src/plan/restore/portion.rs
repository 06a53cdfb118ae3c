//! What is downloaded at a time, into a file of its own: a volume, or a slice of one, which can be
//! trusted and used while the rest of its volume is on its way (SPEC#restore). 7-Zip takes the
//! files of an archive as one, however it was cut.

use std::ops::Range;

use crate::model::name::Format;

use super::plan::{PlannedArchive, PlannedVolume};

/// An archive of more volumes is fine-grained enough, and 7-Zip holds all its files open.
const MOST_SLICED: usize = 32;

/// A volume, or a slice of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion<'p> {
    pub volume: &'p PlannedVolume,
    /// Which bytes of the volume.
    pub bytes: Range<u64>,
    /// Of these bytes. Unknown for v1.0.
    pub sha256: Option<&'p str>,
}

impl<'p> Portion<'p> {
    /// The whole of an object.
    pub fn whole(volume: &'p PlannedVolume) -> Portion<'p> {
        Portion {
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

    /// The object as messages name it.
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
            || self
                .cut()
                .iter()
                .any(|portion| portion.sha256 == Some(sha256))
    }

    fn cut(&self) -> Vec<Portion<'_>> {
        let slices = self
            .slices
            .iter()
            .filter_map(|slices| slices.of(self.size))
            .flatten();
        slices
            .map(|(bytes, sha256)| Portion {
                volume: self,
                bytes,
                sha256: Some(sha256),
            })
            .collect()
    }
}

impl PlannedArchive {
    /// Its content in order, each volume cut into slices where they are of use.
    pub fn portions(&self) -> Vec<Portion<'_>> {
        let whole = || self.volumes.iter().map(Portion::whole);
        match self.is_sliced() {
            false => whole().collect(),
            true => whole()
                .flat_map(|whole| {
                    Some(whole.volume.cut())
                        .filter(|c| !c.is_empty())
                        .unwrap_or(vec![whole])
                })
                .collect(),
        }
    }

    /// Whether portions are slices. A 7z archive is used only when all of it is here.
    pub fn is_sliced(&self) -> bool {
        self.format == Format::Zip
            && self.volumes.len() <= MOST_SLICED
            && self.volumes.iter().any(|v| !v.cut().is_empty())
    }

    /// In which order its portions are downloaded: of a zip the last volume first, from its end on,
    /// which holds the table of contents, so that files can be extracted while others are on their
    /// way.
    pub fn arrival(&self) -> Vec<usize> {
        let portions = self.portions();
        let mut order: Vec<usize> = (0..portions.len()).collect();
        let (Format::Zip, [first, .., last]) = (self.format, self.volumes.as_slice()) else {
            if self.format == Format::Zip {
                order.reverse();
            }
            return order;
        };
        // In a short last volume the table hardly ends: it begins in the one before.
        let ends = if last.size < first.size / 8 { 2 } else { 1 };
        let ahead = self.volumes.len() - ends.min(self.volumes.len());
        let begin = portions
            .iter()
            .position(|p| std::ptr::eq(p.volume, &self.volumes[ahead]))
            .unwrap_or(0);
        order.rotate_left(begin);
        order[..portions.len() - begin].reverse();
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
        };
        let volumes = sizes.iter().zip(slices).map(volume).collect();
        PlannedArchive {
            stamp: "20201222_112502.225330".parse().unwrap(),
            format,
            volumes,
            content: None,
            has_extra: false,
        }
    }

    fn shown(archive: &PlannedArchive) -> Vec<String> {
        archive
            .portions()
            .iter()
            .map(|p| p.sha256.unwrap().to_owned())
            .collect()
    }

    #[test]
    fn portions_are_the_archive() {
        let sliced = archive(Format::Zip, &[100, 100, 30, 7], &[4, 4, 2, 0]);
        assert!(sliced.is_sliced());
        let expected = [
            "100.0", "100.1", "100.2", "100.3", "100.0", "100.1", "100.2", "100.3", "30.0", "30.1",
            "7",
        ];
        assert_eq!(shown(&sliced), expected);
        for volume in &sliced.volumes {
            let mut end = 0;
            for portion in sliced
                .portions()
                .iter()
                .filter(|p| std::ptr::eq(p.volume, volume))
            {
                assert_eq!(portion.bytes.start, end);
                end = portion.bytes.end;
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
                whole.portions(),
                whole.volumes.iter().map(Portion::whole).collect::<Vec<_>>()
            );
        }
        assert_eq!(
            archive(Format::Zip, &[100; 32], &[4; 32]).portions().len(),
            128
        );
        let mut lying = archive(Format::Zip, &[100], &[4]);
        lying.volumes[0].size = 101;
        assert!(!lying.is_sliced(), "slices of another size are none");
    }

    #[test]
    fn a_zip_arrives_from_its_end() {
        let order =
            |format, sizes: &[u64], slices: &[usize]| archive(format, sizes, slices).arrival();
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
