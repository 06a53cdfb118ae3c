//! The manifest: every file and directory selected at the time of a backup, with sizes and times
//! (SPEC#manifest).
//!
//! One JSON line of header, then one line an entry in walk order, so that two manifests, or a
//! manifest and a walk, merge in constant memory. Nothing here decides what is selected.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::model::name::{BackupId, Format};
use crate::model::path::FullPath;
use crate::model::stamp::Stamp;

pub mod details;
mod rel_path;

pub use details::Details;
pub use rel_path::RelPath;

/// A point in time in nanoseconds since 1970; holds everything NTFS can (from 1601 on).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i128);

impl Moment {
    /// How far two moments lie apart, in nanoseconds.
    pub fn distance(self, other: Moment) -> u128 {
        self.0.abs_diff(other.0)
    }

    /// Whole seconds and the nanoseconds after them.
    pub fn split(self) -> (i64, u32) {
        let nanos = self.0.rem_euclid(1_000_000_000);
        (((self.0 - nanos) / 1_000_000_000) as i64, nanos as u32)
    }
}

impl From<chrono::DateTime<chrono::Utc>> for Moment {
    fn from(at: chrono::DateTime<chrono::Utc>) -> Moment {
        Moment(i128::from(at.timestamp()) * 1_000_000_000 + i128::from(at.timestamp_subsec_nanos()))
    }
}

/// What the file system says of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Meta {
    /// Bytes; 0 for a directory.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub size: u64,
    pub modified: Moment,
    /// Creation time, where the file system keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Moment>,
    /// Change time of the entry itself (Unix `ctime`, NTFS `ChangeTime`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Moment>,
    /// Unix permission bits, with set-id and sticky bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Meta {
    /// Of an entry that could not be looked at.
    pub fn unknown() -> Meta {
        Meta {
            size: 0,
            modified: Moment(0),
            created: None,
            changed: None,
            mode: None,
        }
    }

    /// Whether a file may have changed between two looks at it (SPEC#changes): size, modification,
    /// creation or change time differ. A time that one side does not know says nothing.
    pub fn differs(&self, before: &Meta) -> bool {
        let apart =
            |a: Option<Moment>, b: Option<Moment>| matches!((a, b), (Some(a), Some(b)) if a != b);
        self.size != before.size
            || self.modified != before.modified
            || apart(self.created, before.created)
            || apart(self.changed, before.changed)
    }

    /// Whether any time is at or after `moment`: the test without a manifest (SPEC#changes).
    pub fn touched_since(&self, moment: Moment) -> bool {
        [Some(self.modified), self.created, self.changed]
            .into_iter()
            .flatten()
            .any(|t| t >= moment)
    }
}

/// A file, a directory or a link. A link has its target in [`Details::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    Directory,
    File,
    Link,
}

/// Which archive of the set holds a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stored {
    /// That of this backup.
    In(Stamp),
    /// One of this backup's set, but which is not known: it was found unchanged by its times only.
    Earlier(Earlier),
}

impl Stored {
    /// In an archive that is not known.
    pub const EARLIER: Stored = Stored::Earlier(Earlier::Earlier);
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Earlier {
    Earlier,
}

/// One selected file or directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    pub path: RelPath,
    pub kind: EntryKind,
    pub meta: Meta,
    /// Which archive holds the content. `None`: none does (a directory, or a file that could not be
    /// read or listed).
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
    /// Carried over from the manifest before, because its source was missing or could not be read
    /// (SPEC#missing-sources).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
    /// Links, owners and attributes. Version 1 does not keep them.
    #[serde(skip)]
    pub details: Details,
}

impl Entry {
    /// An entry that was looked at.
    pub fn new(path: &RelPath, kind: EntryKind, meta: Meta, stored: Option<Stored>) -> Entry {
        Entry {
            path: path.clone(),
            kind,
            meta,
            stored,
            unseen: false,
            details: Details::default(),
        }
    }
}

/// The first line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// Version of the manifest format. 1.
    pub version: u32,
    pub location: String,
    pub mount: FullPath,
    /// The backup it describes; a mirror-only run has no backup.
    pub backup: Option<BackupId>,
    pub format: Option<Format>,
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("reading the manifest: {0}")]
    Io(#[from] io::Error),
    #[error("line {line} of the manifest is broken: {why}")]
    Broken { line: u64, why: String },
    #[error("the manifest has version {0}; this program knows version 1: use a newer aam-backup")]
    Newer(u32),
    #[error("line {0} of the manifest is out of order")]
    Order(u64),
}

