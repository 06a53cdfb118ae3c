//! Object names: the one writer and the one parser of them (SPEC#names).
//!
//! ```text
//! <location>_<full date>_<full time>_<incremental date>_<incremental time>_<no|yes|manifest>_<mount name>[.zip.###]
//! ```
//! This module is text in, text out; it knows no store.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::path::{Family, FullPath};
use crate::model::stamp::Stamp;

/// The longest key S3 takes, in bytes.
pub const MAX_KEY_BYTES: usize = 1024;

/// The container 7-Zip writes (SPEC#profile `archive.format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(description = "How an archive is packed and encrypted.")]
pub enum Format {
    /// AES-256 zip, as v1.0 wrote it. It opens everywhere but does not hide file names.
    #[default]
    Zip,
    /// 7-Zip's own format with encrypted file names. It is faster with many small files.
    #[serde(rename = "7z")]
    SevenZip,
}

impl Format {
    /// `zip` or `7z`: the file name extension and 7-Zip's `-t` argument.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Zip => "zip",
            Format::SevenZip => "7z",
        }
    }
}

/// A mount's name inside object names: its full path with `:`, `\` and `/` replaced by `-`, lower
/// case on Windows (SPEC#mounts: `c:\users\allen\documents\` is
/// `c--users-allen-documents-`).
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MountName(String);

impl MountName {
    /// The name of the mount at `path`.
    pub fn of(path: &FullPath) -> MountName {
        let separator = path.family().separator();
        let mut text = path.to_string();
        // v1.0 wrote directories with their separator at the end.
        if !text.ends_with(separator) {
            text.push(separator);
        }
        let dashed = text.replace([':', '\\', '/'], "-");
        MountName(match path.family() {
            Family::Windows => dashed.to_lowercase(),
            Family::Unix => dashed,
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which backup an object belongs to: a full backup, or an incremental one on a full.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct BackupId {
    /// Stamp of the full backup of the set.
    pub full: Stamp,
    /// Stamp of the incremental backup; `None` for the full backup itself.
    pub incremental: Option<Stamp>,
}

impl BackupId {
    /// The backup's own stamp: when it started.
    pub fn stamp(&self) -> Stamp {
        self.incremental.unwrap_or(self.full)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// One volume of an archive, numbered from 1.
    Volume(Extension, u32),
    /// The upload-completion object: without it the archive does not exist for restore.
    Marker,
    /// The encrypted list of everything selected at that time.
    Manifest(Extension),
}

/// A [`Format`] in the order of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    Zip,
    SevenZip,
}

impl From<Format> for Extension {
    fn from(format: Format) -> Extension {
        match format {
            Format::Zip => Extension::Zip,
            Format::SevenZip => Extension::SevenZip,
        }
    }
}

impl From<Extension> for Format {
    fn from(extension: Extension) -> Format {
        match extension {
            Extension::Zip => Format::Zip,
            Extension::SevenZip => Format::SevenZip,
        }
    }
}

/// A parsed object name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub location: String,
    pub backup: BackupId,
    pub mount: MountName,
    pub part: Part,
}

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?s)\A([^_]+)_(\d{8})_(\d{6}(?:\.\d{1,6})?)_(0|\d{8})_(0\.0|\d{6}(?:\.\d{1,6})?)_(no|yes|manifest)_(.+)\z",
    )
    .unwrap_or_else(|e| unreachable!("a constant pattern: {e}"))
});

static VOLUME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\A(.+)\.(zip|7z)\.(\d{3,9})\z")
        .unwrap_or_else(|e| unreachable!("a constant pattern: {e}"))
});

/// v1.0's first names, given up because 7-Zip refused their colons.
static DEPRECATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\A([^_:]+):\d{8}:\d{6}(?:\.\d{1,6})?:(?:0|\d{8}):(?:0[.:]0|\d{6}(?:\.\d{1,6})?):(?:no|yes):.+\z")
        .unwrap_or_else(|e| unreachable!("a constant pattern: {e}"))
});

/// The location of a key of the deprecated form with colons: recognized and reported, never used.
pub fn deprecated_location(key: &str) -> Option<&str> {
    DEPRECATED
        .captures(key)?
        .get(1)
        .map(|location| location.as_str())
}

