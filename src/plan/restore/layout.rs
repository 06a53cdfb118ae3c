//! Where each mount goes below `--to` (SPEC#restore). Pure: names, no disk.

use serde::{Deserialize, Serialize};

use crate::model::path::FullPath;

/// How mounts are arranged below the target directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// `1`, `2`, … with a table of what each number was, in `restored.txt`.
    #[default]
    Numbered,
    /// The original path below the target; a drive letter becomes a directory.
    Original,
}

/// The table of every restore: which directory contains what.
pub const TABLE: &str = "restored.txt";

/// Name of the working directory inside the target. It is removed when the restore is complete.
pub const WORK_DIRECTORY: &str = ".aam-restore";

impl Layout {
    /// The value of the option.
    pub fn word(self) -> &'static str {
        match self {
            Layout::Numbered => "numbered",
            Layout::Original => "original",
        }
    }
}

/// The directory names that lead from the target to a mount's original path: `C:\Users` is `c`,
/// `Users`.
pub fn original(path: &FullPath) -> Vec<String> {
    let root = match path.drive() {
        Some(letter) => vec![letter.to_ascii_lowercase().to_string()],
        None => path
            .root()
            .split(['\\', '/'])
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    root.into_iter()
        .chain(path.parts().iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn original_paths() {
        for (path, expected) in [
            ("/home/allen", &["home", "allen"][..]),
            ("/", &[]),
            (r"C:\Users\Allen", &["c", "Users", "Allen"]),
            (r"\\nas\share\x", &["nas", "share", "x"]),
        ] {
            assert_eq!(original(&FullPath::parse(path).unwrap()), expected);
        }
    }
}
