//! What a profile leaves out: names with wildcards and full paths (SPEC#selection).

use crate::model::path::{Family, FullPath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One exclusion of a profile: a name pattern or a full path. Anything else is an error
/// (SPEC#selection).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// A bare name with `*` and `?`.
    Name(String),
    /// A full path without wildcards.
    Path(FullPath),
}

/// Why a text is not an exclusion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExclusionError {
    #[error("the exclusion is empty")]
    Empty,
    #[error("'{0}' is a full path with a wildcard; wildcards are allowed in names only")]
    WildcardInPath(String),
    #[error("'{0}' is neither a bare name nor a full path")]
    Relative(String),
    #[error(transparent)]
    Path(#[from] crate::model::path::PathError),
    #[error("'{0}' describes a {1} path in a {2} profile")]
    Family(String, Family, Family),
}

impl Exclusion {
    /// Reads one entry of `exclude.directories` or `exclude.files` for a profile of `family`.
    ///
    /// # Errors
    /// When it is neither a bare name nor a full path without wildcards.
    pub fn parse(text: &str, family: Family) -> Result<Exclusion, ExclusionError> {
        // v1.0 wrote directories with a separator at the end.
        let separators: &[char] = if family == Family::Windows {
            &['\\', '/']
        } else {
            &['/']
        };
        let bare = text.trim_end_matches(separators);
        if text.is_empty() {
            return Err(ExclusionError::Empty);
        }
        if !bare.is_empty() && !bare.contains(separators) && !is_drive(bare, family) {
            if let Some(c) = bare.chars().find(|c| c.is_control()) {
                let shown = text.escape_debug().to_string();
                return Err(crate::model::path::PathError::Control(
                    shown,
                    c.escape_debug().to_string(),
                )
                .into());
            }
            return match bare {
                "." | ".." => Err(ExclusionError::Relative(text.to_owned())),
                _ => Ok(Exclusion::Name(bare.to_owned())),
            };
        }
        // On Unix a star is an ordinary character, but in a profile it is always a wildcard.
        if text.contains(['*', '?']) {
            return Err(ExclusionError::WildcardInPath(text.to_owned()));
        }
        match FullPath::parse(text) {
            Ok(path) if path.family() == family => Ok(Exclusion::Path(path)),
            Ok(path) => Err(ExclusionError::Family(
                text.to_owned(),
                path.family(),
                family,
            )),
            Err(crate::model::path::PathError::Relative(_)) => {
                Err(ExclusionError::Relative(text.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn is_drive(text: &str, family: Family) -> bool {
    family == Family::Windows && text.len() == 2 && text.ends_with(':')
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exclusion::Name(pattern) => f.write_str(pattern),
            Exclusion::Path(path) => write!(f, "{path}"),
        }
    }
}
