//! The snapshot program and where it shows its snapshot.

use super::{Checker, Mistake};
use crate::model::job::{MountPoint, Snapshot};
use crate::model::path::Family;
use crate::profile::document;

/// v1.0's letter.
const WINDOWS_MOUNT: &str = "Q:";

impl Checker<'_> {
    /// Windows always has a snapshot; Unix when a program is named (SPEC#profile).
    pub(super) fn snapshot(
        &mut self,
        given: Option<&document::SnapshotSection>,
    ) -> Option<Snapshot> {
        let (program, mount) = match given {
            Some(document::SnapshotSection { program, mount }) => {
                (program.as_deref(), mount.as_deref())
            }
            None => (None, None),
        };
        match self.family {
            Family::Windows => {
                let drive = self.drive(mount.unwrap_or(WINDOWS_MOUNT));
                let program = match program {
                    Some(_) => Some(self.program("/snapshot/program", program)?),
                    None => None,
                };
                Some(Snapshot {
                    program,
                    mount: MountPoint::Drive(drive?),
                })
            }
            Family::Unix => self.unix_snapshot(given.is_some(), program, mount),
        }
    }

    /// Both keys, or neither.
    fn unix_snapshot(
        &mut self,
        given: bool,
        program: Option<&str>,
        mount: Option<&str>,
    ) -> Option<Snapshot> {
        let directory = mount.and_then(|text| self.mount_directory(text));
        // What is missing, unless it is there and wrong.
        let (pointer, finding) = match (program, mount) {
            (Some(program), Some(_)) => {
                let program = self.program("/snapshot/program", Some(program))?;
                return Some(Snapshot {
                    program: Some(program),
                    mount: MountPoint::Directory(directory?),
                });
            }
            (None, None) if !given => return None,
            (None, None) => (
                "/snapshot",
                Mistake::key("/snapshot", "names no program")
                    .hint("name a snapshot `program` and its `mount`, or remove the section"),
            ),
            (None, Some(_)) => (
                "/snapshot/program",
                Mistake::key("/snapshot/mount", "is given without a `program`")
                    .hint("on Unix there is no default snapshot program: name one"),
            ),
            (Some(_), None) => (
                "/snapshot/mount",
                Mistake::key("/snapshot/program", "is given without a `mount`")
                    .hint("name the directory where the snapshot is shown"),
            ),
        };
        if !self.broken.touches(pointer) {
            self.report(finding);
        }
        None
    }

    fn mount_directory(&mut self, text: &str) -> Option<crate::model::path::FullPath> {
        let directory = self.path("/snapshot/mount", text)?;
        if directory.is_root() {
            self.report(
                Mistake::value("/snapshot/mount", "is the root directory")
                    .hint("name an empty directory"),
            );
            return None;
        }
        Some(directory)
    }

    fn drive(&mut self, text: &str) -> Option<char> {
        let bare = text.strip_suffix('\\').unwrap_or(text);
        let letter = bare
            .strip_suffix(':')
            .and_then(|letter| letter.parse::<char>().ok());
        if let Some(letter) = letter.filter(char::is_ascii_alphabetic) {
            return Some(letter.to_ascii_uppercase());
        }
        let message = format!("'{}' is not a drive letter", text.escape_debug());
        let hint = match text.chars().next() {
            // v1.0's argument was the letter alone.
            Some(c) if c.is_ascii_alphabetic() && text.len() == 1 => {
                format!("write `'{}:'`", c.to_ascii_uppercase())
            }
            _ => "write a free letter with a colon, such as `'Q:'`".to_owned(),
        };
        self.report(Mistake::value("/snapshot/mount", message).hint(hint));
        None
    }
}