/// Writes a manifest line by line.
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Starts a manifest.
    ///
    /// # Errors
    /// When the header cannot be written.
    pub fn new(mut out: W, header: &Header) -> io::Result<Writer<W>> {
        serde_json::to_writer(&mut out, header)?;
        out.write_all(b"\n")?;
        Ok(Writer { out })
    }

    /// Adds an entry; the caller keeps walk order.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, entry)?;
        self.out.write_all(b"\n")
    }

    /// Flushes, and gives the output back.
    ///
    /// # Errors
    /// When what is buffered cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Reads a manifest entry by entry, in walk order, and checks the order.
pub struct Reader<R> {
    input: R,
    header: Header,
    line: u64,
    buffer: Vec<u8>,
    last: Option<RelPath>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not a manifest of version 1.
    pub fn new(mut input: R) -> Result<Reader<R>, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let mut buffer = Vec::new();
        input.read_until(b'\n', &mut buffer)?;
        let broken = |e: serde_json::Error| ManifestError::Broken {
            line: 1,
            why: e.to_string(),
        };
        match serde_json::from_slice::<Version>(&buffer)
            .map_err(broken)?
            .version
        {
            1 => {}
            newer => return Err(ManifestError::Newer(newer)),
        }
        let header = serde_json::from_slice(&buffer).map_err(broken)?;
        Ok(Reader {
            input,
            header,
            line: 1,
            buffer,
            last: None,
        })
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn read(&mut self) -> Result<Option<Entry>, ManifestError> {
        self.buffer.clear();
        if self.input.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.buffer.last() != Some(&b'\n') {
            return Err(ManifestError::Broken {
                line: self.line,
                why: "it ends in the middle".to_owned(),
            });
        }
        let entry: Entry =
            serde_json::from_slice(&self.buffer).map_err(|e| ManifestError::Broken {
                line: self.line,
                why: e.to_string(),
            })?;
        if self.last.as_ref().is_some_and(|last| *last >= entry.path) {
            return Err(ManifestError::Order(self.line));
        }
        self.last = Some(entry.path.clone());
        Ok(Some(entry))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::path::Family;

    #[test]
    fn what_lies_in_a_directory() {
        let rel = |text: &str| RelPath::from_bytes(text);
        for (path, other, on_windows, on_unix) in [
            ("Docs/a", "docs", true, false),
            ("docs/a", "docs", true, true),
            ("docs", "docs/a", false, false),
            ("docs2/a", "docs", false, false),
            ("docs", "", true, true),
            ("\u{dc}ber/x", "\u{fc}BER", true, false),
        ] {
            assert_eq!(
                rel(path).lies_in(&rel(other), Family::Windows),
                on_windows,
                "{path} {other}"
            );
            assert_eq!(
                rel(path).lies_in(&rel(other), Family::Unix),
                on_unix,
                "{path} {other}"
            );
        }
        assert_eq!(rel("a/b/c").truncated(2), rel("a/b"));
    }

    #[test]
    fn round_trips_any_bytes_and_any_time() {
        let header = Header {
            version: 1,
            location: "pc".into(),
            mount: FullPath::parse("/home").unwrap(),
            backup: None,
            format: None,
        };
        let entry = |path: &[u8], modified: i128| Entry {
            path: RelPath::from_bytes(path),
            kind: EntryKind::File,
            meta: Meta {
                size: 3,
                modified: Moment(modified),
                created: None,
                changed: Some(Moment(5)),
                mode: None,
            },
            stored: match modified {
                0.. => Some(Stored::EARLIER),
                _ => "20201221_134337.851361".parse().ok().map(Stored::In),
            },
            unseen: false,
            details: Details::default(),
        };
        let entries = [
            entry(b"a\nb", -11_644_473_600_000_000_000),
            entry(b"b\xff", i128::from(i64::MAX) + 1),
        ];
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        entries.iter().for_each(|e| writer.write(e).unwrap());
        let bytes = writer.finish().unwrap();
        let reader = Reader::new(&bytes[..]).unwrap();
        assert_eq!(reader.header(), &header);
        assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), entries);

        let cut = &bytes[..bytes.len() - 4];
        assert!(
            Reader::new(cut).unwrap().any(|e| e.is_err()),
            "a cut manifest is noticed"
        );
    }

    #[test]
    fn moments_split_before_1970() {
        assert_eq!(Moment(-1).split(), (-1, 999_999_999));
        assert_eq!(Moment(1_500_000_000).split(), (1, 500_000_000));
    }
}
