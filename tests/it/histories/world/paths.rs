//! Paths of the two systems: as the program says them, and as they are here.

use super::*;

impl World {
    /// What the mirror holds, by the absolute path of the original.
    pub fn mirrored(&self) -> Seen {
        self.by_original(look(&self.machine.path("mirror")))
    }

    /// What lies below a directory at the full path of its original, by that path.
    pub fn by_original(&self, below: Seen) -> Seen {
        let original = |path: Vec<u8>| match self.machine.is_windows() {
            false => Some([b"/", &path[..]].concat()),
            true => {
                let drive = self.machine.drive();
                let path = path.strip_prefix(b"c/")?;
                Some([drive.as_os_str().as_bytes(), b"/", path].concat())
            }
        };
        let below = below.into_iter();
        below
            .filter_map(|(path, found)| Some((original(path)?, found)))
            .collect()
    }

    /// What was said, with paths as the system around Wine writes them.
    pub fn as_here(&self, text: &str) -> String {
        match self.machine.is_windows() {
            false => text.to_owned(),
            true => {
                let drive = format!("{}/", self.machine.drive().display());
                text.replace('\\', "/").replace("C:/", &drive)
            }
        }
    }

    /// A path as the program's system says it.
    pub fn said(&self, path: &Path) -> String {
        self.machine.profile.said(path)
    }
}
