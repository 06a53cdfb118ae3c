//! The fields of a manifest entry that are compared and shown. Pure.

use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::manifest::{Entry, EntryKind, Moment};
use crate::model::text::size;

/// A file or directory as a state has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    pub kind: EntryKind,
    pub size: u64,
    #[serde(serialize_with = "as_time")]
    #[schemars(with = "String")]
    pub modified: Moment,
    /// A file whose content no archive holds: it could not be read. A restore cannot bring it back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_in_no_archive: bool,
}

impl Seen {
    pub fn of(entry: &Entry) -> Seen {
        Seen {
            kind: entry.kind,
            size: entry.meta.size,
            modified: entry.meta.modified,
            is_in_no_archive: entry.kind == EntryKind::File && entry.stored.is_none(),
        }
    }

    pub fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }

    /// The size of a file, or what else it is.
    pub fn what(&self) -> String {
        match self.kind {
            EntryKind::File if self.is_in_no_archive => {
                format!("{}, in no archive", size(self.size))
            }
            EntryKind::File => size(self.size),
            EntryKind::Directory => "directory".to_owned(),
            EntryKind::Link => "link".to_owned(),
        }
    }

    /// Whether both are the same version. The time of a directory changes with every name in it.
    pub fn is_same(&self, other: &Seen) -> bool {
        let fields = |seen: &Seen| (seen.kind, seen.size, seen.modified);
        fields(self) == fields(other)
            || (self.kind == EntryKind::Directory && other.kind == EntryKind::Directory)
    }

    /// The modification time for people and programs, in UTC.
    pub fn time(&self) -> String {
        time(self.modified)
    }
}

/// A time in UTC to the second, as in `2026-11-26T02:27:44Z`.
fn time(moment: Moment) -> String {
    DateTime::from_timestamp(moment.split().0, 0).map_or_else(
        || "unknown".to_owned(),
        |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

fn as_time<S: serde::Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time(*moment))
}