impl ObjectName {
    /// Reads a key. `None` for anything that this program does not write: such objects are ignored
    /// and counted (SPEC#names).
    pub fn parse(key: &str) -> Option<ObjectName> {
        // Paths have none, so neither have names; in a table or as a label it would begin a line.
        if key.contains(char::is_control) {
            return None;
        }
        let fields = NAME.captures(key)?;
        let field = |i: usize| fields.get(i).map_or("", |m| m.as_str());
        let full = Stamp::from_fields(field(2), field(3)).ok()?;
        let incremental = match (field(4), field(5)) {
            ("0", "0.0") => None,
            ("0", _) | (_, "0.0") => return None,
            (date, time) => Some(Stamp::from_fields(date, time).ok()?),
        };
        let rest = field(7);
        let (mount, part) = match field(6) {
            "yes" => (rest, Part::Marker),
            "manifest" => match (rest.strip_suffix(".zip"), rest.strip_suffix(".7z")) {
                (Some(mount), _) => (mount, Part::Manifest(Extension::Zip)),
                (_, Some(mount)) => (mount, Part::Manifest(Extension::SevenZip)),
                _ => return None,
            },
            _ => {
                let volume = VOLUME.captures(rest)?;
                let extension = if &volume[2] == "zip" {
                    Extension::Zip
                } else {
                    Extension::SevenZip
                };
                let number = volume[3].parse().ok().filter(|n| *n > 0)?;
                (volume.get(1)?.as_str(), Part::Volume(extension, number))
            }
        };
        if mount.is_empty() {
            return None;
        }
        Some(ObjectName {
            location: field(1).to_owned(),
            backup: BackupId { full, incremental },
            mount: MountName(mount.to_owned()),
            part,
        })
    }

    /// What every key of a location starts with.
    pub fn location_prefix(location: &str) -> String {
        format!("{location}_")
    }

    /// Bytes of the longest name an archive of this mount can need: its manifest, or a volume with
    /// a number of six digits.
    pub fn longest(location: &str, mount: &MountName, format: Format) -> usize {
        // `_YYYYMMDD_HHMMSS.SSSSSS` twice, two more separators, the longest tag, the extension, a
        // volume number.
        let extension = format.extension().len() + 1;
        let volume = "no".len() + extension + ".000000".len();
        let manifest = "manifest".len() + extension;
        location.len()
            + 2 * "_YYYYMMDD_HHMMSS.SSSSSS".len()
            + 2
            + mount.as_str().len()
            + volume.max(manifest)
    }

    /// What every key of one backup starts with.
    pub fn backup_prefix(location: &str, backup: BackupId) -> String {
        let (date, time) = incremental_fields(backup);
        format!(
            "{location}_{}_{}_{date}_{time}_",
            backup.full.date(),
            backup.full.time()
        )
    }

    /// The name of the volumes of one archive, on disk and in a store, up to the volume number.
    pub fn archive_stem(
        location: &str,
        backup: BackupId,
        mount: &MountName,
        format: Format,
    ) -> String {
        format!(
            "{}.{}",
            head(location, backup, "no", mount),
            format.extension()
        )
    }
}

/// The second date and time of a key; `0` and `0.0` for a full backup.
fn incremental_fields(backup: BackupId) -> (String, String) {
    match backup.incremental {
        None => ("0".to_owned(), "0.0".to_owned()),
        Some(stamp) => (stamp.date(), stamp.time()),
    }
}

fn head(location: &str, backup: BackupId, tag: &str, mount: &MountName) -> String {
    let (date, time) = incremental_fields(backup);
    format!(
        "{location}_{}_{}_{date}_{time}_{tag}_{mount}",
        backup.full.date(),
        backup.full.time()
    )
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Marker => f.write_str(&head(&self.location, self.backup, "yes", &self.mount)),
            Part::Manifest(e) => {
                let format = Format::from(e).extension();
                write!(
                    f,
                    "{}.{format}",
                    head(&self.location, self.backup, "manifest", &self.mount)
                )
            }
            Part::Volume(e, number) => {
                let stem =
                    ObjectName::archive_stem(&self.location, self.backup, &self.mount, e.into());
                write!(f, "{stem}.{number:03}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
