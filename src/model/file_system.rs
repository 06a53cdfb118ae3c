//! What a file system can do, and what that means for a copy on it (SPEC#mirror).
//! `adapters::file_system` finds it out by trial.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whole seconds: what rsync compares.
const SECOND: u64 = 1_000_000_000;

/// The largest file on FAT.
const FAT_LIMIT: u64 = u32::MAX as u64;

/// What a trial on a file system showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileSystem {
    /// `a` and `A` are one file.
    pub folds_case: bool,
    /// Steps of modification times, in nanoseconds.
    pub time_step: u64,
    /// Whether a file that is renamed keeps its modification time.
    pub renames_keep_times: bool,
    /// Whether holes in a file take no space.
    pub holes: bool,
    /// Whether owner and group can be set.
    pub owners: bool,
    /// Whether it takes symbolic links.
    #[serde(default)]
    pub links: bool,
    /// Whether a file can have several names.
    #[serde(default)]
    pub hard_links: bool,
    /// Whether it keeps extended attributes of users.
    #[serde(default)]
    pub attributes: bool,
    /// Whether it keeps POSIX access lists.
    #[serde(default)]
    pub access_lists: bool,
    pub modes: Modes,
    /// Characters that no name can hold.
    pub refused: String,
    /// Characters that no name can end with.
    pub refused_at_end: String,
    /// FAT takes files of less than 4 GiB only.
    pub small_files_only: bool,
}

/// What happens to permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Modes {
    Kept,
    /// Setting them changes nothing.
    Ignored,
    /// Setting them fails unless they are these.
    Fixed {
        file: u32,
        directory: u32,
    },
}

/// A file system that keeps everything.
impl Default for FileSystem {
    fn default() -> FileSystem {
        FileSystem {
            folds_case: false,
            time_step: 1,
            renames_keep_times: true,
            holes: true,
            owners: true,
            links: true,
            hard_links: true,
            attributes: true,
            access_lists: true,
            modes: Modes::Kept,
            refused: String::new(),
            refused_at_end: String::new(),
            small_files_only: false,
        }
    }
}

impl FileSystem {
    /// How far the time of a copy may be from that of its original, in nanoseconds.
    pub fn tolerance(&self) -> u128 {
        u128::from(self.time_step.max(SECOND))
    }

    /// The same for rsync, in seconds. `None` where it needs no allowance.
    pub fn window(&self) -> Option<u64> {
        (self.time_step >= SECOND).then(|| self.time_step.div_ceil(SECOND).saturating_sub(1).max(1))
    }

    /// Why no file or directory can have this name, or this size.
    pub fn refusal(&self, name: &str, size: u64) -> Option<String> {
        if let Some(refused) = name.chars().find(|c| self.refused.contains(*c)) {
            let refused = refused.escape_default();
            return Some(format!(
                "the file system of the mirror cannot hold names with '{refused}' in it"
            ));
        }
        if let Some(last) = name
            .chars()
            .last()
            .filter(|c| self.refused_at_end.contains(*c))
        {
            return Some(format!(
                "the file system of the mirror cannot hold names that end with '{last}'"
            ));
        }
        (self.small_files_only && size > FAT_LIMIT)
            .then(|| "the file system of the mirror cannot hold files of 4 GiB or more".to_owned())
    }

    /// What a mirror on it loses, in words.
    pub fn losses(&self) -> Vec<&'static str> {
        let lost = [
            (!self.owners, "owners and groups"),
            (self.modes != Modes::Kept, "permissions"),
            (!self.links, "symbolic links"),
            (!self.hard_links, "hard links"),
            (!self.attributes, "extended attributes"),
            (!self.access_lists, "access lists"),
        ];
        let lost = lost.into_iter().filter(|(is_lost, _)| *is_lost);
        lost.map(|(_, what)| what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_allowed_for_as_coarse_as_they_are() {
        for (step, window, tolerance) in [
            (1, None, 1_000_000_000),
            (100, None, 1_000_000_000),
            (1_000_000_000, Some(1), 1_000_000_000),
            (2_000_000_000, Some(1), 2_000_000_000),
        ] {
            let file_system = FileSystem {
                time_step: step,
                ..FileSystem::default()
            };
            assert_eq!(file_system.window(), window, "{step}");
            assert_eq!(file_system.tolerance(), tolerance, "{step}");
        }
    }

    #[test]
    fn what_fat_refuses() {
        let fat = FileSystem {
            refused: ":?\n".to_owned(),
            refused_at_end: ". ".to_owned(),
            small_files_only: true,
            ..FileSystem::default()
        };
        for (name, size, refused) in [
            ("a", 0, false),
            ("a.b c", FAT_LIMIT, false),
            ("a", FAT_LIMIT + 1, true),
            ("12:30", 0, true),
            ("a\nb", 0, true),
            ("etc.", 0, true),
            ("a ", 0, true),
        ] {
            assert_eq!(
                fat.refusal(name, size).is_some(),
                refused,
                "{name:?} {size}"
            );
            assert_eq!(FileSystem::default().refusal(name, size), None);
        }
    }
}
