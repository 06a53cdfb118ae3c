//! Listed sources that are not backed up (SPEC#missing-sources).

use std::fmt;

use crate::model::path::FullPath;

/// A listed source that is not backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSource {
    pub path: FullPath,
    pub why: Missing,
}

/// Why a listed source is not backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It does not exist or cannot be read, in the words of the system.
    Unreadable(String),
    /// As before, and neither the last backup nor the mirror holds any file of it.
    NeverSeen(String),
    /// It held files, and has none today. Where they are still held, in words.
    Emptied(String),
    /// It is inside a directory of this program: which one, and where.
    Own { what: &'static str, place: String },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Unreadable(why) | Missing::NeverSeen(why) => f.write_str(why),
            Missing::Emptied(held) => write!(f, "it is empty, and {held}"),
            Missing::Own { what, place } => write!(f, "it is inside {what} '{place}'"),
        }
    }
}

impl MissingSource {
    /// Whether a full backup waits for it: it would not contain its files. `optional`: the profile
    /// allows that the source is missing.
    pub fn postpones_full(&self, optional: bool) -> bool {
        !(optional && matches!(self.why, Missing::NeverSeen(_)))
    }

    /// What to do about it. `optional`: the profile allows that the source is missing.
    pub fn hint(&self, optional: bool) -> &'static str {
        match (&self.why, optional) {
            (Missing::Emptied(_), _) => {
                "attach the disk that belongs there; if it is meant to be empty, write \
                 'allow-empty: true' for this source"
            }
            (Missing::Own { .. }, _) => "give that directory a place outside of the sources",
            (Missing::Unreadable(_) | Missing::NeverSeen(_), true) => {
                "attach it, or remove it from sources in the profile"
            }
            (Missing::Unreadable(_) | Missing::NeverSeen(_), false) => {
                "attach it, remove it from sources, or mark it 'optional: true' in the profile"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_backup_waits_for_what_it_would_lack() {
        let why = || "away".to_owned();
        let own = Missing::Own {
            what: "the mirror",
            place: "/m".to_owned(),
        };
        for (why, postpones_if_optional) in [
            (Missing::Unreadable(why()), true),
            (Missing::NeverSeen(why()), false),
            (Missing::Emptied(why()), true),
            (own, true),
        ] {
            let path = FullPath::parse("/a").unwrap();
            let missing = MissingSource { path, why };
            assert!(missing.postpones_full(false), "{missing:?}");
            assert_eq!(missing.postpones_full(true), postpones_if_optional);
        }
    }
}
